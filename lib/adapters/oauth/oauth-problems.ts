import * as v from "valibot";
import {
  answerHint,
  type FailureKind,
  type HttpAnswer,
  NetworkFailure,
  networkHint,
  TRUST_HINT,
} from "../../core/network.ts";
import { type ExitName, Problem, withMessage } from "../../core/problem.ts";
import type { ProblemCode } from "../../core/problem-codes.ts";
import { redactServerText, urlWithoutSecrets } from "../../core/redact.ts";
import { escapeControls, quote } from "../../core/text.ts";
import { type OAuthError, parseOAuthError } from "../../servers/oauth-error.ts";
import { isBusyOrGatewayError } from "../../servers/retry.ts";
import { BusyServerError } from "./busy-server-error.ts";
import {
  AuthorizationResponseError,
  INVALID_RESPONSE,
  JSON_ATTRIBUTE_COMPARISON,
  JWT_CLAIM_COMPARISON,
  JWT_TIMESTAMP_CHECK,
  KEY_SELECTION,
  OperationProcessingError,
  UnsupportedOperationError,
  WWWAuthenticateChallengeError,
} from "./oauth4webapi.ts";

/** What a failing step was about, and what of it must not appear in a message. */
export interface OAuthErrorContext {
  /** The start of a message: `Cannot get a token`. */
  readonly action: string;
  readonly hidden: readonly string[];
}

/** The cause of a problem in which the server names the authentication method that it expects of the client. */
export class ServerExpectsAuthMethodError extends Error {
  override readonly name = "ServerExpectsAuthMethodError";
  readonly method: string;

  constructor(method: string) {
    super(`the server expects ${method}`);
    this.method = method;
  }
}

/** The cause of a problem in which the server names the algorithm that it expects a client's assertions to be signed with. */
export class ServerExpectsAlgorithmError extends Error {
  override readonly name = "ServerExpectsAlgorithmError";
  readonly algorithm: string;

  constructor(algorithm: string) {
    super(`the server expects assertions signed with ${algorithm}`);
    this.algorithm = algorithm;
  }
}

/** The longest text of a server that a message quotes. */
const MAX_QUOTED = 400;

/** What an error means. */
interface KnownError {
  /** The server's name, if that is not the code with underscores. */
  readonly error?: string;
  /** The server's name of it with dashes. */
  readonly code: ProblemCode;
  readonly exit?: ExitName;
  readonly hint?: string;
}

/** What each error means for the exit code, and what helps. A bare `invalid_client` may have any of the causes in its hint. */
const KNOWN_ERRORS: readonly KnownError[] = [
  { code: "access-denied", hint: "the user, or the login or consent application, declined" },
  { code: "authorization-pending" },
  {
    error: "error",
    code: "oauth-error",
    hint: "Hydra 1.8 answers this to a client assertion that the wrong key signed; the server's log says more",
  },
  { code: "expired-token", hint: "start again, and enter the code sooner" },
  {
    code: "invalid-client",
    exit: "unauthorised",
    hint: "check the client ID, and the secret or key; hydra clients show ID shows how the client has to authenticate",
  },
  { code: "invalid-grant", hint: "codes and refresh tokens work once and expire; start again" },
  { code: "invalid-request" },
  { code: "invalid-scope", hint: "ask for fewer scopes, or allow the scope for the client" },
  { code: "invalid-token", exit: "unauthorised", hint: "the token has expired or was revoked; get a new one" },
  { code: "login-required", hint: "the user has to log in; leave out the prompt none" },
  { code: "request-unauthorized", exit: "unauthorised", hint: "the token has expired or was revoked; get a new one" },
  { code: "slow-down" },
  { code: "token-inactive", hint: "codes and refresh tokens work once and expire; start again" },
  { code: "unauthorized-client", hint: "allow the grant type for the client" },
  { code: "unsupported-response-type", hint: "allow the response type for the client" },
];

function findKnownError(error: string): KnownError | undefined {
  return KNOWN_ERRORS.find(({ code, error: name = code.replaceAll("-", "_") }) => name === error);
}

function serverTextForMessage(text: string, hidden: readonly string[]): string {
  const safe = redactServerText(text, hidden);
  // Hydra 1.x puts an empty line between what went wrong and why.
  const line = safe.trim().replace(/([.:])?\n+/g, (_, end: string | undefined) => `${end ?? ":"} `);
  return shorten(escapeControls(line));
}

