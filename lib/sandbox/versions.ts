import {
  PATCH_DIALECT_OF_1_11,
  PATCH_DIALECT_OF_2_1,
  PATCH_DIALECT_OF_2_3,
  PATCH_DIALECT_OF_26,
  type PatchDialect,
} from "./patch.ts";

/** The server versions that the sandbox can emulate, oldest first. */
export const SANDBOX_VERSIONS = ["1.8", "1.11", "2.1", "2.3", "26", "next"] as const;

/** One of {@link SANDBOX_VERSIONS}. */
export type SandboxVersion = (typeof SANDBOX_VERSIONS)[number];

/** Everything that differs between server versions; all other code depends on these and never on a version. */
export interface Behaviour {
  /** The prefix of the paths of clients. */
  readonly prefix: "" | "/admin";
  /** What `/clients` without the prefix does, if there is a prefix. */
  readonly unprefixed: "missing" | "redirected" | "served";
  /** The Go router: decides about Allow headers, trailing slashes, HEAD and OPTIONS. */
  readonly router: "httprouter" | "mux";
  /** The answer for a route that doesn't exist. */
  readonly missing: "plain-json" | "negotiated" | "plain";
  /** The members of an error body. */
  readonly errors: "verbose" | "short";
  /** Which responses forbid caching: those under the prefix, those to reads, or none. */
  readonly uncached: "none" | "prefixed" | "reads";
  /** The response to an invalid body of a create: with the reason, or a 500 without one. */
  readonly badCreateBody: "explained" | "unexplained";
  /** The same for an update. */
  readonly badUpdateBody: "explained" | "unexplained";
  /** The Go type of list fields in error messages. */
  readonly listType: string;
  /** The library that decodes keys, in error messages. */
  readonly keyLibrary: string;
  /** Whether the ID may be chosen. */
  readonly ownId: boolean;
  /** The status of a GET for an unknown client. */
  readonly unknownOnGet: 401 | 404;
  /** Whether deleting an unknown client is an error. */
  readonly unknownOnDelete: "rejected" | "ignored";
  /** How a PATCH is read, if supported. */
  readonly patch: PatchDialect | undefined;
  /** Whether `PUT /clients/{id}/lifespans` exists. */
  readonly lifespans: boolean;
  /** Whether `/clients/{id}/secrets/rotate` exists. */
  readonly rotation: boolean;
  /** Whether missing lists and objects are stored as empty ones. */
  readonly fillsEmpty: boolean;
  /** Whether lists are stored as one text, joined with bars, so that empty elements are lost. */
  readonly joinsLists: boolean;
  /** The order of a list. */
  readonly order: "insertion" | "id";
  /** How a list is split into pages. */
  readonly paging: "offset" | "page" | "token" | "cursor";
  /** What happens for an invalid page token; versions without cursors start at the beginning. */
  readonly invalidToken: "closes" | "rejected";
  /** Whether `client_name` and `owner` select clients in a list. */
  readonly filters: boolean;
  /** How often an ID is escaped in the Location of a new client. */
  readonly idEscapes: 0 | 2;
  /** The Go type of a lifespans request in error messages. */
  readonly lifespansType: string;
  /** The prefix of registration access tokens, if there are any. */
  readonly tokenPrefix: string | undefined;
  /** The end of the registration URI if the server generates the ID: the ID, a slash, or nothing. */
  readonly registrationTail: "id" | "slash" | "nothing";
  /** Whether the URLs of logo, terms, policy and client are validated. */
  readonly webFields: boolean;
  /** Whether each key of a set is validated. */
  readonly checksKeys: boolean;
  /** The key sets of the admin API, and how they sign. */
  readonly keys: {
    /** Whether a generated key pair is stored as `private:KID` and `public:KID`, which must both be the newest to sign. */
    readonly pairs: boolean;
    /** How the newest private and public keys are found. */
    readonly findsBy: "prefix" | "type";
    /** The algorithms that keys are generated for. */
    readonly generates: readonly string[];
    /** Whether a single key can only be written or deleted in a set that exists. */
    readonly needsSet: boolean;
    /** How an unknown algorithm, a conflict and a missing key are worded. */
    readonly wording: "own" | "shared";
    /** Whether the sessions that began before a rotation name their first key in access tokens too. */
    readonly namesOldAccessKey: boolean;
  };
  /** The wording of validation errors that changed. */
  readonly wording: {
    readonly metadataError: "invalid_request" | "invalid_client_metadata";
    readonly fragment: string;
    readonly fragmentFirst: boolean;
    readonly postLogoutTail: string;
  };
}

