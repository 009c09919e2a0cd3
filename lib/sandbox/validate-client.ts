import { isJsonObject } from "../core/json/json.ts";
import { ASSERTION_ALGORITHMS } from "../core/jwk/assertion-algorithms.ts";
import { trimCharactersAtEnd } from "../core/text.ts";
import { invalidMetadataError, invalidRedirectMetadataError } from "./api-errors.ts";
import type { SandboxClientDraft } from "./decode-body.ts";
import { parseGoUrl, urlWithoutPath } from "./go-url.ts";
import { stringListMemberOrEmpty, stringMemberOrEmpty } from "./json-members.ts";
import type { Behaviour } from "./versions.ts";

const SUBJECT_TYPES = ["public", "pairwise"];

const TOKEN_STRATEGIES = ["jwt", "opaque"];

const WEB_FIELDS = ["tos_uri", "policy_uri", "logo_uri", "client_uri"];

const DEFAULT_SCOPE = "openid offline";

/** Any key set counts, even an empty object; since 26 only one with keys. */
function hasKeys(draft: SandboxClientDraft, { webFields }: Behaviour): boolean {
  const keys = draft["jwks"];
  if (!isJsonObject(keys)) return false;
  return !webFields || keys["keys"] !== undefined;
}

/** Gives the hint of a violation of `invalid_client_metadata`; throws another error. */
type Rule = (draft: SandboxClientDraft, behaviour: Behaviour) => string | undefined;
/** Sets the default authentication method, and rejects private_key_jwt without keys or with an unknown algorithm. */
function applyAuthMethodRule(draft: SandboxClientDraft, behaviour: Behaviour): string | undefined {
  const method = stringMemberOrEmpty(draft, "token_endpoint_auth_method");
  if (method === "") draft["token_endpoint_auth_method"] = "client_secret_basic";
  if (method !== "private_key_jwt") return undefined;
  if (stringMemberOrEmpty(draft, "jwks_uri") === "" && !hasKeys(draft, behaviour)) {
    return 'When token_endpoint_auth_method is "private_key_jwt", either jwks or jwks_uri must be set.';
  }
  const algorithm = stringMemberOrEmpty(draft, "token_endpoint_auth_signing_alg");
  if (algorithm === "" || ASSERTION_ALGORITHMS.includes(algorithm)) return undefined;
  return "Only RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384 and ES512 are supported as algorithms for private key authentication.";
}

/** Rejects a client with both its keys and their URL. */
function findBothJwksAndJwksUriError(draft: SandboxClientDraft, behaviour: Behaviour): string | undefined {
  if (stringMemberOrEmpty(draft, "jwks_uri") === "" || !hasKeys(draft, behaviour)) return undefined;
  return "Fields jwks and jwks_uri can not both be set, you must choose one.";
}

/** Rejects symmetric keys: they can be read, but a client cannot publish them. */
function findSymmetricKeysError(draft: SandboxClientDraft, behaviour: Behaviour): string | undefined {
  const set = draft["jwks"];
  if (!behaviour.checksKeys || !isJsonObject(set) || !Array.isArray(set["keys"])) return undefined;
  const symmetric = set["keys"].some((key: unknown) => isJsonObject(key) && key["kty"] === "oct");
  return symmetric ? "Invalid JSON web key in set." : undefined;
}

function findWebPageUrlError(draft: SandboxClientDraft, behaviour: Behaviour): string | undefined {
  if (!behaviour.webFields) return undefined;
  for (const name of WEB_FIELDS) {
    const value = stringMemberOrEmpty(draft, name);
    if (value === "") continue;
    const url = parseGoUrl(value, true);
    if (url === undefined) return `Field ${name} must be a valid URI.`;
    if (url.scheme !== "https" && url.scheme !== "http") {
      return `${value} must use https:// or http:// as HTTP scheme for field ${name}.`;
    }
  }
  return undefined;
}

function findSecretLengthError(draft: SandboxClientDraft): string | undefined {
  const given = Buffer.byteLength(stringMemberOrEmpty(draft, "client_secret"));
  if (given === 0 || given >= 6) return undefined;
  return "Field client_secret must contain a secret that is at least 6 characters long.";
}

function setDefaultScope(draft: SandboxClientDraft): undefined {
  if (stringMemberOrEmpty(draft, "scope") === "") draft["scope"] = DEFAULT_SCOPE;
  return undefined;
}

/** Checks each origin, and removes its path of slashes. */
function applyCorsOriginsRule(draft: SandboxClientDraft): string | undefined {
  const cleaned: string[] = [];
  for (const origin of stringListMemberOrEmpty(draft, "allowed_cors_origins")) {
    const url = parseGoUrl(origin);
    if (url === undefined) {
      return `Origin URL ${origin} from allowed_cors_origins could not be parsed: parse "${origin}"`;
    }
    if (url.scheme !== "https" && url.scheme !== "http") {
      return `Origin URL ${origin} must use https:// or http:// as HTTP scheme.`;
    }
    if (url.user !== "") {
      return `Origin URL ${origin} has HTTP user and/or password set which is not allowed.`;
    }
    if (trimCharactersAtEnd(url.path, "/") + url.query + url.fragment !== "") {
      return `Origin URL ${origin} must have an empty path, query, and fragment but one of the parts is not empty.`;
    }
    cleaned.push(urlWithoutPath(origin, url));
  }
  if (draft["allowed_cors_origins"] !== null) draft["allowed_cors_origins"] = cleaned;
  return undefined;
}

