/** Client IDs that look like something else, and flags that contradict each other. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { assertExit, assertFails, openScenario, SLOW } from "./scenario.ts";

const CREATE = ["clients", "create", "-g", "client_credentials"];

describe("a client ID that begins with a hyphen", () => {
  it("is shown in hints as a command that works", SLOW, async () => {
    await using scenario = await openScenario();
    const pub = ["--token-endpoint-auth-method", "none", "-c", "http://127.0.0.1/cb"];
    assertExit(await scenario.run(["clients", "create", "--id", "-web", ...pub]), 0);
    const refused = await scenario.run(["clients", "rotate-secret", "--", "-web"]);
    assertFails(refused, 1, /public client/);
    const [, shown = ""] = /hydra (clients get .*)$/m.exec(refused.stderr) ?? [];
    assert.equal(shown, "clients get -- -web");
    assertExit(await scenario.run(shown.split(" ")), 0);
  });
});

describe("--set together with the flag of the same field", () => {
  it("is rejected with both names, and nothing is sent", SLOW, async () => {
    await using scenario = await openScenario();
    const before = scenario.proxy.seen.length;
    const cases: readonly (readonly [args: readonly string[], message: RegExp])[] = [
      [["-n", "a", "--set", 'client_name="b"'], /^Error: -n and --set client_name cannot be used together$/m],
      [["--id", "a", "--set", 'client_id="b"'], /^Error: --id and --set client_id cannot/m],
      [
        ["--secret", "secret-a", "--set", 'client_secret="secret-b"'],
        /^Error: --secret and --set client_secret cannot/m,
      ],
      [
        ["--secret-file", "-", "--set", 'client_secret="secret-b"'],
        /^Error: --secret-file and --set client_secret cannot/m,
      ],
    ];
    for (const [args, message] of cases)
      assertFails(await scenario.run([...CREATE, ...args], { stdin: "secret-a" }), 2, message);
    assert.equal(scenario.proxy.seen.length, before);
    assertExit(await scenario.run([...CREATE, "--metadata", '{"a":1}', "--set", "metadata.b=2"]), 0);
  });
});
