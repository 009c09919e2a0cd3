import type { Host } from "../adapters/host.ts";
import type { KeybaseKey } from "../adapters/keybase.ts";
import { hasRecipientFlags } from "../clients/secrets/secret-source.ts";
import { getTextField } from "../core/client/client.ts";
import { KEYBASE, PGP_FINGERPRINT, PGP_KEY, PGP_KEY_URL } from "../core/flags/credential-flags.ts";
import type { FlagValues } from "../core/flags/parsed-flag-values.ts";
import { isJsonObject, type JsonObject } from "../core/json/json.ts";
import type { Download } from "../core/network.ts";
import type { EncryptedMessageInfo } from "../core/pgp/inspect-message.ts";
import type { KeyFlagOrArgument } from "../core/pgp/key-address-checks.ts";
import {
  findKeyOwnerNameProblem,
  GITHUB_URL,
  githubKeyUrl,
  isLookedUpByName,
  type KeySource,
  normalizeKeybaseName,
  parseKeySource,
} from "../core/pgp/parse-key-source.ts";
import { type Recipient, requirePinnedFingerprints } from "../core/pgp/recipient.ts";
import { pgpRecipientFlagProblems } from "../core/pgp/recipient-flag-checks.ts";
import { errorCode, Problem } from "../core/problem.ts";
import { urlWithoutSecrets } from "../core/redact.ts";
import { quote } from "../core/text.ts";
import type { InputFiles } from "./input-files.ts";

/** Where keys come from. */
export interface PgpKeySources {
  readonly host: Pick<Host, "environment" | "now">;
  readonly input: InputFiles;
  readonly download: Download;
}

/** A key that a flag names, as it was fetched, and what must be true of it. */
interface KeyMaterial {
  readonly material: string | Uint8Array;
  readonly origin: string;
  readonly address?: string;
  readonly keybase?: KeybaseKey;
}

/** The key that a service has under a name; `label` is what messages call it, and `origin` where it was given. */
async function lookUpKeyMaterial(
  source: Extract<KeySource, { kind: "keybase" | "github" | "wkd" }>,
  sources: PgpKeySources,
  { pinned, label, origin }: { readonly pinned: boolean; readonly label: string; readonly origin: KeyFlagOrArgument },
): Promise<KeyMaterial> {
  switch (source.kind) {
    case "keybase":
      return fetchKeybaseKeyMaterial(source.name, sources, pinned, origin);
    case "wkd": {
      const { fetchWkdKey } = await import("../adapters/wkd.ts");
      const { material, address } = await fetchWkdKey(source.address, sources.download);
      return { material, origin: label, address };
    }
    case "github": {
      const wrong = findKeyOwnerNameProblem(source, origin);
      if (wrong !== undefined) throw wrong;
      const base = sources.host.environment("HYDRA_GITHUB_URL") ?? "";
      const url = githubKeyUrl(source.user, base === "" ? GITHUB_URL : base);
      const name = base === "" ? label : `${label} at HYDRA_GITHUB_URL`;
      return { ...(await fetchUrlKeyMaterial(url, sources.download, pinned, { ...origin, name })), origin: label };
    }
  }
}

/** The key that a value of a flag is, or names. */
async function loadFlagKeyMaterial(
  flag: "--pgp-key" | "--pgp-key-url",
  value: string,
  sources: PgpKeySources,
  pinned: boolean,
): Promise<KeyMaterial> {
  const source = parseKeySource(value);
  const origin = { name: flag, isFlag: true };
  const label = `${flag} ${value}`;
  if (isLookedUpByName(source)) return lookUpKeyMaterial(source, sources, { pinned, label, origin });
  if (flag === "--pgp-key-url") return fetchUrlKeyMaterial(value, sources.download, pinned, origin);
  if (source.kind !== "file" && source.kind !== "stdin") return { material: value, origin: flag };
  const path = source.kind === "file" ? source.path : value;
  return { material: await sources.input.readBytes(path, flag), origin: label };
}

