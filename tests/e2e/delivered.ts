/** Finds the credentials that a run delivered or saved, and compares them with the clients of the server. */

import { createPrivateKey } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { decrypt, generateKey, readMessage, readPrivateKey } from "openpgp";
import * as v from "valibot";
import { parse } from "yaml";
import type { Sandbox } from "../../lib/sandbox/index.ts";
import { recordTexts } from "./scenario.ts";

/** A recipient whose messages the test can decrypt. */
export interface Reader {
  /** The public key for `--pgp-key`. */
  readonly key: string;
  /** The text of an encrypted one, from base64 of the binary message. */
  read(encrypted: string): Promise<string>;
}

/** Generates a key pair, whose private key stays in the test's own process. */
export async function openReader(): Promise<Reader> {
  const made = await generateKey({ userIDs: [{ name: "Reader", email: "reader@example.com" }], format: "armored" });
  const decryptionKeys = await readPrivateKey({ armoredKey: made.privateKey });
  return {
    key: made.publicKey,
    async read(encrypted) {
      const message = await readMessage({ binaryMessage: new Uint8Array(Buffer.from(encrypted, "base64")) });
      return String((await decrypt({ message, decryptionKeys })).data);
    },
  };
}

/** Credentials that a run delivered or saved, decrypted. */
export interface Delivered {
  readonly where: "stdout" | "secret file" | "recovery copy";
  readonly id: string | undefined;
  readonly secret?: string;
  /** The public part of a delivered private key, as a JSON Web Key. */
  readonly publicKey?: Jwk;
  /** Whether a recovery copy says that the client exists. */
  readonly state?: "made" | "unverified";
}

export type Jwk = Readonly<Record<string, unknown>>;

const Credentials = v.looseObject({
  client_id: v.optional(v.string()),
  client_secret: v.optional(v.string()),
  client_secret_encrypted: v.optional(v.string()),
  client_private_key: v.optional(v.string()),
  client_private_key_encrypted: v.optional(v.string()),
  state: v.optional(v.picklist(["made", "unverified"])),
});

/** The public part of a private key, from PEM or a JSON Web Key. */
export function publicPart(privateKey: string): Jwk {
  const parsed: unknown = privateKey.trimStart().startsWith("{") ? JSON.parse(privateKey) : undefined;
  const key = v.parse(
    v.looseObject({ kty: v.string() }),
    parsed ?? createPrivateKey(privateKey).export({ format: "jwk" }),
  );
  return Object.fromEntries(
    ["kty", "crv", "x", "y", "n", "e"].flatMap((part) => (part in key ? [[part, key[part]]] : [])),
  );
}

/** The credentials in one JSON object of a result or a recovery copy; undefined where it has none. */
async function credentialsOf(
  value: unknown,
  where: Delivered["where"],
  reader: Reader,
): Promise<Delivered | undefined> {
  const read = v.safeParse(Credentials, value);
  if (!read.success) return undefined;
  const { output } = read;
  const secret =
    output.client_secret_encrypted === undefined
      ? output.client_secret
      : await reader.read(output.client_secret_encrypted);
  const key =
    output.client_private_key_encrypted === undefined
      ? output.client_private_key
      : await reader.read(output.client_private_key_encrypted);
  if ((secret ?? "") === "" && key === undefined) return undefined;
  return {
    where,
    id: output.client_id,
    ...(secret === undefined ? {} : { secret }),
    ...(key === undefined ? {} : { publicKey: publicPart(key) }),
    ...(output.state === undefined ? {} : { state: output.state }),
  };
}

function parsed(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch {
    return undefined;
  }
}

/** A word as a POSIX shell reads it, where it is plain or in single quotes. */
function unquoted(text: string): string {
  return text.replace(/'([^']*)'|\\(.)/g, "$1$2");
}

/** How the values of a result are found in its text, by format; a truncated value is left out. */
const READINGS: Readonly<Record<string, (text: string) => readonly unknown[]>> = {
  json: (text) => text.split("\n").map(parsed),
  ndjson: (text) => text.split("\n").map(parsed),
  yaml: (text) => (text.endsWith("\n") ? [parse(text)] : []),
  text: (text) => [
    ...[
      ...text.matchAll(/^OAuth 2\.0 Client ID: (\S+)\nOAuth 2\.0 (Encrypted )?Client (Secret|Private Key): (\S+)\n/gm),
    ].map(([, id, encrypted, kind, value]) => ({
      client_id: id,
      [`client_${kind === "Secret" ? "secret" : "private_key"}${encrypted === undefined ? "" : "_encrypted"}`]: value,
    })),
    ...[...text.matchAll(/^(\S+) OAuth 2\.0 Client updated\nOAuth 2\.0 Encrypted Client Secret: (\S+)\n/gm)].map(
      ([, id, value]) => ({ client_id: id, client_secret_encrypted: value }),
    ),
    ...[...text.matchAll(/^Imported OAuth 2\.0 Client (\S+?):(\S+) from: /gm)].map(([, id, value]) => ({
      client_id: id,
      [value?.startsWith("wV4D") === true ? "client_secret_encrypted" : "client_secret"]: value,
    })),
  ],
  table: (text) => {
    const row = (label: string): string | undefined => new RegExp(`^${label}\\s+(\\S+)\\s*\n`, "m").exec(text)?.[1];
    const secret = row("CLIENT SECRET");
    return [
      {
        client_id: row("CLIENT ID"),
        [secret?.startsWith("wV4D") === true ? "client_secret_encrypted" : "client_secret"]: secret,
        client_private_key_encrypted: row("CLIENT PRIVATE KEY"),
      },
    ];
  },
  env: (text) => {
    const variable = (name: string): string | undefined => {
      const value = new RegExp(`^${name}=(.*)\n`, "m").exec(text)?.[1];
      return value === undefined ? undefined : unquoted(value);
    };
    return [
      {
        client_id: variable("CLIENT_ID"),
        client_secret: variable("CLIENT_SECRET"),
        client_secret_encrypted: variable("CLIENT_SECRET_ENCRYPTED"),
      },
    ];
  },
  "k8s-secret": (text) => {
    const manifest = v.safeParse(v.object({ data: v.record(v.string(), v.string()) }), parse(text));
    if (!manifest.success) return [];
    const { data } = manifest.output;
    const value = (name: string): string | undefined =>
      data[name] === undefined ? undefined : Buffer.from(data[name], "base64").toString();
    return [
      {
        client_id: value("CLIENT_ID"),
        client_secret: value("CLIENT_SECRET"),
        client_secret_encrypted: value("CLIENT_SECRET_ENCRYPTED"),
      },
    ];
  },
  id: () => [],
};

