/** Certificates and TLS servers for tests. */

import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign, X509Certificate } from "node:crypto";

/** What a certificate is made of. */
export interface CertificateWish {
  /** Its common name. */
  readonly name: string;
  /** Host names and addresses that it is for. */
  readonly hosts?: readonly string[];
  readonly from?: Date;
  readonly until?: Date;
  /** Who signs it; without one it signs itself. */
  readonly issuer?: Identity;
  /** Whether it may sign others. */
  readonly authority?: boolean;
}

/** A certificate with its private key, as PEM. */
export interface Identity {
  readonly cert: string;
  readonly key: string;
  readonly subject: Buffer;
  readonly privateKey: KeyObject;
}

/** A DER value (X.690, 8.1): tag, length, content. */
function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

const sequence = (...parts: readonly Buffer[]): Buffer => der(0x30, ...parts);

const octets = (content: Buffer): Buffer => der(0x04, content);

const bits = (content: Buffer): Buffer => der(0x03, Buffer.from([0]), content);

const boolean = (value: boolean): Buffer => der(0x01, Buffer.from([value ? 0xff : 0]));

function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  const bytes = [first * 40 + second];
  for (const part of rest) {
    const groups = [part & 0x7f];
    for (let left = part >> 7; left > 0; left >>= 7) groups.unshift((left & 0x7f) | 0x80);
    bytes.push(...groups);
  }
  return der(0x06, Buffer.from(bytes));
}

/** UTCTime, as dates before 2050 are written (RFC 5280, 4.1.2.5). */
function time(at: Date): Buffer {
  const digits = at
    .toISOString()
    .replace(/\.\d+Z$/, "Z")
    .replace(/[-:T]/g, "");
  return der(0x17, Buffer.from(digits.slice(2)));
}

function extension(id: string, critical: boolean, value: Buffer): Buffer {
  return sequence(oid(id), ...(critical ? [boolean(true)] : []), octets(value));
}

/** A host as a GeneralName (RFC 5280, 4.2.1.6): an IPv4 address or a DNS name. */
function generalName(host: string): Buffer {
  return /^\d+\.\d+\.\d+\.\d+$/.test(host)
    ? der(0x87, Buffer.from(host.split(".").map(Number)))
    : der(0x82, Buffer.from(host));
}

const ECDSA_SHA256 = sequence(oid("1.2.840.10045.4.3.2"));

const DAY = 24 * 60 * 60 * 1000;

/** Makes an X.509 certificate (RFC 5280) with a new P-256 key. */
export function issue(wish: CertificateWish): Identity {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const spki = publicKey.export({ type: "spki", format: "der" });
  const subject = sequence(der(0x31, sequence(oid("2.5.4.3"), der(0x0c, Buffer.from(wish.name)))));
  const from = wish.from ?? new Date(Date.now() - DAY);
  const until = wish.until ?? new Date(Date.now() + 365 * DAY);
  const authority = wish.authority === true;
  const signer = wish.issuer?.privateKey ?? privateKey;
  const serial = randomBytes(16);
  serial[0] = 0x40 | ((serial[0] ?? 0) & 0x3f);
  const extensions = [
    extension("2.5.29.19", true, sequence(...(authority ? [boolean(true)] : []))),
    extension("2.5.29.14", false, octets(createHash("sha1").update(spki).digest())),
    extension("2.5.29.15", true, der(0x03, Buffer.from(authority ? [0x01, 0x86] : [0x07, 0x80]))),
    ...(wish.hosts === undefined ? [] : [extension("2.5.29.17", false, sequence(...wish.hosts.map(generalName)))]),
  ];
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, serial),
    ECDSA_SHA256,
    wish.issuer?.subject ?? subject,
    sequence(time(from), time(until)),
    subject,
    spki,
    der(0xa3, sequence(...extensions)),
  );
  const raw = sequence(body, ECDSA_SHA256, bits(sign("sha256", body, signer)));
  const lines = raw.toString("base64").match(/.{1,64}/g) ?? [];
  const cert = `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
  if (new X509Certificate(cert).subject === "") throw new Error("the certificate has no subject");
  return { cert, key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(), subject, privateKey };
}

/** The certificates of one test file. */
export interface Certificates {
  readonly authority: Identity;
  /** For `localhost` and `127.0.0.1`, signed by the authority. */
  readonly good: Identity;
  /** For another host. */
  readonly elsewhere: Identity;
  readonly expired: Identity;
  readonly early: Identity;
  /** For this machine, signed by itself, and an authority as `openssl req -x509` makes it. */
  readonly selfSigned: Identity;
}

const HERE = ["localhost", "127.0.0.1"];

/** Makes one of each. */
export function makeCertificates(): Certificates {
  const authority = issue({ name: "Test authority", authority: true });
  return {
    authority,
    good: issue({ name: "good", hosts: HERE, issuer: authority }),
    elsewhere: issue({ name: "elsewhere", hosts: ["hydra.example"], issuer: authority }),
    expired: issue({
      name: "expired",
      hosts: HERE,
      issuer: authority,
      from: new Date(Date.now() - 30 * DAY),
      until: new Date(Date.now() - DAY),
    }),
    early: issue({
      name: "early",
      hosts: HERE,
      issuer: authority,
      from: new Date(Date.now() + DAY),
      until: new Date(Date.now() + 30 * DAY),
    }),
    selfSigned: issue({ name: "self-signed", hosts: HERE, authority: true }),
  };
}
