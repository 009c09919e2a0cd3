/** An import whose format is an expression, which selects in the list of all results. */

import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { jsonLines, withStateSetup } from "./state-setup.ts";

const IDS = ["a", "b", "c"];

/** Expressions, and the clients whose secrets they select. */
const EXPRESSIONS: Readonly<Record<string, readonly string[]>> = {
  "raw=client_secret": [],
  "raw=$.client_secret": [],
  "jsonpath=client_secret": [],
  "jsonpointer=/client_secret": [],
  "raw=$[*].client_secret": IDS,
  "raw=#.client_secret": IDS,
  "jsonpath=$..client_secret": IDS,
  "jsonpointer=": IDS,
  "raw=$[0].client_secret": ["a"],
  "raw=0.client_secret": ["a"],
  "jsonpath=$[:2].client_secret": ["a", "b"],
  "raw=$[?@.client_id=='b'].client_secret": ["b"],
};

for (const [expression, selected] of Object.entries(EXPRESSIONS))
  test(`--format ${expression} loses no secret: what it does not select is in a recovery copy`, () =>
    withStateSetup("26", async (bench) => {
      const copies = join(bench.folder, "copies");
      mkdirSync(copies);
      bench.write({ "clients.json": JSON.stringify(IDS.map((id) => ({ client_id: id }))) });
      const args = ["clients", "import", join(bench.folder, "clients.json"), "--format", expression];
      const played = await bench.run([...args, "--rescue-dir", copies]);
      assert.equal(played.status, 0, played.stderr);
      const kept = readdirSync(copies).flatMap((name) => jsonLines(readFileSync(join(copies, name), "utf8")));
      const unselected = IDS.filter((id) => !selected.includes(id));
      assert.deepEqual(kept.map(({ client_id: id }) => String(id)).toSorted(), unselected);
      const warned = [...played.stderr.matchAll(/format omits the secret of client "(.)"/g)];
      assert.deepEqual(warned.map(([, id = ""]) => id).toSorted(), unselected);
      for (const { client_secret: secret } of kept) assert.ok(!played.stdout.includes(String(secret)));
      assert.ok((played.stdout.match(/[\w.~-]{26}/g)?.length ?? 0) >= selected.length, played.stdout);
    }));
