import type { ApiVersion } from "../core/flags/connection-flags.ts";
import type { QueryParameters, UsedProxy } from "../core/network.ts";

/** The parts of a response that a server family looks at. */
export interface ServerAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly link: string;
  readonly location: string;
  /** What the server says about credentials: WWW-Authenticate (RFC 9110, 11.6.1). */
  readonly authenticate?: string;
  /** The ID by which the operators of the server find the request. */
  readonly requestId?: string;
  /** The number of clients on all pages, which only some servers send with a list. */
  readonly total?: string | undefined;
  /** The proxy that may have sent this response itself. */
  readonly via?: UsedProxy | undefined;
  readonly text: string;
}

/** The part of a list to request. */
export interface PageRequest {
  readonly size: number;
  /** For servers that page by offset: how many clients to skip. */
  readonly offset?: number;
  /** For servers that page by token: where the previous page ended. */
  readonly token?: string;
  readonly owner?: string;
  readonly name?: string;
}

/** What a response other than a success means, independent of the server's version. */
export interface ClassifiedError {
  readonly kind:
    | "missing-route"
    | "not-found"
    | "conflict"
    | "unauthorised"
    | "id-refused"
    | "invalid"
    | "moved"
    | "busy"
    | "broken"
    | "refused";
  /** The server's own reason without boilerplate; undefined if it gave none. */
  readonly reason: string | undefined;
}

/** Whether a request was about one client or about the list of clients; servers word their errors differently. */
export type ItemOrCollection = "item" | "collection";

/** What a server asks the login and consent application for. */
type LoginRequestKind = "device" | "login" | "consent";

/** The paths of the admin API, below the endpoint. */
export interface AdminPaths {
  readonly clients: string;
  client(id: string): string;
  /** Where POST adds a secret and DELETE drops the older ones; requested only if {@link ServerFamily.canRotate}. */
  rotateSecret(id: string): string;
  /** A JSON Web Key set. */
  keySet(set: string): string;
  /** One key of a set. */
  key(set: string, kid: string): string;
  /** Where POST introspects a token (RFC 7662). */
  readonly introspection: string;
  /** Where DELETE deletes the access tokens of a client. */
  readonly tokens: string;
  /** Where POST deletes expired tokens; undefined if no server of the family can. */
  readonly flush: string | undefined;
  /** A request of the server to the login and consent application. */
  loginRequest(kind: LoginRequestKind): string;
  /** Where PUT accepts such a request. */
  acceptLoginRequest(kind: LoginRequestKind): string;
}

/** How servers store a key pair: as two JSON Web Keys, or as the private one, from which they derive the public one. */
export type KeyPairStorage = "pair" | "single";

/** What the servers of one family can do, and how they spell requests and responses. */
export interface ServerFamily {
  /** The value of `--api` that selects it. */
  readonly api: ApiVersion;
  /** Its name in messages. */
  readonly label: string;
  readonly paths: AdminPaths;
  /** Whether clients are updated with a JSON Patch (RFC 6902), or with GET and PUT. */
  readonly update: "patch" | "put";
  /** How lists continue: from an opaque token, or after a number of clients. */
  readonly paging: "token" | "offset";
  /** Whether some servers of this family can add a secret and keep the old ones valid. */
  readonly canRotate: boolean;
  /** Whether a generated key is stored as a pair, `private:KID` and `public:KID`, or as one private key. */
  readonly keyShape: KeyPairStorage;
  /** Client fields that no server of this family supports. */
  readonly unknownFields: ReadonlySet<string>;
  /** The most clients per page. */
  readonly largestPage: number;
  /** The query parameters that request a page. */
  pageQuery(page: PageRequest): QueryParameters;
  /** The start of the page that a token from an earlier page names; undefined if it isn't a token of this family. */
  pageStart(token: string): Pick<PageRequest, "offset" | "token"> | undefined;
  /** The next page, or undefined at the end; the host in the link is ignored. */
  nextPage(page: PageRequest, answer: ServerAnswer, count: number): PageRequest | undefined;
  /** Whether the response means that a client doesn't exist, as opposed to a route that doesn't exist. */
  isUnknownClient(answer: ServerAnswer, body: unknown): boolean;
}

/** Which family a server is of, once a response has revealed it. All access to one server shares it. */
export interface FamilyDetection {
  family: ServerFamily | undefined;
}
