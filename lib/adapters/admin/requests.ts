import type { HttpRequest, QueryParameters } from "../../core/network.ts";
import type { ItemOrCollection, ServerAnswer, ServerFamily } from "../../servers/family.ts";

/** What messages need to know about the server. */
export interface AdminServerForMessages {
  /** The URL of the admin API without a trailing slash: `http://127.0.0.1:4445`. */
  readonly base: string;
  /** The endpoint as the user wrote it, and where it came from. */
  readonly endpoint: string;
  /** Where the endpoint came from: `--endpoint`, `environment variable HYDRA_ADMIN_URL`. */
  readonly endpointOrigin?: string;
  /** The credential that is sent and where it came from: `the token of --access-token`; undefined if none is. */
  readonly credential?: string | undefined;
  /** The headers of every request, whose values must not appear in a message. */
  readonly headers: Readonly<Record<string, string>>;
}

/** One operation of the admin API. */
export interface AdminRequest {
  readonly method: HttpRequest["method"];
  readonly path: (family: ServerFamily) => string;
  readonly query?: (family: ServerFamily) => QueryParameters;
  readonly body?: unknown;
  /** What the command was doing, for messages: `Cannot create client`. */
  readonly action: string;
  readonly target: ItemOrCollection;
  /** False if a repeat could do the work twice. */
  readonly repeatable: boolean;
}

/** The final response to a request. */
export interface AdminResponse {
  readonly request: AdminRequest;
  readonly family: ServerFamily;
  readonly answer: ServerAnswer;
  /** Why the attempts ended although another one could have helped; messages put it after the answer. */
  readonly gaveUpBecause: string | undefined;
}
