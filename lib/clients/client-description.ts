import { getListField, getTextField, idOf, isAbsentOrEmpty, isEmptyObject, isPublic } from "../core/client/client.ts";
import { FIELD_NAMES } from "../core/client/fields.ts";
import { lintClient } from "../core/client/rules.ts";
import { isJsonObject, type JsonObject, toTerminalSafeJson } from "../core/json/json.ts";
import { keysOfSet } from "../core/jwk/json-web-key.ts";
import { insertLineBreaks } from "../core/output/insert-line-breaks.ts";
import { relativeTime } from "../core/output/relative-time.ts";
import { capitalize } from "../core/problem.ts";
import { escapeControls } from "../core/text.ts";

/** A row of the page: a label and the values under it. */
type DescriptionRow = readonly [label: string, values: readonly string[]];

/** What a field has in most clients, so that it needs no line. */
const USUAL: Readonly<Record<string, string>> = {
  response_types: '["code"]',
  subject_type: '"public"',
  userinfo_signed_response_alg: '"none"',
  request_object_signing_alg: '"RS256"',
};

/** Whether a value says nothing: it is empty, off, or what its field usually is. */
function isEmptyOrUsual(name: string, value: unknown): boolean {
  return isAbsentOrEmpty(value) || value === false || isEmptyObject(value) || toTerminalSafeJson(value) === USUAL[name];
}

function fieldValueTexts(value: unknown): readonly string[] {
  if (typeof value === "string") return [value];
  if (value === true) return ["yes"];
  if (Array.isArray(value)) return value.flatMap(fieldValueTexts);
  return [toTerminalSafeJson(value)];
}

/** The rows of those of some fields that say something. */
function clientFieldRows(
  client: JsonObject,
  fields: readonly (readonly [name: string, label: string])[],
): readonly DescriptionRow[] {
  return fields
    .filter(([name]) => !isEmptyOrUsual(name, client[name]))
    .map(([name, label]): DescriptionRow => [label, fieldValueTexts(client[name])]);
}

function timeRows(client: JsonObject, name: string, label: string, now: number): readonly DescriptionRow[] {
  const time = getTextField(client, name) ?? "";
  const relative = relativeTime(time, now);
  return relative === undefined ? [] : [[label, [`${relative} (${time})`]]];
}

/** Whether a client changed after it was created; servers give the two times of a new client with different fractions. */
function wasUpdated(client: JsonObject): boolean {
  const [created, updated] = ["created_at", "updated_at"].map((name) => Date.parse(getTextField(client, name) ?? ""));
  return Math.abs(Number(updated) - Number(created)) >= 1000;
}

function identityRows(client: JsonObject, now: number): readonly DescriptionRow[] {
  return [
    ["ID", [idOf(client)]],
    ...clientFieldRows(client, [
      ["client_name", "Name"],
      ["owner", "Owner"],
      ["contacts", "Contacts"],
    ]),
    ...timeRows(client, "created_at", "Created", now),
    ...(wasUpdated(client) ? timeRows(client, "updated_at", "Updated", now) : []),
    ...clientFieldRows(client, [
      ["client_uri", "Home page"],
      ["logo_uri", "Logo"],
      ["policy_uri", "Privacy policy"],
      ["tos_uri", "Terms"],
      ["metadata", "Metadata"],
    ]),
  ];
}

function redirectRows(client: JsonObject): readonly DescriptionRow[] {
  return clientFieldRows(client, [
    ["redirect_uris", "After login"],
    ["post_logout_redirect_uris", "After logout"],
    ["frontchannel_logout_uri", "Front-channel logout"],
    ["frontchannel_logout_session_required", "with iss and sid"],
    ["backchannel_logout_uri", "Back-channel logout"],
    ["backchannel_logout_session_required", "with sid"],
    ["allowed_cors_origins", "CORS origins"],
    ["request_uris", "Request objects"],
    ["sector_identifier_uri", "Sector identifier"],
  ]);
}

const LIFESPAN_FIELD_NAME_PATTERN = /^(.+)_grant_(.+)_token_lifespan$/;

