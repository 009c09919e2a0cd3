import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";

const MANIFEST = v.object({ repository: v.optional(v.object({ type: v.literal("git"), url: v.string() })) });

/**
 * The web page of the repository, which everything that installs the program downloads from: `repository` in package.json,
 * the only place that names it. Undefined until the project has one.
 */
export function repositoryPage(root: string): string | undefined {
  const { repository } = v.parse(MANIFEST, JSON.parse(readFileSync(join(root, "package.json"), "utf8")));
  if (repository === undefined) return undefined;
  const [, page] = /^(?:git\+)?(https:\/\/github\.com\/[\w.-]+\/[\w.-]+?)(?:\.git)?$/.exec(repository.url) ?? [];
  if (page === undefined) throw new Error(`repository.url in package.json is not one of GitHub: ${repository.url}`);
  return page;
}
