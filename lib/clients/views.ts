import { isPublic, listField, textField } from "../core/client/client.ts";
import type { JsonObject } from "../core/json.ts";
import type { Column, View } from "../core/output/render.ts";

function field(label: string, name: string): Column<JsonObject> {
  return {
    label,
    value: (client) => (Array.isArray(client[name]) ? listField(client, name) : (textField(client, name) ?? "")),
  };
}

/** A list in one line, as the 1.x reference has the short ones of its table. */
function joinedField(label: string, name: string): Column<JsonObject> {
  return { label, value: (client) => listField(client, name).join(",") };
}

const COLUMNS: readonly Column<JsonObject>[] = [
  { ...field("CLIENT ID", "client_id"), whole: true },
  { ...field("CLIENT SECRET", "client_secret"), whole: true },
  field("GRANT TYPES", "grant_types"),
  field("RESPONSE TYPES", "response_types"),
  field("SCOPE", "scope"),
  field("AUDIENCE", "audience"),
  field("REDIRECT URIS", "redirect_uris"),
];

/** The id of a client as results carry it. */
export function idOf(client: JsonObject): string {
  return textField(client, "client_id") ?? "";
}

/** A client that was found, in the columns of the 2.x reference. */
export const CLIENT_VIEW: View<JsonObject> = {
  columns: COLUMNS.filter((column) => column.label !== "CLIENT SECRET"),
  id: idOf,
  credentials: (client) => ({ id: idOf(client), hasNoSecret: isPublic(client) }),
};

/** Clients of a list, in the columns that each reference has for it. */
export const LIST_VIEW: View<JsonObject> = {
  ...CLIENT_VIEW,
  listColumns: [
    { ...field("CLIENT ID", "client_id"), whole: true },
    field("NAME", "client_name"),
    joinedField("RESPONSE TYPES", "response_types"),
    field("SCOPE", "scope"),
    field("REDIRECT URIS", "redirect_uris"),
    joinedField("GRANT TYPES", "grant_types"),
    field("TOKEN ENDPOINT AUTH METHOD", "token_endpoint_auth_method"),
  ],
  envelope: { items: "items", rest: { next_page_token: "", is_last_page: true } },
};

/** The field under which results carry an encrypted secret. */
export const ENCRYPTED = "client_secret_encrypted";

/** The field under which results carry the encrypted private key of a client. */
export const ENCRYPTED_KEY = "client_private_key_encrypted";

/**
 * A client that was made, with the credentials that are delivered: `client_secret`, or {@link ENCRYPTED}.
 *
 * @param secretless what the text format says of a client whose secret is not shown.
 */
export function createdView(secretless: "none" | "given" | "elsewhere"): View<JsonObject> {
  return {
    columns: [
      ...COLUMNS.slice(0, 2).map((column) =>
        column.label === "CLIENT SECRET"
          ? {
              ...column,
              value: (client: JsonObject) => textField(client, ENCRYPTED) ?? textField(client, "client_secret") ?? "",
            }
          : column,
      ),
      ...COLUMNS.slice(2),
    ],
    text(client) {
      const id = `OAuth 2.0 Client ID: ${idOf(client)}`;
      const encrypted = textField(client, ENCRYPTED);
      if (encrypted !== undefined) return [id, ...`OAuth 2.0 Encrypted Client Secret: ${encrypted}`.split("\n")];
      const key = textField(client, ENCRYPTED_KEY);
      if (key !== undefined) return [id, ...`OAuth 2.0 Encrypted Client Private Key: ${key}`.split("\n")];
      const secret = textField(client, "client_secret");
      if (secret !== undefined) return [id, `OAuth 2.0 Client Secret: ${secret}`];
      return secretless === "none" ? [id, "This OAuth 2.0 Client has no secret"] : [id];
    },
    id: idOf,
    credentials: (client) => ({
      id: idOf(client),
      // A server may answer a client that has none with an empty one.
      secret: textField(client, "client_secret") || undefined,
      encrypted: textField(client, ENCRYPTED),
      hasNoSecret: secretless === "none" || isPublic(client),
    }),
  };
}

/** A client that was made with a key, whose encrypted private part stands where another client has its secret. */
export const KEYED_VIEW: View<JsonObject> = {
  ...createdView("given"),
  columns: createdView("given").columns.map((column) =>
    column.label === "CLIENT SECRET" ? { ...field("CLIENT PRIVATE KEY", ENCRYPTED_KEY), whole: true } : column,
  ),
};
