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

describe("a secret's file and Kubernetes Secret", () => {
  it("must have names that fit the client, and no placeholder that isn't replaced", SLOW, async () => {
    await using scenario = await openScenario();
    const long = "a".repeat(248);
    const before = scenario.proxy.seen.length;
    const name = ["--secret-name", "{id}-oauth", "--format", "k8s-secret"];
    const tooLong = /is too long for --secret-name "\{id\}-oauth"/;
    assertFails(await scenario.run([...CREATE, "--id", long, ...name]), 2, tooLong);
    const rotate = ["clients", "rotate-secret", long];
    assertFails(await scenario.run([...rotate, ...name]), 2, tooLong);
    assertFails(await scenario.run([...rotate, "--secret-out", "s.yaml", ...name.slice(0, 2)]), 2, tooLong);
    const generated = [...CREATE, "--secret-name", `${"a".repeat(230)}-{id}`, "--format", "k8s-secret"];
    assertFails(await scenario.run(generated), 2, /^Error: A generated client ID is too long for --secret-name/m);
    for (const args of [
      ["--if-exists", "skip", "--id", "a", "--secret-out", "{id}.env"],
      ["--secret-out", "b-{id}.env"],
    ])
      assertFails(await scenario.run([...CREATE, ...args]), 2, /has \{id\}, which only clients import replaces/);
    assert.equal(scenario.proxy.seen.length, before);
    assertExit(await scenario.run([...CREATE, "--id", "a".repeat(247), ...name]), 0);
  });
});

describe("a chosen ID in clients import --dry-run", () => {
  it("fails on a server that chooses the IDs, as the import itself does", SLOW, async () => {
    await using scenario = await openScenario("2.1");
    assertExit(await scenario.run(CREATE), 0);
    const stdin = '[{"client_id":"web","grant_types":["client_credentials"]},{"grant_types":["client_credentials"]}]';
    const ended = await scenario.run(["clients", "import", "--dry-run"], { stdin });
    assertExit(ended, 8);
    assert.match(ended.stderr, /client 1: Cannot create client: this server does not accept a chosen client ID$/m);
    assert.match(ended.stderr, /^Import: 1 would be created, 1 would fail$/m);
    assert.equal(scenario.sandbox.clients().length, 1);
  });
});

describe("a control character in a client ID", () => {
  it("is a warning", SLOW, async () => {
    await using scenario = await openScenario();
    const ended = await scenario.run([...CREATE, "--id", "a\rb"]);
    assertExit(ended, 0);
    assert.match(
      ended.stderr,
      /^Warning: --id "a\\rb" contains a control character \[credential-outer-space\]: remove it$/m,
    );
  });

  it("reaches delete through a pipe", SLOW, async () => {
    await using scenario = await openScenario();
    for (const id of ["a\u001bb", "\u200fc"]) assertExit(await scenario.run([...CREATE, "--id", id]), 0);
    const listed = await scenario.run(["clients", "list", "-q"]);
    assertExit(await scenario.run(["clients", "delete", "-"], { stdin: listed.stdout }), 0);
    assert.deepEqual(scenario.sandbox.clients(), []);
  });
});
