import * as v from "valibot";
import { parseJson } from "../core/client.ts";
import { type Http, NetworkFailure } from "../core/network.ts";
import { Problem } from "../core/problem.ts";
import { hiddenValues, shownUrl, withoutValues } from "../core/secret.ts";
import { printable, quoted, trimmedEnd } from "../core/text.ts";

/** How a client proves itself at the token endpoint (RFC 6749, 2.3; RFC 7523). */
export type ClientProof =
  | { readonly way: "client_secret_basic" | "client_secret_post"; readonly secret: string }
  | { readonly way: "private_key_jwt"; readonly assertion: (audience: string) => Promise<string> };

const DISCOVERY = v.looseObject({ token_endpoint: v.string(), issuer: v.optional(v.string()) });
const TOKEN = v.looseObject({ access_token: v.pipe(v.string(), v.nonEmpty()) });
const OAUTH_ERROR = v.looseObject({ error: v.string(), error_description: v.optional(v.string()) });

const MAX_BYTES = 1_048_576;

async function ask(http: Http, request: Parameters<Http>[0], action: string): ReturnType<Http> {
  try {
    return await http({ maxBytes: MAX_BYTES, ...request });
  } catch (error) {
    if (!(error instanceof NetworkFailure)) throw error;
    throw new Problem(`${action}: no answer from ${printable(shownUrl(request.url))}: ${error.message}`, {
      code: "verify-unreachable",
      exit: "unreachable",
      hint: "check --token-endpoint or --public-url",
      cause: error,
    });
  }
}

/**
 * The token endpoint that the server at a public address states (OpenID Connect Discovery, 4). It must be of the same
 * origin: a new secret goes nowhere that was not named.
 */
export async function discoverTokenEndpoint(http: Http, publicUrl: string, timeout: number): Promise<string> {
  const action = "Cannot find the token endpoint";
  const base = trimmedEnd(publicUrl, "/");
  const url = `${base}/.well-known/openid-configuration`;
  const answer = await ask(http, { method: "GET", url, timeout, headers: { accept: "application/json" } }, action);
  const read = v.safeParse(DISCOVERY, parseJson(answer.text)?.value);
  if (answer.status === 200 && read.success && URL.canParse(read.output.token_endpoint)) {
    const { token_endpoint: endpoint } = read.output;
    if (new URL(endpoint).origin === new URL(base).origin) return endpoint;
    throw new Problem(
      `${action}: ${printable(shownUrl(url))} names one elsewhere, ${quoted(shownUrl(endpoint))}, to which no secret is sent`,
      {
        code: "foreign-token-endpoint",
        exit: "failed",
        hint: "if it is the right one, give it with --token-endpoint",
      },
    );
  }
  throw new Problem(`${action}: ${printable(shownUrl(url))} answered ${answer.status} without a discovery document`, {
    code: "no-discovery",
    exit: "failed",
    hint: "give the address itself with --token-endpoint",
  });
}

/** A part of Basic credentials, encoded as a form value first (RFC 6749, 2.3.1). */
function formEncoded(text: string): string {
  return new URLSearchParams([["", text]]).toString().slice(1);
}

/**
 * Proves a client's credentials with a client_credentials request. A client that may not use this grant is told so only
 * after its credentials were taken, so that refusal proves them too. Gives what was proven; throws when they are refused.
 */
export async function proveCredentials(
  http: Http,
  endpoint: string,
  clientId: string,
  proof: ClientProof,
  timeout: number,
): Promise<"token" | "accepted"> {
  const form = new URLSearchParams({ grant_type: "client_credentials" });
  const headers: Record<string, string> = {
    accept: "application/json",
    "content-type": "application/x-www-form-urlencoded",
  };
  if (proof.way === "client_secret_basic" && "secret" in proof) {
    headers["authorization"] = `Basic ${btoa(`${formEncoded(clientId)}:${formEncoded(proof.secret)}`)}`;
  } else if ("secret" in proof) {
    form.set("client_id", clientId);
    form.set("client_secret", proof.secret);
  } else {
    form.set("client_id", clientId);
    form.set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    form.set("client_assertion", await proof.assertion(endpoint));
  }
  const action = `Cannot verify the credentials of client ${quoted(clientId)}`;
  const answer = await ask(http, { method: "POST", url: endpoint, body: form.toString(), headers, timeout }, action);
  if (answer.status === 200) {
    if (v.is(TOKEN, parseJson(answer.text)?.value)) return "token";
    throw new Problem(`${action}: the token endpoint answered 200 without a token`, {
      code: "not-verified",
      exit: "failed",
      status: answer.status,
      hint: "check that --token-endpoint is the address of the token endpoint, /oauth2/token as a rule",
    });
  }
  const fault = v.safeParse(OAUTH_ERROR, parseJson(answer.text)?.value);
  const error = fault.success ? fault.output.error : undefined;
  if (
    answer.status === 400 &&
    (error === "unauthorized_client" ||
      error === "unsupported_grant_type" ||
      error === "invalid_scope" ||
      error === "invalid_grant")
  ) {
    return "accepted";
  }
  const sent = [...hiddenValues(headers), "secret" in proof ? proof.secret : (form.get("client_assertion") ?? "")];
  const said = error === undefined ? "" : ` (${printable(withoutValues(error, sent))})`;
  throw new Problem(`${action}: the token endpoint answered ${answer.status}${said}`, {
    code: "not-verified",
    exit: "failed",
    status: answer.status,
    hint: "check that the token endpoint belongs to this server, and the client's auth method",
  });
}
