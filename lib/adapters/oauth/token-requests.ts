import { isJsonObject, type JsonObject, parseJsonOrUndefined, toTerminalSafeJson } from "../../core/json/json.ts";
import { Problem, withMessage } from "../../core/problem.ts";
import { type ClientAuthentication, toLibraryAuth } from "./authentication.ts";
import { type AuthorizationServer, requireEndpoint } from "./discovery.ts";
import {
  earlyIdTokenProblem,
  explainRefreshedIdTokenFailure,
  idTokenMismatchProblem,
  type OAuthErrorContext,
  toOAuthProblem,
  unverifiableIdTokenProblem,
} from "./oauth-problems.ts";
import {
  type Client,
  type ClientAuth,
  clientCredentialsGrantRequest,
  getValidatedIdTokenClaims,
  type AuthorizationServer as LibraryServer,
  processClientCredentialsResponse,
  processRefreshTokenResponse,
  refreshTokenGrantRequest,
  type TokenEndpointResponse,
  validateApplicationLevelSignature,
} from "./oauth4webapi.ts";
import { renewableAuth } from "./repeatable-requests.ts";
import { type LibraryRequestOptions, type OAuthRequestOptions, runLibraryStep } from "./send-oauth-requests.ts";

/** What a client talks to a server with. */
export interface OAuthClientOptions extends OAuthRequestOptions {
  readonly server: AuthorizationServer;
  readonly clientId: string;
  readonly authentication: ClientAuthentication;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** The tokens of an answer. */
export interface TokenSet {
  readonly accessToken: string;
  readonly refreshToken: string | undefined;
  readonly idToken: string | undefined;
  /** The claims of the ID token, its signature verified. */
  readonly idTokenClaims: JsonObject | undefined;
  readonly scope: string | undefined;
  /** When the access token expires, in milliseconds since 1970; undefined if the server doesn't say, or says nonsense. */
  readonly expiresAt: number | undefined;
  /** The server's answer, whole. */
  readonly raw: JsonObject;
}

/** What a token is asked for. */
export interface RequestedAccess {
  readonly scopes?: readonly string[];
  readonly audience?: readonly string[];
}

/** A client and its server, as the library takes them. */
export interface LibraryClient extends OAuthClientOptions {
  readonly as: LibraryServer;
  readonly client: Client;
  /** How the client authenticates; its key is read at the first request. */
  readonly auth: (action: string) => Promise<ClientAuth>;
}

/** Reads an answer of the token endpoint; it gets the whole body too. */
type ProcessTokenResponse = (response: Response, raw: JsonObject) => Promise<TokenEndpointResponse>;

/** Seconds that the clocks of the server and this machine may differ. */
export const CLOCK_TOLERANCE_SECONDS = 30;

/** Prepares a client; nothing is sent yet. */
export function prepareLibraryClient(options: OAuthClientOptions): LibraryClient {
  const { server, clientId, authentication } = options;
  const { issuer, endpoints, issParameter, idTokenAlgorithms } = server;
  let prepared: Promise<ClientAuth> | undefined;
  return {
    ...options,
    as: {
      issuer,
      ...endpoints,
      authorization_response_iss_parameter_supported: issParameter,
      id_token_signing_alg_values_supported: [...idTokenAlgorithms],
    },
    client: { client_id: clientId },
    auth: (action) => {
      prepared ??= toLibraryAuth(authentication, requireEndpoint(server, "token_endpoint", action)).then(renewableAuth);
      return prepared;
    },
  };
}

/** An error context whose messages show neither the client's secret nor these values. */
export function secretHidingErrorContext(
  { authentication }: LibraryClient,
  action: string,
  hidden: readonly string[] = [],
): OAuthErrorContext {
  const secrets = "secret" in authentication ? [authentication.secret] : [];
  return { action, hidden: [...secrets, ...hidden] };
}

/** Scopes and audience as form fields; Hydra separates audiences by spaces. */
export function scopeAndAudienceForm({ scopes = [], audience = [] }: RequestedAccess): URLSearchParams {
  const form = new URLSearchParams();
  if (scopes.length > 0) form.set("scope", scopes.join(" "));
  if (audience.length > 0) form.set("audience", audience.join(" "));
  return form;
}

function parseJsonObjectOrEmpty(text: string): JsonObject {
  const value = parseJsonOrUndefined(text)?.value;
  return isJsonObject(value) ? value : {};
}

/** The longest lifetime in seconds that is taken for one: 300 years. */
const MAX_TOKEN_LIFETIME_SECONDS = 1e10;

/** A response that the library accepts: an impossible lifetime must not lose the token. */
async function withoutImpossibleLifetime(response: Response): Promise<Response> {
  const { expires_in: lifetime, ...rest } = parseJsonObjectOrEmpty(await response.clone().text());
  const seconds = Number.parseFloat(typeof lifetime === "string" ? lifetime : toTerminalSafeJson(lifetime));
  if (lifetime === undefined || (seconds >= 0 && seconds <= MAX_TOKEN_LIFETIME_SECONDS)) return response;
  return new Response(toTerminalSafeJson(rest), { status: response.status, headers: response.headers });
}

/** Verifies the signature and the age of an ID token whose claims are already checked, and gives them. */
async function verifyAndReadClaims(
  { as, server, now }: LibraryClient,
  step: OAuthErrorContext,
  { response, tokens }: { readonly response: Response; readonly tokens: TokenEndpointResponse },
  request: LibraryRequestOptions,
): Promise<JsonObject | undefined> {
  const claims = getValidatedIdTokenClaims(tokens);
  if (claims === undefined) return undefined;
  const keys = requireEndpoint(server, "jwks_uri", step.action);
  await validateApplicationLevelSignature(as, response, request).catch((error: unknown) => {
    const known = toOAuthProblem(step, error, keys, undefined);
    const isUnrelated = known instanceof Problem && (known.exit === "unreachable" || known.code === "interrupted");
    // Not with the same cause as a failed poll, which would be repeated: the device code is used up.
    throw isUnrelated ? withMessage(known, known.message) : unverifiableIdTokenProblem(step, error);
  });
  const ahead = claims.iat - now() / 1000;
  if (ahead > CLOCK_TOLERANCE_SECONDS) throw earlyIdTokenProblem(step, ahead);
  return { ...claims };
}

/** Sends a request to the token endpoint, and reads and verifies what comes. */
export async function requestTokens(
  session: LibraryClient,
  step: OAuthErrorContext,
  send: (auth: ClientAuth, request: LibraryRequestOptions) => Promise<Response>,
  process: ProcessTokenResponse,
): Promise<TokenSet> {
  const auth = await session.auth(step.action);
  const asked = session.now();
  const { value, answer } = await runLibraryStep(session, step, async (request) => {
    const response = await withoutImpossibleLifetime(await send(auth, request));
    const tokens = await process(response, parseJsonObjectOrEmpty(await response.clone().text()));
    return { tokens, claims: await verifyAndReadClaims(session, step, { response, tokens }, request) };
  });
  const { tokens, claims } = value;
  return {
    accessToken: tokens.access_token,
    refreshToken: tokens.refresh_token,
    idToken: tokens.id_token,
    idTokenClaims: claims,
    scope: tokens.scope,
    expiresAt: tokens.expires_in === undefined ? undefined : asked + tokens.expires_in * 1000,
    raw: parseJsonObjectOrEmpty(answer.text),
  };
}

/** Gets a token for the client itself (RFC 6749, 4.4). */
export function requestClientCredentialsTokens(session: LibraryClient, request: RequestedAccess): Promise<TokenSet> {
  const { as, client } = session;
  return requestTokens(
    session,
    secretHidingErrorContext(session, "Cannot get a token"),
    (auth, more) => clientCredentialsGrantRequest(as, client, auth, scopeAndAudienceForm(request), more),
    (response) => processClientCredentialsResponse(as, client, response),
  );
}

/** Exchanges a refresh token; the new ID token must be for the same user (OpenID Connect Core, 12.2). */
export async function refreshTokens(
  session: LibraryClient,
  refreshToken: string,
  subject: string | undefined,
): Promise<TokenSet> {
  const { as, client } = session;
  const step = secretHidingErrorContext(session, "Cannot refresh the token", [refreshToken]);
  const tokens = await requestTokens(
    session,
    step,
    (auth, request) => refreshTokenGrantRequest(as, client, auth, refreshToken, request),
    (response) => processRefreshTokenResponse(as, client, response),
  ).catch((error: unknown) => {
    throw explainRefreshedIdTokenFailure(error);
  });
  const isSame = subject === undefined || tokens.idTokenClaims === undefined || tokens.idTokenClaims["sub"] === subject;
  if (isSame) return tokens;
  throw idTokenMismatchProblem(step, "the new ID token is for another user");
}
