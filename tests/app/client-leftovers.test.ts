/** What `create`, `import` and `rotate-secret --drop-old-secrets` say about the secrets that a run which was killed has left of a client that exists. */

import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { type StateSetup, withStateSetup } from "./state-setup.ts";

const HEX = "0123456789abcdef";
const SECRET = "left-secret-1234567890";

/** A server with the client `a`, whose first run was killed, and the names of what it has left. */
async function withKilledRun(work: (bench: StateSetup, left: { readonly copy: string }) => Promise<void>) {
  await withStateSetup("26", async (bench) => {
    await bench.ask("POST", "", { client_id: "a", grant_types: ["client_credentials"], client_secret: SECRET });
    for (const folder of ["copies", "out"]) mkdirSync(join(bench.folder, folder));
    const copy = join(bench.folder, "copies", `hydra-rescue-a-${HEX}.json`);
    const record = { state: "unverified", reason: "r", time: "t", endpoint: bench.url, client_id: "a" };
    writeFileSync(copy, JSON.stringify({ ...record, client_secret: SECRET }), { mode: 0o600 });
    bench.write({ "clients.json": JSON.stringify([{ client_id: "a", grant_types: ["client_credentials"] }]) });
    await work(bench, { copy });
  });
}

const CREATE = ["clients", "create", "--id", "a", "-g", "client_credentials"];
const KEY = ["--token-endpoint-auth-method", "private_key_jwt", "--generate-key", "ES256"];

/** A run that finds the client, its exit code, and the file whose draft is left, where there is one. */
interface LaterRun {
  readonly args: (folder: string) => readonly string[];
  readonly status: number;
  readonly file?: string;
  readonly what?: string;
}

const LATER_RUNS: Readonly<Record<string, LaterRun>> = {
  "create that skips it": { args: () => [...CREATE, "--if-exists", "skip"], status: 0 },
  "create that leaves it unchanged": { args: () => [...CREATE, "--if-exists", "update"], status: 0 },
  "create that updates it": { args: () => [...CREATE, "-n", "N", "--if-exists", "update"], status: 0 },
  "create that finds a conflict": { args: () => CREATE, status: 5 },
  "create with a secret file": {
    args: (folder) => [...CREATE, "--if-exists", "update", "--secret-out", join(folder, "out", "a.env")],
    status: 0,
    file: "a.env",
  },
  "create with a secret file that finds a conflict": {
    args: (folder) => [...CREATE, "--secret-out", join(folder, "out", "a.env")],
    status: 5,
    file: "a.env",
  },
  "create with a key file": {
    args: (folder) => [...CREATE, ...KEY, "--if-exists", "skip", "--key-out", join(folder, "out", "a.pem")],
    status: 0,
    file: "a.pem",
    what: "a private key",
  },
  "import that skips it": {
    args: (folder) => ["clients", "import", join(folder, "clients.json"), "--if-exists", "skip"],
    status: 0,
  },
  "import with secret files that leaves it unchanged": {
    args: (folder) => [
      ...["clients", "import", join(folder, "clients.json"), "--if-exists", "update"],
      ...["--secret-out", join(folder, "out", "{id}.env")],
    ],
    status: 0,
    file: "a.env",
  },
  "import that finds a conflict": { args: (folder) => ["clients", "import", join(folder, "clients.json")], status: 5 },
};

describe("a secret that a killed run has left is named by a", () => {
  for (const [name, { args, status, file, what = "a secret" }] of Object.entries(LATER_RUNS))
    test(name, () =>
      withKilledRun(async (bench, { copy }) => {
        const draft = join(bench.folder, "out", `.${file}.${HEX}`);
        if (file !== undefined) writeFileSync(draft, SECRET);
        const played = await bench.run([...args(bench.folder), "--rescue-dir", join(bench.folder, "copies")]);
        assert.equal(played.status, status, played.stderr);
        const start = `Warning: an earlier run left ${what} of client "a" in`;
        const lines = [
          ...(file === undefined ? [] : [`${start} "${draft}"; delete it once you have it\n`]),
          `${start} "${copy}"; once you have it, or if it is out of date, delete that file\n`,
        ];
        assert.ok(played.stderr.includes(lines.join("")), played.stderr);
        assert.equal(played.stderr.match(/an earlier run left/g)?.length, lines.length, played.stderr);
        assert.doesNotMatch(played.stderr, new RegExp(SECRET));
        for (const path of file === undefined ? [copy] : [copy, draft])
          assert.match(readFileSync(path, "utf8"), /left/);
      }),
    );
});

test("a secret that a killed run has left is named before the old ones are dropped", () =>
  withKilledRun(async (bench, { copy }) => {
    const drop = ["clients", "rotate-secret", "a", "--drop-old-secrets", "--rescue-dir", join(bench.folder, "copies")];
    const played = await bench.run(drop);
    const line = `Warning: an earlier run left a secret of client "a" in "${copy}"`;
    assert.ok(played.stderr.startsWith(line), played.stderr);
  }));

test("a secret that a killed run has left is not named by an import that sets another one", () =>
  withKilledRun(async (bench) => {
    bench.write({ "clients.json": JSON.stringify({ client_id: "a", client_secret: "a-new-secret-1234567890" }) });
    const flags = ["--if-exists", "update", "--rescue-dir", join(bench.folder, "copies")];
    const played = await bench.run(["clients", "import", join(bench.folder, "clients.json"), ...flags]);
    assert.equal(played.status, 0, played.stderr);
    assert.doesNotMatch(played.stderr, /an earlier run left/);
  }));
