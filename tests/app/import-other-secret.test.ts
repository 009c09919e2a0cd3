/** An import that updates a client, on a server that answers with another secret than the one that was sent. */

import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { openFaultProxy, swapped } from "../e2e/fault-proxy.ts";
import type { Scene } from "./in-process.ts";
import { withStateSetup } from "./state-setup.ts";

const GIVEN = "a-given-secret-1234567890";
const OTHER = "another-secret-1234567890";

/** Where the server's secret is, and how the run ends. */
interface Way {
  readonly flags?: readonly string[];
  readonly scene?: Scene;
  /** Whether `--secret-out` names a file that has the given secret already. */
  readonly isWritten?: true;
  readonly status: number;
}

const WAYS: Readonly<Record<string, Way>> = {
  "a format that omits it": { flags: ["-q"], status: 0 },
  "an output that cannot be written": {
    scene: { stdoutFails: Object.assign(new Error("ENOSPC"), { code: "ENOSPC" }) },
    status: 1,
  },
  "a file that has the given secret": { isWritten: true, status: 1 },
};

for (const [name, { flags = [], scene = {}, isWritten, status }] of Object.entries(WAYS))
  test(`the server's secret is kept in spite of ${name}`, () =>
    withStateSetup("26", async (bench) => {
      await bench.ask("POST", "", { client_id: "a", client_secret: "secret-of-before" });
      const proxy = await openFaultProxy(bench.url, ({ method }) =>
        method === "PATCH" ? swapped((reply) => ({ ...reply, body: reply.body.replace(GIVEN, OTHER) })) : undefined,
      );
      const copies = join(bench.folder, "copies");
      mkdirSync(copies);
      bench.write({
        "clients.json": JSON.stringify([{ client_id: "a", client_secret: GIVEN }]),
        ...(isWritten === undefined ? {} : { "a.env": `CLIENT_ID=a\nCLIENT_SECRET=${GIVEN}\n` }),
      });
      const out = isWritten === undefined ? [] : ["--secret-out", join(bench.folder, "{id}.env")];
      const args = ["clients", "import", join(bench.folder, "clients.json"), "--if-exists", "update", ...flags, ...out];
      const played = await bench.run([...args, "--rescue-dir", copies, "--endpoint", proxy.url], scene);
      await proxy.close();
      assert.equal(played.status, status, played.stderr);
      const [copy = assert.fail(played.stderr), ...more] = readdirSync(copies);
      assert.deepEqual(more, []);
      assert.ok(played.stderr.includes(`"${join(copies, copy)}"`), played.stderr);
      assert.match(readFileSync(join(copies, copy), "utf8"), new RegExp(`"client_secret": "${OTHER}"`));
      assert.doesNotMatch(played.stdout + played.stderr, new RegExp(OTHER));
      assert.equal(existsSync(join(bench.folder, "a.env")), isWritten === true);
    }));