const V1_8: Behaviour = {
  prefix: "",
  unprefixed: "missing",
  router: "httprouter",
  missing: "plain-json",
  errors: "verbose",
  uncached: "none",
  badCreateBody: "unexplained",
  badUpdateBody: "unexplained",
  listType: "sqlxx.StringSlicePipeDelimiter",
  keyLibrary: "square/go-jose",
  ownId: true,
  unknownOnGet: 401,
  unknownOnDelete: "ignored",
  patch: undefined,
  lifespans: false,
  rotation: false,
  fillsEmpty: false,
  joinsLists: false,
  order: "insertion",
  paging: "offset",
  invalidToken: "rejected",
  filters: false,
  idEscapes: 0,
  lifespansType: "client.UpdateOAuth2ClientLifespans",
  tokenPrefix: undefined,
  registrationTail: "id",
  webFields: false,
  checksKeys: false,
  keys: {
    pairs: true,
    findsBy: "prefix",
    generates: ["RS256", "ES512", "HS256", "HS512"],
    needsSet: true,
    wording: "own",
    namesOldAccessKey: false,
  },
  wording: {
    metadataError: "invalid_request",
    fragment: "Redirect URIs must not contain fragments (#)",
    fragmentFirst: false,
    postLogoutTail: "'",
  },
};

const V1_11: Behaviour = {
  ...V1_8,
  missing: "negotiated",
  errors: "short",
  badUpdateBody: "explained",
  unknownOnGet: 404,
  unknownOnDelete: "rejected",
  patch: PATCH_DIALECT_OF_1_11,
  lifespans: true,
  fillsEmpty: true,
  joinsLists: true,
  order: "id",
  paging: "page",
  filters: true,
  tokenPrefix: "",
  keys: {
    ...V1_8.keys,
    findsBy: "type",
    generates: [...V1_8.keys.generates, "ES256", "EdDSA"],
    needsSet: false,
    wording: "shared",
  },
  wording: {
    ...V1_8.wording,
    metadataError: "invalid_client_metadata",
    fragment: "Redirect URIs must not contain fragments (#).",
  },
};

const V2_1: Behaviour = {
  ...V1_11,
  prefix: "/admin",
  unprefixed: "redirected",
  uncached: "prefixed",
  listType: "sqlxx.StringSliceJSONFormat",
  ownId: false,
  patch: PATCH_DIALECT_OF_2_1,
  joinsLists: false,
  paging: "token",
  lifespansType: "client.Lifespans",
  tokenPrefix: "ory_at_",
  keys: {
    ...V1_11.keys,
    pairs: false,
    generates: ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"],
  },
};

const V2_3: Behaviour = {
  ...V2_1,
  badCreateBody: "explained",
  keyLibrary: "go-jose/go-jose",
  ownId: true,
  patch: PATCH_DIALECT_OF_2_3,
  registrationTail: "slash",
  checksKeys: true,
  keys: { ...V2_1.keys, namesOldAccessKey: true },
};

const V26: Behaviour = {
  ...V2_3,
  unprefixed: "served",
  router: "mux",
  missing: "plain",
  uncached: "reads",
  patch: PATCH_DIALECT_OF_26,
  paging: "cursor",
  invalidToken: "closes",
  idEscapes: 2,
  registrationTail: "nothing",
  webFields: true,
  wording: { ...V2_3.wording, fragmentFirst: true, postLogoutTail: "" },
};

const NEXT: Behaviour = { ...V26, rotation: true, invalidToken: "rejected" };

/** What each version does. */
export const BEHAVIOUR_BY_VERSION: Readonly<Record<SandboxVersion, Behaviour>> = {
  "1.8": V1_8,
  "1.11": V1_11,
  "2.1": V2_1,
  "2.3": V2_3,
  "26": V26,
  next: NEXT,
};
