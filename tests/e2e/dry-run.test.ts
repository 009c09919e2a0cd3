/** `--dry-run` shows the request and sends nothing; its curl command does what the program does. */

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { SandboxVersion } from "../../lib/sandbox/index.ts";
import { type Ended, start } from "./binary.ts";
import { assertExit, assertFails, describeRun, openScenario, type Scenario, SLOW } from "./scenario.ts";

const SECRET = "given-secret-0123456789";

async function fill(
  scenario: Scenario,
  as: SandboxVersion,
  client: Readonly<Record<string, unknown>>,
): Promise<string> {
  const path = as.startsWith("1.") ? "/clients" : "/admin/clients";
  const answer = await fetch(`${scenario.sandbox.url}${path}`, { method: "POST", body: JSON.stringify(client) });
  assert.equal(answer.status, 201);
  return String(scenario.sandbox.clients().at(-1)?.["client_id"]);
}

/** Runs printed lines in a real shell, with secrets put back. */
async function pasted(lines: string, secret: string): Promise<Ended> {
  return start("/bin/sh", ["-ec", lines.replaceAll(/^curl /gm, "curl --silent --fail-with-body ")], {
    env: { CLIENT_SECRET: secret },
  }).ended;
}

const CREATE_JOB = ["clients", "create", "-g", "client_credentials"];

const CLIENT = {
  client_name: 'it\'s "one" $(x) ☃',
  redirect_uris: ["https://a.example/cb?x='1'&y=2"],
  client_secret: "first-secret-012345",
};

