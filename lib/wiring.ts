import { type Admin, createAdmin } from "./adapters/admin.ts";
import { createDownload } from "./adapters/download.ts";
import type { Host } from "./adapters/host.ts";
import { createHttp } from "./adapters/http.ts";
import type { KeybaseKey } from "./adapters/keybase.ts";
import { checkRecoveryFolder, createRecoveryStore, type RecoveryOptions } from "./adapters/recovery.ts";
import type { Sinks } from "./adapters/sink.ts";
import { certificatesIn, HONOURS_PROXIES, transport, trustedAuthorities } from "./adapters/transport.ts";
import type { Context, ReadFile, Shown } from "./commands/command.ts";
import type { Connection } from "./core/connection.ts";
import type { FlagValues } from "./core/flags.ts";
import { InputTooLarge, limitOf, sizeText, whyUnreadable } from "./core/input.ts";
import { FILE_DEPTH } from "./core/json.ts";
import { recipientProblems } from "./core/keysource.ts";
import { type Download, GRACE, type Http, proxyOf, STANDSTILL } from "./core/network.ts";
import { Problem, usage } from "./core/problem.ts";
import { checkPins, type Recipient } from "./core/recipient.ts";
import { CA_FILE, KEYBASE, PGP_FINGERPRINT, PGP_KEY, PGP_KEY_URL, RESCUE_DIR, VERBOSE } from "./core/rows.ts";
import { shownUrl } from "./core/secret.ts";
import { printable, quoted } from "./core/text.ts";
import { FAMILIES } from "./servers/index.ts";

