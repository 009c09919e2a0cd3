/** Clients that change their stack, IDs that a server can't look up, and files without clients. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import { withStateSetup } from "./state-setup.ts";

const client = (id: string): string =>
  `client_id: ${id}\nscope: a\ntoken_endpoint_auth_method: none\nredirect_uris: [http://127.0.0.1/cb]\n`;

test("a client moves to another stack with --adopt-from, and the old stack no longer prunes it", () =>
  withStateSetup("26", async (bench) => {
    bench.write({ "a/mv.yaml": client("mv"), "a/stays.yaml": client("stays"), "b/mv.yaml": client("mv") });
    const apply = (name: string, ...flags: readonly string[]): ReturnType<typeof bench.run> =>
      bench.run(["apply", join(bench.folder, name), "--stack", name, ...flags]);
    assert.equal((await apply("a")).status, 0);
    const refused = await apply("b");
    assert.equal(refused.status, 5);
    assert.match(refused.stderr, /add --adopt-from a once, before it leaves the files of that stack/);
    const shown = await bench.run(["diff", join(bench.folder, "b"), "--stack", "b", "--adopt-from", "a"]);
    assert.match(shown.stdout, /taken over from stack "a"\n/);
    const moved = await apply("b", "--adopt-from", "a");
    assert.equal(moved.status, 0, moved.stderr);
    assert.match(moved.stdout, /Took over OAuth 2\.0 Client mv/);
    bench.write({ "a/mv.yaml": "" });
    const pruned = await apply("a", "--prune");
    assert.equal(pruned.status, 0, pruned.stderr);
    assert.equal((await bench.ask("GET", "mv"))["client_id"], "mv");
    assert.match((await bench.run(["diff", join(bench.folder, "b"), "--stack", "b"])).stdout, /1 unchanged/);
  }));

test("clients whose secrets don't reach their file are not summed up as created", () =>
  withStateSetup("26", async (bench) => {
    bench.write({
      "c/x.yaml": client("one"),
      "c/y.yaml": "client_id: two\nscope: a\ngrant_types: [client_credentials]\n",
    });
    const args = ["apply", join(bench.folder, "c"), "--secret-out", join(bench.folder, "out.json")];
    const played = await bench.run(args, { onStdout: () => bench.write({ "out.json": "{}" }) });
    assert.equal(played.status, 8, played.stderr);
    assert.match(played.stderr, /client "two" was deleted again/);
    assert.match(played.stderr, /Apply: 1 created, 1 failed/);
  }));

test("with --merge, a file that doesn't say so does not end the protection of its client", () =>
  withStateSetup("26", async (bench) => {
    const apply = async (settings: string, ...flags: readonly string[]): Promise<unknown> => {
      bench.write({ "c/x.yaml": `${client("one")}${settings}` });
      assert.equal((await bench.run(["apply", join(bench.folder, "c"), ...flags])).status, 0);
      const { metadata } = await bench.ask("GET", "one");
      return metadata;
    };
    const mark = { stack: "default", key: "one" };
    const isProtected = { "hydra.apply": { ...mark, protect: true } };
    assert.deepEqual(await apply("x-hydra: {protect: true}\n"), isProtected);
    assert.deepEqual(await apply("client_name: One\n", "--merge"), isProtected);
    assert.deepEqual(await apply("x-hydra: {protect: false}\n", "--merge"), { "hydra.apply": mark });
    assert.deepEqual(await apply("x-hydra: {protect: true}\n"), isProtected);
    assert.deepEqual(await apply(""), { "hydra.apply": mark });
  }));

test("hints quote names and IDs with spaces for a shell", () =>
  withStateSetup("26", async (bench) => {
    bench.write({ "c/x.yaml": client("my app") });
    assert.equal((await bench.run(["apply", join(bench.folder, "c"), "--stack", "my stack"])).status, 0);
    const refused = await bench.run(["apply", join(bench.folder, "c"), "--stack", "b"]);
    assert.match(refused.stderr, /add --adopt-from 'my stack' once/);
    const flags = ["--token-endpoint-auth-method", "client_secret_basic"];
    const updated = await bench.run(["clients", "update", "my app", ...flags]);
    assert.match(updated.stderr, /generate one: hydra clients rotate-secret 'my app'/);
  }));

describe("new metadata without the mark, which takes the client out of its stack, is reported", () => {
  const metadata = '{"team":"x"}';
  for (const [name, command] of [
    ["update", ["update", "one", "--metadata", metadata]],
    ["create", ["create", "--id", "one", "-c", "http://127.0.0.1/cb", "--metadata", metadata, "--if-exists", "update"]],
    ["import", ["import", "IMPORTED", "--if-exists", "update"]],
  ] as const)
    test(`by ${name}`, () =>
      withStateSetup("26", async (bench) => {
        bench.write({ "c/x.yaml": client("one"), "i.json": `{"client_id":"one","metadata":${metadata}}` });
        assert.equal((await bench.run(["apply", join(bench.folder, "c")])).status, 0);
        const words = command.map((word) => (word === "IMPORTED" ? join(bench.folder, "i.json") : word));
        const played = await bench.run(["clients", ...words]);
        assert.equal(played.status, 0, played.stderr);
        assert.match(played.stderr, /client "one" leaves stack "default"/);
      }));
});

describe("an ID with a slash that the server can't look up", () => {
  for (const command of ["diff", "apply"])
    test(`is rejected by ${command}, with its place`, () =>
      withStateSetup("2.3", async (bench) => {
        bench.write({ "c/x.yaml": `# comment\n${client("team/app")}` });
        const played = await bench.run([command, join(bench.folder, "c")]);
        assert.equal(played.status, 2, played.stdout);
        assert.match(played.stderr, /x\.yaml:2:1: client "team\/app": its ID contains a slash, which this server/);
        if (command === "diff") assert.match(played.stdout, /1 refused/);
        assert.deepEqual(bench.writes(), []);
      }));
});

test("a file without clients does not hide the stack's clients", () =>
  withStateSetup("26", async (bench) => {
    bench.write({ "c/x.yaml": client("one") });
    assert.equal((await bench.run(["apply", join(bench.folder, "c")])).status, 0);
    bench.write({ "c/x.yaml": "" });
    const path = join(bench.folder, "c/x.yaml");
    const played = await bench.run(["diff", path]);
    assert.match(played.stdout + played.stderr, /1 client of stack "default" is in no file/);
    const alarm = await bench.run(["diff", path, "--exit-code"]);
    assert.equal(alarm.status, 2);
    assert.match(alarm.stderr, /No client is in the file, so there is nothing to compare/);
    assert.equal((await bench.run(["diff", path, "--exit-code", "--allow-empty"])).status, 0);
  }));

test("diff -q prints the IDs of the clients that differ", () =>
  withStateSetup("26", async (bench) => {
    bench.write({ "c/x.yaml": client("one"), "c/y.yaml": client("two") });
    assert.equal((await bench.run(["diff", join(bench.folder, "c"), "-q"])).stdout, "one\ntwo\n");
    assert.equal((await bench.run(["apply", join(bench.folder, "c")])).status, 0);
    assert.equal((await bench.run(["diff", join(bench.folder, "c"), "-q"])).stdout.trim(), "");
  }));

test("keys that can't be file names are reported as such", () =>
  withStateSetup("26", async (bench) => {
    const secret = (key: string): string => `scope: a\ngrant_types: [client_credentials]\nx-hydra: {key: ${key}}\n`;
    const run = (): ReturnType<typeof bench.run> =>
      bench.run(["apply", join(bench.folder, "c"), "--secret-out", join(bench.folder, "out")]);
    bench.write({ "c/x.yaml": secret("a_b"), "c/y.yaml": secret("A_B") });
    const twice = await run();
    assert.equal(twice.status, 2);
    assert.match(
      twice.stderr,
      /Keys "a_b" and "A_B" have the same file "a_b\.env"\nHint: give one of them another x-hydra/,
    );
    bench.write({ "c/x.yaml": secret("k".repeat(300)), "c/y.yaml": "" });
    const long = await run();
    assert.equal(long.status, 2);
    assert.match(long.stderr, /^Error: Key "k+…" is too long .*\nHint: give the client a shorter x-hydra\.key$/m);
    assert.doesNotMatch(long.stderr, /ENAMETOOLONG/);
  }));
