import { decodeUtf8OrUtf16, fromBase64, hasUtf16LeBom } from "../bytes.ts";
import { Problem } from "../problem.ts";
import { escapeControls } from "../text.ts";
import { findKeylessAnswerReason, looksLikeWebPage } from "./keyless-answer.ts";
import { base64OfMarkerlessArmor, isArmorHeader, joinWithoutChecksum } from "./markerless-armor.ts";

/** A packet of an OpenPGP stream: its type ID, its body, and all its bytes including the header. */
export interface Packet {
  readonly tag: number;
  readonly body: Uint8Array;
  readonly whole: Uint8Array;
}

/** A transferable key (RFC 9580 section 10.1) without the packets that only matter in a keyring. */
export interface TransferableKey {
  readonly packets: readonly Packet[];
  /** Whether it contains secret key packets. */
  readonly secret: boolean;
}

/** Packet type IDs (RFC 9580 section 5). */
export const PACKET_TYPE = {
  keyEncryptedKey: 1,
  signature: 2,
  passwordEncryptedKey: 3,
  secretKey: 5,
  publicKey: 6,
  secretSubkey: 7,
  marker: 10,
  userId: 13,
  publicSubkey: 14,
} as const;

/** Trust packets belong to a keyring, and markers are ignored; neither is part of a key. */
const NOT_OF_A_KEY: readonly number[] = [10, 12];

/** What a stream that begins with a packet of a type is. */
const STREAM_KINDS: Readonly<Record<number, string>> = {
  1: "an encrypted message",
  2: "a signature",
  3: "a message encrypted with a password",
  4: "a signed message",
  7: "a secret subkey without its primary key",
  8: "a compressed message",
  9: "an encrypted message",
  11: "a message",
  14: "a subkey without its primary key",
  18: "an encrypted message",
  20: "an encrypted message",
};

const EXPORT_HINT = "export the public key with: gpg --export --armor NAME";

/** A text that looks like the name of a file rather than like a key. */
const FILE_NAME_PATTERN = /^(?:[~./]|[a-z]:\\)[^\n]*$|^[^\n]*\.(?:asc|gpg|pgp|key|pub|txt|b64)$/i;

/** Whether a word looks like the name of a file rather than like a key. */
export function looksLikeFileName(word: string): boolean {
  return FILE_NAME_PATTERN.test(word);
}

