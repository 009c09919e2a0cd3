/** A second `apply` with the same place for secrets: it goes on where the first one ended, and loses none. */

import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { after, describe, test } from "node:test";
import { createSecretTargets } from "../../lib/adapters/secret-target.ts";
import { Problem } from "../../lib/core/problem.ts";
import type { SandboxVersion } from "../../lib/sandbox/index.ts";
import { openGpg } from "../adapters/gpg.ts";
import { dotenvValue } from "../dotenv-value.ts";
import { jsonObject, type StateSetup, withStateSetup } from "./state-setup.ts";

const client = (id: string, more = ""): string =>
  `client_id: ${id}\ngrant_types: [client_credentials]\nscope: a\n${more}`;

async function applyTo(bench: StateSetup, out: string, ...flags: readonly string[]): ReturnType<StateSetup["run"]> {
  const args = ["apply", join(bench.folder, "clients"), "--stack", "prod", "--secret-out", join(bench.folder, out)];
  return bench.run([...args, "--rescue-dir", join(bench.folder, "copies"), ...flags]);
}

function isKeyOf<T extends object>(object: T, key: PropertyKey): key is keyof T {
  return Object.hasOwn(object, key);
}

/** A server, and a folder for recovery copies. */
function withCopies(work: (bench: StateSetup) => Promise<void>, as: SandboxVersion = "26"): Promise<void> {
  return withStateSetup(as, (bench) => {
    bench.write({ "copies/keep": "" });
    return work(bench);
  });
}

/** What each format writes into one file, and the IDs that are in it. */
const FORMATS = {
  "s.env": (text: string) => [...text.matchAll(/_CLIENT_ID=(\S+)/g)].map(([, id]) => id),
  "s.json": (text: string) => Object.keys(jsonObject(text)),
  "s.yaml": (text: string) =>
    [...text.matchAll(/"CLIENT_ID": "(.*)"/g)].map(([, id = ""]) => Buffer.from(id, "base64").toString()),
} as const;

describe("one file for all secrets", () => {
  for (const [name, idsIn] of Object.entries(FORMATS))
    test(`${name} keeps its entries in the next run, and gets the new ones`, () =>
      withCopies(async (bench) => {
        bench.write({ "clients/a.yaml": client("one") });
        assert.equal((await applyTo(bench, name)).status, 0);
        const path = join(bench.folder, name);
        const first = readFileSync(path, "utf8");
        chmodSync(path, 0o644);
        bench.write({ "clients/b.yaml": client("two") });
        const again = await applyTo(bench, name);
        assert.equal(again.status, 0, again.stderr);
        const text = readFileSync(path, "utf8");
        assert.deepEqual(idsIn(text), ["one", "two"]);
        if (name !== "s.json") assert.ok(text.startsWith(first), text);
        assert.equal(statSync(path).mode & 0o777, 0o600);
        // A third run has nothing to write.
        assert.equal((await applyTo(bench, name)).status, 0);
        assert.equal(readFileSync(path, "utf8"), text);
      }));

  test("that contains something else is not changed", () =>
    withCopies(async (bench) => {
      bench.write({ "clients/a.yaml": client("one") });
      const contents = {
        "a.env": "export A=1; rm -rf x\n",
        "a.json": '{"one": "text"}',
        "b.json": '// comment\n{"two": {"client_id": "two"}}',
        "a.yaml": "kind: ConfigMap\nmetadata: {name: a}\n",
        "b.yaml": "kind: Secret\n  metadata: [\n",
      };
      bench.write(contents);
      for (const [name, text] of Object.entries(contents)) {
        const played = await applyTo(bench, name);
        assert.equal(played.status, 2, name);
        assert.match(played.stderr, /already exists, and does not contain /);
        assert.doesNotMatch(played.stderr, /remove|delete/);
        assert.equal(readFileSync(join(bench.folder, name), "utf8"), text);
      }
      symlinkSync("b.json", join(bench.folder, "link.json"));
      assert.match((await applyTo(bench, "link.json")).stderr, /already exists and is not overwritten/);
      assert.deepEqual(bench.writes(), []);
    }));

  test("that isn't UTF-8 keeps every byte", () =>
    withCopies(async (bench) => {
      bench.write({ "clients/a.yaml": client("one") });
      const contents = {
        "s.env": Buffer.from("# caf\xe9\nOLD='p\xe4ss'\n", "latin1"),
        "s.json": Buffer.from('{"two": {"client_id": "two", "client_secret": "p\xe4ss"}}\n', "latin1"),
        "s.yaml": Buffer.from("# caf\xe9\nkind: Secret\nmetadata: {name: a}\n", "latin1"),
      };
      for (const [name, bytes] of Object.entries(contents)) {
        const path = join(bench.folder, name);
        writeFileSync(path, bytes);
        const played = await applyTo(bench, name);
        assert.equal(played.status, 2, `${name}: ${played.stderr}`);
        assert.match(played.stderr, /already exists, and does not contain /);
        assert.deepEqual(readFileSync(path), bytes);
      }
      assert.deepEqual(bench.writes(), []);
    }));

  test("never loses a client's credentials that it contains", () =>
    withCopies(async (bench) => {
      bench.write({ "clients/a.yaml": client("one") });
      assert.equal((await applyTo(bench, "s.json")).status, 0);
      const text = readFileSync(join(bench.folder, "s.json"), "utf8");
      await bench.ask("DELETE", "one");
      const again = await applyTo(bench, "s.json");
      assert.equal(again.status, 2);
      assert.match(again.stderr, /"[^"]*s\.json" already has credentials of client "one"/);
      assert.doesNotMatch(again.stderr, /remove|delete/);
      assert.equal(readFileSync(join(bench.folder, "s.json"), "utf8"), text);
    }));
});

