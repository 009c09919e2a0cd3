import { fromBase64 } from "../bytes.ts";
import { parseJsonOrUndefined } from "../json/json.ts";
import { shellQuoted } from "../output/shell-quote.ts";

const PRIVATE_START = "-----BEGIN OPENSSH PRIVATE KEY-----";
const PUBLIC_START = "---- BEGIN SSH2 PUBLIC KEY ----";

/** The type of a key of OpenSSH, which its binary form names even if the key is encrypted (RFC 4253, 6.6). */
function opensshKeyType(text: string): string {
  const lines = text.split(/\r?\n/).filter((line) => /^[A-Za-z0-9+/=]+$/.test(line));
  const decoded = fromBase64(lines.join("")) ?? new Uint8Array();
  const [type = ""] =
    /(?:sk-)?(?:ssh-(?:rsa|dss|ed25519)|ecdsa-sha2-[a-z0-9]+)/.exec(new TextDecoder("latin1").decode(decoded)) ?? [];
  return type;
}

/** How a private key becomes PEM. `ssh-keygen` rewrites a file in its place, so that it gets a copy. */
function privateKeyConversionHint(type: string, path: string): string {
  if (type.startsWith("sk-")) return "its private half is in a security key: use another key";
  if (type === "ssh-ed25519")
    return "ssh-keygen does not convert Ed25519 keys; make a new one: openssl genpkey -algorithm ed25519 -out key.pem";
  return `convert a copy of it: cp ${path} key.pem && ssh-keygen -p -m PKCS8 -f key.pem`;
}

/** How a public key of OpenSSH becomes PEM; `before` is the command that makes such a key of the one in another format. */
function publicKeyConversionHint(type: string, path: string, before = ""): string {
  if (type === "ssh-ed25519" || type.startsWith("sk-"))
    return "ssh-keygen does not convert keys of its type: give the key in PEM, or as a JSON Web Key";
  return `convert it: ${before}ssh-keygen -e -m PKCS8 -f ${path} > key.pem`;
}

/** Why a text with a key must be converted first, and how, by the name of its file; undefined for any other format. */
export function findUnsupportedKeyFormat(
  text: string,
  file: string,
): { readonly reason: string; readonly hint: string } | undefined {
  const path = shellQuoted(file);
  if (text.includes(PRIVATE_START))
    return { reason: "it is in the format of OpenSSH", hint: privateKeyConversionHint(opensshKeyType(text), path) };
  const [, type] = /^\s*((?:ssh-|ecdsa-sha2-|sk-)\S+)/.exec(text) ?? [];
  const reason = "it is a public key in the format of OpenSSH";
  if (type !== undefined) return { reason, hint: publicKeyConversionHint(type, path) };
  if (text.includes(PUBLIC_START)) {
    const before = `ssh-keygen -i -f ${path} > key.pub && `;
    return { reason, hint: publicKeyConversionHint(opensshKeyType(text), "key.pub", before) };
  }
  if (text.includes("-----BEGIN PGP MESSAGE-----"))
    return { reason: "it is encrypted with OpenPGP", hint: `decrypt it first: gpg --decrypt ${path}` };
  return findUnsupportedTextFormat(text);
}

/** Other formats of `keys get`: their texts are for reading, or have members that are not of the keys. */
function findUnsupportedTextFormat(text: string): { readonly reason: string; readonly hint: string } | undefined {
  const hint = "save the keys as JSON: hydra keys get SET --private --format json";
  if (/^(?:- )?(?:keys|kty|use|kid):/.test(text)) return { reason: "it is YAML", hint };
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const isNdjson = lines.length > 1 && lines.every((line) => parseJsonOrUndefined(line) !== undefined);
  return isNdjson ? { reason: "it has several JSON values, one on each line", hint } : undefined;
}
