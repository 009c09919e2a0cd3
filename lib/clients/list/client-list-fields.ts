import { getListField, getTextField } from "../../core/client/client.ts";
import { CLIENT_FIELDS, DEVICE_GRANT, FIELD_NAMES } from "../../core/client/fields.ts";
import { longNames } from "../../core/flags/flag.ts";
import { isJsonObject, type JsonObject, toTerminalSafeJson } from "../../core/json/json.ts";
import { shortAge } from "../../core/output/relative-time.ts";
import type { Column } from "../../core/output/render.ts";
import type { CellTextOrList } from "../../core/output/text-table.ts";
import { type Problem, usageError } from "../../core/problem.ts";
import { quote, suggestWord } from "../../core/text.ts";

/** What a word of `--columns`, `--sort` or `--filter` names: a field, or a part of one. */
export interface ClientListField {
  /** The label of its column. */
  readonly label: string;
  /** Its value in JSON. */
  readonly value: (client: JsonObject) => unknown;
  /** How a column shows it. */
  readonly cell: (client: JsonObject) => CellTextOrList;
  /** Further texts that a filter compares, such as short names. */
  readonly otherTexts?: (client: JsonObject) => readonly string[];
  /** Whether a higher value comes first: an age grows as its time goes back. */
  readonly descending?: boolean;
}

/** Short names of grant types; others are shown by the last part of their URN. */
const SHORT_GRANTS: ReadonlyMap<string, string> = new Map([
  ["authorization_code", "code"],
  ["refresh_token", "refresh"],
  ["client_credentials", "credentials"],
  [DEVICE_GRANT, "device"],
]);

function shortGrant(grant: string): string {
  return SHORT_GRANTS.get(grant) ?? grant.slice(grant.lastIndexOf(":") + 1);
}

function formatCell(value: unknown): CellTextOrList {
  if (value === undefined || value === null) return "";
  if (typeof value === "string") return value;
  if (Array.isArray(value)) return value.map((item) => (typeof item === "string" ? item : toTerminalSafeJson(item)));
  return toTerminalSafeJson(value);
}

function plainField(name: string, label: string): ClientListField {
  return { label, value: (client) => client[name], cell: (client) => formatCell(client[name]) };
}

/** The scopes, of which a filter names one. */
function scopeField(): ClientListField {
  return { ...plainField("scope", "SCOPE"), otherTexts: (client) => (getTextField(client, "scope") ?? "").split(" ") };
}

/** The fields that have a name of their own in tables. */
function createFieldsByShortName(now: number): ReadonlyMap<string, ClientListField> {
  const age = (client: JsonObject): CellTextOrList => shortAge(getTextField(client, "created_at") ?? "", now) ?? "";
  const grants = (client: JsonObject): readonly string[] => getListField(client, "grant_types").map(shortGrant);
  return new Map([
    ["id", plainField("client_id", "ID")],
    ["name", plainField("client_name", "NAME")],
    [
      "grants",
      {
        label: "GRANTS",
        value: (client) => client["grant_types"],
        cell: (client) => grants(client).join(","),
        otherTexts: grants,
      },
    ],
    ["owner", plainField("owner", "OWNER")],
    ["age", { label: "AGE", value: (client) => client["created_at"], cell: age, descending: true }],
    ["created", plainField("created_at", "CREATED")],
    ["updated", plainField("updated_at", "UPDATED")],
    ["scopes", scopeField()],
    ["redirects", plainField("redirect_uris", "REDIRECT URIS")],
    ["auth", plainField("token_endpoint_auth_method", "AUTH METHOD")],
  ]);
}

/** Fields that no list shows. */
const HIDDEN: ReadonlySet<string> = new Set(["client_secret", "registration_access_token"]);

/** Field names by each of their spellings: `redirect_uris`, `redirect-uris`, and the names of the flags. */
const SPELLINGS: ReadonlyMap<string, string> = new Map([
  ...CLIENT_FIELDS.flatMap(({ name, flag }) => longNames(flag).map((spelling) => [spelling, name] as const)),
  ...FIELD_NAMES.flatMap((name) => [[name, name] as const, [name.replaceAll("_", "-"), name] as const]),
]);