async function fetchUrlKeyMaterial(
  url: string,
  download: Download,
  pinned: boolean,
  origin: KeyFlagOrArgument,
): Promise<KeyMaterial> {
  const { fetchPgpKeyFromUrl } = await import("../adapters/pgp-key-url.ts");
  const key = await fetchPgpKeyFromUrl(url, download, pinned, origin);
  return { material: key.material, origin: `${origin.name} ${urlWithoutSecrets(key.url)}` };
}

async function fetchKeybaseKeyMaterial(
  user: string,
  { host, download }: PgpKeySources,
  pinned: boolean,
  origin: KeyFlagOrArgument = { name: "--keybase", isFlag: true },
): Promise<KeyMaterial> {
  const { KEYBASE_URL, fetchKeybaseKey } = await import("../adapters/keybase.ts");
  const base = host.environment("HYDRA_KEYBASE_URL") ?? "";
  const key = await fetchKeybaseKey(user, download, base === "" ? KEYBASE_URL : base, pinned, origin);
  return { material: key.armored, origin: `${origin.name} ${key.username}`, keybase: key };
}

/** Fetches, reads and validates the keys of every recipient flag; OpenPGP is loaded only if there is one. */
export async function loadRecipients(values: FlagValues, sources: PgpKeySources): Promise<readonly Recipient[]> {
  const pins = values.list(PGP_FINGERPRINT);
  const pinned = pins.length > 0;
  const [wrong] = pgpRecipientFlagProblems(values);
  if (wrong !== undefined) throw wrong;
  const materials: KeyMaterial[] = [];
  for (const key of values.list(PGP_KEY)) materials.push(await loadFlagKeyMaterial("--pgp-key", key, sources, pinned));
  for (const url of values.list(PGP_KEY_URL))
    materials.push(await loadFlagKeyMaterial("--pgp-key-url", url, sources, pinned));
  for (const name of values.list(KEYBASE))
    materials.push(await fetchKeybaseKeyMaterial(normalizeKeybaseName(name), sources, pinned));
  if (materials.length === 0) {
    // If encryption was requested, a plain secret must never be the result, however the flags were read.
    if (hasRecipientFlags({ values })) throw new TypeError("a recipient is missing");
    return [];
  }
  const now = new Date(sources.host.now());
  const found: Recipient[] = [];
  for (const material of materials) found.push(...(await parseRecipientsInMaterial(material, pins, now)));
  requirePinnedFingerprints(found, pins);
  return [...new Map(found.map((recipient) => [recipient.fingerprint, recipient])).values()];
}

async function parseRecipientsInMaterial(
  key: KeyMaterial,
  pins: readonly string[],
  now: Date,
): Promise<readonly Recipient[]> {
  const { parseRecipients } = await import("../adapters/pgp.ts");
  const { material, origin, address, keybase } = key;
  const recipients = await parseRecipients(material, origin, now, { pins, address });
  if (keybase !== undefined) {
    const { requireClaimedFingerprint } = await import("../adapters/keybase.ts");
    for (const recipient of recipients) requireClaimedFingerprint(recipient, keybase);
  }
  return recipients;
}

/** Describes the keys that a word names, or the encrypted message: a key as for `--pgp-key`, a file, a URL, or `keybase:NAME`. */
export async function inspectKeysOrMessage(
  word: string,
  values: FlagValues,
  sources: PgpKeySources,
): Promise<readonly JsonObject[]> {
  const key = await loadInspectedKeyMaterial(word, sources);
  const { material, origin } = key;
  const { inspectEncryptedMessage } = await import("../core/pgp/inspect-message.ts");
  const message = inspectEncryptedMessage(material, origin);
  if (message !== undefined) return [await describeMessage(message, origin, values, sources)];
  return inspectKeysInMaterial(key, sources);
}

async function inspectKeysInMaterial(
  { material, origin, address, keybase }: KeyMaterial,
  { host }: PgpKeySources,
): Promise<readonly JsonObject[]> {
  const { inspectKeys } = await import("../adapters/pgp.ts");
  const found = await inspectKeys(material, origin, new Date(host.now()), address);
  if (keybase !== undefined) {
    const { requireClaimedFingerprint } = await import("../adapters/keybase.ts");
    for (const { fingerprint } of found) if (fingerprint !== null) requireClaimedFingerprint({ fingerprint }, keybase);
  }
  return found.map((report) => ({ ...report }));
}

