import { type Admin, createAdmin } from "../adapters/admin/admin.ts";
import type { Host } from "../adapters/host.ts";
import { createHttp } from "../adapters/http.ts";
import {
  createRecoveryStore,
  findNamedRecoveryFolderProblem,
  preferredFolders,
  type RecoveryOptions,
} from "../adapters/recovery-store.ts";
import type { SecretTargets } from "../adapters/secret-target.ts";
import { collectTrustedCertificates, createRuntimeFetch, RUNTIME_FETCH_USES_PROXIES } from "../adapters/transport.ts";
import { createWindowsFileRestrictor } from "../adapters/windows-file-restrictor.ts";
import { hasRecipientFlags } from "../clients/secrets/secret-source.ts";
import type { Context, PairedAdmin } from "../command.ts";
import { configFilesAndRecoveryFolders } from "../core/environment/config-and-recovery-paths.ts";
import type { Connection } from "../core/flags/connection.ts";
import { CA_FILE, PAIRED_ADMIN_URL, PUBLIC_URL } from "../core/flags/connection-flags.ts";
import { RESCUE_DIR, SECRET_OUT } from "../core/flags/credential-flags.ts";
import type { FlagValues } from "../core/flags/parsed-flag-values.ts";
import { VERBOSE } from "../core/flags/shared-flags.ts";
import { FILE_DEPTH } from "../core/json/json.ts";
import {
  CA_VARIABLES,
  CLEANUP_AFTER_DEADLINE_MS,
  type Download,
  findProxyForUrl,
  type SendHttp,
  STALLED_READER_GRACE_MS,
} from "../core/network.ts";
import { quote } from "../core/text.ts";
import { FAMILIES, FAMILY_SPECIFIC_FIELDS, type FamilyDetection } from "../servers/index.ts";
import { InputFiles } from "./input-files.ts";
import type { ContextMessages } from "./messages.ts";
import type { OAuthAccessOptions } from "./oauth-access.ts";
import { outputContainsValue } from "./output-contains-value.ts";
import type { PgpKeySources } from "./recipients.ts";
import type { RunState } from "./run-state.ts";
import type { Settings } from "./settings.ts";
import type { RenderOptionsFactory } from "./write-result.ts";

export { InputFiles };

/** What the context of one command is made from. */
interface ContextOptions
  extends Pick<Settings, "line" | "connection" | "adminConnection" | "problems">,
    Pick<Context, "syntax" | "format"> {
  readonly run: RunState;
  readonly input: InputFiles;
  readonly render: RenderOptionsFactory;
  readonly messages: ContextMessages;
}

/** Milliseconds that one request to the public side of a server may take. */
const PUBLIC_REQUEST_MS = 15_000;

/** Milliseconds that a command without a server may spend on fetching keys. */
const KEY_DOWNLOADS_MS = 60_000;

/** Creates the context of one command. Nothing is opened or sent before the command asks for it. */
export function createContext(options: ContextOptions): Context {
  const { run, input, line, format, render, connection, messages } = options;
  const { host, ending } = run;
  const { values } = line;
  const https = createHttpClients(options);
  const detected = createFamilyDetection(connection);
  const admin =
    connection === undefined ? undefined : createAdminForConnection(options, connection, https.admin, detected);
  const began = host.monotonic();
  const remaining = (): number => admin?.remaining() ?? Math.max(0, KEY_DOWNLOADS_MS - (host.monotonic() - began));
  const download: Download = async (url, what) => {
    const { createDownload } = await import("../adapters/download.ts");
    return createDownload(https.anonymous, remaining, ending.signal, host.monotonic)(url, what);
  };
  const sources: PgpKeySources = { host, input, download };
  const uninterruptible: Context["uninterruptible"] = async (work) => {
    run.critical++;
    try {
      return await work();
    } finally {
      run.critical--;
    }
  };
  return {
    host,
    syntax: options.syntax,
    values,
    operands: line.operands,
    format,
    hasErrors: options.problems.length > 0,
    endpoint: connection?.shown ?? "",
    get admin() {
      return requireConfiguredServer(admin);
    },
    get connection() {
      return requireConfiguredServer(connection);
    },
    plannedFamily: detected.family ?? FAMILIES[0],
    rareFields: FAMILY_SPECIFIC_FIELDS,
    readFile: (path, reader) => input.readText(path, reader),
    parseYaml: async (text, name) =>
      (await import("../adapters/yaml.ts")).parseYamlDocuments(text, name, "values", FILE_DEPTH),
    parseYamlWithOffsets: async (text, name) =>
      (await import("../adapters/yaml.ts")).parseYamlWithOffsets(text, name, FILE_DEPTH),
    loadYamlEditor,
    openClientFiles: async () =>
      (await import("../adapters/client-file-writer.ts")).createClientFileWriter(host.random),
    inspectKey: async (material) => (await import("./recipients.ts")).inspectKeysOrMessage(material, values, sources),
    encryption: createRecipientEncryptor(values, sources),
    keyPairs: createClientKeyPairTools(host),
    localKeys: createJsonWebKeyTools(input),
    credentialVerifier: createCredentialVerifier(host, https.public, remaining),
    oauth: createLazyOAuthAccess(options, { http: https.admin, detected, download, remaining, uninterruptible }),
    browser: createBrowserLoginTools(host),
    pairedAdmin: createPairedAdmin(options),
    openFlows: createFlowOpener(options, https, detected),
    ...createSecretTargetsAndRecovery(options, remaining),
    startSandbox: async (sandbox) => (await import("../sandbox/index.ts")).startSandbox(sandbox),
    outputContainsValue: (view, item, text) => outputContainsValue(format, render, view, item, text),
    progress: run.bar.draw,
    ...messages,
    signal: ending.signal,
    uninterruptible,
  };
}

