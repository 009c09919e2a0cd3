import type { Problem } from "../core/problem.ts";
import { createDescriptorTargets } from "./secret-target/descriptor-target.ts";
import { findNonEmptyDrafts, removeOldEmptyDrafts } from "./secret-target/drafts.ts";
import {
  type FileTargetTools,
  findFileTargetProblem,
  makeSecretFolder,
  openFileTarget,
  readSecretFile,
} from "./secret-target/file-target.ts";
import type { DescriptorStallTiming, ExistingFileRule, OpenSecretTarget } from "./secret-target/target.ts";

export type { LeftoverDraft } from "./secret-target/drafts.ts";
export type { ExistingFileRule, OpenSecretTarget } from "./secret-target/target.ts";

/** What targets need from outside. */
interface SecretTargetOptions extends FileTargetTools {
  readonly timeouts: DescriptorStallTiming;
  readonly now: () => number;
}

/** The targets of flags such as `--secret-out`: new files, and inherited descriptors as `fd:3`. */
export type SecretTargets = ReturnType<typeof createSecretTargets>;

/** Creates the {@link SecretTargets} of one command. */
export function createSecretTargets({ timeouts, now, ...files }: SecretTargetOptions) {
  const descriptors = createDescriptorTargets(timeouts);
  return {
    /** What is wrong with a target, without opening it; must be called before anything is sent. */
    check(target: string, flag: string, existing?: ExistingFileRule): Problem | undefined {
      const fd = descriptorIn(target);
      return fd === undefined ? findFileTargetProblem(target, flag, existing) : descriptors.check(fd, flag);
    },
    /**
     * A secret file that exists, with its text unless it isn't UTF-8; undefined if there is none, or a folder or the like.
     * Throws a usage Problem if it can't be read.
     */
    read: (target: string): { readonly text: string | undefined } | undefined =>
      descriptorIn(target) === undefined ? readSecretFile(target) : undefined,
    makeFolder: makeSecretFolder,
    drafts: findNonEmptyDrafts,
    /** Removes the drafts without contents that runs which were killed have left. */
    removeEmptyDrafts: (target: string): void => removeOldEmptyDrafts(target, now()),
    /** Opens a target; throws a usage Problem if it isn't writable, exists already, or is not open. */
    async open(target: string, flag: string, existing?: ExistingFileRule): Promise<OpenSecretTarget> {
      const fd = descriptorIn(target);
      return fd === undefined ? openFileTarget(target, files, flag, existing) : descriptors.open(fd, flag);
    },
  };
}

/** The number in a target such as `fd:3`. */
function descriptorIn(target: string): number | undefined {
  const digits = /^fd:(\d+)$/.exec(target)?.[1];
  return digits === undefined ? undefined : Number(digits);
}
