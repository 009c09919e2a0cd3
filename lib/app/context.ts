import { type Admin, createAdmin } from "../adapters/admin/admin.ts";
import { createDownload } from "../adapters/download.ts";
import type { Host } from "../adapters/host.ts";
import { createHttp } from "../adapters/http.ts";
import { checkRecoveryFolder, createRecoveryStore, type RecoveryOptions } from "../adapters/recovery-store.ts";
import type { SecretTargets } from "../adapters/secret-target.ts";
import { HONOURS_PROXIES, transport, trustedAuthorities } from "../adapters/transport.ts";
import type { Context } from "../command.ts";
import type { Connection } from "../core/flags/connection.ts";
import { RESCUE_DIR, VERBOSE } from "../core/flags/flag-table.ts";
import type { FlagValues } from "../core/flags/parse.ts";
import { FILE_DEPTH } from "../core/json.ts";
import { CLEANUP_MS, type Http, proxyOf, STALLED_READER_MS } from "../core/network.ts";
import { FAMILIES } from "../servers/index.ts";
import { boundedReader, readAuthorities } from "./input.ts";
import { findRecipients, inspect } from "./recipients.ts";

/** What the adapters of one command are made from. */
export interface ContextOptions {
  readonly host: Host;
  readonly values: FlagValues;
  /** Undefined for a command without a server, or where its settings are wrong. */
  readonly connection: Connection | undefined;
  readonly warn: (line: string) => void;
  readonly detail: (line: string) => void;
  readonly signal: AbortSignal;
  /** Called when something stays under way that would hold the process. */
  readonly abandoned: () => void;
}

/** Milliseconds that one question to the public side of a server may take. */
const VERIFY_TIME = 15_000;

/** Milliseconds of a command without a server, for fetching keys. */
const NO_SERVER_TIME = 60_000;

type Adapters = { readonly admin: () => Admin } & Pick<
  Context,
  | "keys"
  | "pairs"
  | "tokens"
  | "inspectKey"
  | "readFile"
  | "parseYaml"
  | "outletProblems"
  | "recovery"
  | "startSandbox"
  | "openTarget"
  | "rareFields"
  | "clientsPath"
>;