/** A recovery copy as a run leaves it that was killed. */
function copyOf(bench: StateSetup, more: Readonly<Record<string, string>>): string {
  const endpoint = bench.url;
  const time = new Date().toISOString();
  const due = { stack: "prod", key: "one", delivery: "due", client_id: "one", client_secret: "left-secret-1234567890" };
  return `${JSON.stringify({ state: "unverified", reason: "r", time, endpoint, ...due, ...more })}\n`;
}

const COPY = "copies/hydra-rescue-import-0.ndjson";

describe("a secret in a recovery copy of an earlier run", () => {
  const gpg = openGpg();
  after(() => gpg.close());
  gpg.quick("Team <team@example.com>", "default", "default");

  async function withClient(
    work: (bench: StateSetup, updatedAt: string) => Promise<void>,
    as?: SandboxVersion,
  ): Promise<void> {
    await withCopies(async (bench) => {
      bench.write({ "clients/a.yaml": client("one") });
      assert.equal((await applyTo(bench, "first")).status, 0);
      const { updated_at: updatedAt } = await bench.ask("GET", "one");
      await work(bench, String(updatedAt));
    }, as);
  }

  for (const [out, file] of [
    ["s.json", "s.json"],
    ["folder", "folder/one.env"],
  ] as const)
    test(`is delivered to its file: ${file}`, () =>
      withClient(async (bench, updatedAt) => {
        bench.write({ [COPY]: copyOf(bench, { state: "made", updated_at: updatedAt }) });
        const planned = await applyTo(bench, out, "--dry-run");
        assert.match(planned.stderr, /1 secret that earlier runs have left would be delivered/);
        const played = await applyTo(bench, out);
        assert.equal(played.status, 0, played.stderr);
        assert.match(played.stdout, /^Delivered the secret of OAuth 2\.0 Client one$/m);
        assert.match(played.stderr, /Apply: 1 delivered from an earlier run, 1 unchanged/);
        assert.doesNotMatch(played.stdout + played.stderr, /left-secret/);
        assert.match(readFileSync(join(bench.folder, file), "utf8"), /left-secret-1234567890/);
        assert.ok(!existsSync(join(bench.folder, COPY)));
      }));

  test("is delivered with a warning if the server's response is unknown", () =>
    withClient(async (bench) => {
      // The last line may be cut short.
      bench.write({ [COPY]: `${copyOf(bench, {})}{"state":"unver` });
      const played = await applyTo(bench, "s.json");
      assert.equal(played.status, 0, played.stderr);
      assert.match(played.stderr, /the secret of client "one" is from an earlier run that ended before the server's/);
      assert.match(readFileSync(join(bench.folder, "s.json"), "utf8"), /left-secret/);
    }));

  test("is not delivered if the response is unknown and the client was changed after its creation", () =>
    withClient(async (bench) => {
      // This server takes the time from the request.
      const aMinuteAgo = new Date(Date.now() - 60_000).toISOString();
      await bench.ask("PUT", "one", { ...(await bench.ask("GET", "one")), created_at: aMinuteAgo });
      bench.write({ [COPY]: copyOf(bench, { time: aMinuteAgo }) });
      const played = await applyTo(bench, "s.json");
      assert.equal(played.status, 1, played.stderr);
      assert.match(played.stderr, /the client was changed since/);
      assert.ok(!existsSync(join(bench.folder, "s.json")));
    }, "1.8"));

  test("is put into its place where the answer to a change of a new client is not known", () =>
    withClient(async (bench) => {
      const aMinuteAgo = new Date(Date.now() - 60_000).toISOString();
      await bench.ask("PUT", "one", { ...(await bench.ask("GET", "one")), created_at: aMinuteAgo });
      bench.write({ [COPY]: copyOf(bench, { request: "change" }) });
      const played = await applyTo(bench, "s.json");
      assert.equal(played.status, 0, played.stderr);
      assert.match(played.stderr, /the secret of client "one" is from an earlier run that ended before the server's/);
      assert.match(readFileSync(join(bench.folder, "s.json"), "utf8"), /left-secret/);
    }, "1.8"));

  test("is put into its place although another client with the same mark is deleted", () =>
    withClient(async (bench, updatedAt) => {
      const { metadata } = await bench.ask("GET", "one");
      await bench.ask("POST", "", { client_id: "later", metadata });
      bench.write({ [COPY]: copyOf(bench, { state: "made", updated_at: updatedAt }) });
      const played = await applyTo(bench, "s.json", "--prune");
      assert.equal(played.status, 0, played.stderr);
      assert.match(played.stderr, /1 delivered from an earlier run, 1 deleted, 1 unchanged/);
      assert.match(readFileSync(join(bench.folder, "s.json"), "utf8"), /left-secret/);
    }));

  test("is not delivered if the client was changed since, and the message names the command for a new one", () =>
    withClient(async (bench) => {
      const old = { state: "made", updated_at: "2020-01-01T00:00:00Z" };
      const text = copyOf(bench, old);
      bench.write({ [COPY]: text });
      const played = await applyTo(bench, "s.json");
      assert.equal(played.status, 1, played.stderr);
      assert.match(played.stderr, /the client was changed since/);
      assert.match(played.stderr, /hydra clients rotate-secret one/);
      assert.ok(!existsSync(join(bench.folder, "s.json")));
      assert.equal(readFileSync(join(bench.folder, COPY), "utf8"), text);
    }));

  for (const [title, flags] of [
    ["there is no place for it", []],
    ["the output format omits it", ["--pgp-key", "@KEY", "-q"]],
    ["an expression selects nothing in the list", ["--pgp-key", "@KEY", "--format", "raw=client_secret_encrypted"]],
    ["its place has other credentials", ["--secret-out", "first"]],
  ] as const)
    test(`keeps its client from being changed if ${title}, so that it can still be delivered`, () =>
      withClient(async (bench, updatedAt) => {
        bench.write({ [COPY]: copyOf(bench, { state: "made", updated_at: updatedAt }) });
        bench.write({ "clients/a.yaml": client("one", "client_name: Changed\n") });
        bench.write({ key: gpg.exported("team@example.com").armored });
        bench.writes();
        const args = flags.map((flag) =>
          flag === "@KEY" ? `@${join(bench.folder, "key")}` : flag === "first" ? join(bench.folder, flag) : flag,
        );
        const place = ["--stack", "prod", "--rescue-dir", join(bench.folder, "copies"), ...args];
        const played = await bench.run(["apply", join(bench.folder, "clients"), ...place]);
        assert.equal(played.status, 1, played.stderr);
        assert.match(played.stderr, /Client "one" is not changed, because its secret .* it is in ".*import-0\.ndjson"/);
        assert.deepEqual(bench.writes(), []);
        const again = await applyTo(bench, "s.json");
        assert.equal(again.status, 0, again.stderr);
        assert.match(readFileSync(join(bench.folder, "s.json"), "utf8"), /left-secret/);
        assert.equal((await bench.ask("GET", "one"))["client_name"], "Changed");
      }));

  /** What each kind of message says to delete, for a file with the secrets of several clients and one with a single secret. */
  for (const [title, updatedAt, flags, hint] of [
    ["waits for a place", undefined, [], /if you don't need it, delete ITS/],
    ["is doubtful", "2020-01-01T00:00:00Z", ["s.json"], /rotate-secret one; then delete ITS/],
    ["is reported only", "2020-01-01T00:00:00Z", [], /; once you have it, or if it is out of date, delete ITS/],
    ["has other credentials in its place", undefined, ["first"], /once you have checked that those work, delete ITS/],
  ] as const)
    test(`that ${title} doesn't make anyone delete the secrets of other clients in the same file`, () =>
      withClient(async (bench, current) => {
        bench.write({ "clients/a.yaml": client("one", "client_name: Changed\n") });
        const own = copyOf(bench, { state: "made", updated_at: updatedAt ?? current });
        const advice = async (path: string, text: string): Promise<string> => {
          bench.write({ [path]: text });
          const place = flags.flatMap((out) => ["--secret-out", join(bench.folder, out)]);
          const shared = ["--stack", "prod", "--rescue-dir", join(bench.folder, "copies"), ...place];
          return (await bench.run(["apply", join(bench.folder, "clients"), ...shared])).stderr;
        };
        const single = await advice("copies/hydra-rescue-one-0.json", own);
        assert.match(single, new RegExp(hint.source.replace("ITS", "(that|the) file")));
        rmSync(join(bench.folder, "copies/hydra-rescue-one-0.json"));
        bench.write({ "clients/a.yaml": client("one", "client_name: Changed again\n") });
        const { updated_at: later } = await bench.ask("GET", "one");
        const line = copyOf(bench, { state: "made", updated_at: updatedAt ?? String(later) });
        const several = await advice(COPY, `${line}${copyOf(bench, { client_id: "two", key: "two" })}`);
        assert.match(
          several,
          new RegExp(hint.source.replace("ITS", "only this client's line, because the file may hold")),
        );
        assert.doesNotMatch(several, /delete (it|(that|the) (file|copy))\b/);
      }));

  test("that no run can deliver any more doesn't keep its client from being changed", () =>
    withClient(async (bench) => {
      bench.write({ [COPY]: copyOf(bench, { state: "made", updated_at: "2020-01-01T00:00:00Z" }) });
      bench.write({ "clients/a.yaml": client("one", "client_name: Changed\n") });
      const played = await bench.run([
        "apply",
        join(bench.folder, "clients"),
        ...["--stack", "prod", "--rescue-dir", join(bench.folder, "copies")],
      ]);
      assert.equal(played.status, 0, played.stderr);
      assert.equal((await bench.ask("GET", "one"))["client_name"], "Changed");
    }));

  test("is checked first with --verify", () =>
    withClient(async (bench, updatedAt) => {
      bench.write({ [COPY]: copyOf(bench, { state: "made", updated_at: updatedAt }) });
      const played = await applyTo(bench, "s.json", "--verify");
      assert.equal(played.status, 1, played.stderr);
      assert.match(played.stderr, /hydra clients rotate-secret one/);
      assert.ok(!existsSync(join(bench.folder, "s.json")));
      // No later run can deliver what the server has rejected, so it does not keep the client from being changed.
      bench.write({ "clients/a.yaml": client("one", "client_name: Changed\n") });
      const changed = await applyTo(bench, "s.json", "--verify");
      assert.equal(changed.status, 1, changed.stderr);
      assert.doesNotMatch(changed.stderr, /is not changed/);
      assert.equal((await bench.ask("GET", "one"))["client_name"], "Changed");
      const secret = dotenvValue(join(bench.folder, "first/one.env"), "CLIENT_SECRET");
      bench.write({ [COPY]: copyOf(bench, { client_secret: secret, time: "2020-01-01T00:00:00Z" }) });
      const right = await applyTo(bench, "s.json", "--verify");
      assert.equal(right.status, 0, right.stderr);
      assert.ok(readFileSync(join(bench.folder, "s.json"), "utf8").includes(secret));
    }));

  test("is not used for another stack, client or server, or if others could have written it", () =>
    withClient(async (bench, updatedAt) => {
      const made = { state: "made", updated_at: updatedAt };
      for (const other of [
        { stack: "other" },
        { client_id: "two" },
        { endpoint: "http://127.0.0.1:1/" },
        { delivery: "off" },
      ]) {
        bench.write({ [COPY]: copyOf(bench, { ...made, ...other }) });
        const played = await applyTo(bench, "s.json");
        assert.equal(played.status, 0, played.stderr);
        assert.ok(!existsSync(join(bench.folder, "s.json")), JSON.stringify(other));
      }
      bench.write({ [COPY]: copyOf(bench, made) });
      chmodSync(join(bench.folder, COPY), 0o666);
      const played = await applyTo(bench, "s.json");
      assert.match(played.stderr, /an earlier run left a secret of client "one"/);
      assert.ok(!existsSync(join(bench.folder, "s.json")));
    }));

  test("is withdrawn when the client gets another one", () =>
    withCopies(async (bench) => {
      bench.write({ "clients/a.yaml": client("one"), [COPY]: copyOf(bench, {}) });
      assert.equal((await applyTo(bench, "s.json")).status, 0);
      assert.match(readFileSync(join(bench.folder, COPY), "utf8"), /"delivery":"off"/);
      const again = await applyTo(bench, "t.json");
      assert.equal(again.status, 0, again.stderr);
      assert.ok(!existsSync(join(bench.folder, "t.json")));
    }));

  for (const [name, command] of [
    ["rotate-secret", ["clients", "rotate-secret", "one"]],
    ["update", ["clients", "update", "one", "--secret", "another-secret-1234567890"]],
    ["create", ["clients", "create", "--id", "one", "--if-exists", "update", "--secret", "another-secret-1234567890"]],
    ["import", ["clients", "import", "IMPORTED", "--if-exists", "update"]],
  ] as const)
    test(`is withdrawn when clients ${name} sets another one`, () =>
      withClient(async (bench) => {
        const other = "copies/hydra-rescue-a.ndjson";
        bench.write({ [COPY]: copyOf(bench, {}), [other]: copyOf(bench, { client_id: "two", key: "two" }) });
        bench.write({ "imported.json": '{"client_id": "one", "client_secret": "another-secret-1234567890"}' });
        const args = command.map((word) => (word === "IMPORTED" ? join(bench.folder, "imported.json") : word));
        const set = await bench.run([...args, "--rescue-dir", join(bench.folder, "copies")]);
        assert.equal(set.status, 0, set.stderr);
        assert.match(readFileSync(join(bench.folder, COPY), "utf8"), /"delivery":"off"/);
        assert.match(readFileSync(join(bench.folder, other), "utf8"), /"delivery":"due"/);
      }));

  const RECREATED = '{"client_id": "one", "grant_types": ["client_credentials"]}';
  for (const [name, isDeletedFirst, command] of [
    ["delete", false, ["clients", "delete", "one"]],
    ["delete --rescue-dir", false, ["clients", "delete", "one", "--rescue-dir", "COPIES"]],
    ["create", true, ["clients", "create", "--id", "one", "-g", "client_credentials"]],
    ["import", true, ["clients", "import", "IMPORTED"]],
    ["import into files", true, ["clients", "import", "IMPORTED", "--secret-out", "OUT"]],
    ["apply --prune", false, ["apply", "OTHERS", "--stack", "prod", "--prune", "--allow-empty"]],
  ] as const)
    test(`is withdrawn once ${name} has deleted its client or created it again`, () =>
      withClient(async (bench) => {
        const other = "copies/hydra-rescue-a.ndjson";
        bench.write({ [COPY]: copyOf(bench, {}), [other]: copyOf(bench, { client_id: "two", key: "two" }) });
        bench.write({ "imported.json": RECREATED, "others/none.yaml": "" });
        if (isDeletedFirst) await bench.ask("DELETE", "one");
        const paths = { IMPORTED: "imported.json", OUT: "{id}.env", OTHERS: "others", COPIES: "copies" };
        const args = command.map((word) => (isKeyOf(paths, word) ? join(bench.folder, paths[word]) : word));
        const isNamed = args.includes("--rescue-dir");
        const environment = isNamed ? {} : { XDG_STATE_HOME: join(bench.folder, "copies") };
        const ended = await bench.run(args, { environment });
        assert.equal(ended.status, 0, ended.stderr);
        assert.match(readFileSync(join(bench.folder, COPY), "utf8"), /"delivery":"off"/);
        assert.match(readFileSync(join(bench.folder, other), "utf8"), /"delivery":"due"/);
      }));

  test("is void when a newer one is delivered or already in place, whatever the names of the copies", async () => {
    for (const [older, newer] of [
      ["copies/hydra-rescue-a.ndjson", "copies/hydra-rescue-b.ndjson"],
      ["copies/hydra-rescue-b.ndjson", "copies/hydra-rescue-a.ndjson"],
    ] as const)
      await withClient(async (bench, updatedAt) => {
        const others = [older, older.replace(/\.ndjson$/, "2.ndjson")];
        const made = { state: "made", updated_at: updatedAt, client_secret: "newer-secret-1234567890" };
        for (const path of others) bench.write({ [path]: copyOf(bench, { time: "2020-01-01T00:00:00Z" }) });
        bench.write({ [newer]: copyOf(bench, made) });
        const played = await applyTo(bench, "s.json");
        assert.equal(played.status, 0, played.stderr);
        assert.match(readFileSync(join(bench.folder, "s.json"), "utf8"), /newer-secret/);
        assert.ok(!existsSync(join(bench.folder, newer)));
        const assertVoid = (path: string): void =>
          assert.match(readFileSync(join(bench.folder, path), "utf8"), /"delivery":"off".*left-secret/);
        others.forEach(assertVoid);
        assert.equal((await applyTo(bench, "t.json")).status, 0);
        assert.ok(!existsSync(join(bench.folder, "t.json")), "an older secret was delivered");
        bench.write({ [newer]: copyOf(bench, made), [older]: copyOf(bench, { time: "2020-01-01T00:00:00Z" }) });
        assert.equal((await applyTo(bench, "s.json")).status, 0);
        assert.ok(!existsSync(join(bench.folder, newer)));
        assertVoid(older);
      });
  });

  test("is the one that the client certainly has, even if another copy is newer", () =>
    withClient(async (bench, updatedAt) => {
      const confirmed = { state: "made", updated_at: updatedAt, time: "2020-01-01T00:00:00Z" };
      const other = "copies/hydra-rescue-a.ndjson";
      bench.write({
        [COPY]: copyOf(bench, { ...confirmed, client_secret: "confirmed-secret-1234567890" }),
        [other]: copyOf(bench, { state: "made", updated_at: "2020-01-01T00:00:00Z" }),
      });
      const played = await applyTo(bench, "s.json");
      assert.equal(played.status, 0, played.stderr);
      assert.match(readFileSync(join(bench.folder, "s.json"), "utf8"), /confirmed-secret/);
      assert.match(readFileSync(join(bench.folder, other), "utf8"), /"delivery":"off"/);
    }));

  for (const name of Object.keys(FORMATS))
    test(`is added to ${name} even if another client there has the same one`, () =>
      withClient(async (bench, updatedAt) => {
        const given = "client_id: two\ngrant_types: [client_credentials]\nx-hydra: {secret: {file: two.txt}}\n";
        bench.write({ "clients/b.yaml": given, "clients/two.txt": "left-secret-1234567890" });
        assert.equal((await applyTo(bench, name)).status, 0);
        bench.write({ [COPY]: copyOf(bench, { state: "made", updated_at: updatedAt }) });
        const played = await applyTo(bench, name);
        assert.match(played.stderr, /1 delivered from an earlier run/);
        const text = readFileSync(join(bench.folder, name), "utf8");
        bench.write({ [COPY]: copyOf(bench, { state: "made", updated_at: updatedAt }) });
        assert.doesNotMatch((await applyTo(bench, name)).stderr, /1 delivered|other credentials/);
        assert.ok(!existsSync(join(bench.folder, COPY)));
        assert.equal(readFileSync(join(bench.folder, name), "utf8"), text);
      }));

  test("that is already in place is only removed; other credentials there are not touched", () =>
    withClient(async (bench, updatedAt) => {
      const secret = dotenvValue(join(bench.folder, "first/one.env"), "CLIENT_SECRET");
      bench.write({ [COPY]: copyOf(bench, { state: "made", updated_at: updatedAt, client_secret: secret }) });
      assert.equal((await applyTo(bench, "first")).status, 0);
      assert.ok(!existsSync(join(bench.folder, COPY)));
      bench.write({ [COPY]: copyOf(bench, { state: "made", updated_at: updatedAt }) });
      const played = await applyTo(bench, "first");
      assert.match(played.stderr, /and its destination has other credentials/);
      assert.ok(readFileSync(join(bench.folder, "first/one.env"), "utf8").includes(secret));
    }));

  test("whose place can't be read stays, and the run goes on", () =>
    withClient(async (bench, updatedAt) => {
      const text = copyOf(bench, { state: "made", updated_at: updatedAt });
      bench.write({ "clients/b.yaml": client("two"), [COPY]: text, "elsewhere.env": "A=1\n" });
      mkdirSync(join(bench.folder, "folder"));
      symlinkSync("../elsewhere.env", join(bench.folder, "folder/one.env"));
      const played = await applyTo(bench, "folder");
      assert.equal(played.status, 0, played.stderr);
      assert.match(
        played.stderr,
        /an earlier run left a secret of client "one" in "[^"]*ndjson", and its destination cannot be read$/m,
      );
      assert.ok(existsSync(join(bench.folder, "folder/two.env")));
      assert.equal(readFileSync(join(bench.folder, COPY), "utf8"), text);
      assert.equal(readFileSync(join(bench.folder, "elsewhere.env"), "utf8"), "A=1\n");
    }));
});

function secretTargets(): ReturnType<typeof createSecretTargets> {
  const timeouts = { longest: () => 1, afterSignal: 1, signal: new AbortController().signal, monotonic: () => 0 };
  return createSecretTargets({
    random: (count) => new Uint8Array(count).fill(7),
    now: () => 0,
    timeouts: { ...timeouts, sleep: async () => {}, abandoned: () => {} },
  });
}

test("a secret file that can't be read is wrong usage, with its name", () =>
  withCopies(async (bench) => {
    bench.write({ "s.env": "A=1\n" });
    const path = join(bench.folder, "link.env");
    symlinkSync("s.env", path);
    writeFileSync(join(bench.folder, "bom.env"), "\ufeffA=1\n");
    assert.equal(secretTargets().read(join(bench.folder, "bom.env"))?.text, "\ufeffA=1\n");
    assert.throws(
      () => secretTargets().read(path),
      (error) => error instanceof Problem && error.exit === "usage" && error.message.includes(`Cannot read "${path}"`),
    );
    // Root can read every file.
    if (process.getuid?.() === 0) return;
    bench.write({ "clients/a.yaml": client("one") });
    chmodSync(join(bench.folder, "s.env"), 0);
    const played = await applyTo(bench, "s.env");
    assert.equal(played.status, 2, played.stderr);
    assert.match(played.stderr, /Cannot read "[^"]*s\.env": permission denied/);
    assert.deepEqual(bench.writes(), []);
  }));

test("a file that another program changes during the run is not replaced", () =>
  withCopies(async (bench) => {
    const path = join(bench.folder, "s.json");
    writeFileSync(path, "{}\n");
    const targets = secretTargets();
    const target = await targets.open(path, "--secret-out", "is extended");
    assert.equal(target.previous, "{}\n");
    writeFileSync(path, '{"other": {"client_id": "other"}}\n');
    await assert.rejects(target.commit("{}"), /another program has changed/);
    assert.match(readFileSync(path, "utf8"), /other/);
    assert.deepEqual(readdirSync(bench.folder).toSorted(), ["copies", "s.json"]);
  }));
