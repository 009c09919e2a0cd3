import { getListField, getTextField, idOf, isPublic } from "../core/client/client.ts";
import type { JsonObject } from "../core/json/json.ts";
import { ENCRYPTED_PRIVATE_KEY_FIELD, ENCRYPTED_SECRET_FIELD } from "../core/output/credential-formats.ts";
import type { Column, ResultView } from "../core/output/render.ts";

function fieldColumn(label: string, name: string): Column<JsonObject> {
  return {
    label,
    value: (client) => (Array.isArray(client[name]) ? getListField(client, name) : (getTextField(client, name) ?? "")),
  };
}

/** A column with a list in one line, as Hydra's own CLI 1.x shows short ones in its table. */
function joinedListColumn(label: string, name: string): Column<JsonObject> {
  return { label, value: (client) => getListField(client, name).join(",") };
}

const ID_COLUMN: Column<JsonObject> = { ...fieldColumn("CLIENT ID", "client_id"), whole: true };

/** The columns of Hydra's own CLI 2.x, with one for the secret or what takes its place. */
function columnsWithSecret(secretColumn: Column<JsonObject>): readonly Column<JsonObject>[] {
  return [
    ID_COLUMN,
    secretColumn,
    fieldColumn("GRANT TYPES", "grant_types"),
    fieldColumn("RESPONSE TYPES", "response_types"),
    fieldColumn("SCOPE", "scope"),
    fieldColumn("AUDIENCE", "audience"),
    fieldColumn("REDIRECT URIS", "redirect_uris"),
  ];
}

/** A client that was found, in the columns of Hydra's own CLI 2.x. */
export const CLIENT_WITHOUT_SECRET_VIEW: ResultView<JsonObject> = {
  // Always empty here, so the column may be left out on a narrow terminal.
  columns: columnsWithSecret(fieldColumn("CLIENT SECRET", "client_secret")),
  id: idOf,
  credentials: (client) => ({ id: idOf(client), hasNoSecret: isPublic(client) }),
};

/** Clients of a list, in the columns of Hydra's own CLI, 2.x as a plain and 1.x as a bordered table. */
export const CLIENT_LIST_VIEW: ResultView<JsonObject> = {
  ...CLIENT_WITHOUT_SECRET_VIEW,
  listColumns: [
    ID_COLUMN,
    fieldColumn("NAME", "client_name"),
    joinedListColumn("RESPONSE TYPES", "response_types"),
    fieldColumn("SCOPE", "scope"),
    fieldColumn("REDIRECT URIS", "redirect_uris"),
    joinedListColumn("GRANT TYPES", "grant_types"),
    fieldColumn("TOKEN ENDPOINT AUTH METHOD", "token_endpoint_auth_method"),
  ],
  envelope: { items: "items", rest: { next_page_token: "", is_last_page: true } },
  tableEnd: (rest) => [
    [],
    ["NEXT PAGE TOKEN", getTextField(rest, "next_page_token") ?? ""],
    ["IS LAST PAGE", String(rest["is_last_page"])],
  ],
};

/** The secret in a result: the encrypted one, or else the plain one. */
function encryptedOrPlainSecret(client: JsonObject): string {
  return getTextField(client, ENCRYPTED_SECRET_FIELD) ?? getTextField(client, "client_secret") ?? "";
}

const SECRET_COLUMN: Column<JsonObject> = { label: "CLIENT SECRET", value: encryptedOrPlainSecret, whole: true };

/**
 * A client that was created, with the credentials that are delivered: `client_secret`, or {@link ENCRYPTED_SECRET_FIELD}.
 *
 * @param secret whether the client has a secret; the text format says so if it has none.
 */
export function clientWithCredentialsView(secret: "has secret" | "no secret"): ResultView<JsonObject> {
  return {
    columns: columnsWithSecret(SECRET_COLUMN),
    text(client) {
      const id = `OAuth 2.0 Client ID: ${idOf(client)}`;
      const encrypted = getTextField(client, ENCRYPTED_SECRET_FIELD);
      if (encrypted !== undefined) return [id, ...`OAuth 2.0 Encrypted Client Secret: ${encrypted}`.split("\n")];
      const key = getTextField(client, ENCRYPTED_PRIVATE_KEY_FIELD);
      if (key !== undefined) return [id, ...`OAuth 2.0 Encrypted Client Private Key: ${key}`.split("\n")];
      const plain = getTextField(client, "client_secret");
      if (plain !== undefined) return [id, `OAuth 2.0 Client Secret: ${plain}`];
      return secret === "no secret" ? [id, "This OAuth 2.0 Client has no secret"] : [id];
    },
    id: idOf,
    credentials: (client) => ({
      id: idOf(client),
      // A server may return an empty secret for a client that has none.
      secret: getTextField(client, "client_secret") || undefined,
      encrypted: getTextField(client, ENCRYPTED_SECRET_FIELD),
      hasNoSecret: secret === "no secret" || isPublic(client),
    }),
  };
}

/** A client that was created with a key pair: its encrypted private key takes the place of the secret. */
export const CLIENT_WITH_ENCRYPTED_KEY_VIEW: ResultView<JsonObject> = {
  ...clientWithCredentialsView("has secret"),
  columns: columnsWithSecret({ ...fieldColumn("CLIENT PRIVATE KEY", ENCRYPTED_PRIVATE_KEY_FIELD), whole: true }),
};

const OUTCOME_WORDS: Readonly<Record<string, string>> = {
  created: "Imported",
  updated: "Updated",
  unchanged: "Unchanged",
  skipped: "Skipped",
};

/** A client of an import: with its outcome and the file that it is from. */
export const IMPORT_VIEW: ResultView<JsonObject> = {
  ...clientWithCredentialsView("has secret"),
  isAlwaysList: true,
  columns: [
    { label: "CLIENT ID", value: idOf, whole: true },
    SECRET_COLUMN,
    { label: "OUTCOME", value: (client) => getTextField(client, "outcome") ?? "" },
    { label: "FROM", value: (client) => getTextField(client, "from") ?? "" },
  ],
  text: (client) => {
    const word = OUTCOME_WORDS[getTextField(client, "outcome") ?? ""] ?? "Imported";
    // ASCII armor has several lines.
    const encrypted = getTextField(client, ENCRYPTED_SECRET_FIELD)?.split("\n");
    const [first = "", ...others] = encrypted ?? [encryptedOrPlainSecret(client)];
    const lines = [`${word} OAuth 2.0 Client ${idOf(client)}${first === "" ? "" : `:${first}`}`, ...others];
    return lines.with(-1, `${lines.at(-1) ?? ""} from: ${getTextField(client, "from") ?? ""}`);
  },
};
