import assert from "node:assert/strict";
import { it } from "node:test";
import { createStdinPrompter } from "../../../lib/adapters/host/stdin-prompter.ts";

it("a hidden question that can't be written leaves the terminal as it was", async (t) => {
  const modes: boolean[] = [];
  const { stdin } = process;
  const before = Object.getOwnPropertyDescriptors(stdin);
  t.after(() => {
    for (const name of ["isTTY", "setRawMode"] as const) {
      if (before[name] === undefined) Reflect.deleteProperty(stdin, name);
      else Object.defineProperty(stdin, name, before[name]);
    }
  });
  Object.defineProperty(stdin, "isTTY", { value: true, configurable: true });
  Object.defineProperty(stdin, "setRawMode", { value: (mode: boolean) => modes.push(mode), configurable: true });
  const ask = createStdinPrompter({ write: () => Promise.reject(new Error("the terminal is gone")) });
  await assert.rejects(ask("Client secret: ", true), /the terminal is gone/);
  assert.deepEqual(modes, [true, false]);
});