function lifespanRows(client: JsonObject): readonly DescriptionRow[] {
  const set = Object.keys(client).filter(
    (name) => LIFESPAN_FIELD_NAME_PATTERN.test(name) && !isEmptyOrUsual(name, client[name]),
  );
  if (set.length === 0) return [];
  const values = set.map((name) => {
    const [, grant = "", token = ""] = LIFESPAN_FIELD_NAME_PATTERN.exec(name) ?? [];
    return `${fieldValueTexts(client[name]).join()} ${token} token (${grant})`;
  });
  return [["Lifespans", values]];
}

function grantAndTokenRows(client: JsonObject): readonly DescriptionRow[] {
  const scopes = getTextField(client, "scope") ?? "";
  return [
    ["Grants", [getListField(client, "grant_types").join(", ") || "none"]],
    ...clientFieldRows(client, [["response_types", "Response types"]]),
    ...(scopes === "" ? [] : [["Scopes", [scopes]] as const]),
    ...clientFieldRows(client, [
      ["audience", "Audience"],
      ["access_token_strategy", "Access tokens"],
      ["subject_type", "Subjects"],
      ["skip_consent", "Skips consent"],
      ["skip_logout_consent", "Skips logout page"],
      ["userinfo_signed_response_alg", "Userinfo signed"],
    ]),
    ...lifespanRows(client),
  ];
}

/** A public key in a few words; it may be anything that is JSON. */
function keyText(key: unknown): string {
  if (!isJsonObject(key)) return toTerminalSafeJson(key);
  const parts = ["kty", "crv", "alg", "use"].flatMap((name) => getTextField(key, name) ?? []);
  return `${getTextField(key, "kid") ?? "(no kid)"}: ${parts.join(" ")}`;
}

function authenticationAndKeyRows(client: JsonObject): readonly DescriptionRow[] {
  const method = getTextField(client, "token_endpoint_auth_method") ?? "client_secret_basic";
  const set = keysOfSet(client["jwks"]);
  return [
    ["Authentication", [isPublic(client) ? "none: a public client, without a secret" : method]],
    ...clientFieldRows(client, [
      ["token_endpoint_auth_signing_alg", "Assertions"],
      ["request_object_signing_alg", "Request objects"],
      ["jwks_uri", "Keys at"],
    ]),
    ...(set.length === 0 ? [] : [["Keys", set.map(keyText)] as const]),
  ];
}

/** The rows of fields that no section knows, of newer servers or other software. */
function otherFieldRows(client: JsonObject): readonly DescriptionRow[] {
  const names = Object.keys(client).filter((name) => !FIELD_NAMES.includes(name));
  return clientFieldRows(
    client,
    names.map((name) => [name, name] as const),
  );
}

function findingRows(client: JsonObject): readonly DescriptionRow[] {
  return lintClient(client, (field) => field).map(
    ({ rule, severity, message, hint }): DescriptionRow => [
      capitalize(severity),
      [`${message} [${rule}]`, capitalize(hint)],
    ],
  );
}

function sectionLines(title: string, rows: readonly DescriptionRow[], columns: number | undefined): readonly string[] {
  if (rows.length === 0) return [];
  const width = Math.max(...rows.map(([label]) => label.length)) + 2;
  const indent = " ".repeat(2 + width);
  const text = rows.flatMap(([label, values]) =>
    values.flatMap((value, at) => {
      const line = escapeControls(`  ${(at === 0 ? label : "").padEnd(width)}${value}`);
      return (columns === undefined ? line : insertLineBreaks(line, columns, indent)).split("\n");
    }),
  );
  return ["", title, ...text];
}

/**
 * The lines of a client for people: what isn't usual, by subject, and what the rules find. Long lines are broken at the
 * columns of a terminal.
 */
export function clientDescriptionLines(
  client: JsonObject,
  now: number,
  columns: number | undefined,
): readonly string[] {
  const sections: readonly (readonly [title: string, rows: readonly DescriptionRow[]])[] = [
    ["Client", identityRows(client, now)],
    ["Redirects", redirectRows(client)],
    ["Tokens", grantAndTokenRows(client)],
    ["Keys", authenticationAndKeyRows(client)],
    ["Other fields", otherFieldRows(client)],
    ["Findings", findingRows(client)],
  ];
  return sections.flatMap(([title, rows]) => sectionLines(title, rows, columns)).slice(1);
}
