/** What `export` writes differs in nothing from the server, for random clients. */

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isJsonObject } from "../../lib/core/json.ts";
import { anyClient } from "../random-client.ts";
import { ordinaryTraits, versionsFor } from "../sandbox-versions.ts";
import { jsonObject, withStateBench } from "./state-bench.ts";

for (const as of versionsFor(ordinaryTraits))
  test(`export and diff find no difference on a server of version ${as}, before and after adoption`, async () => {
    let compared = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(anyClient, { minLength: 1, maxLength: 3 }), (clients) =>
        withStateBench(as, async (bench) => {
          for (const client of clients) await bench.ask("POST", "", client);
          const exported = await bench.run(["export", "--unmarked"]);
          assert.equal(exported.status, 0, exported.stderr);
          if (exported.stdout === "") return;
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
      { numRuns: 15 },
    );
    assert.ok(compared >= 10, `only ${compared} clients were taken`);
  });
