import { parseMilliseconds } from "../duration.ts";
import { capitalize, type Problem, usageError } from "../problem.ts";
import { quoteVisiblePart, visiblePart } from "../redact.ts";
import { escapeControls, joinWords, quote, suggestWord } from "../text.ts";
import { splitCsvOrFault } from "./csv.ts";
import {
  type BoolFlag,
  type DurationFlag,
  type Flag,
  type IntFlag,
  type ListFlag,
  neverTakesNextWord,
  type RepeatFlag,
  type TextFlag,
} from "./flag.ts";
import type { FlagValueWithOrigin, ValueOrigin } from "./parsed-flag-values.ts";

/** The text of a value; undefined for a flag that is given without one. */
export type OptionalValueText = string | undefined;

/** Reads the values of one flag from one origin, and collects what is wrong with them. */
export class ValueReader {
  readonly #origin: ValueOrigin;
  readonly #problems: Problem[];
  readonly #warnings: string[];

  constructor(origin: ValueOrigin, problems: Problem[], warnings: string[]) {
    this.#origin = origin;
    this.#problems = problems;
    this.#warnings = warnings;
  }

  /** The value of a flag; undefined if it is wrong. */
  read(flag: Flag, given: readonly OptionalValueText[]): FlagValueWithOrigin | undefined {
    const texts = this.#origin.from === "environment" ? given.map((text) => this.#unquoted(flag, text)) : given;
    if (flag.kind === "each") return this.#readEach(flag, texts);
    if (flag.kind === "list") return this.#readList(flag, texts);
    // As with pflag, the last one counts and yet all of them have to be valid.
    const values = texts.map((text) => this.#readSingle(flag, text));
    return values.includes(undefined) ? undefined : values[values.length - 1];
  }

  /** The value of a variable, which is an error in quotes: a shell removes them, the env files of Docker keep them. */
  #unquoted(flag: Flag, text: OptionalValueText): OptionalValueText {
    const bare = /^(["'])(.*)\1$/s.exec(text?.trim() ?? "")?.[2];
    if (text === undefined || bare === undefined) return text;
    const mayShow = flag.secret !== true && visiblePart(bare)?.isWhole === true;
    this.#problems.push(
      usageError(
        `${capitalize(this.#origin.name)} has quotes around its value${mayShow ? `: ${escapeControls(text)}` : ""}`,
        mayShow ? `set it to ${escapeControls(bare)}, without the quotes` : "set it without the quotes",
        "bad-value",
      ),
    );
    // The flag still counts as set, so that no other error claims that it is missing.
    return bare;
  }

  #reject(flag: Flag, value: string, why: string, hint: string): undefined {
    this.#problems.push(
      usageError(
        `${capitalize(this.#origin.name)} ${quoteVisiblePart(value, flag.secret === true && value !== "")} ${why}`,
        hint,
        "bad-value",
      ),
    );
    return undefined;
  }

  /** How a hint writes a value: with the flag on a command line, by itself for a variable or the config file. */
  #example(flag: Flag, value: string): string {
    if (this.#origin.from !== "flag") return value;
    return `${this.#written(flag)}${neverTakesNextWord(flag) ? "=" : " "}${value}`;
  }

  /** The flag as it was typed; by its main name if the value came from elsewhere. */
  #written(flag: Flag): string {
    return this.#origin.from === "flag" ? this.#origin.name : `--${flag.name}`;
  }

  #readEach(flag: RepeatFlag, texts: readonly OptionalValueText[]): FlagValueWithOrigin {
    const values = texts.map((text) => text ?? "");
    // The flag still counts as set, so that no other error claims that it is missing.
    return { texts: values.every((text) => this.#isFilled(flag, text, [text])) ? values : [], origin: this.#origin };
  }

  #readList(flag: ListFlag, texts: readonly OptionalValueText[]): FlagValueWithOrigin | undefined {
    const values: string[] = [];
    for (const text of texts) {
      const line = splitCsvOrFault(text ?? "");
      if ("fault" in line)
        return this.#reject(
          flag,
          text ?? "",
          `is not a list: ${line.fault}`,
          `quote a value that contains a comma: ${this.#written(flag)} '"a,b",c'`,
        );
      if (!this.#isFilled(flag, text ?? "", line.fields)) return { texts: [], origin: this.#origin };
      values.push(...line.fields);
    }
    if (!values.every((value) => this.#isChoice(flag, value))) return undefined;
    const padded = values.find((value) => value !== value.trim());
    if (padded !== undefined)
      this.#warnings.push(`${this.#origin.name}: the space around ${quote(padded)} is part of the value`);
    return { texts: values, origin: this.#origin };
  }

  #readSingle(flag: Exclude<Flag, ListFlag | RepeatFlag>, text: OptionalValueText): FlagValueWithOrigin | undefined {
    switch (flag.kind) {
      case "switch":
        return this.#readBool(flag, text);
      case "text": {
        const chosen = text ?? flag.implicitValue ?? "";
        if (!this.#isChoice(flag, chosen) || !this.#isFilled(flag, chosen, [chosen])) return undefined;
        return { texts: [chosen], origin: this.#origin };
      }
      case "duration":
        return this.#readDuration(flag, text ?? "");
      case "count":
        return this.#readInt(flag, text ?? "");
    }
  }

  #readBool(flag: BoolFlag, text: OptionalValueText): FlagValueWithOrigin | undefined {
    const on = text === undefined ? true : BOOLEAN_BY_SPELLING.get(text);
    if (on !== undefined) return { texts: [], on, origin: this.#origin };
    const hint =
      this.#origin.from === "flag" ? `write ${this.#origin.name} or ${this.#origin.name}=false` : "write true or false";
    return this.#reject(flag, text ?? "", "is neither true nor false", hint);
  }

  #readDuration(flag: DurationFlag, text: string): FlagValueWithOrigin | undefined {
    const number = parseMilliseconds(text);
    if (number === undefined)
      return this.#reject(flag, text, "is not a duration", "write a number with a unit, such as 30s, 1m30s or 500ms");
    const hint = flag.zero === undefined ? "write it without the minus sign" : `write 0 for ${flag.zero}`;
    if (number < 0) return this.#reject(flag, text, "is a negative duration", hint);
    return { texts: [], number, origin: this.#origin };
  }

  #readInt(flag: IntFlag, text: string): FlagValueWithOrigin | undefined {
    if (/^\d{1,15}$/.test(text) || (flag.minusOne !== undefined && text === "-1"))
      return { texts: [], number: Number(text), origin: this.#origin };
    const example = this.#example(flag, String(flag.default ?? 10));
    const other = flag.minusOne === undefined ? "" : `; -1 is ${flag.minusOne}`;
    return this.#reject(flag, text, "is not a whole number", `for example: ${example}${other}`);
  }

  #isChoice(flag: TextFlag | ListFlag, text: string): boolean {
    const { choices } = flag;
    if (choices === undefined || choices.includes(text)) return true;
    const named = choices.filter((choice) => choice !== "");
    const meant = suggestWord(text, named);
    this.#reject(
      flag,
      text,
      `is not one of ${joinWords(named, "or")}`,
      meant === undefined ? `for example: ${this.#example(flag, named[0] ?? "")}` : `did you mean ${meant}?`,
    );
    return false;
  }

  #isFilled(flag: Flag, value: string, parts: readonly string[]): boolean {
    if (flag.nonEmpty !== true || (parts.length > 0 && parts.every((part) => part.trim() !== ""))) return true;
    this.#reject(
      flag,
      value,
      parts.length > 1 ? "has an empty value" : "is empty",
      "give a value or leave the flag out; a shell variable that is not set looks like this",
    );
    return false;
  }
}

/** Go's spellings of true and false (`strconv.ParseBool`). */
export const BOOLEAN_BY_SPELLING: ReadonlyMap<string, boolean> = new Map([
  ...["1", "t", "T", "TRUE", "true", "True"].map((word) => [word, true] as const),
  ...["0", "f", "F", "FALSE", "false", "False"].map((word) => [word, false] as const),
]);
