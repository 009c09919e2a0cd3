import type { Column, View } from "./output.ts";

/** A client as a server answers it. */
export type ClientRecord = Readonly<Record<string, unknown>>;

function field(client: ClientRecord, name: string): string {
  const value = client[name];
  return typeof value === "string" ? value : "";
}

function list(client: ClientRecord, name: string): readonly string[] {
  const value = client[name];
  return Array.isArray(value) ? value.filter((element) => typeof element === "string") : [];
}

function textColumn(label: string, name: string): Column<ClientRecord> {
  return { label, value: (client) => field(client, name) };
}

function listColumn(label: string, name: string, between: string): Column<ClientRecord> {
  return { label, value: (client) => list(client, name).join(between) };
}

/** The table of the 2.x grammar; its secret is never cut, because it is shown only once. */
export const CLIENT_COLUMNS: readonly Column<ClientRecord>[] = [
  textColumn("CLIENT ID", "client_id"),
  { ...textColumn("CLIENT SECRET", "client_secret"), whole: true },
  listColumn("GRANT TYPES", "grant_types", ", "),
  listColumn("RESPONSE TYPES", "response_types", ", "),
  textColumn("SCOPE", "scope"),
  listColumn("AUDIENCE", "audience", ","),
  listColumn("REDIRECT URIS", "redirect_uris", ", "),
];

/** The bordered table that `clients list` shows in the 1.x grammar. */
export const CLIENT_GRID: readonly Column<ClientRecord>[] = [
  textColumn("CLIENT ID", "client_id"),
  textColumn("NAME", "client_name"),
  listColumn("RESPONSE TYPES", "response_types", ","),
  textColumn("SCOPE", "scope"),
  { label: "REDIRECT URIS", value: (client) => list(client, "redirect_uris") },
  listColumn("GRANT TYPES", "grant_types", ","),
  textColumn("TOKEN ENDPOINT AUTH METHOD", "token_endpoint_auth_method"),
];

/** How clients are shown where a command has no words of its own for them. */
export const CLIENT_VIEW: View<ClientRecord> = {
  columns: CLIENT_COLUMNS,
  grid: CLIENT_GRID,
  id: (client) => field(client, "client_id"),
  credentials: (client) => {
    const secret = field(client, "client_secret");
    return { id: field(client, "client_id"), ...(secret === "" ? {} : { secret }) };
  },
};

/** How a list of stored clients is shown: as {@link CLIENT_VIEW}, and in JSON in the reference's envelope. */
export const CLIENT_LIST_VIEW: View<ClientRecord> = {
  ...CLIENT_VIEW,
  columns: CLIENT_COLUMNS.map(({ label, value }) => ({ label, value })),
  wrap: { items: "items", rest: { next_page_token: "", is_last_page: true } },
};
