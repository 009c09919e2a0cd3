import { isJsonObject, parseJsonOrUndefined } from "../../core/json/json.ts";
import type { HttpAnswer, SendHttp } from "../../core/network.ts";

const TOKENS = ["access_token", "refresh_token"];

const SECRETS = [...TOKENS, "id_token", "device_code", "user_code", "code", "state"];

const SECRET_PARAMETER_PATTERN =
  /^(?:code|state|access_token|refresh_token|id_token|user_code|\w+_(?:challenge|verifier))$/;

/**
 * Records the secrets in the answers of a server. A token that is rejected, because its ID token can't be verified, was
 * issued anyway: only the answer itself has it.
 */
export function createSecretRecorder(http: SendHttp) {
  /** Everything so far that must not be shown. */
  const secrets = new Set<string>();
  /** The access and refresh tokens among it, in the order in which they came. */
  const tokens = new Set<string>();

  function record(name: string, value: unknown): void {
    if (typeof value !== "string" || value === "") return;
    secrets.add(value);
    if (TOKENS.includes(name)) tokens.add(value);
  }

  function recordUrl(text: string): void {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (url === undefined) return;
    for (const [name, value] of [...url.searchParams, ...new URLSearchParams(url.hash.slice(1))])
      if (SECRET_PARAMETER_PATTERN.test(name)) record(name, value);
  }

  function recordAnswer({ headers, text }: HttpAnswer): void {
    recordUrl(headers.get("location") ?? "");
    for (const line of headers.getSetCookie()) {
      const [pair = ""] = line.split(";");
      record("cookie", pair.replace(/^[^=]*=/, "").trim());
    }
    const body = parseJsonOrUndefined(text)?.value;
    if (!isJsonObject(body)) return;
    for (const name of SECRETS) record(name, body[name]);
    if (typeof body["redirect_to"] === "string") recordUrl(body["redirect_to"]);
  }

  /** The same network access, whose answers are recorded. */
  const recorded: SendHttp = async (request) => {
    const answer = await http(request);
    recordAnswer(answer);
    return answer;
  };
  return { http: recorded, secrets, tokens };
}
