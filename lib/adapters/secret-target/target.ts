/** A file or descriptor for credentials that is open and was tested to be writable. */
export interface OpenSecretTarget {
  /** Its name in messages. */
  readonly name: string;
  /**
   * Writes the credentials: all of them, or nothing that could be mistaken for them.
   *
   * @param path the path of the file if it isn't the one that the target was opened with, in the same folder.
   */
  commit(text: string, path?: string): Promise<void>;
  /** Whether the credentials, or a part of them, may have left the process. */
  readonly partlyWritten: boolean;
  /** The text of a file that is extended: what is committed must contain it. Empty for a new file and a descriptor. */
  readonly previous: string;
  /** Closes the target and removes everything that was written to prepare it. */
  discard(): Promise<void>;
  /** The file that becomes the target when it is committed; undefined for a descriptor. */
  readonly draft: string | undefined;
  /** Writes text to the draft, where it survives the process. */
  save(text: string): Promise<void>;
  /** Keeps the draft as the only copy of what it contains. */
  leaveDraft(): void;
}

/** What a file that exists already means: a problem, or the beginning of what is written. */
export type ExistingFileRule = "is a problem" | "is extended";

/** How long to wait for the reader of a descriptor. */
export interface DescriptorStallTiming {
  /** Milliseconds from now until a stalled reader is given up if no signal comes. */
  readonly longest: () => number;
  /** Milliseconds that it gets after a signal. */
  readonly afterSignal: number;
  readonly signal: AbortSignal;
  readonly monotonic: () => number;
  readonly sleep: (milliseconds: number) => Promise<void>;
  /** Called when a pending write is given up, which keeps the process alive until it is ended. */
  readonly abandoned: () => void;
}

/** Bytes to reserve on the disk before anything is created: more than any credentials need. */
export const RESERVED_BYTES = 65_536;

/** The largest file that is extended. */
export const MAX_SECRET_FILE_BYTES = 16 * 1024 * 1024;