/** Starts the detection of the server family: `--api` decides it, else a response does later. */
function createFamilyDetection(connection: Connection | undefined): FamilyDetection {
  return { family: FAMILIES.find(({ api }) => api === connection?.api) };
}

function requireConfiguredServer<T>(part: T | undefined): T {
  if (part === undefined) throw new TypeError("the command has no server");
  return part;
}

interface HttpClients {
  /** For public documents: no credentials, no socket, and certificates are always verified. */
  readonly anonymous: SendHttp;
  /** For the public side of the server: with its certificates, without the credentials of the admin API. */
  readonly public: SendHttp;
  readonly admin: SendHttp;
}

function createHttpClients({ run, input, line, connection, messages }: ContextOptions): HttpClients {
  const { host, ending } = run;
  const { values } = line;
  const shared = {
    transport: createRuntimeFetch,
    monotonic: host.monotonic,
    caVariables: () => CA_VARIABLES.filter((name) => (host.environment(name) ?? "") !== ""),
    trace: values.bool(VERBOSE) ? messages.detail : undefined,
    proxyOf: RUNTIME_FETCH_USES_PROXIES ? (url: URL) => findProxyForUrl(url, host.environment) : undefined,
  };
  const toServer = {
    ...shared,
    authorities: async () => {
      const file = connection?.caFile;
      const own = file === undefined ? [] : [await input.readAuthorities(file, values.origin(CA_FILE))];
      return collectTrustedCertificates(own);
    },
    skipVerify: connection?.skipVerify === true,
  };
  const publicSide = createHttp(toServer);
  return {
    anonymous: createHttp({ ...shared, authorities: () => collectTrustedCertificates([]), skipVerify: false }),
    // A request with its own signal may go on after an ending signal, such as one that cleans up.
    public: (request) => publicSide({ signal: ending.signal, ...request }),
    admin: createHttp({ ...toServer, headers: connection?.headers ?? {}, socket: connection?.socket }),
  };
}

function createAdminForConnection(
  { run, messages }: Pick<ContextOptions, "run" | "messages">,
  connection: Connection,
  http: SendHttp,
  detected: FamilyDetection,
): Admin {
  const { monotonic, now, sleep, random } = run.host;
  return createAdmin({
    http,
    base: connection.base,
    endpoint: connection.shown,
    endpointOrigin: connection.endpointOrigin,
    credential: connection.credential,
    headers: connection.headers,
    detected,
    failAfter: connection.failAfter,
    monotonic,
    now,
    sleep,
    random,
    warn: messages.warn,
    signal: run.ending.signal,
    waiting: (work) => run.bar.spin(`Waiting for ${connection.shown}`, work),
  });
}

/** The admin API of a command that calls the public side, with the credentials that are meant for it only. */
function createPairedAdmin(options: ContextOptions): PairedAdmin | undefined {
  const { adminConnection: connection, line } = options;
  if (connection === undefined) return undefined;
  const { admin: http } = createHttpClients({ ...options, connection });
  return {
    admin: createAdminForConnection(options, connection, http, createFamilyDetection(connection)),
    endpoint: connection.shown,
    isRequested: line.values.origin(PAIRED_ADMIN_URL).from === "flag",
  };
}

