import type { JsonObject } from "../../core/json/json.ts";
import type { SandboxVersion } from "../versions.ts";

/** Everything in which the public side of one server version differs from the others. */
export interface PublicBehaviour {
  /** Whether the issuer ends with a slash. */
  readonly issuerSlash: boolean;
  /** What precedes a token, by its kind: `ory_at_`. */
  readonly tokenPrefixes: boolean;
  /** Whether a client can choose JWT access tokens with `access_token_strategy`. */
  readonly jwtAccessTokens: boolean;
  /** Whether the device authorization grant (RFC 8628) is available. */
  readonly device: boolean;
  /** Status of a redirect back to the client. */
  readonly redirectStatus: 302 | 303;
  /** Members of an introspection answer. */
  readonly introspection: "short" | "full";
  /** What a refresh token that was used before is answered with, and whether its whole grant ends. */
  readonly refreshReuse: "plain" | "inactive" | "explained";
  /** Whether a refresh keeps the nonce of the first ID token. */
  readonly refreshKeepsNonce: boolean;
  /** Name of the query parameter in the error about a missing client ID. */
  readonly missingClientName: "client" | "client_id";
  /** The hint about a request without a grant type. */
  readonly grantTypeMissing: string;
  /** Whether `/oauth2/flush` exists. */
  readonly flush: boolean;
  /** Challenges and verifiers: 32 hexadecimal digits, or long base64 with padding. */
  readonly handles: "hex" | "base64";
  /** The answer to a read of a challenge that was already used. */
  readonly usedChallenge: "conflict" | "gone" | "served";
  /** Which members a consent request has for its application. */
  readonly consentRequest: "short" | "full" | "identified";
  /** Whether an assertion needs a `kid`, a wrong signature is a 500, and revocation takes it for valid. */
  readonly lenientAssertions: boolean;
  /** Whether Basic credentials with an empty secret count as another method than that of a public client. */
  readonly refusesEmptyBasicSecret: boolean;
  /** How a code verifier is answered if there was no code challenge: as wrong, or as one for which nothing is known. */
  readonly unaskedVerifier: "wrong" | "unknown";
  /** The hint about a code verifier with other characters than RFC 7636 allows. */
  readonly verifierCharacters: string;
  /** Whether OpenID Connect requests must contain `redirect_uri`. */
  readonly redirectUriRequired: boolean;
  /** The hosts to which a code is sent over http. Undefined for a server in development mode, which allows all. */
  readonly plainHttpHosts: RegExp | undefined;
  /** Whether a wrong method on a public path is 405 or as if there were no such route. */
  readonly wrongMethod: "told" | "missing";
  /** What `/admin/…` is answered with on the public port. */
  readonly adminPaths: "plain" | "negotiated";
  /** Members of a userinfo answer that don't come from the ID token. */
  readonly userinfo: "short" | "full";
  readonly cookies: { readonly prefix: string; readonly perClient: boolean };
  /** Members of the discovery document that not every version has. */
  readonly discovery: JsonObject;
  /** The response modes that the discovery document lists. */
  readonly responseModes: readonly string[];
  /** Whether `response_mode` has an effect; 1.11 and 2.1 answer with a form too, although they don't list it. */
  readonly readsResponseMode: boolean;
}

const V1_8: PublicBehaviour = {
  issuerSlash: true,
  tokenPrefixes: false,
  jwtAccessTokens: false,
  device: false,
  redirectStatus: 302,
  introspection: "short",
  refreshReuse: "plain",
  refreshKeepsNonce: false,
  missingClientName: "client",
  // The servers of this version have the second quotation mark too.
  grantTypeMissing: 'Request parameter "grant_type"" is missing',
  flush: true,
  handles: "hex",
  usedChallenge: "conflict",
  consentRequest: "short",
  lenientAssertions: true,
  refusesEmptyBasicSecret: true,
  unaskedVerifier: "wrong",
  verifierCharacters: 'The PKCE code verifier must only contain [a-Z] / [0-9] / "-" / "." / "_" / "~"',
  redirectUriRequired: false,
  plainHttpHosts: /^(?:(?:.*\.)?localhost|127\.0\.0\.1)$/,
  wrongMethod: "told",
  adminPaths: "negotiated",
  userinfo: "short",
  cookies: { prefix: "oauth2_", perClient: false },
  discovery: {},
  responseModes: ["query", "fragment"],
  readsResponseMode: false,
};

const V1_11: PublicBehaviour = {
  ...V1_8,
  grantTypeMissing: 'Request parameter "grant_type" is missing',
  redirectStatus: 303,
  plainHttpHosts: /^(?:(?:.*\.)?localhost|127\.0\.0\.1|::1)$/,
  introspection: "full",
  refreshReuse: "inactive",
  refreshKeepsNonce: true,
  readsResponseMode: true,
  usedChallenge: "gone",
  consentRequest: "full",
  lenientAssertions: false,
  refusesEmptyBasicSecret: false,
  verifierCharacters: "The PKCE code verifier must only contain [a-Z], [0-9], '-', '.', '_', '~'.",
  userinfo: "full",
  discovery: {
    request_object_signing_alg_values_supported: ["RS256", "none"],
    code_challenge_methods_supported: ["plain", "S256"],
  },
};

const V2_1: PublicBehaviour = {
  ...V1_11,
  issuerSlash: false,
  tokenPrefixes: true,
  jwtAccessTokens: true,
  missingClientName: "client_id",
  plainHttpHosts: undefined,
  flush: false,
  adminPaths: "plain",
  cookies: { prefix: "ory_hydra_", perClient: true },
  discovery: {
    id_token_signed_response_alg: ["RS256"],
    userinfo_signed_response_alg: ["RS256"],
    request_object_signing_alg_values_supported: ["none", "RS256", "ES256"],
    code_challenge_methods_supported: ["plain", "S256"],
  },
};

const V2_3: PublicBehaviour = {
  ...V2_1,
  refreshReuse: "explained",
  responseModes: ["query", "fragment", "form_post"],
  handles: "base64",
  usedChallenge: "served",
  redirectUriRequired: true,
  unaskedVerifier: "unknown",
};

const V26: PublicBehaviour = {
  ...V2_3,
  device: true,
  consentRequest: "identified",
  wrongMethod: "missing",
  adminPaths: "negotiated",
};

/** What each version does. */
export const PUBLIC_BEHAVIOUR_BY_VERSION: Readonly<Record<SandboxVersion, PublicBehaviour>> = {
  "1.8": V1_8,
  "1.11": V1_11,
  "2.1": V2_1,
  "2.3": V2_3,
  "26": V26,
  next: V26,
};