/** The keys of `--pgp-key` by the IDs of the keys and of their subkeys. */
async function loadKeyOwnersById(values: FlagValues, sources: PgpKeySources): Promise<ReadonlyMap<string, JsonObject>> {
  const { keyIdOfFingerprint } = await import("../core/pgp/inspect-message.ts");
  const owners = new Map<string, JsonObject>();
  for (const key of values.list(PGP_KEY)) {
    for (const report of await inspectKeysInMaterial(
      await loadFlagKeyMaterial("--pgp-key", key, sources, false),
      sources,
    )) {
      const fingerprint = getTextField(report, "fingerprint");
      // A key that can't be read.
      if (fingerprint === undefined) continue;
      const owner = { fingerprint, userId: getTextField(report, "userId") ?? null };
      const subkeys = Array.isArray(report["subkeys"]) ? report["subkeys"].filter(isJsonObject) : [];
      for (const part of [report, ...subkeys])
        owners.set(keyIdOfFingerprint(getTextField(part, "fingerprint") ?? ""), owner);
    }
  }
  return owners;
}

/** What an encrypted message says about its recipients, and which of them are keys of `--pgp-key`. */
async function describeMessage(
  { recipients, passwords }: EncryptedMessageInfo,
  origin: string,
  values: FlagValues,
  sources: PgpKeySources,
): Promise<JsonObject> {
  const owners = await loadKeyOwnersById(values, sources);
  const described = recipients.map(({ keyId, algorithm }) => ({
    keyId: keyId ?? null,
    algorithm,
    key: owners.get(keyId ?? "") ?? null,
  }));
  const isFound = described.some(({ key }) => key !== null);
  // A hidden recipient may be any key.
  const isKnown = isFound || (values.isSet(PGP_KEY) && described.every(({ keyId }) => keyId !== null));
  return { origin, kind: "encrypted-message", recipients: described, passwords, matches: isKnown ? isFound : null };
}

/** What the system says where no file has a name; base64 may contain slashes. */
const NO_SUCH_FILE: ReadonlySet<string> = new Set(["ENOENT", "ENOTDIR", "ENAMETOOLONG"]);

/** The longest word that is tried as the name of a file. */
const LONGEST_NAME = 255;

async function loadInspectedKeyMaterial(word: string, sources: PgpKeySources): Promise<KeyMaterial> {
  const { input, download } = sources;
  const source = parseKeySource(word);
  if (isLookedUpByName(source)) {
    const origin = { name: source.kind === "keybase" ? "Keybase user" : "argument", isFlag: false };
    return lookUpKeyMaterial(source, sources, { pinned: false, label: word, origin });
  }
  if (source.kind === "url") return fetchUrlKeyMaterial(word, download, false, { name: "address", isFlag: false });
  if (source.kind === "file") return { material: await input.readBytes(source.path, "pgp inspect"), origin: word };
  if (source.kind === "stdin")
    return { material: await input.readBytes(word, "pgp inspect"), origin: "standard input" };
  const file = await readFileKeyMaterial(word, input);
  if (file !== undefined) return file;
  // Base64 has neither of these characters and armor has spaces, so no part of a private key is shown.
  return { material: word, origin: /^\S*[.@]\S*$/.test(word) ? quote(word) : "the given key" };
}

/** The content of a file that is named without @: one that exists, or a word that cannot be anything else. */
async function readFileKeyMaterial(word: string, input: InputFiles): Promise<KeyMaterial | undefined> {
  const { looksLikeFileName } = await import("../core/pgp/key-material.ts");
  const isName = looksLikeFileName(word);
  if (!isName && (word === "" || word.length > LONGEST_NAME || /[\n\0]/.test(word))) return undefined;
  try {
    return { material: await input.readBytes(word, "pgp inspect"), origin: word };
  } catch (error) {
    const reason = error instanceof Problem ? errorCode(error.cause) : undefined;
    if (isName || !NO_SUCH_FILE.has(reason ?? "")) throw error;
    return undefined;
  }
}
