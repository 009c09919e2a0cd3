import type { Host } from "../adapters/host.ts";
import type { KeybaseKey } from "../adapters/keybase.ts";
import { KEYBASE, PGP_FINGERPRINT, PGP_KEY, PGP_KEY_URL } from "../core/flags/flag-table.ts";
import type { FlagValues } from "../core/flags/parse.ts";
import type { JsonObject } from "../core/json.ts";
import { recipientProblems } from "../core/keys/key-source.ts";
import { checkPins, type Recipient } from "../core/keys/recipient.ts";
import type { Download } from "../core/network.ts";
import { redactUrl } from "../core/redact.ts";
import { quote } from "../core/text.ts";
import { readBytes } from "./input.ts";

/** One key as a flag names it: how it is fetched, and what must hold of it. */
interface KeyMaterial {
  readonly material: string | Uint8Array;
  readonly origin: string;
  readonly address?: string;
  readonly keybase?: KeybaseKey;
}

async function wkdMaterial(address: string, origin: string, download: Download): Promise<KeyMaterial> {
  const { wkdKey } = await import("../adapters/wkd.ts");
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
  const { keyFromUrl } = await import("../adapters/key-url.ts");
  const key = await keyFromUrl(url, download, pinned, name);
  return { material: key.material, origin: `${name} ${redactUrl(key.url)}` };
}

async function keybaseMaterial(
  host: Host,
  user: string,
  download: Download,
  pinned: boolean,
  name = "--keybase",
): Promise<KeyMaterial> {
  const { KEYBASE_URL, keybaseKey } = await import("../adapters/keybase.ts");
  const base = host.environment("HYDRA_KEYBASE_URL") ?? "";
  const key = await keybaseKey(user, download, base === "" ? KEYBASE_URL : base, pinned, name);
  return { material: key.armored, origin: `${name} ${key.username}`, keybase: key };
}

/** Fetches, reads and judges the keys of every recipient flag; OpenPGP is loaded only when there is one. */
export async function findRecipients(
  host: Host,
  values: FlagValues,
  download: Download,
): Promise<readonly Recipient[]> {
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
    if ([PGP_KEY, PGP_KEY_URL, KEYBASE].some((flag) => values.isSet(flag)))
      throw new TypeError("a recipient is missing");
    return [];
  }
  const { recipientsFrom } = await import("../adapters/pgp.ts");
  const now = new Date(host.now());
  const found: Recipient[] = [];
  for (const { material, origin, address, keybase } of materials) {
    const recipients = await recipientsFrom(material, origin, now, {
      pins,
      ...(address === undefined ? {} : { address }),
    });
    if (keybase !== undefined) {
      const { checkKeybaseKey } = await import("../adapters/keybase.ts");
      for (const recipient of recipients) checkKeybaseKey(recipient, keybase);
    }
    found.push(...recipients);
  }
  checkPins(found, pins);
  return [...new Map(found.map((recipient) => [recipient.fingerprint, recipient])).values()];
}

/** Describes the keys that a word names: as `--pgp-key` takes it, an address, or `keybase:NAME`. */
export async function inspect(host: Host, word: string, download: Download): Promise<readonly JsonObject[]> {
  const { inspectKey } = await import("../adapters/pgp.ts");
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
  return { material: word, origin: /^\S*[.@]\S*$/.test(word) ? quote(word) : "the key given" };
}