describe("--dry-run", () => {
  it("sends nothing, or only reads the client that would change", SLOW, async () => {
    await using scenario = await openScenario();
    const id = await fill(scenario, "26", CLIENT);
    const file = join(scenario.home, "clients.json");
    writeFileSync(
      file,
      JSON.stringify([{ client_name: "a" }, { client_name: "b", token_endpoint_auth_method: "none" }]),
    );
    const before = JSON.stringify(scenario.sandbox.clients());
    const commands: readonly (readonly [args: readonly string[], methods: readonly string[]])[] = [
      [["clients", "create", "-c", "http://localhost/"], []],
      [["clients", "create", "--id", "x", "-c", "http://localhost/", "--if-exists", "update"], []],
      [["create", "client", "--redirect-uri", "http://localhost/", "--skip-consent"], []],
      [["clients", "import", file], []],
      [["clients", "delete", id, "other"], []],
      [["clients", "update", id, "-n", "x"], ["GET"]],
      [["clients", "update", id, "-n", "x", "--replace", "-c", "http://localhost/"], ["GET"]],
      [["clients", "rotate-secret", id], ["GET"]],
      [["clients", "rotate-secret", id, "--drop-old-secrets"], []],
    ];
    for (const [args, methods] of commands) {
      for (const way of ["--dry-run", "--dry-run=json", "--dry-run=curl"]) {
        const seen = scenario.proxy.seen.length;
        const ended = await scenario.run([...args, way]);
        assertExit(ended, 0);
        assert.deepEqual(
          scenario.proxy.seen.slice(seen).map(({ method }) => method),
          methods,
          describeRun(ended),
        );
        if (args.includes("--if-exists"))
          assert.match(ended.stderr, /^If the client exists, it would be updated instead$/m);
        assert.match(ended.stderr, methods.length === 0 ? /^Dry run, nothing sent/m : /^Dry run: the client was read/m);
        if (way.endsWith("curl")) assert.match(ended.stdout, /^(curl --request (POST|PATCH|PUT|DELETE) .*\n)+$/);
        else assert.ok(["POST", "PATCH", "PUT", "DELETE"].includes([JSON.parse(ended.stdout)].flat()[0].method));
      }
    }
    assert.equal(JSON.stringify(scenario.sandbox.clients()), before);
    assert.deepEqual(scenario.recoveryCopies(), []);
  });

  it("of a withdrawal of old secrets shows the path of the server's family, and none where no server keeps any", async () => {
    await using scenario = await openScenario();
    const args = ["clients", "rotate-secret", "a/b", "--drop-old-secrets", "--dry-run=curl"];
    const shown = await scenario.run([...args, "--api", "v2"]);
    assertExit(shown, 0);
    assert.match(shown.stdout, /\/admin\/clients\/a%2Fb\/secrets\/rotate/);
    const refused = await scenario.run([...args, "--api", "v1"]);
    assertExit(refused, 1);
    assert.equal(refused.stdout, "");
    assert.match(refused.stderr, /this server never keeps them/);
    assert.deepEqual(scenario.proxy.seen, []);
  });

  it("shows the request that is then sent", SLOW, async () => {
    for (const [as, api] of [
      ["26", "v2"],
      ["1.11", "v1"],
    ] as const) {
      await using scenario = await openScenario(as);
      const id = await fill(scenario, as, { ...CLIENT, metadata: { a: { b: 1 } } });
      const file = join(scenario.home, "clients.ndjson");
      writeFileSync(file, '{"client_id":"i-1","owner":"o"}\n{"client_id":"i-2","token_endpoint_auth_method":"none"}\n');
      const commands = [
        ["clients", "create", "--id", "x", "-n", "n", "-c", "http://localhost/"],
        ["clients", "update", id, "-n", "after", "--set", "metadata.a.c=2", "--secret-file", "-"],
        ["clients", "import", file, "--concurrency", "1"],
        ["clients", "rotate-secret", id],
        ["clients", "delete", "x", id],
      ];
      for (const args of commands) {
        const options = { stdin: `${SECRET}\n` };
        const shown = await scenario.run([...args, "--dry-run", "--api", api, "--format", "ndjson"], options);
        assertExit(shown, 0);
        const seen = scenario.proxy.seen.length;
        assertExit(await scenario.run([...args, "--api", api], options), 0);
        const sent = scenario.proxy.seen
          .slice(seen)
          .filter(({ method, target }) => method !== "GET" && !target.endsWith("/secrets/rotate"))
          .map(({ method, target, body }) => ({
            method,
            url: `${scenario.url}${target}`,
            ...(body === "" ? {} : { body: redacted(JSON.parse(body)) }),
          }));
        const planned = shown.stdout
          .trimEnd()
          .split("\n")
          .map((line): unknown => JSON.parse(line));
        assert.deepEqual(planned, sent, args.join(" "));
      }
    }
  });

  it("shows no credential in any encoding", SLOW, async () => {
    await using scenario = await openScenario();
    const id = await fill(scenario, "26", CLIENT);
    const hush = ["--access-token", "hush-token", "-H", "X-Key: hush-key"];
    const file = join(scenario.home, "client.json");
    writeFileSync(file, JSON.stringify({ client_secret: "hush-secret-0123456789" }));
    for (const args of [
      ["clients", "create", "--file", file, "-c", "http://localhost/"],
      ["clients", "update", id, "--file", file],
      ["clients", "import", file],
    ]) {
      for (const more of [["--dry-run"], ["--dry-run=curl"], ["--dry-run", "--format", "yaml"], ["--dry-run", "-v"]]) {
        const ended = await scenario.run([...args, ...hush, ...more]);
        assertExit(ended, 0);
        assert.doesNotMatch(ended.stdout + ended.stderr, /hush/, args.join(" "));
        const instead = more.includes("--dry-run=curl") ? `"\${CLIENT_SECRET:?}"` : "(redacted)";
        assert.ok(ended.stdout.includes(instead), describeRun(ended));
      }
    }
  });

  it("still reports what is wrong, and which API version it uses", async () => {
    await using scenario = await openScenario();
    assertFails(await scenario.run(["clients", "create", "--dry-run", "-c", "http://a.example/#x"]), 2, /fragment/);
    assertFails(
      await scenario.run(["clients", "create", "--dry-run=xml"]),
      2,
      /--dry-run "xml" is not one of json or curl/,
    );
    assertFails(
      await scenario.run(["clients", "update", "missing", "-n", "x", "--dry-run"]),
      4,
      /client "missing" not found/,
    );
    const strict = await scenario.run([
      "clients",
      "create",
      "--dry-run",
      "--strict",
      "-g",
      "implicit",
      "-r",
      "token",
      "-c",
      "http://localhost/",
    ]);
    assertFails(strict, 2, /implicit/);
    const old = await scenario.run(["clients", "create", "--dry-run", "-c", "http://localhost/", "--api", "v1"]);
    assert.equal(JSON.parse(old.stdout).url, `${scenario.url}/clients`);
    assert.equal(old.stderr, "Dry run, nothing sent\n");
    const auto = await scenario.run(["clients", "create", "--dry-run", "-c", "http://localhost/"]);
    assert.equal(JSON.parse(auto.stdout).url, `${scenario.url}/admin/clients`);
    assert.match(auto.stderr, /Paths are for Hydra 2\.x; use --api v1 for 1\.x/);
    assert.equal(scenario.proxy.seen.length, 1);
  });

  it("reports that an update would change nothing", async () => {
    await using scenario = await openScenario();
    const id = await fill(scenario, "26", CLIENT);
    const ended = await scenario.run(["clients", "update", id, "-n", CLIENT.client_name, "--dry-run"]);
    assertExit(ended, 0);
    assert.equal(ended.stdout, "[]\n");
    assert.match(ended.stderr, /is already up to date/);
  });
});

