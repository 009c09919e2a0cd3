import assert from "node:assert/strict";
import { test } from "node:test";
import type { OpenSecretTarget } from "../../../lib/adapters/secret-target.ts";
import { SecretPlace } from "../../../lib/clients/apply/secret-out-places.ts";
import { makeFolderAndFindPlaceProblems } from "../../../lib/clients/apply/secret-out-problems.ts";
import { FlagValues } from "../../../lib/core/flags/parsed-flag-values.ts";
import { Problem } from "../../../lib/core/problem.ts";

/** What is wrong with the places of the secrets of some clients, where no file exists yet. */
async function problemsOf(target: string, keys: readonly string[]): Promise<readonly string[]> {
  const origin = { from: "flag", name: "--secret-out" } as const;
  const problems = await makeFolderAndFindPlaceProblems(
    {
      values: new FlagValues(new Map([["secret-out", { texts: [target], origin }]])),
      openTarget: async () => undefined,
      findFileProblem: async () => undefined,
      makeSecretFolder: async () => true,
      readSecretFile: async () => undefined,
      parseYaml: async () => [],
    },
    keys.map((key) => ({ key, object: undefined })),
  );
  return problems.map(({ message, hint }) => `${message} | ${hint}`);
}

for (const target of ["secrets.json", "secrets.env", "secrets.yaml", "secrets"])
  test(`two clients with one key never share a place in ${target}`, async () => {
    assert.deepEqual(await problemsOf(target, ["web", "billing", "web", "web"]), [
      '3 clients have the key "web" | give each another x-hydra.key',
    ]);
    assert.deepEqual(await problemsOf(target, ["web", "billing"]), []);
  });

test("clients whose shared file can't be written are taken back a few at a time, and reported in their order", async () => {
  const target: OpenSecretTarget = {
    name: "all.env",
    previous: "",
    partlyWritten: false,
    draft: undefined,
    commit: () => Promise.reject(new Error("the disk is full")),
    discard: async () => {},
    save: async () => {},
    leaveDraft: () => {},
  };
  const origin = { from: "flag", name: "--secret-out" } as const;
  const owners = Array.from({ length: 100 }, (_, at) => ({ key: `c${at}`, object: undefined }));
  const place = await SecretPlace.open(
    {
      values: new FlagValues(
        new Map([
          ["secret-out", { texts: ["all.env"], origin }],
          ["concurrency", { texts: ["3"], number: 3, origin }],
        ]),
      ),
      openTarget: async () => target,
      findFileProblem: async () => undefined,
      makeSecretFolder: async () => true,
      readSecretFile: async () => undefined,
      parseYaml: async () => [],
    },
    owners,
  );
  const cleanups = new Set<unknown>();
  let active = 0;
  let most = 0;
  for (const owner of [...owners].reverse()) {
    const undelivered = async (_: unknown, __: boolean, cleanup: unknown): Promise<Problem> => {
      cleanups.add(cleanup);
      most = Math.max(most, ++active);
      await new Promise(setImmediate);
      active--;
      return new Problem(owner.key, { code: "undelivered", exit: "failed" });
    };
    const secret = { plain: "secret", encrypted: undefined, kind: "client_secret" } as const;
    place.add({ ...owner, id: owner.key, secret, delivered: () => assert.fail("it is not there"), undelivered });
  }
  const problems = await place.finish();
  assert.deepEqual(
    problems.map(({ message }) => message),
    owners.map(({ key }) => key),
  );
  assert.equal(most, 3);
  assert.equal(cleanups.size, 1, "they don't share one time limit");
  assert.ok(!cleanups.has(undefined));
});
