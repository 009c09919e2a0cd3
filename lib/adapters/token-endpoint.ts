import * as v from "valibot";
import { parseJson } from "../core/client/client.ts";
import { type Http, NetworkFailure } from "../core/network.ts";
import { Problem } from "../core/problem.ts";
import { redactUrl, redactValues, secretsIn } from "../core/redact.ts";
import { escapeControls, quote, trimmedEnd } from "../core/text.ts";

/** How a client authenticates (RFC 6749, 2.3; RFC 7523). */
export type ClientProof =
  | { readonly way: "client_secret_basic" | "client_secret_post"; readonly secret: string }
  | { readonly way: "private_key_jwt"; readonly assertion: (audience: string) => Promise<string> };

/** Where a server takes credentials for a proof. */
export interface ProofEndpoints {
  readonly token: string;
  /** Undefined where it is not known; a secret is then proved at the token endpoint. */
  readonly revocation: string | undefined;
}

/** What a proof needs beside the credentials. */
export interface ProofOptions {
  /** The milliseconds that are left for the requests together. */
  readonly timeLeft: () => number;
  /** A secret that is certainly not the client's. */
  readonly wrongSecret: string;
}

/** How credentials were proved: by a token, by a refusal that only follows on good ones, or without either. */
export type Proven = "token" | "accepted" | "secret";

const DISCOVERY = v.looseObject({
  token_endpoint: v.string(),
  revocation_endpoint: v.optional(v.unknown()),
});

const TOKEN = v.looseObject({ access_token: v.pipe(v.string(), v.nonEmpty()) });

const OAUTH_ERROR = v.looseObject({ error: v.string(), error_description: v.optional(v.string()) });

const MAX_BYTES = 1_048_576;

type Answered = Awaited<ReturnType<Http>>;

async function ask(http: Http, request: Parameters<Http>[0], action: string): ReturnType<Http> {
  try {
    return await http({ maxBytes: MAX_BYTES, ...request });
  } catch (error) {
    if (!(error instanceof NetworkFailure)) throw error;
    throw new Problem(`${action}: no answer from ${escapeControls(redactUrl(request.url))}: ${error.message}`, {
      code: "verify-unreachable",
      exit: "unreachable",
      hint: "check --token-endpoint or --public-url",
      cause: error,
    });
  }
}

/**
 * The endpoints that the server at a public address states (OpenID Connect Discovery, 4; RFC 8414, 2). They must be of the
 * same origin: a new secret goes nowhere that was not named. A revocation endpoint elsewhere counts as none.
 */
export async function discoverEndpoints(http: Http, publicUrl: string, timeout: number): Promise<ProofEndpoints> {
  const action = "Cannot find the token endpoint";
  const base = trimmedEnd(publicUrl, "/");
  const url = `${base}/.well-known/openid-configuration`;
  const answer = await ask(http, { method: "GET", url, timeout, headers: { accept: "application/json" } }, action);
  const read = v.safeParse(DISCOVERY, parseJson(answer.text)?.value);
  const own = (endpoint: string): boolean =>
    URL.canParse(endpoint) && new URL(endpoint).origin === new URL(base).origin;
  if (answer.status === 200 && read.success && URL.canParse(read.output.token_endpoint)) {
    const { token_endpoint: token, revocation_endpoint: revocation } = read.output;
    if (own(token))
      return { token, revocation: typeof revocation === "string" && own(revocation) ? revocation : undefined };
    throw new Problem(
      `${action}: ${escapeControls(redactUrl(url))} names one elsewhere, ${quote(redactUrl(token))}, to which no secret is sent`,
      {
        code: "foreign-token-endpoint",
        exit: "failed",
        hint: "if it is the right one, give it with --token-endpoint",
      },
    );
  }
  throw new Problem(
    `${action}: ${escapeControls(redactUrl(url))} answered ${answer.status} without a discovery document`,
    {
      code: "no-discovery",
      exit: "failed",
      hint: "give the address itself with --token-endpoint",
    },
  );
}

/** A part of Basic credentials, encoded as a form value first (RFC 6749, 2.3.1). */
function formEncoded(text: string): string {
  return new URLSearchParams([["", text]]).toString().slice(1);
}

/** A form with a client's credentials, and what of it must not be shown. */
interface SignedForm {
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly hidden: readonly string[];
}

/** Adds credentials to a form in the way that the client is registered with, the only one that the servers take. */
async function signed(
  fields: Readonly<Record<string, string>>,
  clientId: string,
  proof: ClientProof,
  audience: string,
): Promise<SignedForm> {
  const form = new URLSearchParams(fields);
  const headers = { accept: "application/json", "content-type": "application/x-www-form-urlencoded" };
  if (proof.way === "client_secret_basic") {
    const authorization = `Basic ${btoa(`${formEncoded(clientId)}:${formEncoded(proof.secret)}`)}`;
    const signedHeaders = { ...headers, authorization };
    return { body: form.toString(), headers: signedHeaders, hidden: [...secretsIn(signedHeaders), proof.secret] };
  }
  form.set("client_id", clientId);
  if ("secret" in proof) {
    form.set("client_secret", proof.secret);
    return { body: form.toString(), headers, hidden: [proof.secret] };
  }
  const assertion = await proof.assertion(audience);
  form.set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
  form.set("client_assertion", assertion);
  return { body: form.toString(), headers, hidden: [assertion] };
}