/** Makes the adapters of one command; nothing is opened or sent before a command asks. */
export function connect(outside: ContextOptions): Adapters {
  const { host, values, connection, signal } = outside;
  const began = host.monotonic();
  const extra = async (): Promise<readonly string[]> =>
    connection?.caFile === undefined ? [] : [await readAuthorities(host, connection.caFile, values)];
  const shared = {
    transport,
    monotonic: host.monotonic,
    ...(values.bool(VERBOSE) ? { trace: outside.detail } : {}),
    ...(HONOURS_PROXIES ? { proxyOf: (url: URL) => proxyOf(url, host.environment) } : {}),
    skipVerify: false,
  };
  /** Public documents: no credentials, no socket, no skipped verification. */
  const anonymousHttp: Http = createHttp({ ...shared, authorities: () => trustedAuthorities([]) });
  /** The public side of the same server: its certificates count, the credentials of the admin API do not. */
  const publicSide = createHttp({
    ...shared,
    authorities: async () => trustedAuthorities(await extra()),
    skipVerify: connection?.skipVerify === true,
  });
  const publicHttp: Http = (request) => publicSide({ ...request, signal });
  const family = FAMILIES.find(({ api }) => api === connection?.api);
  const admin =
    connection === undefined
      ? undefined
      : createAdmin({
          http: createHttp({
            ...shared,
            authorities: async () => trustedAuthorities(await extra()),
            skipVerify: connection.skipVerify,
            ...(connection.socket === undefined ? {} : { socket: connection.socket }),
          }),
          base: connection.base,
          endpoint: connection.shown,
          headers: connection.headers,
          family,
          failAfter: connection.failAfter,
          monotonic: host.monotonic,
          now: host.now,
          sleep: host.sleep,
          random: host.random,
          warn: outside.warn,
          signal,
        });
  const remaining = (): number => admin?.remaining() ?? Math.max(0, NO_SERVER_TIME - (host.monotonic() - began));
  const download = createDownload(anonymousHttp, remaining, signal, host.monotonic);
  const rescue = rescueFolders(host, values);
  let made: SecretTargets | undefined;
  const sinks = async (): Promise<SecretTargets> => {
    const { createSecretTargets: createSinks } = await import("../adapters/secret-target.ts");
    made ??= createSinks({
      random: host.random,
      timeouts: {
        longest: () => remaining() + CLEANUP_MS,
        afterSignal: STALLED_READER_MS,
        signal,
        monotonic: host.monotonic,
        sleep: host.sleep,
        abandoned: outside.abandoned,
      },
    });
    return made;
  };
  const readFile = boundedReader(host);
  return {
    admin() {
      if (admin === undefined) throw new TypeError("the command has no server");
      return admin;
    },
    readFile,
    inspectKey: async (material) => inspect(host, material, download),
    pairs: {
      generate: async (algorithm) => (await import("../adapters/key-generator.ts")).generateKeys(algorithm),
      assertion: async (keys, clientId, audience) =>
        (await import("../adapters/key-generator.ts")).clientAssertion(
          keys,
          clientId,
          audience,
          host.now(),
          host.uuid(),
        ),
    },
    tokens: {
      discover: async (url) =>
        (await import("../adapters/token-endpoint.ts")).discoverEndpoints(
          publicHttp,
          url,
          Math.min(VERIFY_TIME, remaining()),
        ),
      prove: async (endpoints, clientId, proof) => {
        // The client is there already, so finding out has the time beyond the command's own.
        const until = host.monotonic() + Math.min(VERIFY_TIME, Math.max(CLEANUP_MS, remaining()));
        const timeLeft = (): number => until - host.monotonic();
        const options = { timeLeft, wrongSecret: host.uuid() };
        return (await import("../adapters/token-endpoint.ts")).proveCredentials(
          publicHttp,
          endpoints,
          clientId,
          proof,
          options,
        );
      },
    },
    keys: {
      recipients: () => findRecipients(host, values, download),
      encrypt: async (recipients, text, format) =>
        (await import("../adapters/pgp.ts")).encrypt(recipients, text, format),
    },
    parseYaml: async (text, name) =>
      (await import("../adapters/yaml.ts")).parseDocuments(text, name, "values", FILE_DEPTH),
    clientsPath: (family ?? FAMILIES[0]).clients,
    rareFields: new Set(FAMILIES.flatMap((family) => [...family.unknownFields])),
    async outletProblems(targets) {
      const problems = rescue.named === undefined ? [] : [checkRecoveryFolder(rescue.named)];
      for (const flag of targets) {
        const target = values.text(flag);
        if (target !== undefined) problems.push((await sinks()).check(target, `--${flag.name}`));
      }
      return problems.flatMap((problem) => problem ?? []);
    },
    openTarget: async (flag) => {
      const target = values.text(flag);
      return target === undefined ? undefined : (await sinks()).open(target, `--${flag.name}`);
    },
    recovery: createRecoveryStore({ ...rescue, random: host.random }),
    startSandbox: async (options) => (await import("../sandbox/index.ts")).startSandbox(options),
  };
}

/** Where a rescue file may go: the folder that is named, else the best place first. */
function rescueFolders(host: Host, values: FlagValues): Pick<RecoveryOptions, "named" | "folders"> {
  const named = values.text(RESCUE_DIR);
  const { environment } = host;
  const places = [environment("XDG_STATE_HOME"), environment("HOME"), ".", environment("TMPDIR") ?? "/tmp"];
  return {
    ...(named === undefined ? {} : { named: { folder: named, from: values.origin(RESCUE_DIR).name } }),
    folders: places.flatMap((folder) => (folder === undefined || folder === "" ? [] : [folder])),
  };
}
