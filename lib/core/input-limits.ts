const KIB = 1024;

const MIB = 1024 * KIB;

/** The size limit of an input, and a hint for larger ones. */
interface InputLimit {
  readonly bytes: number;
  readonly hint: string;
}

/** The default limit: for a client, a key, certificates, the config file. */
export const DEFAULT_INPUT_LIMIT_AND_HINT: InputLimit = { bytes: MIB, hint: "check that this is the right file" };

const MANY: InputLimit = { bytes: 256 * MIB, hint: "split the input and run the command once for each part" };

/** Other limits, by the flag or command that reads the input. */
const LIMITS: ReadonlyMap<string, InputLimit> = new Map([
  ["--secret-file", { ...DEFAULT_INPUT_LIMIT_AND_HINT, bytes: 4 * KIB }],
  // A token is sent in a header, and no common server accepts larger headers.
  ["--access-token-file", { ...DEFAULT_INPUT_LIMIT_AND_HINT, bytes: 16 * KIB }],
  ["import", MANY],
  ["export", MANY],
  ["delete", MANY],
  ["apply", MANY],
  ["diff", MANY],
]);

/** The limit of what a flag or command reads, for all of its files together. */
export function inputLimitAndHintFor(reader: string): InputLimit {
  return LIMITS.get(reader) ?? DEFAULT_INPUT_LIMIT_AND_HINT;
}

/** A number of bytes for people: `4 KiB`, `256 MiB`. */
export function formatSize(bytes: number): string {
  return bytes < MIB ? `${bytes / KIB} KiB` : `${bytes / MIB} MiB`;
}

/** Input that exceeds its limit. */
export class InputTooLarge extends Error {
  override readonly name = "InputTooLarge";

  constructor() {
    super("the input is too large");
  }
}
