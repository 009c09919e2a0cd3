import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { temporaryFolder } from "./binary.ts";
import { assertExit, assertFails, openScenario } from "./scenario.ts";

describe("the old name of a flag works like the new one", () => {
  it("--on-conflict of --if-exists", async () => {
    await using scenario = await openScenario();
    assertExit(await scenario.run(["clients", "create", "--id", "a", "-n", "before"]), 0);
    const outcomes: unknown[] = [];
    for (const flag of ["--on-conflict", "--if-exists"])
      for (const policy of ["skip", "update"]) {
        const stdin = `{"client_id":"a","client_name":"${flag}"}`;
        const ended = await scenario.run(["clients", "import", flag, policy, "--format", "ndjson"], { stdin });
        assertExit(ended, 0);
        outcomes.push([JSON.parse(ended.stdout).outcome, scenario.sandbox.clients()[0]?.["client_name"]]);
      }
    assert.deepEqual(outcomes, [
      ["skipped", "before"],
      ["updated", "--on-conflict"],
      ["skipped", "--on-conflict"],
      ["updated", "--if-exists"],
    ]);
  });

  it("--id-key and --secret-key of --id-field and --secret-field", async () => {
    using folder = temporaryFolder();
    await using scenario = await openScenario();
    for (const [id, names] of [
      ["old", ["--id-key", "APP_ID", "--secret-key", "APP_SECRET"]],
      ["new", ["--id-field", "APP_ID", "--secret-field", "APP_SECRET"]],
    ] as const) {
      const file = join(folder.path, id);
      assertExit(await scenario.run(["clients", "create", "--id", id, "--secret-out", file, ...names]), 0);
      // A random secret that begins with ~ is quoted.
      const text = readFileSync(file, "utf8").replaceAll("'", "");
      assert.equal(text, `APP_ID=${id}\nAPP_SECRET=${scenario.sandbox.secretOf(id)}\n`);
    }
  });

  it("--finish of --drop-old-secrets", async () => {
    await using scenario = await openScenario("next");
    for (const [id, flag] of [
      ["old", "--finish"],
      ["new", "--drop-old-secrets"],
    ] as const) {
      assertExit(await scenario.run(["clients", "create", "--id", id]), 0);
      assertExit(await scenario.run(["clients", "rotate-secret", id]), 0);
      assert.equal(scenario.sandbox.secretsOf(id).length, 2);
      assertExit(await scenario.run(["clients", "rotate-secret", id, flag]), 0);
      assert.equal(scenario.sandbox.secretsOf(id).length, 1);
    }
    const both = await scenario.run(["clients", "rotate-secret", "old", "--finish", "--secret-length", "40"]);
    assertFails(both, 2, /^Error: --finish generates no secret, so it excludes --secret-length$/);
  });
});
