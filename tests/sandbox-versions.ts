/** The sandbox versions that a suite needs: those that differ in what it depends on. */

import { isDeepStrictEqual } from "node:util";
import { PUBLIC_BEHAVIOUR_BY_VERSION, type PublicBehaviour } from "../lib/sandbox/public/public-behaviours.ts";
import { fieldsOfVersion } from "../lib/sandbox/server-fields.ts";
import {
  BEHAVIOUR_BY_VERSION,
  type Behaviour,
  SANDBOX_VERSIONS,
  type SandboxVersion,
} from "../lib/sandbox/versions.ts";
import { RUNS_EVERYTHING } from "./thorough.ts";

/** Everything that differs between the versions of the sandbox. */
interface VersionTraits extends Behaviour {
  readonly public: PublicBehaviour;
  readonly fields: ReturnType<typeof fieldsOfVersion>;
}

/** Selects what a suite depends on. */
export type Dependencies = (traits: VersionTraits) => unknown;

/** For a suite that neither rotates secrets nor sends an invalid page token. */
export const ordinaryTraits: Dependencies = ({ rotation: _, invalidToken: __, ...others }) => others;

/** For a suite that does either. */
export const allTraits: Dependencies = (traits) => traits;

/** For a test that depends on no more than the family of the server. */
export const familyTraits: Dependencies = ({ prefix }) => prefix;

/** For a test that depends on how a client is stored that every version knows all fields of. */
export const storageTraits: Dependencies = ({ prefix, fillsEmpty, joinsLists }) => ({ prefix, fillsEmpty, joinsLists });

/** What decides which key signs. */
export const signingTraits: Dependencies = ({ prefix, errors, keys: { namesOldAccessKey: _, ...keys } }) => ({
  ...{ prefix, errors },
  ...keys,
});

/** The versions by preference: the newest that exists first. */
const PREFERRED = ["26", ...SANDBOX_VERSIONS.filter((version) => version !== "26").reverse()] as const;

/**
 * The versions that a suite runs on. Of those that are the same in all that the suite depends on, only the preferred one:
 * the others would give the same answers to the same requests. With `TEST_ALL=1` every version.
 */
export function versionsFor(dependencies: Dependencies): readonly SandboxVersion[] {
  if (RUNS_EVERYTHING) return SANDBOX_VERSIONS;
  // Under deno, a suite tests the runtime, which the versions don't depend on.
  if ("Deno" in globalThis) return ["1.11", "26"];
  const found: { readonly version: SandboxVersion; readonly traits: unknown }[] = [];
  for (const version of PREFERRED) {
    const all = {
      ...BEHAVIOUR_BY_VERSION[version],
      public: PUBLIC_BEHAVIOUR_BY_VERSION[version],
      fields: fieldsOfVersion(version),
    };
    const traits = dependencies(all);
    if (!found.some((other) => isDeepStrictEqual(other.traits, traits))) found.push({ version, traits });
  }
  return SANDBOX_VERSIONS.filter((version) => found.some((one) => one.version === version));
}
