import type { Problem } from "../core/problem.ts";
import { createDescriptorTargets } from "./secret-target/descriptor-target.ts";
import { findNonEmptyDrafts, type LeftoverDraft, removeOldEmptyDrafts } from "./secret-target/drafts.ts";
import {
  type FileTargetOptions,
  findFileTargetProblem,
  makeSecretFolder,
  openFileTarget,
  readSecretFile,
} from "./secret-target/file-target.ts";
import type { DescriptorStallTiming, ExistingFileRule, OpenSecretTarget } from "./secret-target/target.ts";

export type { LeftoverDraft } from "./secret-target/drafts.ts";
export type { ExistingFileRule, OpenSecretTarget } from "./secret-target/target.ts";

/** What targets need from outside. */
interface SecretTargetOptions extends FileTargetOptions {
  readonly timeouts: DescriptorStallTiming;
  readonly now: () => number;
}

/** The targets of flags such as `--secret-out`: new files, and inherited descriptors as `fd:3`. */
export interface SecretTargets {
  /** What is wrong with a target, without opening it; must be called before anything is sent. */
  check(target: string, flag: string, existing?: ExistingFileRule): Problem | undefined;
  /**
   * A secret file that exists, with its text unless it isn't UTF-8; undefined if there is none, or a folder or the like.
   * Throws a usage Problem if it can't be read.
   */
  read(target: string): { readonly text: string | undefined } | undefined;
  /** Creates a folder that only its owner can read; one that exists stays as it is. */
  makeFolder(path: string, flag: string): void;
  /** Drafts with contents that runs which were killed have left: of all files of a folder, or of one file. */
  drafts(target: string): readonly LeftoverDraft[];
  /** Removes the drafts without contents that such runs have left. */
  removeEmptyDrafts(target: string): void;
  /** Opens a target; throws a usage Problem if it isn't writable, exists already, or is not open. */
  open(target: string, flag: string, existing?: ExistingFileRule): Promise<OpenSecretTarget>;
}

/** Creates the {@link SecretTargets} of one command. */
export function createSecretTargets({ timeouts, now, ...files }: SecretTargetOptions): SecretTargets {
  const descriptors = createDescriptorTargets(timeouts);
  return {
    check(target, flag, existing) {
      const fd = descriptorIn(target);
      return fd === undefined ? findFileTargetProblem(target, flag, existing) : descriptors.check(fd, flag);
    },
    read: (target) => (descriptorIn(target) === undefined ? readSecretFile(target) : undefined),
    makeFolder: makeSecretFolder,
    drafts: findNonEmptyDrafts,
    removeEmptyDrafts: (target) => removeOldEmptyDrafts(target, now()),
    async open(target, flag, existing) {
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
