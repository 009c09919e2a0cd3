import * as v from "valibot";
import { parseJsonOrUndefined } from "../core/json/json.ts";
import {
  answerHint,
  type HttpAnswer,
  type HttpRequest,
  NetworkFailure,
  networkHint,
  type SendHttp,
  TRUST_HINT,
} from "../core/network.ts";
import { Problem } from "../core/problem.ts";
import { encodeFormValue, redactServerText, secretsInHeaders, urlWithoutSecrets } from "../core/redact.ts";
import { escapeControls, quote, trimCharactersAtEnd } from "../core/text.ts";
import { requiresTls } from "../servers/index.ts";
import { parseOAuthError } from "../servers/oauth-error.ts";

/** The credentials of a client and how it authenticates with them (RFC 6749, 2.3; RFC 7523). */
export type CredentialsToProve =
  | { readonly way: "client_secret_basic" | "client_secret_post"; readonly secret: string }
  | { readonly way: "private_key_jwt"; readonly assertion: (audience: string) => Promise<string> };

/** The endpoints of a server that accept client credentials. */
export interface ProofEndpoints {
  readonly token: string;
  /** Undefined if it is not known; a secret is then verified at the token endpoint. */
  readonly revocation: string | undefined;
  /** Where they come from: `--token-endpoint`, or what gave the public URL that they were found at. */
  readonly origin: string;
}

/** What a verification needs in addition to the credentials. */
interface ProofOptions {
  /** The milliseconds that are left for all requests together. */
  readonly timeLeft: () => number;
  /** A secret that is certainly not the client's. */
  readonly wrongSecret: string;
}

/** How credentials were verified: with a token, with an error that only valid ones lead to, or at the revocation endpoint. */
export type CredentialsProofKind = "token" | "accepted" | "secret";

const DiscoveredProofEndpoints = v.looseObject({
  token_endpoint: v.string(),
  revocation_endpoint: v.fallback(v.optional(v.string()), undefined),
});

const TokenResponse = v.looseObject({ access_token: v.pipe(v.string(), v.nonEmpty()) });

const MAX_BYTES = 1_048_576;

/** The longest error of a server that a message quotes. */
const MAX_QUOTED = 400;

async function requireProofAnswer(
  http: SendHttp,
  details: HttpRequest,
  { action, origin }: { readonly action: string; readonly origin: string },
): Promise<HttpAnswer> {
  try {
    return await http({ maxBytes: MAX_BYTES, ...details });
  } catch (error) {
    if (!(error instanceof NetworkFailure)) throw error;
    throw new Problem(`${action}: no answer from ${escapeControls(urlWithoutSecrets(details.url))}: ${error.message}`, {
      code: "verify-unreachable",
      exit: "unreachable",
      hint: networkHint(error, error.kind === "certificate" ? TRUST_HINT : `check ${origin}`),
      cause: error,
    });
  }
}

/**
 * The endpoints in the discovery document of a server (OpenID Connect Discovery, 4; RFC 8414, 2). They must have the same
 * origin: a new secret is sent only to the host that the user gave. A revocation endpoint elsewhere is ignored.
 */
export async function discoverProofEndpoints(
  http: SendHttp,
  { publicUrl, origin }: { readonly publicUrl: string; readonly origin: string },
  timeout: number,
): Promise<ProofEndpoints> {
  const action = "Cannot find the token endpoint";
  const base = trimCharactersAtEnd(publicUrl, "/");
  const url = `${base}/.well-known/openid-configuration`;
  const headers = { accept: "application/json" };
  const answer = await requireProofAnswer(http, { method: "GET", url, timeout, headers }, { action, origin });
  if (requiresTls(answer)) {
    const server = new URL(base).origin;
    throw new Problem(`${action}: ${server} uses TLS: the server requires https`, {
      code: "https-required",
      hint: `use ${server.replace(/^http:/, "https:")} (with --ca-file, or for tests --skip-tls-verify)`,
    });
  }
  const document = v.safeParse(DiscoveredProofEndpoints, parseJsonOrUndefined(answer.text)?.value);
  const own = (endpoint: string): boolean =>
    URL.canParse(endpoint) && new URL(endpoint).origin === new URL(base).origin;
  if (answer.status === 200 && document.success && URL.canParse(document.output.token_endpoint)) {
    const { token_endpoint: token, revocation_endpoint: revocation } = document.output;
    if (own(token))
      return { token, revocation: revocation !== undefined && own(revocation) ? revocation : undefined, origin };
    throw new Problem(
      `${action}: ${escapeControls(urlWithoutSecrets(url))} points to another host, ${quote(urlWithoutSecrets(token))}, and no secret is sent there`,
      {
        code: "foreign-token-endpoint",
        hint: "if it is correct, pass it with --token-endpoint",
      },
    );
  }
  const location = answer.headers.get("location") ?? "";
  const isRedirect = answer.status >= 300 && answer.status < 400 && URL.canParse(location, url);
  const target = isRedirect ? new URL(location, url).href : undefined;
  const what =
    target === undefined ? "without a discovery document" : `with a redirect to ${quote(urlWithoutSecrets(target))}`;
  throw new Problem(`${action}: ${escapeControls(urlWithoutSecrets(url))} answered ${answer.status} ${what}`, {
    code: "no-discovery",
    hint:
      target === undefined
        ? answerHint(answer, "pass the URL of the token endpoint with --token-endpoint")
        : "use the public URL that the server doesn't redirect; often that is https instead of http",
  });
}

/** A form with a client's credentials. */
interface AuthenticatedForm {
  readonly form: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  /** The credentials in it, which must not be shown. */
  readonly secrets: readonly string[];
}

