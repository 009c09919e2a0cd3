import type { ApiName } from "../core/flags/flag-table.ts";

/** What of an answer a server family looks at. */
export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly link: string;
  readonly location: string;
  readonly text: string;
}

/** Which part of a list is asked for. */
export interface PageRequest {
  readonly size: number;
  /** 1.x: how many clients to pass over. */
  readonly offset?: number;
  /** 2.x: where the page before ended. */
  readonly token?: string;
  readonly owner?: string;
  readonly name?: string;
}

/** What an answer other than success means, in words of this program. */
export interface ServerError {
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
  /** The server's own reason, boilerplate taken off; undefined where it gave none. */
  readonly reason: string | undefined;
}

/** How one family of servers spells the operations and words its answers. */
export interface ServerFamily {
  /** The value of `--api` that chooses it. */
  readonly api: ApiName;
  /** How messages call it. */
  readonly label: string;
  /** The path of the collection of clients, below the endpoint. */
  readonly clients: string;
  /** Whether a client is changed by a JSON Patch (RFC 6902), or by GET and PUT. */
  readonly update: "patch" | "put";
  /** Fields of a client that no server of this family knows. */
  readonly unknownFields: ReadonlySet<string>;
  /** The most clients that one page may ask for. */
  readonly largestPage: number;
  /** The query that asks for a page, with its question mark. */
  pageQuery(page: PageRequest): string;
  /** The page after this one, or undefined at the end; the link's host is never looked at. */
  nextPage(page: PageRequest, answer: Answer, count: number): PageRequest | undefined;
  /** Whether the answer says that a client does not exist, which differs from a route that does not exist. */
  isUnknownClient(answer: Answer, body: unknown): boolean;
}