/**
 * Resets the expiry of the secret, and checks the URI's scheme only: a real server fetches the document and looks for
 * each redirect URI in it, but the sandbox makes no requests.
 */
function applySectorIdentifierRule(draft: SandboxClientDraft, behaviour: Behaviour): string | undefined {
  draft["client_secret_expires_at"] = 0;
  const location = stringMemberOrEmpty(draft, "sector_identifier_uri");
  if (location === "") return undefined;
  const url = parseGoUrl(location);
  if (url?.scheme === "https") return undefined;
  if (url !== undefined) {
    throw invalidMetadataError(behaviour, undefined, "Value sector_identifier_uri must be an HTTPS URL but it is not.");
  }
  return `Value of sector_identifier_uri could not be parsed because parse "${location}".`;
}

function applyUserinfoAlgorithmRule(draft: SandboxClientDraft): string | undefined {
  const algorithm = stringMemberOrEmpty(draft, "userinfo_signed_response_alg");
  if (algorithm === "") draft["userinfo_signed_response_alg"] = "none";
  if (algorithm === "" || algorithm === "none" || algorithm === "RS256") return undefined;
  return 'Field userinfo_signed_response_alg can either be "none" or "RS256".';
}

function findRedirectUriError(draft: SandboxClientDraft, behaviour: Behaviour): undefined {
  const { fragment, fragmentFirst } = behaviour.wording;
  for (const redirect of stringListMemberOrEmpty(draft, "redirect_uris")) {
    const marked = redirect.includes("#");
    if (marked && fragmentFirst) throw invalidRedirectMetadataError(behaviour, fragment);
    if (parseGoUrl(redirect, true) === undefined) {
      throw invalidRedirectMetadataError(behaviour, `Unable to parse redirect URL: ${redirect}`);
    }
    if (marked) throw invalidRedirectMetadataError(behaviour, fragment);
  }
  return undefined;
}

function applySubjectTypeRule(draft: SandboxClientDraft): string | undefined {
  const given = stringMemberOrEmpty(draft, "subject_type");
  if (given === "") draft["subject_type"] = "public";
  if (given === "" || SUBJECT_TYPES.includes(given)) return undefined;
  return `Subject type ${given} is not supported by server, only [${SUBJECT_TYPES.join(" ")}] are allowed.`;
}

function findPostLogoutRedirectUriError(draft: SandboxClientDraft, behaviour: Behaviour): string | undefined {
  const registered = stringListMemberOrEmpty(draft, "redirect_uris").map((redirect) => parseGoUrl(redirect, true));
  for (const target of stringListMemberOrEmpty(draft, "post_logout_redirect_uris")) {
    const url = parseGoUrl(target, true);
    if (url === undefined) return `Unable to parse post_logout_redirect_uri: ${target}`;
    const known = registered.some(
      (redirect) => redirect?.scheme === url.scheme && redirect.hostname === url.hostname && redirect.port === url.port,
    );
    if (!known) {
      return `post_logout_redirect_uri "${target}" must match the domain, port, scheme of at least one of the registered redirect URIs but did not${behaviour.wording.postLogoutTail}`;
    }
  }
  return undefined;
}

/** Checks the access token strategy, and writes it in lower case. */
function applyTokenStrategyRule(draft: SandboxClientDraft): string | undefined {
  const given = stringMemberOrEmpty(draft, "access_token_strategy");
  if (given === "") return undefined;
  const strategy = given.toLowerCase();
  if (!TOKEN_STRATEGIES.includes(strategy)) {
    return `invalid access token strategy: expected one of [${TOKEN_STRATEGIES.join(", ")}] but got ${strategy}`;
  }
  draft["access_token_strategy"] = strategy;
  return undefined;
}

/** The rules in the order of the servers, which report the first violation. */
const RULES: readonly Rule[] = [
  applyAuthMethodRule,
  findBothJwksAndJwksUriError,
  findSymmetricKeysError,
  findWebPageUrlError,
  findSecretLengthError,
  setDefaultScope,
  applyCorsOriginsRule,
  applySectorIdentifierRule,
  applyUserinfoAlgorithmRule,
  findRedirectUriError,
  applySubjectTypeRule,
  findPostLogoutRedirectUriError,
  applyTokenStrategyRule,
];

/** Applies the rules and defaults of a version to a draft, in place; throws the first violation. */
export function validateDraftAndSetDefaults(draft: SandboxClientDraft, behaviour: Behaviour): void {
  for (const rule of RULES) {
    const hint = rule(draft, behaviour);
    if (hint !== undefined) throw invalidMetadataError(behaviour, hint);
  }
}
