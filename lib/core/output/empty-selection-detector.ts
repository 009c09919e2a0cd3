import { FIELD_BY_NAME } from "../client/fields.ts";
import { isJsonObject } from "../json/json.ts";
import { joinWords, quote, suggestWord } from "../text.ts";
import type { Selector } from "./query.ts";

/** Names of a document that are kept as candidates: more than any client has. */
const MOST_NAMES = 1_000;

/** Watches what an expression selects, to explain at the end that it was nothing. */
export class EmptySelectionDetector {
  readonly #text: string;
  readonly #names = new Set<string>();
  #documents = 0;
  #selected = false;
  /** What comes before a path to reach the elements of a list. */
  #listPath = "";

  /** @param text the expression as it was written. */
  constructor(text: string) {
    this.#text = text;
  }

  /** The same expression, watched. */
  watch(select: Selector): Selector {
    return (document) => {
      const selection = select(document);
      this.#documents++;
      if (selection.values.some((value) => value !== undefined && !isDeeplyEmptyList(value))) this.#selected = true;
      if (!this.#selected) this.#addNames(document);
      this.#listPath = Array.isArray(document) ? "#." : isJsonObject(document) && "items" in document ? "items.#." : "";
      return selection;
    };
  }

  /** The line for a person if documents were searched and nothing was found; undefined otherwise. */
  note(): string | undefined {
    // Without a name, as in a list without elements, there was nothing that could have been selected.
    if (this.#selected || this.#documents === 0 || this.#names.size === 0) return undefined;
    const missing = namesInExpression(this.#text).filter((name) => !this.#names.has(name));
    const [first] = missing;
    if (first === undefined) {
      const isDotted = !/^[$/]/.test(this.#text) && this.#listPath !== "" && !this.#text.includes("#");
      const hint = isDotted ? `; in a list use ${this.#listPath}${this.#text}` : "";
      return `Nothing is selected by ${quote(this.#text)}: there is no value at this path${hint}`;
    }
    // A field that only this client lacks is not a typing error.
    const meant = FIELD_BY_NAME.has(first) ? undefined : suggestWord(first, this.#names);
    return `Nothing is selected by ${quote(this.#text)}: there is no ${joinWords(missing.map(quote), "or")}${
      meant === undefined ? "" : `; did you mean ${quote(meant)}?`
    }`;
  }

  #addNames(value: unknown): void {
    if (this.#names.size >= MOST_NAMES) return;
    if (Array.isArray(value)) for (const element of value) this.#addNames(element);
    else if (isJsonObject(value)) {
      for (const [name, member] of Object.entries(value)) {
        this.#names.add(name);
        this.#addNames(member);
      }
    }
  }
}

function isDeeplyEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.every(isDeeplyEmptyList);
}

/** The names in an expression of any of the three languages. */
function namesInExpression(text: string): readonly string[] {
  // Filters compare values, whose texts are not names.
  const path = text.startsWith("$") ? text.replace(/\[\?.*$/s, "") : text;
  const names = text.startsWith("/")
    ? path.split("/").map((name) => name.replaceAll("~1", "/").replaceAll("~0", "~"))
    : (path.match(/(?:\\.|[^.[\]'"$*#\\])+/g) ?? []).map((name) => name.replace(/\\(.)/gs, "$1"));
  return [...new Set(names)].filter((name) => name !== "" && !/^[-\d:,\s]+$/.test(name));
}
