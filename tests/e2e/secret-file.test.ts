import assert from "node:assert/strict";
import { mkdirSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { temporaryFolder } from "./binary.ts";
import { assertExit, assertFails, describeRun, openScenario, SLOW } from "./scenario.ts";

const CREATE = ["clients", "create", "-g", "client_credentials", "-r", "token"];

describe("a secret file whose folder changes while the client is created", () => {
  it("leaves no draft when the folder is swapped for another", SLOW, async () => {
    using folder = temporaryFolder();
    const before = join(folder.path, "before");
    const moved = join(folder.path, "moved");
    mkdirSync(before);
    await using scenario = await openScenario("26", (exchange) =>
      exchange.method === "POST"
        ? async () => {
            renameSync(before, moved);
            mkdirSync(before);
            exchange.reply(await exchange.pass());
          }
        : undefined,
    );
    const ended = await scenario.run([...CREATE, "--secret-out", join(before, "out.env")]);
    assertFails(ended, 1, /^Error: Cannot deliver the credentials: .* was deleted again$/);
    assert.deepEqual([readdirSync(before), readdirSync(moved)], [[], []], describeRun(ended));
    assert.deepEqual([scenario.sandbox.clients(), scenario.recoveryCopies()], [[], []]);
  });

  it("never replaces a file that appears under its name", SLOW, async () => {
    using folder = temporaryFolder();
    const out = join(folder.path, "out.env");
    await using scenario = await openScenario("26", (exchange) =>
      exchange.method === "POST"
        ? async () => {
            writeFileSync(out, "mine");
            exchange.reply(await exchange.pass());
          }
        : undefined,
    );
    const ended = await scenario.run([...CREATE, "--secret-out", out]);
    assertFails(ended, 1, /was deleted again$/);
    assert.deepEqual(readdirSync(folder.path), ["out.env"]);
    assert.deepEqual([scenario.sandbox.clients(), scenario.recoveryCopies()], [[], []]);
  });
});

describe("with a secret file, the output has no registration access token either", () => {
  for (const [name, stdin, args] of [
    ["create", "", CREATE],
    ["create of a public client", "", ["clients", "create", "--token-endpoint-auth-method", "none", "-c", "a:/b"]],
    ["import", '{"grant_types":["client_credentials"]}', ["clients", "import"]],
  ] as const)
    it(name, SLOW, async () => {
      using folder = temporaryFolder();
      await using scenario = await openScenario("26");
      const shown = async (...flags: readonly string[]): Promise<string> => {
        const ended = await scenario.run([...args, "--format", "ndjson", ...flags], { stdin });
        assertExit(ended, 0);
        return ended.stdout;
      };
      assert.match(await shown(), /"registration_access_token":"/);
      const hidden = await shown("--secret-out", join(folder.path, name === "import" ? "{id}.env" : "out.env"));
      assert.match(hidden, /"client_id":"/);
      assert.doesNotMatch(hidden, /registration_access_token/);
    });
});