/** Shortens a text that has no credentials any more: a part of one would not be found. */
function shorten(safe: string): string {
  return safe.length > MAX_QUOTED ? `${safe.slice(0, MAX_QUOTED - 1)}…` : safe;
}

/** The authentication method that a server says a client must use instead. */
function expectedMethod(description: string): string | undefined {
  const methods = /supports client authentication method ['"](client_secret_\w{3,5}|private_key_jwt|none)['"], but/;
  return methods.exec(description)?.[1];
}

/** The algorithm that a server says the assertions of a client must be signed with instead. */
function expectedAlgorithm(description: string): string | undefined {
  return /but the requested OAuth 2\.0 Client enforces signing algorithm ['"](\w{5})['"]/.exec(description)?.[1];
}

/** What of an authentication a server says it expects instead. */
function findExpectationError({ error, description = "" }: OAuthError): Error | undefined {
  if (error !== "invalid_client") return undefined;
  const method = expectedMethod(description);
  if (method !== undefined) return new ServerExpectsAuthMethodError(method);
  const algorithm = expectedAlgorithm(description);
  return algorithm === undefined ? undefined : new ServerExpectsAlgorithmError(algorithm);
}

/** What servers say of a client assertion whose key isn't registered, as `invalid_request` or another error. */
const UNKNOWN_CLIENT_KEY_MESSAGE_PATTERN = /JSON Web Token uses signing key with kid .{0,200}could not be found/;

/** The flags that choose each authentication method. */
const METHOD_FLAGS: ReadonlyMap<string, string> = new Map([
  ["client_secret_basic", "--auth-method basic"],
  ["client_secret_post", "--auth-method post"],
  ["private_key_jwt", "--client-key FILE"],
  ["none", "--auth-method none"],
]);

function findOAuthErrorHint(error: string, expected: Error | undefined): string | undefined {
  if (expected instanceof ServerExpectsAlgorithmError)
    return `the server expects this client to sign with ${expected.algorithm}: give its private key for that`;
  if (!(expected instanceof ServerExpectsAuthMethodError)) return findKnownError(error)?.hint;
  const { method } = expected;
  const flag = METHOD_FLAGS.get(method);
  return `the server expects this client to authenticate with ${method}${flag === undefined ? "" : `: use ${flag}`}`;
}

/** The problem of an OAuth 2.0 error. */
export function oauthProblem(
  { action, hidden }: OAuthErrorContext,
  { error, description }: OAuthError,
  status?: number,
): Problem {
  // The standard text of the servers for it names every possible cause.
  const expected = findExpectationError({ error, description });
  const isBare = error === "invalid_client" && expected === undefined;
  const serverText = serverTextForMessage(description ?? "", hidden);
  const reason = isBare ? "the server rejected the client's credentials" : serverText;
  const hint = findOAuthErrorHint(error, expected);
  const name = serverTextForMessage(error, hidden);
  if (UNKNOWN_CLIENT_KEY_MESSAGE_PATTERN.test(description ?? ""))
    return new Problem(`${action}: ${reason} (${name})`, {
      code: "invalid-client",
      exit: "unauthorised",
      hint: "give the private key of a public key that is registered for the client, with --client-key; a PEM file has no key ID, so a key that isn't registered with its thumbprint has to be a JSON Web Key with its kid",
      status,
    });
  return new Problem(`${action}: ${reason === "" ? name : `${reason} (${name})`}`, {
    code: findKnownError(error)?.code ?? "oauth-error",
    exit: findKnownError(error)?.exit,
    serverText,
    hint,
    status,
    cause: expected,
  });
}

const NETWORK_CODES: Readonly<Partial<Record<FailureKind, ProblemCode>>> = {
  timeout: "timeout",
  certificate: "certificate",
};

/** The problem of a request without a whole answer, by default from the public side. */
export function networkProblem(
  { action }: OAuthErrorContext,
  url: string,
  failure: NetworkFailure,
  hint = "check the public URL, and that the server is running",
): Problem {
  return new Problem(`${action}: no answer from ${escapeControls(urlWithoutSecrets(url))}: ${failure.message}`, {
    code: NETWORK_CODES[failure.kind] ?? "unreachable",
    exit: "unreachable",
    hint: networkHint(failure, failure.kind === "certificate" ? TRUST_HINT : hint),
    cause: failure,
  });
}

/** The problem of a server that is too busy to answer. */
export function busyProblem({ action, hidden }: OAuthErrorContext, url: string, server: BusyServerError): Problem {
  const { answer, because } = server;
  const { status, text } = answer;
  const oauthError = parseOAuthError(text);
  const words =
    oauthError === undefined ? "" : `: ${serverTextForMessage(oauthError.description ?? oauthError.error, hidden)}`;
  const tried = because === undefined ? "" : ` (${because})`;
  return new Problem(`${action}: ${escapeControls(urlWithoutSecrets(url))} answered ${status}${words}${tried}`, {
    code: "busy",
    exit: "unreachable",
    hint: answerHint(answer, "try again later, or raise --fail-after"),
    status,
    cause: server,
  });
}

/** The problem of an answer that is neither what was asked for nor an OAuth 2.0 error. */
function unreadableAnswerProblem(
  { action }: OAuthErrorContext,
  url: string,
  answer: Pick<HttpAnswer, "status" | "via">,
): Problem {
  const { status } = answer;
  const isGuarded = status === 401 || status === 403;
  return new Problem(
    `${action}: ${escapeControls(urlWithoutSecrets(url))} answered ${status} without an OAuth 2.0 answer`,
    {
      code: isGuarded ? "unauthorised" : "unreadable-answer",
      exit: isGuarded ? "unauthorised" : "failed",
      hint: answerHint(
        answer,
        isGuarded
          ? "something in front of the server wants credentials of its own: use a public URL that clients reach without them"
          : "check that the public URL is the server's public port (4444 by default), not its admin port",
      ),
      status,
    },
  );
}

/** The problem of a redirect, which could take credentials anywhere. */
export function findUnfollowedRedirectProblem(
  { action, hidden }: OAuthErrorContext,
  url: string,
  { status, headers }: HttpAnswer,
): Problem | undefined {
  const location = headers.get("location") ?? "";
  if (status < 300 || status > 399 || !URL.canParse(location, url)) return undefined;
  const target = quote(urlWithoutSecrets(serverTextForMessage(new URL(location, url).href, hidden)));
  return new Problem(
    `${action}: ${escapeControls(urlWithoutSecrets(url))} redirects to ${target}, which is not followed`,
    {
      code: "unreadable-answer",
      hint: "use the public URL that the server doesn't redirect; often that is https instead of http",
      status,
    },
  );
}

/** What the library adds to an error about the type of a token, about a claim, about an algorithm and about claims. */
const OfTokenType = v.object({ body: v.object({ token_type: v.string() }) });
const OfClaim = v.object({ claim: v.string() });
const OfAlgorithm = v.object({ header: v.object({ alg: v.fallback(v.string(), "") }) });
const OfClaims = v.object({ claims: v.unknown() });

/** The problem of a token that can't be used as this program uses tokens. */
function findTokenTypeProblem(step: OAuthErrorContext, { cause }: UnsupportedOperationError): Problem | undefined {
  if (!v.is(OfTokenType, cause)) return undefined;
  const { token_type: type } = cause.body;
  return new Problem(
    `${step.action}: the server issued a token of the unsupported type ${quote(serverTextForMessage(type, step.hidden))}`,
    {
      code: "unreadable-answer",
      hint: "this program uses bearer and DPoP tokens: check the server's configuration",
    },
  );
}

const CLAIM_HINTS: Readonly<Record<string, string>> = {
  nonce: "the answer belongs to another login; start again, and don't trust the link that led here",
  iss: "the public URL must be the issuer that the server is configured with",
  aud: "the token was issued to another client",
  azp: "the token was issued to another client",
};

/** What the library says about a claim or a time that is wrong. */
function rejectedClaim({ cause }: OperationProcessingError): string {
  return v.is(OfClaim, cause) ? cause.claim : "";
}

/** The algorithm that a token is signed with, if the library rejects it for that. */
function rejectedAlgorithm({ code, cause }: OperationProcessingError): string | undefined {
  const read = v.safeParse(OfAlgorithm, cause);
  return code === INVALID_RESPONSE && read.success ? read.output.header.alg : undefined;
}

/** The problem of an ID token or claims that aren't for this login. */
export function idTokenMismatchProblem(
  { action }: OAuthErrorContext,
  reason: string,
  hint = "don't use the token",
): Problem {
  return new Problem(`${action}: ${reason}`, { code: "id-token-mismatch", hint });
}

/** The problem of an ID token or userinfo that isn't what it should be. */
function findIdTokenProblem(step: OAuthErrorContext, error: OperationProcessingError): Problem | undefined {
  const { code, cause } = error;
  const claim = rejectedClaim(error);
  if (code === JWT_TIMESTAMP_CHECK) {
    const isEarly = claim === "nbf" || claim === "iat";
    return new Problem(`${step.action}: the ID token ${isEarly ? "isn't valid yet" : "has expired"}`, {
      code: isEarly ? "id-token-not-yet-valid" : "id-token-expired",
      hint: "compare the clocks of this machine and of the server",
    });
  }
  if (code === JWT_CLAIM_COMPARISON) {
    return idTokenMismatchProblem(step, `the ID token has an unexpected ${escapeControls(claim)}`, CLAIM_HINTS[claim]);
  }
  if (code === JSON_ATTRIBUTE_COMPARISON) return idTokenMismatchProblem(step, "the claims belong to a different user");
  const algorithm = rejectedAlgorithm(error);
  if (algorithm !== undefined) {
    const reason = `the ID token is signed with ${quote(serverTextForMessage(algorithm, step.hidden))}, which the server's discovery document doesn't list`;
    return idTokenMismatchProblem(step, reason, "check which keys the server signs with");
  }
  const isOfClaims = code === INVALID_RESPONSE && v.is(OfClaims, cause);
  return isOfClaims
    ? idTokenMismatchProblem(step, "the ID token lacks a claim, or has one of the wrong type")
    : undefined;
}

/** The problem of an ID token whose times are ahead of this machine's clock. */
export function earlyIdTokenProblem({ action }: OAuthErrorContext, seconds: number): Problem {
  return new Problem(`${action}: the ID token isn't valid yet: it was issued ${Math.round(seconds)} s in the future`, {
    code: "id-token-not-yet-valid",
    hint: "compare the clocks of this machine and of the server",
  });
}

/** The problem of an ID token whose signature can't be verified. */
export function unverifiableIdTokenProblem({ action }: OAuthErrorContext, error: unknown): Problem {
  const code = error instanceof OperationProcessingError ? error.code : undefined;
  const reason =
    code === KEY_SELECTION
      ? "no published key fits it"
      : code === INVALID_RESPONSE
        ? "its signature is wrong"
        : "the server's keys can't be read";
  return new Problem(`${action}: the ID token can't be verified: ${reason}`, {
    code: "id-token-signature",
    hint: "look at the keys that sign: hydra keys get hydra.openid.id-token; hydra help keys lists those that clients reject",
  });
}

/**
 * Gives the failure of a refreshed ID token the hint that fits: a session from before a key rotation never gets one that
 * verifies (ory/hydra#3573). Anything else is returned unchanged.
 */
export function explainRefreshedIdTokenFailure(problem: unknown): unknown {
  if (!(problem instanceof Problem) || problem.code !== "id-token-signature") return problem;
  const hint =
    "after a key rotation Hydra gives refreshed tokens the old key ID with the new key's signature; log in again for a token that verifies";
  return withMessage(problem, problem.message, { hint });
}

/** The problem of an answer that says itself what is wrong. */
function findAnswerProblem(step: OAuthErrorContext, url: string, answer: HttpAnswer): Problem | undefined {
  if (isBusyOrGatewayError(answer)) return busyProblem(step, url, new BusyServerError(answer, undefined));
  // Read here, because the library stops at a WWW-Authenticate header and at a status of 500.
  const oauthError = answer.status < 400 ? undefined : parseOAuthError(answer.text);
  return oauthError === undefined
    ? findUnfollowedRedirectProblem(step, url, answer)
    : oauthProblem(step, oauthError, answer.status);
}

/** The problem of anything that the library threw, with the answer that it was about. */
export function toOAuthProblem(
  step: OAuthErrorContext,
  error: unknown,
  url: string,
  answer: HttpAnswer | undefined,
): unknown {
  if (error instanceof Problem) return error;
  if (error instanceof NetworkFailure) return networkProblem(step, url, error);
  if (error instanceof BusyServerError) return busyProblem(step, url, error);
  if (error instanceof AuthorizationResponseError) {
    return oauthProblem(step, { error: error.error, description: error.error_description });
  }
  const known = answer === undefined ? undefined : findAnswerProblem(step, url, answer);
  if (known !== undefined) return known;
  const other = unreadableAnswerProblem(step, url, answer ?? { status: 0 });
  if (error instanceof OperationProcessingError) return findIdTokenProblem(step, error) ?? other;
  // Thrown for any 401 or 403 with a WWW-Authenticate header, before the body is looked at.
  if (error instanceof WWWAuthenticateChallengeError) return other;
  return error instanceof UnsupportedOperationError ? (findTokenTypeProblem(step, error) ?? other) : error;
}
