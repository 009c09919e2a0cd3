import { isRecord } from "./client.ts";
import { CREDENTIAL_FIELDS, REDACTED } from "./secret.ts";
import { shellQuoted } from "./shell.ts";

/** A request that would be sent, credentials already taken out. */
export interface PlannedRequest {
  readonly method: "POST" | "PUT" | "PATCH" | "DELETE";
  readonly url: string;
  readonly body?: unknown;
}

/** A body with every credential replaced, at whatever depth it stands, JSON Patch steps included. */
export function redacted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(redacted);
  if (!isRecord(value)) return value;
  const path = value["path"];
  const isStep = typeof path === "string" && typeof value["op"] === "string";
  if (isStep && CREDENTIAL_FIELDS.includes(path.slice(1)) && "value" in value) return { ...value, value: REDACTED };
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [
      key,
      CREDENTIAL_FIELDS.includes(key) && member !== undefined ? REDACTED : redacted(member),
    ]),
  );
}

/** A request as a command line of curl, to be pasted into a shell; the names of headers are kept, their values are not. */
export function curlLine(request: PlannedRequest, headers: readonly string[], socket: string | undefined): string {
  const words = ["curl", "--request", request.method];
  if (socket !== undefined) words.push("--unix-socket", socket);
  for (const name of headers) words.push("--header", `${name}: ${REDACTED}`);
  if (request.body !== undefined) {
    const type = request.method === "PATCH" ? "application/json-patch+json" : "application/json";
    words.push("--header", `content-type: ${type}`, "--data-raw", JSON.stringify(redacted(request.body)));
  }
  words.push(request.url);
  return words.map(shellQuoted).join(" ");
}
