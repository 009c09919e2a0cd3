import { isRecord } from "./client.ts";
import { isKey, PRIVATE_MEMBERS } from "./jwk.ts";
import { CREDENTIAL_FIELDS, isOpenHeader, REDACTED } from "./secret.ts";
import { shellQuoted } from "./shell.ts";

/** A request that would be sent, credentials already taken out. */
export interface PlannedRequest {
  readonly method: "POST" | "PUT" | "PATCH" | "DELETE";
  readonly url: string;
  readonly body?: unknown;
}

/** What a credential is replaced by, for the field that it stands in. */
type Mark = (field: string) => string;

/**
 * A body with every credential replaced, at whatever depth it stands, JSON Patch steps and the private members of JSON
 * Web Keys included.
 */
export function redacted(value: unknown, mark: Mark = () => REDACTED): unknown {
  if (Array.isArray(value)) return value.map((item) => redacted(item, mark));
  if (!isRecord(value)) return value;
  const path = value["path"];
  const field = typeof path === "string" && typeof value["op"] === "string" ? path.slice(1) : "";
  if (CREDENTIAL_FIELDS.includes(field) && "value" in value) return { ...value, value: mark(field) };
  const hidden = isKey(value) ? [...CREDENTIAL_FIELDS, ...PRIVATE_MEMBERS] : CREDENTIAL_FIELDS;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [
      key,
      hidden.includes(key) && member !== undefined ? mark(key) : redacted(member, mark),
    ]),
  );
}

/** How curl reaches the server. */
export interface CurlWay {
  readonly headers: Readonly<Record<string, string>>;
  readonly socket: string | undefined;
  readonly skipVerify: boolean;
  readonly caFile: string | undefined;
}

/** Where a credential belongs in a word: its name between two characters that stand for nothing. */
const PLACE = /\ue000([\w-]+)\ue000/;

function placeOf(name: string): string {
  return `\ue000${name.replace(/[^\w-]/g, "_")}\ue000`;
}

/** A word for a shell, with variables for its credentials, without which the shell refuses to run the line. */
function word(text: string): string {
  const parts = text.split(PLACE);
  if (parts.length === 1) return shellQuoted(text);
  return parts
    .map((part, at) => {
      if (at % 2 === 1) return `"\${${part.toUpperCase().replaceAll("-", "_")}:?}"`;
      return part === "" ? "" : shellQuoted(part);
    })
    .join("");
}

/**
 * A request as a command line of curl, to be pasted into a shell. Where a credential stands it has a variable such as
 * `${CLIENT_SECRET:?}`, so that nothing is sent before it is set.
 */
export function curlLine(request: PlannedRequest, way: CurlWay): string {
  const words = ["curl", "--request", request.method];
  if (way.socket !== undefined) words.push("--unix-socket", way.socket);
  if (way.skipVerify) words.push("--insecure");
  if (way.caFile !== undefined) words.push("--cacert", way.caFile);
  for (const [name, value] of Object.entries(way.headers))
    words.push("--header", `${name}: ${isOpenHeader(name) ? value : placeOf(`header-${name}`)}`);
  if (request.body !== undefined) {
    const type = request.method === "PATCH" ? "application/json-patch+json" : "application/json";
    words.push("--header", `content-type: ${type}`, "--data-raw", JSON.stringify(redacted(request.body, placeOf)));
  }
  words.push(request.url);
  return words.map(word).join(" ");
}
