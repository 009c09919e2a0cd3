import assert from "node:assert/strict";
import { test } from "node:test";
import { listCommands } from "../../lib/app/help-page.ts";
import type { Group } from "../../lib/command.ts";

test("a list of commands loads none whose summary is known, and none that doesn't begin with the letters", async () => {
  const tree: Group = {
    subCommands: {
      apply: Object.assign(() => assert.fail("it is loaded"), { summary: "Apply" }),
      create: () => assert.fail("it is loaded"),
    },
    group: { summary: "", syntax: "1.x", aliases: {} },
  };
  assert.deepEqual(await listCommands(tree, "a"), [["apply", "Apply"]]);
  await assert.rejects(listCommands(tree, "c"), /it is loaded/);
});
