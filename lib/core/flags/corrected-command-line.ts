import { shellQuoted } from "../output/shell-quote.ts";
import { visiblePart } from "../redact.ts";
import type { Flag, FlagIndex } from "./flag.ts";
import { readForeignFormatFlag } from "./misnamed-flags.ts";
import { namesCredentialFlag, readWord, type WordReading } from "./read-word.ts";

/** Shown instead of a value that must stay hidden. */
const HIDDEN = "…";

/** The longest value that is shown. */
const LONGEST = 100;

/** A word as a shell reads it; one of which a message may show only a part is not shown. */
function shellWordOrHidden(text: string): string {
  return text.length <= LONGEST && visiblePart(text)?.isWhole === true ? shellQuoted(text) : HIDDEN;
}

/** Flags whose values can be whole clients, with their credentials. */
const FREE_VALUES: ReadonlySet<string> = new Set(["set", "metadata", "jwks"]);

function flagValueOrHidden(flag: Flag, value: string): string {
  return flag.secret === true || FREE_VALUES.has(flag.name) ? HIDDEN : shellWordOrHidden(value);
}

/** A command line with `--format` in the place of `-o` or `--json`, which other tools have. Credentials are not shown. */
export function lineWithFormatFlag(
  command: string,
  words: readonly string[],
  index: FlagIndex,
  operandsAreSecret = false,
): string {
  const line: string[] = ["hydra", command];
  // An operand may be the rest of a credential with spaces.
  const hidesOperands =
    operandsAreSecret || words.some((word) => namesCredentialFlag(word.split("=", 1)[0] ?? "", index));
  for (let at = 0; at < words.length; ) {
    const text = words[at] ?? "";
    const word = readWord(text, index);
    if (word.kind === "end") return [...line, "--", HIDDEN].join(" ");
    const [parts, taken] =
      word.kind === "operand"
        ? ([[hidesOperands ? HIDDEN : shellWordOrHidden(text)], 1] as const)
        : correctFlagWord(word, text, words[at + 1]);
    line.push(...parts);
    at += taken;
  }
  return line.join(" ");
}

/** What replaces a word with flags, and how many words of the command line that takes. */
function correctFlagWord(
  { complete, awaiting, unknown }: Extract<WordReading, { readonly kind: "flags" }>,
  text: string,
  next: string | undefined,
): readonly [parts: readonly string[], taken: number] {
  const parts = complete.map(({ flag, spelled, value }) =>
    value === undefined ? spelled : `${spelled}=${flagValueOrHidden(flag, value)}`,
  );
  if (awaiting !== undefined) return [[...parts, awaiting.spelled, flagValueOrHidden(awaiting.flag, next ?? "")], 2];
  if (unknown === undefined) return [parts, 1];
  const foreign = readForeignFormatFlag(text, next);
  if (foreign !== undefined) return [[...parts, "--format", shellQuoted(foreign.format)], foreign.words];
  return [[...parts, HIDDEN], next?.startsWith("-") === false ? 2 : 1];
}
