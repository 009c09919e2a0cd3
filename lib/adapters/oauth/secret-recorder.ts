import { isJsonObject, parseJsonOrUndefined } from "../../core/json/json.ts";
import type { HttpAnswer, SendHttp } from "../../core/network.ts";

/** What the answers of a server contained that must not be shown, and the tokens among it. */
interface Recorder {
  /** The same network access, whose answers are recorded. */
  readonly http: SendHttp;
  /** Everything so far that must not be shown. */
  readonly secrets: ReadonlySet<string>;
  /** The access and refresh tokens so far, in the order in which they came. */
  readonly tokens: ReadonlySet<string>;
}

const TOKENS = ["access_token", "refresh_token"];

const SECRETS = [...TOKENS, "id_token", "device_code", "user_code", "code", "state"];

const SECRET_PARAMETER = /^(?:code|state|access_token|refresh_token|id_token|user_code|\w+_(?:challenge|verifier))$/;

/**
 * Records the secrets in the answers of a server. A token that is rejected, because its ID token can't be verified, was
 * issued anyway: only the answer itself has it.
 */
export function createSecretRecorder(http: SendHttp): Recorder {
  const secrets = new Set<string>();
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
      if (SECRET_PARAMETER.test(name)) record(name, value);
  }

  function recordAnswer({ headers, text }: HttpAnswer): void {
    recordUrl(headers.get("location") ?? "");
    for (const line of headers.getSetCookie())
      record(
        "cookie",
        line
          .split(";")[0]
          ?.replace(/^[^=]*=/, "")
          .trim(),
      );
    const body = parseJsonOrUndefined(text)?.value;
    if (!isJsonObject(body)) return;
    for (const name of SECRETS) record(name, body[name]);
    if (typeof body["redirect_to"] === "string") recordUrl(body["redirect_to"]);
  }

  return {
    http: async (request) => {
      const answer = await http(request);
      recordAnswer(answer);
      return answer;
    },
    secrets,
    tokens,
  };
}