/** Adds credentials to a form with the method that the client is registered with; servers accept no other. */
async function addCredentialsToForm(
  fields: Readonly<Record<string, string>>,
  clientId: string,
  proof: CredentialsToProve,
  audience: string,
): Promise<AuthenticatedForm> {
  const headers = { accept: "application/json" };
  if (proof.way === "client_secret_basic") {
    const authorization = `Basic ${btoa(`${encodeFormValue(clientId)}:${encodeFormValue(proof.secret)}`)}`;
    const basic = { ...headers, authorization };
    return { form: fields, headers: basic, secrets: [...secretsInHeaders(basic), proof.secret] };
  }
  const form = { ...fields, client_id: clientId };
  if ("secret" in proof) return { form: { ...form, client_secret: proof.secret }, headers, secrets: [proof.secret] };
  const client_assertion = await proof.assertion(audience);
  const client_assertion_type = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
  return { form: { ...form, client_assertion_type, client_assertion }, headers, secrets: [client_assertion] };
}

/** A response, and the credentials that were sent for it. */
interface Attempt {
  readonly answer: HttpAnswer;
  readonly secrets: readonly string[];
}

function unverifiedCredentialsProblem(message: string, status: number, hint: string): Problem {
  return new Problem(message, { code: "not-verified", status, hint });
}

/** The problem of a response that verifies nothing, with the error of the server and without the credentials. */
function rejectedCredentialsProblem(
  action: string,
  endpoint: string,
  { answer: { status, text }, secrets }: Attempt,
): Problem {
  const error = parseOAuthError(text)?.error;
  const reason =
    error === undefined ? "" : ` (${escapeControls(redactServerText(error, secrets).slice(0, MAX_QUOTED))})`;
  return unverifiedCredentialsProblem(
    `${action}: the ${endpoint} endpoint answered ${status}${reason}`,
    status,
    `check that the ${endpoint} endpoint belongs to this server, and the client's auth method`,
  );
}

/** Verifies a client's credentials and returns how; throws if they are rejected. */
export async function proveCredentials(
  http: SendHttp,
  { token, revocation, origin }: ProofEndpoints,
  clientId: string,
  proof: CredentialsToProve,
  { timeLeft, wrongSecret }: ProofOptions,
): Promise<CredentialsProofKind> {
  const action = `Cannot verify the credentials of client ${quote(clientId)}`;
  const attempt = async (
    url: string,
    fields: AuthenticatedForm["form"],
    credentials: CredentialsToProve,
  ): Promise<Attempt> => {
    const { form, headers, secrets } = await addCredentialsToForm(fields, clientId, credentials, url);
    const answer = await requireProofAnswer(
      http,
      { method: "POST", url, form, headers, timeout: timeLeft() },
      { action, origin },
    );
    return { answer, secrets };
  };
  // Hydra 1.8 answers 200 at the revocation endpoint to an assertion by the wrong key.
  if (proof.way === "private_key_jwt" || revocation === undefined)
    return requireProofInTokenAnswer(action, origin, await attempt(token, { grant_type: "client_credentials" }, proof));
  return proveByRevocation(action, origin, { wrong: wrongSecret, right: proof.secret }, (secret) =>
    attempt(revocation, { token: "none" }, { ...proof, secret }),
  );
}

/**
 * Verifies a secret by revoking a token that doesn't exist, which issues nothing: the server authenticates the client
 * first (401 for a wrong secret) and answers 200 for an unknown token (RFC 7009, 2.1 and 2.2). A 200 proves something only
 * if a wrong secret gets 401, unlike at a gateway or a test double that answers 200 to everything. So a wrong secret is
 * sent first. No Hydra locks a client out for that, and the real secret is never sent to an endpoint that accepts any.
 */
async function proveByRevocation(
  action: string,
  origin: string,
  secrets: { readonly wrong: string; readonly right: string },
  attempt: (secret: string) => Promise<Attempt>,
): Promise<CredentialsProofKind> {
  const { status } = (await attempt(secrets.wrong)).answer;
  if (status !== 401) {
    throw unverifiedCredentialsProblem(
      `${action}: the revocation endpoint answered ${status} to a wrong secret instead of 401, so it proves nothing`,
      status,
      `check ${origin}, or verify with a token request: --token-endpoint`,
    );
  }
  const right = await attempt(secrets.right);
  if (right.answer.status === 200) return "secret";
  throw rejectedCredentialsProblem(action, "revocation", right);
}

/** Errors for a client that may not use the client_credentials grant; a server checks the credentials first. */
const ERRORS_AFTER_AUTHENTICATION = ["unauthorized_client", "unsupported_grant_type", "invalid_scope", "invalid_grant"];

/**
 * What the answer to a client_credentials request verifies. A client that may not use this grant gets an error only after
 * its credentials were accepted, so that error verifies them too.
 */
function requireProofInTokenAnswer(action: string, origin: string, attempt: Attempt): CredentialsProofKind {
  const { status, text } = attempt.answer;
  if (status === 200) {
    if (v.is(TokenResponse, parseJsonOrUndefined(text)?.value)) return "token";
    throw unverifiedCredentialsProblem(
      `${action}: the token endpoint answered 200 without a token`,
      status,
      `check that ${origin} leads to the token endpoint, usually /oauth2/token`,
    );
  }
  const { error = "" } = parseOAuthError(text) ?? {};
  if (status === 400 && ERRORS_AFTER_AUTHENTICATION.includes(error)) return "accepted";
  throw rejectedCredentialsProblem(action, "token", attempt);
}
