import type { PatchStep } from "../../core/client/changes.ts";
import type { ClientRecord } from "../../core/client/client.ts";
import { CLEANUP_AFTER_DEADLINE_MS } from "../../core/network.ts";
import { Problem } from "../../core/problem.ts";
import { quote } from "../../core/text.ts";
import type { PageRequest, ServerFamily } from "../../servers/index.ts";
import { type AdminOptions, type AdminSession, createAdminSession, withWaitIndicator } from "./admin-session.ts";
import { type CreateOutcome, createClient } from "./create-client.ts";
import type { KeySetsApi } from "./key-sets.ts";
import {
  addOrDropSecrets,
  type ClientPage,
  deleteClient,
  detectFamily,
  getClient,
  getClientOrNotFoundProblem,
  getClientPage,
  getServerVersion,
  itemRequest,
  putOrPatchClient,
} from "./operations.ts";

export type { CreateOutcome } from "./create-client.ts";
export type { ClientPage } from "./operations.ts";

/** The admin API of a Hydra server of any version. */
export interface Admin {
  /** The server's family, detected with a harmless request if no response has revealed it yet. */
  family(): Promise<ServerFamily>;
  /** Milliseconds that are left of `--fail-after`. */
  remaining(): number;
  create(payload: Readonly<Record<string, unknown>>, ownId: boolean): Promise<CreateOutcome>;
  /** The client, or undefined if it doesn't exist. */
  find(id: string): Promise<ClientRecord | undefined>;
  get(id: string): Promise<ClientRecord>;
  page(request: PageRequest): Promise<ClientPage>;
  replace(id: string, payload: Readonly<Record<string, unknown>>): Promise<ClientRecord>;
  patch(id: string, steps: readonly PatchStep[]): Promise<ClientRecord>;
  remove(id: string): Promise<void>;
  /**
   * Makes the server generate a new secret in addition to the old ones, which stay valid; undefined if it can't. Sent
   * once: a repeat would generate another secret.
   */
  rotate(id: string): Promise<ClientRecord | undefined>;
  /** Drops the secrets that {@link rotate} left valid; undefined if the server keeps none. */
  dropOldSecrets(id: string): Promise<ClientRecord | undefined>;
  /** The JSON Web Key sets of the server. */
  keySets(): Promise<KeySetsApi>;
  /** Resolves once the server reports that it is ready. */
  ready(): Promise<void>;
  /** The version that the server reports. */
  version(): Promise<string>;
  /**
   * The same API with its own time limit. It ignores signals unless one is passed, for finding out what happened and for
   * cleaning up. With `once`, it doesn't retry.
   */
  withDeadline(milliseconds: number, signal?: AbortSignal, once?: boolean): Admin;
}

export function createAdmin(options: AdminOptions): Admin {
  const session = createAdminSession(options);
  const update = (id: string, method: "PUT" | "PATCH", body: unknown): Promise<ClientRecord> =>
    putOrPatchClient(
      session,
      id,
      itemRequest(method, ({ paths }) => paths.client(id), `Cannot update client ${quote(id)}`, { body }),
    );
  const withDeadline = (failAfter: number, signal = new AbortController().signal, once = false): Admin =>
    createAdmin({ ...options, failAfter, signal, once, quiet: true });
  return {
    family: () => detectFamily(session),
    remaining: session.remaining,
    create: (payload, ownId) =>
      createClient(session, (id) => tryFindClient(withDeadline(CLEANUP_AFTER_DEADLINE_MS), id), payload, ownId),
    find: (id) => findClient(session, id),
    get: (id) => getClient(session, id),
    page: (request) => getClientPage(session, request),
    replace: (id, payload) => update(id, "PUT", payload),
    patch: (id, steps) => update(id, "PATCH", steps),
    remove: (id) => deleteClient(session, id),
    rotate: (id) => addOrDropSecrets(session, id, "POST"),
    dropOldSecrets: (id) => addOrDropSecrets(session, id, "DELETE"),
    keySets: async () => (await import("./key-sets.ts")).createKeySetsApi(session),
    ready: async () => {
      const { waitUntilReady } = await import("./readiness.ts");
      return withWaitIndicator(session, () => waitUntilReady(session));
    },
    version: () => getServerVersion(session),
    withDeadline,
  };
}

async function findClient(session: AdminSession, id: string): Promise<ClientRecord | undefined> {
  const found = await getClientOrNotFoundProblem(session, id);
  return found instanceof Problem ? undefined : found.record;
}

/** After a lost response: the client with this ID, "none", or undefined if that cannot be determined. */
async function tryFindClient(admin: Admin, id: string): Promise<ClientRecord | "none" | undefined> {
  try {
    return (await admin.find(id)) ?? "none";
  } catch {
    return undefined;
  }
}
