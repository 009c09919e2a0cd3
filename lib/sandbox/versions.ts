import { CHECKED, LENIENT, type PatchDialect, REDUCED, STANDARD } from "./patch.ts";

/** The server versions that the sandbox answers as, oldest first. */
export const SANDBOX_VERSIONS = ["1.8", "1.11", "2.1", "2.3", "26", "next"] as const;

/** A server version that the sandbox can answer as. */
export type SandboxVersion = (typeof SANDBOX_VERSIONS)[number];

/** Whether a text names a version of {@link SANDBOX_VERSIONS}. */
export function isSandboxVersion(text: string): text is SandboxVersion {
  return SANDBOX_VERSIONS.some((version) => version === text);
}

/** Everything in which one server version differs from the others; the code below reads these and never a version. */
export interface Behaviour {
  /** Where the clients live. */
  readonly prefix: "" | "/admin";
  /** What `/clients` without the prefix does, where there is a prefix. */
  readonly unprefixed: "missing" | "redirected" | "served";
  /** Whose router it is: its Allow headers, slashes at the end, HEAD and OPTIONS. */
  readonly router: "httprouter" | "mux";
  /** How a route that does not exist is told. */
  readonly missing: "plain-json" | "negotiated" | "plain";
  /** The members of an error body. */
  readonly errors: "verbose" | "short";
  /** Which answers forbid caching: those under the prefix, those to reads, or none. */
  readonly uncached: "none" | "prefixed" | "reads";
  /** What a create answers to a body that does not fit: the reason, or a 500 without one. */
  readonly badCreateBody: "explained" | "unexplained";
  /** The same for an update. */
  readonly badUpdateBody: "explained" | "unexplained";
  /** Name of the type of list fields in a message about a decodeError. */
  readonly listType: string;
  /** Name of the library that reads keys, in its messages. */
  readonly keyLibrary: string;
  /** Whether a client may bring its own id. */
  readonly ownId: boolean;
  /** Status of a GET of a client that is not there. */
  readonly unknownOnGet: 401 | 404;
  /** Whether deleting a client that is not there is an error. */
  readonly unknownOnDelete: "rejected" | "ignored";
  /** How a PATCH is read, where there is one. */
  readonly patch: PatchDialect | undefined;
  /** Whether `PUT /clients/{id}/lifespans` is there. */
  readonly lifespans: boolean;
  /** Whether `/clients/{id}/secrets/rotate` is there. */
  readonly rotation: boolean;
  /** Whether lists and objects that were not given are filled with empty ones when a client is stored. */
  readonly filled: boolean;
  /** Whether lists are stored as one text with bars between their elements, so that empty elements are lost. */
  readonly barred: boolean;
  /** The order of a list. */
  readonly order: "insertion" | "id";
  /** How a list is cut into pages. */
  readonly paging: "offset" | "page" | "token" | "cursor";
  /** What a page token that cannot be opened does: the connection ends, or it is told; older ones begin at the start. */
  readonly invalidToken: "closes" | "rejected";
  /** Whether `client_name` and `owner` select clients in a list. */
  readonly filters: boolean;
  /** How often an id is escaped in the Location of a new client. */
  readonly idEscapes: 0 | 2;
  /** Name of the body of a lifespans request in messages. */
  readonly lifespansType: string;
  /** What stands before a registration access token; without it there are none. */
  readonly tokenPrefix: string | undefined;
  /** What the registration address of a client without an id of its own ends with: its id, a slash, or nothing. */
  readonly registrationTail: "id" | "slash" | "nothing";
  /** Whether logo, terms, policy and client addresses are looked at. */
  readonly webFields: boolean;
  /** Whether each key of a set is judged. */
  readonly checksKeys: boolean;
  /** Wording of the rule messages that changed. */
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
  filled: false,
  barred: false,
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
  patch: STANDARD,
  lifespans: true,
  filled: true,
  barred: true,
  order: "id",
  paging: "page",
  filters: true,
  tokenPrefix: "",
  wording: {
    metadataError: "invalid_client_metadata",
    fragment: "Redirect URIs must not contain fragments (#).",
    fragmentFirst: false,
    postLogoutTail: "'",
  },
};

const V2_1: Behaviour = {
  ...V1_11,
  prefix: "/admin",
  unprefixed: "redirected",
  uncached: "prefixed",
  listType: "sqlxx.StringSliceJSONFormat",
  ownId: false,
  patch: REDUCED,
  barred: false,
  paging: "token",
  lifespansType: "client.Lifespans",
  tokenPrefix: "ory_at_",
};

const V2_3: Behaviour = {
  ...V2_1,
  badCreateBody: "explained",
  keyLibrary: "go-jose/go-jose",
  ownId: true,
  patch: LENIENT,
  registrationTail: "slash",
  checksKeys: true,
};

const V26: Behaviour = {
  ...V2_3,
  unprefixed: "served",
  router: "mux",
  missing: "plain",
  uncached: "reads",
  patch: CHECKED,
  paging: "cursor",
  invalidToken: "closes",
  idEscapes: 2,
  registrationTail: "nothing",
  webFields: true,
  wording: { ...V2_3.wording, fragmentFirst: true, postLogoutTail: "" },
};

const NEXT: Behaviour = { ...V26, rotation: true, invalidToken: "rejected" };

/** What each version does. */
export const BEHAVIOURS: Readonly<Record<SandboxVersion, Behaviour>> = {
  "1.8": V1_8,
  "1.11": V1_11,
  "2.1": V2_1,
  "2.3": V2_3,
  "26": V26,
  next: NEXT,
};
