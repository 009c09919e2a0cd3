import type { JsonObject } from "../json/json.ts";
import type { Problem } from "../problem.ts";

/** Where a client is in the files. */
interface ClientSource {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** The Kubernetes Secret that a hydra-maester manifest names for the credentials. */
export interface KubernetesSecretNameAndNamespace {
  readonly name: string;
  readonly namespace: string | undefined;
}

/** A client as the files describe it. */
export interface DesiredClient {
  /** Its name inside the stack. */
  readonly key: string;
  /** The ID, if the file gives one. */
  readonly clientId: string | undefined;
  /** Its fields, without the ID, the secret, `x-hydra` and what the server sets itself. */
  readonly client: JsonObject;
  /** Where the secret comes from, for plans: `environment variable BILLING_SECRET`; undefined if it is generated. */
  readonly secretOrigin: string | undefined;
  /** The secret itself, if it was read. */
  readonly secret: string | undefined;
  /** Why it could not be read, which matters only if it is to be set or checked. */
  readonly secretProblem: Problem | undefined;
  /** `x-hydra.secret.version` */
  readonly secretVersion: number | undefined;
  /** Whether `--prune` never deletes it; undefined if the file doesn't say. */
  readonly protect: boolean | undefined;
  readonly secretObject: KubernetesSecretNameAndNamespace | undefined;
  /** The owner that hydra-maester gives to the client of a manifest; undefined for a client that isn't from one. */
  readonly maesterOwner: string | undefined;
  readonly source: ClientSource;
}

/** A place in a file with its column: `clients/web.yaml:14:3`. */
export function formatFileLineColumn({ file, line, column }: ClientSource): string {
  return `${file}:${line}:${column}`;
}

/** A place in a file as messages name it: `clients/web.yaml:14`. */
export function formatFileLine({ file, line }: ClientSource): string {
  return `${file}:${line}`;
}
