import assert from "node:assert/strict";
import { test } from "node:test";
import { makeFolderAndFindPlaceProblems } from "../../lib/clients/secret-out-places.ts";
import { FlagValues } from "../../lib/core/flags/parsed-flag-values.ts";

/** What is wrong with the places of the secrets of some clients, where no file exists yet. */
async function problemsOf(target: string, keys: readonly string[]): Promise<readonly string[]> {
  const origin = { from: "flag", name: "--secret-out" } as const;
  const problems = await makeFolderAndFindPlaceProblems(
    {
      values: new FlagValues(new Map([["secret-out", { texts: [target], origin }]])),
      openTarget: async () => undefined,
      findFileProblem: async () => undefined,
      makeSecretFolder: async () => {},
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
