import { errorMessage } from "./problem.ts";

/** The client of `hydra apply` whose secret a recovery copy holds: a later run can then deliver it. */
export interface ClientInStack {
  readonly stack: string;
  /** The name of the client in its stack. */
  readonly key: string;
  /** Set if the request changes a client that exists; otherwise it creates one. */
  readonly request?: "change";
}

/** The contents of a recovery copy: a secret that has not been delivered. */
export interface RecoveryRecord extends Partial<ClientInStack> {
  /** `made`: the server confirmed the client; `unverified`: it may exist. */
  readonly state: "made" | "unverified";
  readonly reason: string;
  readonly time: string;
  readonly endpoint: string;
  readonly client_id?: string;
  /** When the server set the secret, by its own clock: a client that was changed since has another time. */
  readonly updated_at?: string;
  /** With an owner: whether a later run is to deliver the secret, or the client has got another one since. */
  readonly delivery?: "due" | "off";
  readonly client_secret?: string;
  readonly client_secret_encrypted?: string;
  readonly [more: string]: unknown;
}

/** What to delete once the secret of one client in a recovery copy is of no use: never the secrets of other clients. */
export function partToDeleteText(path: string): string {
  return path.endsWith(".ndjson")
    ? "only this client's line, because the file may hold the secrets of others"
    : "that file";
}

/** A record that could not be saved in any folder. */
export class RecordSaveFailure extends Error {
  override readonly name = "RecordSaveFailure";
  /** The first folder that was tried. */
  readonly folder: string;

  constructor(folder: string, cause: unknown) {
    super(errorMessage(cause), { cause });
    this.folder = folder;
  }
}
