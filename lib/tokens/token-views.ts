import type { TokenSet } from "../adapters/oauth/index.ts";
import type { Context } from "../command.ts";
import { getTextField } from "../core/client/client.ts";
import type { JsonObject } from "../core/json/json.ts";
import type { Column, ResultView } from "../core/output/render.ts";

function column(label: string, name: string): Column<JsonObject> {
  return { label, value: (item) => getTextField(item, name) ?? "", whole: true };
}

/** A point in time as RFC 3339 in UTC, to the second; seconds since 1970 if no date is that far away. */
export function formatEpochMilliseconds(milliseconds: number): string {
  const date = new Date(milliseconds);
  if (Number.isNaN(date.getTime())) return String(milliseconds / 1000);
  return date.toISOString().replace(/\.\d{3}Z$/, "Z");
}

/** Tokens that a client got: the bare access token, or the columns of Hydra's own CLI 2.x. */
export const TOKEN_VIEW: ResultView<JsonObject> = {
  columns: [
    column("ACCESS TOKEN", "access_token"),
    column("REFRESH TOKEN", "refresh_token"),
    column("ID TOKEN", "id_token"),
    column("EXPIRY", "expires_at"),
  ],
  text: (item) => [getTextField(item, "access_token") ?? ""],
  id: (item) => getTextField(item, "access_token") ?? "",
};

/** The labels of Hydra's 1.x CLI for the tokens of a user. */
const LOGIN_LABELS = [
  ["Access Token", "access_token"],
  ["Refresh Token", "refresh_token"],
  ["Expires in", "expires_at"],
  ["ID Token", "id_token"],
] as const;

/** The tokens of a user who has logged in; unlike {@link TOKEN_VIEW}, the text has all of them. */
export const LOGIN_VIEW: ResultView<JsonObject> = {
  ...TOKEN_VIEW,
  text: (item) =>
    LOGIN_LABELS.flatMap(([label, name]) => {
      const value = getTextField(item, name) ?? "";
      return value === "" ? [] : [`${label}:`, `\t${value}`];
    }),
};

/**
 * The server's answer, whole, and when the access token expires, also under the name of Hydra's own 2.x CLI. Warns of a
 * lifetime that was ignored.
 */
export function toTokenItem(
  { warn }: Pick<Context, "warn">,
  { raw, expiresAt }: Pick<TokenSet, "raw" | "expiresAt">,
): JsonObject {
  const hasImpossibleLifetime = expiresAt === undefined && raw["expires_in"] !== undefined;
  if (hasImpossibleLifetime) warn("the server's expires_in is ignored: no token can have such a lifetime");
  if (expiresAt === undefined) return raw;
  const time = formatEpochMilliseconds(expiresAt);
  return { ...raw, expires_at: time, expiry: time };
}

/** What the server says about a token (RFC 7662), in the columns of Hydra's own CLI 2.x. */
export const INTROSPECTION_VIEW: ResultView<JsonObject> = {
  columns: [
    { label: "ACTIVE", value: (item) => String(item["active"] === true) },
    { label: "SUBJECT", value: (item) => getTextField(item, "sub") ?? "" },
    { label: "CLIENT ID", value: (item) => getTextField(item, "client_id") ?? "", whole: true },
    { label: "SCOPE", value: (item) => getTextField(item, "scope") ?? "" },
    { label: "EXPIRY", value: ({ exp }) => (typeof exp === "number" ? formatEpochMilliseconds(exp * 1000) : "") },
    { label: "TOKEN USE", value: (item) => getTextField(item, "token_use") ?? "" },
  ],
  // As in Hydra's own CLI 2.x.
  id: (item) => String(item["active"] === true),
};

const SHOWN_START = 10;

/** The start of a token: enough to recognize it, and of no use to anyone. */
export function shortenedToken(token: string): string {
  return `${token.slice(0, Math.min(SHOWN_START, Math.floor(token.length / 4)))}…`;
}