/** The error of an OAuth 2.0 answer (RFC 6749, 5.2). */
function errorIn(text: string): string | undefined {
  const fault = v.safeParse(OAUTH_ERROR, parseJson(text)?.value);
  return fault.success ? fault.output.error : undefined;
}

function notVerified(message: string, status: number, hint: string): Problem {
  return new Problem(message, { code: "not-verified", exit: "failed", status, hint });
}

/** The problem of an answer that is no proof, with what the server said and without what it was sent. */
function refusal(action: string, endpoint: string, { status, text }: Answered, { hidden }: SignedForm): Problem {
  const error = errorIn(text);
  const said = error === undefined ? "" : ` (${escapeControls(redactValues(error, hidden))})`;
  return notVerified(
    `${action}: the ${endpoint} endpoint answered ${status}${said}`,
    status,
    `check that the ${endpoint} endpoint belongs to this server, and the client's auth method`,
  );
}

/** Proves a client's credentials and gives how; throws when they are refused. */
export async function proveCredentials(
  http: Http,
  endpoints: ProofEndpoints,
  clientId: string,
  proof: ClientProof,
  options: ProofOptions,
): Promise<Proven> {
  const { token, revocation } = endpoints;
  // Hydra 1.8 answers 200 at the revocation endpoint to an assertion by the wrong key.
  return proof.way === "private_key_jwt" || revocation === undefined
    ? proveAtToken(http, token, clientId, proof, options)
    : proveByRevocation(http, revocation, clientId, proof, options);
}

/**
 * Proves a secret by revoking a token that does not exist, which issues nothing: the server authenticates the client first,
 * 401 for a wrong secret, and answers 200 for a token that it does not know (RFC 7009, 2.1 and 2.2). A 200 proves
 * something only where a wrong secret gets 401, which a gateway or a test double that answers 200 to everything doesn't
 * give. So a wrong secret is sent first, at the price of one request; no Hydra locks a client out for it, and the real secret
 * is never sent to an endpoint that would take any.
 */
async function proveByRevocation(
  http: Http,
  url: string,
  clientId: string,
  proof: Exclude<ClientProof, { readonly way: "private_key_jwt" }>,
  { timeLeft, wrongSecret }: ProofOptions,
): Promise<Proven> {
  const action = `Cannot verify the credentials of client ${quote(clientId)}`;
  const attempt = async (secret: string): Promise<{ answer: Answered; form: SignedForm }> => {
    const form = await signed({ token: "none" }, clientId, { ...proof, secret }, url);
    const { body, headers } = form;
    return { answer: await ask(http, { method: "POST", url, body, headers, timeout: timeLeft() }, action), form };
  };
  const wrong = await attempt(wrongSecret);
  if (wrong.answer.status !== 401) {
    const { status } = wrong.answer;
    throw notVerified(
      `${action}: the revocation endpoint answered ${status} to a wrong secret instead of 401, so it proves nothing`,
      status,
      "check --public-url, or verify by getting a token with --token-endpoint",
    );
  }
  const right = await attempt(proof.secret);
  if (right.answer.status === 200) return "secret";
  throw refusal(action, "revocation", right.answer, right.form);
}

/** What is answered, in a way that proves the credentials, to a client that may not use the client_credentials grant. */
const REFUSED_LATER = ["unauthorized_client", "unsupported_grant_type", "invalid_scope", "invalid_grant"];

/**
 * Proves credentials with a client_credentials request. A client that may not use this grant is told so only after its
 * credentials were taken, so that refusal proves them too.
 */
async function proveAtToken(
  http: Http,
  url: string,
  clientId: string,
  proof: ClientProof,
  { timeLeft }: ProofOptions,
): Promise<Proven> {
  const form = await signed({ grant_type: "client_credentials" }, clientId, proof, url);
  const { body, headers } = form;
  const action = `Cannot verify the credentials of client ${quote(clientId)}`;
  const answer = await ask(http, { method: "POST", url, body, headers, timeout: timeLeft() }, action);
  if (answer.status === 200) {
    if (v.is(TOKEN, parseJson(answer.text)?.value)) return "token";
    throw notVerified(
      `${action}: the token endpoint answered 200 without a token`,
      answer.status,
      "check that --token-endpoint is the address of the token endpoint, /oauth2/token as a rule",
    );
  }
  if (answer.status === 400 && REFUSED_LATER.includes(errorIn(answer.text) ?? "")) return "accepted";
  throw refusal(action, "token", answer, form);
}