/** Finds a part of a field by its path, such as `metadata.team`. */
function partAt(client: JsonObject, path: readonly string[]): unknown {
  let value: unknown = client;
  for (const key of path) value = isJsonObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
  return value;
}

/** Finds the fields that words name, as tables show them at this time. */
export class ClientListFieldCatalog {
  readonly #short: ReadonlyMap<string, ClientListField>;

  constructor(now: number) {
    this.#short = createFieldsByShortName(now);
  }

  /** The field that a word names; a Problem for an unknown one. `flag` is what the word is the value of. */
  find(word: string, flag: string): ClientListField | Problem {
    const typed = word.trim().toLowerCase();
    const short = this.#short.get(typed);
    if (short !== undefined) return short;
    const name = SPELLINGS.get(typed);
    if (name === "scope") return scopeField();
    if (name !== undefined && !HIDDEN.has(name)) return plainField(name, name.replaceAll("_", " ").toUpperCase());
    const [field = "", ...rest] = word.trim().split(".");
    if (rest.length > 0 && SPELLINGS.has(field.toLowerCase()) && !HIDDEN.has(field)) {
      const path = [SPELLINGS.get(field.toLowerCase()) ?? field, ...rest];
      const value = (client: JsonObject): unknown => partAt(client, path);
      return { label: word.trim().toUpperCase(), value, cell: (client) => formatCell(value(client)) };
    }
    const known = [...this.#short.keys(), ...FIELD_NAMES.filter((each) => !HIDDEN.has(each))];
    const near = suggestWord(typed, known);
    return usageError(
      `${flag} ${quote(word)} is not a field of a client`,
      near === undefined
        ? `use ${[...this.#short.keys()].join(", ")}, a JSON field such as redirect_uris, or metadata.KEY`
        : `did you mean ${near}?`,
      "bad-value",
    );
  }

  /** The columns of a list for people, the most useful ones first; the rank decides which are hidden first. */
  standard(): readonly Column<JsonObject>[] {
    const column = (name: string, more: Omit<Column<JsonObject>, "label" | "value">): readonly Column<JsonObject>[] => {
      const field = this.#short.get(name);
      return field === undefined ? [] : [{ ...columnOf(field), ...more }];
    };
    return [
      ...column("id", { whole: true }),
      ...column("name", { least: 14, rank: 1 }),
      ...column("grants", { least: 12, rank: 3 }),
      ...column("owner", { least: 8, rank: 4 }),
      ...column("age", { whole: false, rank: 2 }),
    ];
  }
}

/** A field as a column of a table. */
export function columnOf({ label, cell }: ClientListField): Column<JsonObject> {
  return { label, value: cell };
}

/** The texts of a value: each item of a list. */
function flattenToTexts(value: unknown): readonly string[] {
  if (value === undefined || value === null || value === "") return [""];
  if (Array.isArray(value)) return value.length === 0 ? [""] : value.flatMap(flattenToTexts);
  return [typeof value === "string" ? value : toTerminalSafeJson(value)];
}

/** Whether a field has a value: of a list and of the scopes one item is enough; an empty text matches what is not set. */
export function matchesValue(field: ClientListField, client: JsonObject, wanted: string): boolean {
  return [...flattenToTexts(field.value(client)), ...(field.otherTexts?.(client) ?? [])].includes(wanted);
}

/** Creates a comparison of clients by a field; clients without a value come last in both directions. */
export function fieldComparator(
  field: ClientListField,
  reverse: boolean,
): (one: JsonObject, other: JsonObject) => number {
  const key = (client: JsonObject): string => flattenToTexts(field.value(client)).join(" ").toLowerCase();
  const sign = reverse === (field.descending === true) ? 1 : -1;
  return (one, other) => {
    const [a, b] = [key(one), key(other)];
    if (a === b) return 0;
    if (a === "" || b === "") return a === "" ? 1 : -1;
    return a < b ? -sign : sign;
  };
}
