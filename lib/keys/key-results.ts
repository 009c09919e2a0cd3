import type { CommandResult, Context } from "../command.ts";
import { getTextField } from "../core/client/client.ts";
import type { JsonObject } from "../core/json/json.ts";
import type { JsonWebKey } from "../core/jwk/json-web-key.ts";
import { keyOfEachPairWithoutSecrets, publicKeyOfEachPair } from "../core/jwk/key-pair-halves.ts";
import type { FormatKind } from "../core/output/formats.ts";
import type { Column, ResultView } from "../core/output/render.ts";

/** A key set, and its keys, the newest first. */
export interface NamedSet {
  readonly set: string;
  readonly keys: readonly JsonWebKey[];
}

function column(label: string, name: string): Column<JsonObject> {
  return { label, value: (item) => getTextField(item, name) ?? "", whole: true };
}

/** Keys as rows, in the columns of Hydra's own CLI 2.x. */
const KEY_VIEW: ResultView<JsonObject> = {
  columns: [column("SET ID", "set"), column("KEY ID", "kid"), column("ALGORITHM", "alg"), column("USE", "use")],
  id: (item) => getTextField(item, "kid") ?? "",
};

/** Formats that show no key material at all. */
export const ROW_FORMATS: readonly FormatKind[] = ["text", "table", "tsv", "csv", "markdown", "id"];

/** What a result shows of keys without their private parts: shared secrets only as rows, which have no contents. */
export function keysWithoutSecretsToShow(
  { format }: Pick<Context, "format">,
  keys: readonly JsonWebKey[],
): readonly JsonWebKey[] {
  return ROW_FORMATS.includes(format.kind) ? keyOfEachPairWithoutSecrets(keys) : publicKeyOfEachPair(keys);
}

/** The formats that show whole sets; the others have a row for each key. */
const SET_FORMATS: readonly FormatKind[] = ["json", "json-pretty", "yaml", "jsonpath", "jsonpointer", "raw"];

/** Key sets as a result: in JSON one object a set, in tables one row a key. */
export function keySetResult(
  { format, syntax }: Pick<Context, "format" | "syntax">,
  sets: readonly NamedSet[],
): CommandResult {
  if (!SET_FORMATS.includes(format.kind)) {
    const items = sets.flatMap(({ set, keys }) => keys.map((key): JsonObject => ({ set, ...key })));
    return { view: KEY_VIEW, isList: true, items };
  }
  // Hydra's own CLI names the set in the 2.x syntax only.
  const items = sets.map(({ set, keys }): JsonObject => (syntax === "2.x" ? { set, keys } : { keys }));
  return { view: KEY_VIEW, isList: sets.length !== 1, items, format };
}

const TEXT_VIEW: ResultView<JsonObject> = {
  columns: [{ label: "TEXT", value: (item) => getTextField(item, "text") ?? "" }],
  text: (item) => (getTextField(item, "text") ?? "").trimEnd().split("\n"),
  id: (item) => getTextField(item, "set") ?? "",
};

/** A text, such as PEM or an encrypted message, as a result that is written as it is. */
export function textResult(text: string): CommandResult {
  return { view: TEXT_VIEW, isList: false, items: [{ text }], format: { kind: "text" } };
}