/** The formats that {@link inResult} reads. */
export const READ_FORMATS = ["json", "text", "table", "yaml", "env", "k8s-secret", "id"] as const;

/** The credentials in a result. */
export async function inResult(stdout: string, reader: Reader, format = "json"): Promise<readonly Delivered[]> {
  const all: Delivered[] = [];
  for (const value of READINGS[format]?.(stdout) ?? []) {
    const found = await credentialsOf(value, "stdout", reader);
    if (found !== undefined) all.push(found);
  }
  return all;
}

/** The credentials in a file that `--secret-out` wrote as JSON, or `--key-out` for the client with this ID. */
export async function inSecretFile(path: string, reader: Reader, keyOf?: string): Promise<readonly Delivered[]> {
  if (!existsSync(path)) return [];
  const text = readFileSync(path, "utf8");
  // Space is reserved with zeros before anything is written.
  if (/^\0*$/.test(text)) return [];
  if (keyOf !== undefined) {
    const key = /^[{-]/.test(text) ? text : await reader.read(text);
    return [{ where: "secret file", id: keyOf === "" ? undefined : keyOf, publicKey: publicPart(key) }];
  }
  const found = await credentialsOf(parsed(text), "secret file", reader);
  return found === undefined ? [] : [found];
}

/** One record of a recovery copy. */
export interface RecoveryRecord {
  readonly path: string;
  readonly mode: number;
  readonly text: string;
  readonly delivered: Delivered | undefined;
}

/** The records of the recovery copies in a folder. */
export async function inRecoveryCopies(folder: string, reader: Reader): Promise<readonly RecoveryRecord[]> {
  const names = readdirSync(folder).filter((name) => name.startsWith("hydra-rescue-"));
  const records = names.flatMap((name) => {
    const path = join(folder, name);
    return recordTexts(path).map((text) => ({ path, text }));
  });
  return Promise.all(
    records.map(async ({ path, text }) => ({
      path,
      mode: statSync(path).mode & 0o777,
      text,
      // A killed program may leave a truncated record.
      delivered: await credentialsOf(parsed(text), "recovery copy", reader),
    })),
  );
}

/** What a run got wrong: credentials that are lost, and credentials that belong to no client. */
export interface Reconciliation {
  /** IDs of clients on the server whose credentials were neither delivered nor saved. */
  readonly lost: readonly string[];
  /** Credentials that were delivered, or saved as those of an existing client, and match no client of the server. */
  readonly unfounded: readonly Delivered[];
}

/**
 * Compares what a run delivered and saved with what the server has.
 *
 * @param known secrets that the user had before the run, by client ID
 */
export function reconcile(
  sandbox: Sandbox,
  delivered: readonly Delivered[],
  known: ReadonlyMap<string, readonly string[]> = new Map(),
): Reconciliation {
  const clients = new Map(sandbox.clients().map((client) => [String(client["client_id"]), client]));
  const isOf = (credentials: Delivered, id: string): boolean => {
    const client = clients.get(id);
    if (client === undefined || (credentials.id !== undefined && credentials.id !== id)) return false;
    if (credentials.publicKey !== undefined) return sameKey(credentials.publicKey, client["jwks"]);
    return sandbox.secretsOf(id).some((secret) => secret === credentials.secret);
  };
  const lost = [...clients.keys()].filter((id) => {
    const had = (known.get(id) ?? []).some((secret) => sandbox.secretsOf(id).includes(secret));
    return !had && !delivered.some((credentials) => isOf(credentials, id));
  });
  const unfounded = delivered.filter(
    (credentials) => credentials.state !== "unverified" && ![...clients.keys()].some((id) => isOf(credentials, id)),
  );
  return { lost, unfounded };
}

const KeySet = v.object({ keys: v.array(v.record(v.string(), v.unknown())) });

function sameKey(key: Jwk, jwks: unknown): boolean {
  const set = v.safeParse(KeySet, jwks);
  return (
    set.success && set.output.keys.some((one) => Object.entries(key).every(([part, value]) => one[part] === value))
  );
}