function createBrowserLoginTools({ environment }: Pick<Host, "environment">): Context["browser"] {
  const adapter = () => import("../adapters/browser.ts");
  return {
    obstacle: async () => (await adapter()).findBrowserObstacle(environment),
    open: async (url, onFailure) => (await adapter()).openBrowser(url, onFailure),
    listen: async (options) => (await import("../adapters/callback-listener.ts")).startCallbackListener(options),
  };
}

function createRecipientEncryptor(values: FlagValues, sources: PgpKeySources): Context["encryption"] {
  return {
    recipients: async () =>
      hasRecipientFlags({ values }) ? (await import("./recipients.ts")).loadRecipients(values, sources) : [],
    encrypt: async (recipients, text, format) =>
      (await import("../adapters/pgp.ts")).encryptText(recipients, text, format),
  };
}

function createClientKeyPairTools({ now, uuid }: Pick<Host, "now" | "uuid">): Context["keyPairs"] {
  const generator = () => import("../adapters/client-assertion-keys.ts");
  return {
    generate: async (algorithm) => (await generator()).generateClientKeyPair(algorithm),
    assertion: async (keys, clientId, audience) =>
      (await generator()).signClientAssertion(keys, clientId, audience, now(), uuid()),
  };
}

async function loadYamlEditor(): ReturnType<Context["loadYamlEditor"]> {
  const { editYamlDocuments, loadYamlWriter } = await import("../adapters/yaml.ts");
  return { write: await loadYamlWriter(), edit: editYamlDocuments };
}

/** Keys in files. The library is loaded when the first key is read. */
function createJsonWebKeyTools(input: InputFiles): Context["localKeys"] {
  const codec = () => import("../adapters/json-web-key-tools.ts");
  return {
    async read(path, reader, passphrase) {
      const bytes = await input.readBytes(path, reader);
      const isStdin = path === "-";
      const name = isStdin ? "standard input" : path;
      return (await codec()).parseKeyFile({ bytes, name, isStdin, passphrase: () => passphrase(name) });
    },
    thumbprint: async (key) => (await codec()).thumbprintOf(key),
    toPem: async (key) => (await codec()).toPem(key),
    generate: async (alg, use) => (await codec()).generateSigningKey(alg, use),
  };
}

function createCredentialVerifier(
  host: Pick<Host, "monotonic" | "uuid">,
  http: SendHttp,
  remaining: () => number,
): Context["credentialVerifier"] {
  const adapter = () => import("../adapters/prove-credentials.ts");
  return {
    discoverServer: async (publicUrl, origin) =>
      (await adapter()).discoverProofEndpoints(http, { publicUrl, origin }, Math.min(PUBLIC_REQUEST_MS, remaining())),
    prove: async (endpoints, clientId, proof) => {
      // The client exists by now, so the check may take longer than the rest of the command's time.
      const until = host.monotonic() + Math.min(PUBLIC_REQUEST_MS, Math.max(CLEANUP_AFTER_DEADLINE_MS, remaining()));
      const options = { timeLeft: () => until - host.monotonic(), wrongSecret: host.uuid() };
      return (await adapter()).proveCredentials(http, endpoints, clientId, proof, options);
    },
  };
}

/** The server of the connection for tokens. Its code is loaded when it is first asked. */
function createLazyOAuthAccess(
  { run, connection, messages }: Pick<ContextOptions, "run" | "connection" | "messages">,
  { download, ...more }: Omit<OAuthAccessOptions, "run" | "warn" | "connection"> & { readonly download: Download },
): Context["oauth"] {
  const access = async () => {
    const { createOAuthAccess } = await import("./oauth-access.ts");
    return createOAuthAccess({ ...more, run, warn: messages.warn, connection: requireConfiguredServer(connection) });
  };
  return {
    openSession: async (login, chosen) => (await access()).openSession(login, chosen),
    admin: async (timeLeft) => (await access()).admin(timeLeft),
    fetchKeySetText: async (url, what) => (await import("./fetch-key-set.ts")).fetchKeySetText(download, url, what),
    isSignedBy: async (token, keySet) =>
      (await import("../adapters/client-assertion-keys.ts")).isSignedByKeyOfSet(token, keySet),
  };
}