/** What the adapters of one command are made from. */
export interface Outside {
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
  | "sink"
  | "rareFields"
  | "clientsPath"
>;

/** Makes the adapters of one command; nothing is opened or sent before a command asks. */
export function connect(outside: Outside): Adapters {
  const { host, values, connection, signal } = outside;
  const began = host.monotonic();
  const extra = async (): Promise<readonly string[]> =>
    connection?.caFile === undefined ? [] : [await readAuthorities(host, connection.caFile, values)];
  const shared = {
    transport,
    monotonic: host.monotonic,
    ...(values.on(VERBOSE) ? { trace: outside.detail } : {}),
    ...(HONOURS_PROXIES ? { proxyOf: (url: URL) => proxyOf(url, host.environment) } : {}),
    skipVerify: false,
  };
  /** Public documents: no credentials, no socket, no skipped verification. */
  const open: Http = createHttp({ ...shared, authorities: () => trustedAuthorities([]) });
  /** The public side of the same server: its certificates count, the credentials of the admin API do not. */
  const publicDoor = createHttp({
    ...shared,
    authorities: async () => trustedAuthorities(await extra()),
    skipVerify: connection?.skipVerify === true,
  });
  const publicHttp: Http = (request) => publicDoor({ ...request, signal });
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
  const download = createDownload(open, remaining, signal, host.monotonic);
  const rescue = rescueFolders(host, values);
  let made: Sinks | undefined;
  const sinks = async (): Promise<Sinks> => {
    const { createSinks } = await import("./adapters/sink.ts");
    made ??= createSinks({
      random: host.random,
      patience: {
        longest: () => remaining() + GRACE,
        afterSignal: STANDSTILL,
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
      generate: async (algorithm) => (await import("./adapters/keypair.ts")).generateKeys(algorithm),
      assertion: async (keys, clientId, audience) =>
        (await import("./adapters/keypair.ts")).clientAssertion(keys, clientId, audience, host.now(), host.uuid()),
    },
    tokens: {
      discover: async (url) =>
        (await import("./adapters/token.ts")).discoverEndpoints(publicHttp, url, Math.min(VERIFY_TIME, remaining())),
      prove: async (endpoints, clientId, proof) => {
        // The client is there already, so finding out has the time beyond the command's own.
        const until = host.monotonic() + Math.min(VERIFY_TIME, Math.max(GRACE, remaining()));
        const timeLeft = (): number => until - host.monotonic();
        const options = { timeLeft, wrongSecret: host.uuid() };
        return (await import("./adapters/token.ts")).proveCredentials(publicHttp, endpoints, clientId, proof, options);
      },
    },
    keys: {
      recipients: () => findRecipients(host, values, download),
      encrypt: async (recipients, text, format) =>
        (await import("./adapters/pgp.ts")).encrypt(recipients, text, format),
    },
    parseYaml: async (text, name) =>
      (await import("./adapters/yaml.ts")).parseDocuments(text, name, "values", FILE_DEPTH),
    clientsPath: (family ?? FAMILIES[0]).clients,
    rareFields: new Set(FAMILIES.flatMap((family) => [...family.unknownFields])),
    async outletProblems(targets) {
      const problems = rescue.named === undefined ? [] : [checkRecoveryFolder(rescue.named)];
      for (const flag of targets) {
        const target = values.text(flag);
        if (target !== undefined) problems.push((await sinks()).look(target, `--${flag.name}`));
      }
      return problems.flatMap((problem) => problem ?? []);
    },
    sink: async (flag) => {
      const target = values.text(flag);
      return target === undefined ? undefined : (await sinks()).open(target, `--${flag.name}`);
    },
    recovery: createRecoveryStore({ ...rescue, random: host.random }),
    startSandbox: async (options) => (await import("./sandbox/index.ts")).startSandbox(options),
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

/** The text of a file, or of standard input for `-`, without a byte order mark. */
async function readText(host: Host, path: string, reader: string, used: number): Promise<ReadFile & { size: number }> {
  const bytes = await readBytes(host, path, reader, used);
  const name = path === "-" ? "standard input" : path;
  try {
    return { text: new TextDecoder("utf-8", { fatal: true }).decode(bytes), name, size: bytes.length };
  } catch {
    throw usage(`Cannot read ${quoted(name)} of ${reader}: it is not UTF-8 text`, "save it as UTF-8", "not-utf8");
  }
}

/** Reads the files of one command; the limit of a flag or command is for all files that it reads. */
function boundedReader(host: Host): (path: string, reader: string) => Promise<ReadFile> {
  const used = new Map<string, number>();
  return async (path, reader) => {
    const before = used.get(reader) ?? 0;
    const { text, name, size } = await readText(host, path, reader, before);
    used.set(reader, before + size);
    return { text, name };
  };
}

/** Which flag has taken standard input, of each host; a second one would find it empty. */
const STDIN_TAKEN = new WeakMap<Host, string>();

/**
 * The bytes of a file, or of standard input for `-`, which only one flag can have.
 *
 * @param reader the flag or command that reads, which the limit and messages go by.
 * @param used how many bytes it has read from other files, which count toward its limit.
 * @throws {Problem} a usage problem that names the reader.
 */
export async function readBytes(host: Host, path: string, reader: string, used = 0): Promise<Uint8Array> {
  const { bytes: most, hint } = limitOf(reader);
  try {
    if (path !== "-") return (await host.readFile(path, most - used)).bytes;
    takeStdin(host, reader);
    return await host.readStdin(most - used);
  } catch (error) {
    if (error instanceof Problem) throw error;
    const start = `Cannot read ${path === "-" ? "standard input" : quoted(path)} of ${reader}`;
    if (error instanceof InputTooLarge)
      throw usage(`${start}: the input is larger than ${sizeText(most)}`, hint, "input-too-large");
    throw usage(`${start}: ${printable(whyUnreadable(error))}`, "check the path", "unreadable-file");
  }
}

function takeStdin(host: Host, reader: string): void {
  const taken = STDIN_TAKEN.get(host);
  if (taken !== undefined)
    throw usage(
      `${reader} - cannot read standard input: ${taken} has read it`,
      "give one of the two a file",
      "stdin-twice",
    );
  STDIN_TAKEN.set(host, reader);
}

/** The certificates of each host's `--ca-file`: a pipe can be read only once. */
const AUTHORITIES = new WeakMap<Host, Promise<string>>();

/** The certificates of `--ca-file`, looked at so far that a wrong file is told before anything is sent. */
export function readAuthorities(host: Host, path: string, values: FlagValues): Promise<string> {
  const read = AUTHORITIES.get(host) ?? findAuthorities(host, path, values);
  AUTHORITIES.set(host, read);
  return read;
}

async function findAuthorities(host: Host, path: string, values: FlagValues): Promise<string> {
  const name = values.origin(CA_FILE).name;
  const text = new TextDecoder().decode(await readBytes(host, path, name));
  const { certificates, readable } = await certificatesIn(text);
  if (certificates.length === 0) {
    throw usage(
      `${name} ${quoted(path)} holds no certificate`,
      "give a PEM file with lines such as -----BEGIN CERTIFICATE-----",
      "bad-ca-file",
    );
  }
  if (!readable) {
    throw usage(
      `${name} ${quoted(path)} holds a certificate that cannot be read`,
      "give the whole PEM text, each block unbroken",
      "bad-ca-file",
    );
  }
  return certificates.join("\n");
}

/** One key as a flag names it: how it is fetched, and what must hold of it. */
interface KeyMaterial {
  readonly material: string | Uint8Array;
  readonly origin: string;
  readonly address?: string;
  readonly keybase?: KeybaseKey;
}

async function wkdMaterial(address: string, origin: string, download: Download): Promise<KeyMaterial> {
  const { wkdKey } = await import("./adapters/wkd.ts");
  const key = await wkdKey(address, download);
  return { material: key.material, origin, address: key.address };
}

async function keyMaterial(host: Host, key: string, download: Download): Promise<KeyMaterial> {
  if (key.startsWith("wkd:")) return wkdMaterial(key.slice(4), `--pgp-key ${key}`, download);
  if (key.startsWith("@"))
    return { material: await readBytes(host, key.slice(1), "--pgp-key"), origin: `--pgp-key ${key}` };
  if (key === "-") return { material: await readBytes(host, key, "--pgp-key"), origin: "--pgp-key -" };
  return { material: key, origin: "--pgp-key" };
}

async function urlMaterial(
  url: string,
  download: Download,
  pinned: boolean,
  name = "--pgp-key-url",
): Promise<KeyMaterial> {
  if (url.startsWith("wkd:")) return wkdMaterial(url.slice(4), `${name} ${url}`, download);
  const { keyFromUrl } = await import("./adapters/key-url.ts");
  const key = await keyFromUrl(url, download, pinned, name);
  return { material: key.material, origin: `${name} ${shownUrl(key.url)}` };
}

async function keybaseMaterial(
  host: Host,
  user: string,
  download: Download,
  pinned: boolean,
  name = "--keybase",
): Promise<KeyMaterial> {
  const { KEYBASE_URL, keybaseKey } = await import("./adapters/keybase.ts");
  const base = host.environment("HYDRA_KEYBASE_URL") ?? "";
  const key = await keybaseKey(user, download, base === "" ? KEYBASE_URL : base, pinned, name);
  return { material: key.armored, origin: `${name} ${key.username}`, keybase: key };
}

/** Fetches, reads and judges the keys of every recipient flag; OpenPGP is loaded only when there is one. */
async function findRecipients(host: Host, values: FlagValues, download: Download): Promise<readonly Recipient[]> {
  const pins = values.list(PGP_FINGERPRINT);
  const pinned = pins.length > 0;
  const [wrong] = recipientProblems(values);
  if (wrong !== undefined) throw wrong;
  const materials: KeyMaterial[] = [];
  for (const key of values.list(PGP_KEY)) materials.push(await keyMaterial(host, key, download));
  for (const url of values.list(PGP_KEY_URL)) materials.push(await urlMaterial(url, download, pinned));
  for (const user of values.list(KEYBASE)) materials.push(await keybaseMaterial(host, user, download, pinned));
  if (materials.length === 0) {
    // Encryption that was asked for never ends in a plain secret, whatever the flags were read as.
    if ([PGP_KEY, PGP_KEY_URL, KEYBASE].some((flag) => values.given(flag)))
      throw new TypeError("a recipient is missing");
    return [];
  }
  const { recipientsFrom } = await import("./adapters/pgp.ts");
  const now = new Date(host.now());
  const found: Recipient[] = [];
  for (const { material, origin, address, keybase } of materials) {
    const recipients = await recipientsFrom(material, origin, now, {
      pins,
      ...(address === undefined ? {} : { address }),
    });
    if (keybase !== undefined) {
      const { checkKeybaseKey } = await import("./adapters/keybase.ts");
      for (const recipient of recipients) checkKeybaseKey(recipient, keybase);
    }
    found.push(...recipients);
  }
  checkPins(found, pins);
  return [...new Map(found.map((recipient) => [recipient.fingerprint, recipient])).values()];
}

/** Describes the keys that a word names: as `--pgp-key` takes it, an address, or `keybase:NAME`. */
async function inspect(host: Host, word: string, download: Download): Promise<readonly Shown[]> {
  const { inspectKey } = await import("./adapters/pgp.ts");
  const { material, origin } = await inspectedMaterial(host, word, download);
  const found = await inspectKey(material, origin, new Date(host.now()));
  return found.map((report) => ({ ...report }));
}

async function inspectedMaterial(host: Host, word: string, download: Download): Promise<KeyMaterial> {
  if (word.startsWith("keybase:")) return keybaseMaterial(host, word.slice(8), download, false, "Keybase user");
  if (/^https?:/i.test(word)) return urlMaterial(word, download, false, "address");
  if (word.startsWith("wkd:")) return wkdMaterial(word.slice(4), word, download);
  if (word.startsWith("@")) return { material: await readBytes(host, word.slice(1), "pgp inspect"), origin: word };
  if (word === "-") return { material: await readBytes(host, word, "pgp inspect"), origin: "standard input" };
  // Base64 has neither of these characters and armor has blanks, so that no part of a private key is shown.
  return { material: word, origin: /^\S*[.@]\S*$/.test(word) ? quoted(word) : "the key given" };
}