/** What is often mistaken for a key: how it looks, what it is, and what to do instead. */
const MISTAKEN: readonly (readonly [looks: RegExp, what: string, hint: string])[] = [
  [
    /^(?:ssh-(?:rsa|dss|ed25519)|ecdsa-sha2-\S+|sk-\S+@openssh\.com)\s/,
    "this is an SSH key, not an OpenPGP key",
    EXPORT_HINT,
  ],
  [/^age1[a-z0-9]{20,}$/, "this is an age recipient, not an OpenPGP key", EXPORT_HINT],
  [/-----BEGIN (?!PGP )[A-Z0-9 ]+-----/, "this is a PEM key or certificate (X.509), not an OpenPGP key", EXPORT_HINT],
  [
    /^(?:0x)?(?:[0-9a-f]{4}[\s:]*){2,16}$/i,
    "this is a fingerprint or a key ID, not the key itself",
    "give the key, and its fingerprint with --pgp-fingerprint",
  ],
  [
    /^[^\s@]+@[^\s@.]+\.[^\s@]+$/,
    "this is an email address",
    "to look up its key in a Web Key Directory use wkd:user@host",
  ],
  [/^https?:\/\//i, "this is a URL", "to fetch a key from a URL use --pgp-key-url"],
  [FILE_NAME_PATTERN, "this looks like a file name", "to read a key from a file put @ before its name"],
];

/** The types of self-signatures: certifications, subkey bindings and direct-key signatures (RFC 9580 section 5.2.1). */
const SELF_SIGNATURES: readonly number[] = [0x10, 0x11, 0x12, 0x13, 0x18, 0x1f];

/** Hash algorithm ID of SHA-1 (RFC 9580 section 9.5). */
const SHA1 = 2;

/**
 * Whether a packet is a SHA-1 signature that binds a part of a key. SHA-1 collisions are practical, so it may be forged.
 * Revocations don't count: respecting a forged one only makes a key unusable.
 */
export function isSha1SelfSignature(packet: Packet): boolean {
  const type = signatureType(packet);
  const [version] = packet.body;
  return type !== undefined && SELF_SIGNATURES.includes(type) && packet.body[version === 3 ? 16 : 3] === SHA1;
}

/** The type of a signature packet (RFC 9580 section 5.2.1); undefined for other packets. */
export function signatureType({ tag, body }: Packet): number | undefined {
  if (tag !== PACKET_TYPE.signature) return undefined;
  return body[0] === 3 ? body[2] : body[1];
}

/** The problem for material without a key. */
function notAKeyProblem(origin: string, reason: string, hint = EXPORT_HINT): Problem {
  return new Problem(`Cannot read a key from ${escapeControls(origin)}: ${reason}`, {
    code: "pgp-not-a-key",
    exit: "noUsableKey",
    hint,
  });
}

/** Parses a packet header (RFC 9580 section 4.2); the length is -1 if the header doesn't have one. */
function parsePacketHeader(bytes: Uint8Array, at: number): { tag: number; start: number; length: number } | undefined {
  const [first = 0, a = 0, b = 0, c = 0, d = 0, e = 0] = bytes.subarray(at, at + 6);
  const four = (w: number, x: number, y: number, z: number) => ((w << 24) | (x << 16) | (y << 8) | z) >>> 0;
  if ((first & 0x80) === 0) return undefined;
  if ((first & 0x40) !== 0) {
    const tag = first & 0x3f;
    if (a < 192) return { tag, start: at + 2, length: a };
    if (a < 224) return { tag, start: at + 3, length: ((a - 192) << 8) + b + 192 };
    return a === 255 ? { tag, start: at + 6, length: four(b, c, d, e) } : { tag, start: at + 2, length: -1 };
  }
  const tag = (first >> 2) & 0x0f;
  const sizes = [
    { tag, start: at + 2, length: a },
    { tag, start: at + 3, length: (a << 8) | b },
    { tag, start: at + 5, length: four(a, b, c, d) },
    { tag, start: at + 1, length: -1 },
  ];
  return sizes[first & 0x03];
}

/**
 * The packets of a binary stream.
 *
 * A packet without a length (streamed data) extends to the end; `broken` means that the bytes end in the middle of a packet
 * or are invalid.
 */
export function readPackets(bytes: Uint8Array): { readonly packets: readonly Packet[]; readonly broken: boolean } {
  const packets: Packet[] = [];
  let at = 0;
  while (at < bytes.length) {
    const head = parsePacketHeader(bytes, at);
    if (head === undefined) return { packets, broken: true };
    const end = head.length < 0 ? bytes.length : head.start + head.length;
    if (end > bytes.length) return { packets, broken: true };
    packets.push({ tag: head.tag, body: bytes.subarray(head.start, end), whole: bytes.subarray(at, end) });
    at = end;
  }
  return { packets, broken: false };
}

/** The keys of a binary stream, one for each primary key packet. */
function parseBinaryKeys(bytes: Uint8Array, origin: string): readonly TransferableKey[] {
  const { packets, broken } = readPackets(bytes);
  const kept = packets.filter((packet) => !NOT_OF_A_KEY.includes(packet.tag));
  const [first] = kept;
  const isPrimary = (packet: Packet) => packet.tag === PACKET_TYPE.publicKey || packet.tag === PACKET_TYPE.secretKey;
  if (first !== undefined && !isPrimary(first)) {
    const kind = STREAM_KINDS[first.tag];
    throw notAKeyProblem(origin, kind === undefined ? "it is not OpenPGP data" : `this is ${kind}, not a key`);
  }
  if (first === undefined || broken) {
    throw notAKeyProblem(origin, first === undefined ? "it is not OpenPGP data" : "the key is damaged or cut off");
  }
  const starts = kept.flatMap((packet, i) => (isPrimary(packet) ? [i] : []));
  return starts.map((start, i) => {
    const own = kept.slice(start, starts[i + 1]);
    return {
      packets: own,
      secret: own.some((packet) => packet.tag === PACKET_TYPE.secretKey || packet.tag === PACKET_TYPE.secretSubkey),
    };
  });
}

const BEGIN = "-----BEGIN PGP ";

const KEY_BLOCK_PATTERN = /^(?:PUBLIC|PRIVATE|SECRET) KEY BLOCK$/;

/** A block of armored text: its label and its decoded content. */
interface ArmorBlock {
  readonly label: string;
  readonly bytes: Uint8Array;
}

/**
 * The base64 part of an armored block, without its headers and checksum.
 *
 * A block that has lost its line breaks, for example by an unquoted shell expansion, is split at white space; then the
 * headers end where the first long run of base64 begins. The checksum is ignored (RFC 9580 section 6.1).
 */
function armorBody(text: string): string {
  const lines = text.split("\n").map((line) => line.trim());
  const body =
    lines.filter((line) => line !== "").length > 1
      ? lines.filter((line) => !isArmorHeader(line))
      : dropWordsBeforeBase64(text.trim().split(/\s+/));
  return joinWithoutChecksum(body);
}

/** The words from the first one that can only be base64. */
function dropWordsBeforeBase64(words: readonly string[]): readonly string[] {
  const start = words.findIndex((word) => /^[A-Za-z0-9+/=]{40,}$/.test(word));
  return start < 0 ? words : words.slice(start);
}

/** The armored blocks in a text, with any text before, between and after them (RFC 9580 section 6.2). */
function parseArmorBlocks(text: string, origin: string): readonly ArmorBlock[] {
  const blocks: ArmorBlock[] = [];
  for (let at = text.indexOf(BEGIN); at >= 0; at = text.indexOf(BEGIN, at)) {
    const label = /^[A-Z0-9 ,/]+(?=-----)/.exec(text.slice(at + BEGIN.length, at + BEGIN.length + 64))?.[0];
    const start = at + BEGIN.length + (label === undefined ? 0 : label.length + 5);
    if (label === undefined || label === "SIGNED MESSAGE") {
      // The text of a signed message ends where its signature begins, which is a block of its own.
      at = start;
      continue;
    }
    const end = text.indexOf(`-----END PGP ${label}-----`, start);
    if (end < 0) {
      throw notAKeyProblem(
        origin,
        "the armored text is cut off: its END line is missing",
        "copy all of it, from BEGIN to END",
      );
    }
    const bytes = fromBase64(armorBody(text.slice(start, end)));
    if (bytes === undefined && KEY_BLOCK_PATTERN.test(label)) {
      throw notAKeyProblem(origin, "the armored text is damaged: the part between BEGIN and END is not base64");
    }
    blocks.push({ label, bytes: bytes ?? new Uint8Array() });
    at = end;
  }
  return blocks;
}

/** The bytes of armor whose BEGIN and END lines are missing or cut; undefined for other text. */
function decodeMarkerlessArmor(text: string): Uint8Array | undefined {
  const body = base64OfMarkerlessArmor(text);
  return body === undefined ? undefined : fromBase64(body);
}

/** Rejects the text that a site answers, and that someone saved, in place of a key that it doesn't have. */
function rejectKeylessAnswer(text: string, origin: string): void {
  const absent = findKeylessAnswerReason(text);
  if (absent !== undefined) throw notAKeyProblem(origin, absent, "ask the owner for the key");
}

/** The keys of an armored text: all its key blocks; other blocks are ignored. */
function parseArmoredKeys(text: string, origin: string): readonly TransferableKey[] {
  rejectKeylessAnswer(text, origin);
  const blocks = parseArmorBlocks(text, origin);
  const keys = blocks.filter((block) => KEY_BLOCK_PATTERN.test(block.label));
  const bare = blocks.length === 0 ? decodeMarkerlessArmor(text) : undefined;
  if (bare !== undefined) return parseBinaryKeys(bare, origin);
  if (keys.length === 0) {
    const label = /-----BEGIN PGP ([A-Z ]+)/.exec(text)?.[1]?.toLowerCase() ?? "";
    const kind = label.startsWith("signed")
      ? "a signed message"
      : label.startsWith("sig")
        ? "a signature"
        : "a message";
    throw notAKeyProblem(origin, `this is ${kind}, not a key`);
  }
  return keys.flatMap((block) => parseBinaryKeys(block.bytes, origin));
}

/** Decodes bytes that are text; otherwise undefined. */
function decodeIfText(bytes: Uint8Array): string | undefined {
  const isBinary = ((bytes[0] ?? 0) & 0x80) !== 0 && bytes[0] !== 0xef && !hasUtf16LeBom(bytes);
  return isBinary ? undefined : decodeUtf8OrUtf16(bytes);
}

/** The keys in bytes, which are binary if the first bit is set, as in every packet header, and text otherwise. */
function parseKeysInBytes(bytes: Uint8Array, origin: string): readonly TransferableKey[] {
  const text = decodeIfText(bytes);
  if (text === undefined) return parseBinaryKeys(bytes, origin);
  if (/^KBXf/.test(text.slice(8))) throw notAKeyProblem(origin, "this is a GnuPG keybox, not an exported key");
  return text.includes(BEGIN) ? parseArmoredKeys(normalizeArmoredText(text), origin) : parseUnarmoredKeys(text, origin);
}

/**
 * Text with line feeds as line endings, including those that a tool wrote as backslash and letter. Lines lose the marks of a
 * mail that quotes them, and the dash that a signed text puts before a marker (RFC 9580 section 7.2).
 */
function normalizeArmoredText(text: string): string {
  const lines = text.replaceAll("\\r", "").replaceAll("\\n", "\n").replace(/\r\n?/g, "\n");
  return lines.replace(/^(?:>[ \t]?)+/gm, "").replace(/^- (?=-----)/gm, "");
}

/** The keys in text that is not armored but base64; throws for what is often mistaken for a key. */
function parseUnarmoredKeys(text: string, origin: string): readonly TransferableKey[] {
  const trimmed = text.replace(/^\ufeff/, "").trim();
  if (trimmed === "") throw notAKeyProblem(origin, "it is empty");
  if (looksLikeWebPage(trimmed))
    throw notAKeyProblem(origin, "this is a web page", "use the URL of the key file itself");
  rejectKeylessAnswer(trimmed, origin);
  const mistaken = MISTAKEN.find(([looks]) => looks.test(trimmed));
  if (mistaken !== undefined) throw notAKeyProblem(origin, mistaken[1], mistaken[2]);
  const bytes = fromBase64(normalizeArmoredText(trimmed)) ?? decodeMarkerlessArmor(trimmed);
  if (bytes === undefined) throw notAKeyProblem(origin, "it is neither an armored OpenPGP key nor base64 of one");
  const inner = decodeIfText(bytes);
  if (inner === undefined) return parseBinaryKeys(bytes, origin);
  if (!inner.includes(BEGIN)) throw notAKeyProblem(origin, "it is base64 of something that is not OpenPGP data");
  return parseArmoredKeys(normalizeArmoredText(inner), origin);
}

/**
 * Finds OpenPGP keys in binary data, armored text (including literal `\n`, surrounding text and several blocks), or base64
 * of either, in any wrapping and alphabet.
 *
 * Throws a `Problem` with code `pgp-not-a-key` that says what the material is instead. It never quotes the material.
 */
export function parsePgpKeys(material: string | Uint8Array, origin: string): readonly TransferableKey[] {
  if (typeof material !== "string") return parseKeysInBytes(material, origin);
  return material.includes(BEGIN)
    ? parseArmoredKeys(normalizeArmoredText(material), origin)
    : parseUnarmoredKeys(material, origin);
}

/** The packets of a message, in any encoding in which {@link parsePgpKeys} finds keys; undefined for other material. */
export function findPgpMessageBytes(material: string | Uint8Array, origin: string): Uint8Array | undefined {
  const text = typeof material === "string" ? material : decodeIfText(material);
  if (text === undefined) return typeof material === "string" ? undefined : material;
  if (text.includes(BEGIN)) return findArmoredMessageBytes(text, origin);
  const bytes = fromBase64(normalizeArmoredText(text.replace(/^\ufeff/, "").trim()));
  if (bytes === undefined) return undefined;
  const inner = decodeIfText(bytes);
  return inner === undefined ? bytes : inner.includes(BEGIN) ? findArmoredMessageBytes(inner, origin) : undefined;
}

function findArmoredMessageBytes(text: string, origin: string): Uint8Array | undefined {
  const blocks = parseArmorBlocks(normalizeArmoredText(text), origin);
  return blocks.find(({ label }) => label === "MESSAGE")?.bytes;
}