/** Both sides of a server. The public side gets no credentials of the admin API. */
function createFlowOpener(
  { run, connection, line }: Pick<ContextOptions, "run" | "connection" | "line">,
  https: Pick<HttpClients, "admin" | "public">,
  detected: FamilyDetection,
): Context["openFlows"] {
  return async (publicUrl) => {
    const { createFlowDriver } = await import("../adapters/oauth/index.ts");
    const { base: adminUrl, headers: adminHeaders } = requireConfiguredServer(connection);
    const { now } = run.host;
    const sides = { http: https.public, adminHttp: https.admin, publicUrl, adminUrl, adminHeaders, detected };
    return createFlowDriver({ ...sides, publicUrlOrigin: line.values.origin(PUBLIC_URL).name, now });
  };
}

/** Where secrets go: the targets that flags name, and the recovery copies. */
function createSecretTargetsAndRecovery(
  { run, line, messages }: Pick<ContextOptions, "run" | "line" | "messages">,
  remaining: () => number,
) {
  const { values } = line;
  const { random, monotonic, now, sleep } = run.host;
  const folders = chooseRecoveryFolders(run.host, values);
  const protection = createWindowsFileProtection(run.host, messages.warn);
  let created: SecretTargets | undefined;
  const targets = async (): Promise<SecretTargets> => {
    const { createSecretTargets } = await import("../adapters/secret-target.ts");
    created ??= createSecretTargets({
      random,
      now,
      ...protection,
      timeouts: {
        longest: () => remaining() + CLEANUP_AFTER_DEADLINE_MS,
        afterSignal: STALLED_READER_GRACE_MS,
        signal: run.ending.signal,
        monotonic,
        sleep,
        abandoned: () => {
          run.abandoned = true;
        },
      },
    });
    return created;
  };
  return {
    recovery: createRecoveryStore({ ...folders, random, ...protection }),
    openLeftovers: async () =>
      (await import("../adapters/leftover-recovery-copies.ts")).createLeftoverCopyStore(preferredFolders(folders)),
    async secretTargetProblems(flags) {
      const problems = folders.named === undefined ? [] : [findNamedRecoveryFolderProblem(folders.named)];
      for (const flag of flags) {
        const target = values.text(flag);
        if (target !== undefined) problems.push((await targets()).check(target, `--${flag.name}`));
      }
      return problems.flatMap((problem) => problem ?? []);
    },
    findFileProblem: async (flag, path, existing) => (await targets()).check(path, `--${flag.name}`, existing),
    readSecretFile: async (path) => (await targets()).read(path),
    secretDrafts: async (target) => (await targets()).drafts(target),
    removeEmptyDrafts: async (target) => (await targets()).removeEmptyDrafts(target),
    makeSecretFolder: async (flag, path, isDryRun) => (await targets()).makeFolder(path, `--${flag.name}`, isDryRun),
    async openTarget(flag, target = values.text(flag), existing) {
      return target === undefined ? undefined : (await targets()).open(target, `--${flag.name}`, existing);
    },
  } satisfies Partial<Context>;
}

/** On Windows, limits the access to new files for secrets, with a warning if that fails. */
function createWindowsFileProtection(
  { environment, platform }: Pick<Host, "environment" | "platform">,
  warn: Context["warn"],
): Pick<RecoveryOptions, "limitAccess"> {
  if (platform !== "win32") return {};
  return {
    limitAccess: createWindowsFileRestrictor(environment, (folder, reason) =>
      warn(`cannot limit the access to new files in ${quote(folder)} to you, so others may read them: ${reason}`),
    ),
  };
}

/** Where a recovery copy may go: the named folder, else the best place first. */
function chooseRecoveryFolders(
  { environment, platform }: Pick<Host, "environment" | "platform">,
  values: FlagValues,
): Pick<RecoveryOptions, "named" | "folders"> {
  const named = values.text(RESCUE_DIR);
  const target = platform === "win32" ? undefined : values.text(SECRET_OUT);
  // Where the default folders are read-only, as in a container, the folder of the secrets themselves is not.
  const own =
    target === undefined || /^fd:\d+$|\{id\}/.test(target) ? [] : [target, target.replace(/[^/\\]*$/, "") || "."];
  return {
    named: named === undefined ? undefined : { folder: named, from: values.origin(RESCUE_DIR).name },
    folders: [...configFilesAndRecoveryFolders(platform, environment).recoveryFolders, ...own],
  };
}
