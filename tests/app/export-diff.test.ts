/** What `export` writes differs in nothing from the server, for random clients. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { isJsonObject } from "../../lib/core/json/json.ts";
import { anyClient } from "../random-client.ts";
import { ordinaryTraits, versionsFor } from "../sandbox-versions.ts";
import { randomRuns } from "../thorough.ts";
import { jsonObject, withStateSetup } from "./state-setup.ts";

for (const as of versionsFor(ordinaryTraits))
  test(`a client whose metadata is not an object is left out, with a warning that explains what to do, on ${as}`, () =>
    withStateSetup(as, async (bench) => {
      // Hydra 2.1 chooses IDs.
      const ids: unknown[] = [];
      for (const metadata of [[1, 2], "text", 7, { a: 1 }, [], "", null])
        ids.push((await bench.ask("POST", "", { scope: "a", metadata }))["client_id"]);
      const out = join(bench.folder, "c");
      const exported = await bench.run(["export", "--unmarked", "--into", out]);
      assert.equal(exported.status, 0, exported.stderr);
      const named = [
        ...exported.stderr.matchAll(/^Warning: client "(.*)" is left out: its metadata is not an object/gm),
      ];
      const left = named.map(([, id]) => id).sort();
      assert.deepEqual(left, ids.slice(0, 3).sort());
      assert.equal((await bench.run(["diff", out])).status, 0);
      const adopted = await bench.run(["apply", out, "--adopt"]);
      assert.equal(adopted.status, 0, adopted.stderr);
      // As the warning says.
      const updated = await bench.run(["clients", "update", ...left.slice(0, 1).map(String), "--metadata", "{}"]);
      assert.equal(updated.status, 0, updated.stderr);
      const again = await bench.run(["export", "--unmarked", "--into", out, "--format", "id"]);
      assert.deepEqual(again.stdout, `${left[0]}\n`);
    }));

for (const as of versionsFor(ordinaryTraits))
  test(`export and diff find no difference on a server of version ${as}, before and after adoption`, async () => {
    const runs = randomRuns(24);
    let compared = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(anyClient, { minLength: 1, maxLength: 3 }), (clients) =>
        withStateSetup(as, async (bench) => {
          for (const client of clients) await bench.ask("POST", "", client);
          const exported = await bench.run(["export", "--unmarked"]);
          assert.equal(exported.status, 0, exported.stderr);
          // Servers reject some of the random clients.
          fc.pre(exported.stdout !== "");
          const plan = await bench.run(["diff", "-", "--format", "json"], { stdin: exported.stdout });
          assert.equal(plan.status, 0, `${plan.stderr}\n${exported.stdout}`);
          const { clients: shown } = jsonObject(plan.stdout);
          assert.ok(Array.isArray(shown));
          compared += shown.length;
          for (const each of shown) {
            assert.ok(isJsonObject(each));
            assert.equal(each["action"], "adopt");
            assert.deepEqual(each["changes"], [], exported.stdout);
          }
          const adopted = await bench.run(["apply", "-", "--adopt"], { stdin: exported.stdout });
          assert.equal(adopted.status, 0, `${adopted.stderr}\n${exported.stdout}`);
          const again = await bench.run(["export", "--stack", "default"]);
          const clean = await bench.run(["diff", "-", "--exit-code"], { stdin: again.stdout });
          assert.equal(clean.status, 0, `${clean.stdout}${clean.stderr}\n${again.stdout}`);
        }),
      ),
      { numRuns: runs },
    );
    assert.ok(compared >= runs, `only ${compared} clients were taken`);
  });

test("a client whose manifest is in the files is not added to them a second time, which diff would reject", () =>
  withStateSetup("26", async (bench) => {
    const manifest = `apiVersion: hydra.ory.sh/v1alpha1
kind: OAuth2Client
metadata: {name: shop, namespace: web}
spec:
  grantTypes: [client_credentials]
  scope: a
  secretName: shop
`;
    bench.write({ "m.yaml": manifest });
    const file = join(bench.folder, "m.yaml");
    const out = join(bench.folder, "secrets.yaml");
    const applied = await bench.run(["apply", file, "--stack", "prod", "--secret-out", out]);
    assert.equal(applied.status, 0, applied.stderr);
    const exported = await bench.run(["export", "--stack", "prod", "--into", file]);
    assert.equal(exported.status, 2);
    assert.match(exported.stderr, /is already a manifest in .*\nHint: add --as maester, or remove the manifest first/);
    const asManifest = await bench.run(["export", "--stack", "prod", "--into", file, "--as", "maester"]);
    assert.equal(asManifest.status, 0, asManifest.stderr);
    const compared = await bench.run(["diff", file, "--stack", "prod", "--exit-code"]);
    assert.equal(compared.status, 0, compared.stderr);
  }));