describe("a --dry-run=curl command, with secrets filled in,", () => {
  it("has the same effect in a shell as the command", SLOW, async () => {
    for (const as of ["26", "2.3", "1.11"] as const) {
      const api = as.startsWith("1.") ? "v1" : "v2";
      await using scenario = await openScenario(as);
      async function lines(args: readonly string[]): Promise<string> {
        const ended = await scenario.run([...args, "--dry-run=curl", "--api", api], { stdin: `${SECRET}\n` });
        assertExit(ended, 0);
        return ended.stdout;
      }
      const hard = [
        "-n",
        CLIENT.client_name,
        "-c",
        `"${CLIENT.redirect_uris[0]}"`,
        "--metadata",
        '{"k\'\\"\\n":"\\u0007"}',
      ];
      const made = await pasted(
        await lines(["clients", "create", "--id", "hard id (1)", ...hard, "--secret-file", "-"]),
        SECRET,
      );
      assertExit(made, 0);
      const [client] = scenario.sandbox.clients();
      assert.equal(client?.["client_id"], "hard id (1)");
      assert.equal(client["client_name"], CLIENT.client_name);
      assert.deepEqual(client["redirect_uris"], CLIENT.redirect_uris);
      assert.deepEqual(client["metadata"], { "k'\"\n": "\u0007" });
      assert.equal(scenario.sandbox.secretOf("hard id (1)"), SECRET);

      const named = ["clients", "update", "hard id (1)", "-n", "af'ter", "--add-callback", "https://a.example/'2'"];
      assertExit(await pasted(await lines(named), ""), 0);
      const [changed] = scenario.sandbox.clients();
      assert.equal(changed?.["client_name"], "af'ter");
      assert.deepEqual(changed["redirect_uris"], [...CLIENT.redirect_uris, "https://a.example/'2'"]);
      assert.deepEqual(changed["metadata"], client["metadata"]);
      assert.equal(scenario.sandbox.secretOf("hard id (1)"), SECRET);

      assertExit(await pasted(await lines(["clients", "rotate-secret", "hard id (1)"]), "rotated-secret-012345"), 0);
      assert.equal(scenario.sandbox.secretOf("hard id (1)"), "rotated-secret-012345");
      assert.equal(scenario.sandbox.clients()[0]?.["client_name"], "af'ter");

      const file = join(scenario.home, "clients.json");
      writeFileSync(file, JSON.stringify([{ client_id: "i-1", scope: "a 'b'" }, { client_id: "i-2" }]));
      assertExit(await pasted(await lines(["clients", "import", file]), SECRET), 0);
      assert.equal(scenario.sandbox.clients().length, 3);
      assert.equal(scenario.sandbox.secretOf("i-2"), SECRET);

      assertExit(await pasted(await lines(["clients", "delete", "hard id (1)", "i-1", "i-2"]), ""), 0);
      assert.deepEqual(scenario.sandbox.clients(), []);
    }
  });

  it("has a variable only in place of a credential, whatever other values contain", SLOW, async () => {
    await using scenario = await openScenario();
    const name = "\ue000any_variable\ue000";
    const ended = await scenario.run([...CREATE_JOB, "-n", name, "--dry-run=curl"]);
    assertExit(ended, 0);
    assert.ok(ended.stdout.includes(`"client_name":"${name}"`), describeRun(ended));
    assert.deepEqual(ended.stdout.match(/\$\{\w+/g), [`\${CLIENT_SECRET`]);
  });

  it("is not run by a shell before its credentials are set", async () => {
    await using scenario = await openScenario();
    const ended = await scenario.run(["clients", "create", "-g", "client_credentials", "--dry-run=curl"]);
    assertExit(ended, 0);
    const { status, stderr } = await start("/bin/sh", ["-c", ended.stdout]).ended;
    assert.notEqual(status, 0);
    assert.match(stderr, /CLIENT_SECRET/);
    assert.deepEqual(scenario.sandbox.clients(), []);
  });

  it("reaches the server as the command would", async () => {
    await using scenario = await openScenario();
    const ended = await scenario.run([
      ...["clients", "delete", "x", "--dry-run=curl", "--fake-tls-termination", "--skip-tls-verify"],
      ...["--endpoint", "https://127.0.0.1:1"],
    ]);
    assertExit(ended, 0);
    assert.equal(
      ended.stdout,
      "curl --request DELETE --insecure --header 'x-forwarded-proto: https' https://127.0.0.1:1/admin/clients/x\n",
    );
  });

  it("is empty if nothing would change", async () => {
    await using scenario = await openScenario();
    const id = await fill(scenario, "26", CLIENT);
    for (const [way, stdout] of [
      ["json", "[]\n"],
      ["curl", ""],
    ] as const) {
      const ended = await scenario.run(["clients", "update", id, "-n", CLIENT.client_name, `--dry-run=${way}`]);
      assertExit(ended, 0);
      assert.equal(ended.stdout, stdout);
    }
  });

  it("contains the headers and the socket", async () => {
    await using scenario = await openScenario();
    const ended = await scenario.run([
      ...["clients", "delete", "x", "--dry-run=curl", "-H", "X-Key: hush", "--access-token", "hush", "--api", "v2"],
      ...["--endpoint", "unix:///tmp/a b.sock"],
    ]);
    assertExit(ended, 0);
    assert.equal(
      ended.stdout,
      `curl --request DELETE --unix-socket '/tmp/a b.sock' --header 'x-key: '"\${HEADER_X_KEY:?}" --header 'authorization: '"\${HEADER_AUTHORIZATION:?}" http://localhost/admin/clients/x\n`,
    );
  });
});

/** A body without its credentials, as they are looked for here. */
function redacted(body: unknown): unknown {
  const text = JSON.stringify(body)
    .replace(/"client_secret":"[^"]*"/g, '"client_secret":"(redacted)"')
    .replace(/("path":"\/client_secret","value":)"[^"]*"/g, '$1"(redacted)"');
  return JSON.parse(text);
}
