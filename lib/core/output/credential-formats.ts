import { toBase64 } from "../bytes.ts";
import { toTerminalSafeJson } from "../json/json.ts";
import { usageError } from "../problem.ts";
import { quote, trimCharactersAtEnd, trimCharactersAtStart } from "../text.ts";
import { shellQuoted } from "./shell-quote.ts";

/** The credentials of a client, with at most one of `secret` and `encrypted`. */
export interface Credentials {
  readonly id: string;
  readonly secret?: string | undefined;
  /** The secret, encrypted to its recipients. */
  readonly encrypted?: string | undefined;
  /** The client has no secret, so its ID is complete by itself. */
  readonly hasNoSecret?: boolean;
  /** The start of the names in an environment, for several clients in one. */
  readonly prefix?: string | undefined;
}

/** Whether the credentials are complete: they aren't if the client has a secret that is missing here. */
export function areCredentialsComplete({ secret, encrypted, hasNoSecret }: Credentials): boolean {
  return secret !== undefined || encrypted !== undefined || hasNoSecret === true;
}

/** The metadata of the Kubernetes Secrets of clients. */
export interface KubernetesSecretMetadata {
  readonly namespace?: string | undefined;
  readonly labels?: Readonly<Record<string, string>>;
  /** The name, in which `{id}` is replaced by the client ID; by default the client ID itself. */
  readonly name?: string | undefined;
}

/** The names of credentials in an environment or a Kubernetes Secret. */
export interface CredentialNamesAndMetadata {
  readonly id: string;
  readonly secret: string;
  readonly encrypted: string;
  /** The metadata of a Kubernetes Secret. */
  readonly metadata: KubernetesSecretMetadata;
}

/** The field of results with an encrypted secret. */
export const ENCRYPTED_SECRET_FIELD = "client_secret_encrypted";

/** The field of results with the encrypted private key of a client. */
export const ENCRYPTED_PRIVATE_KEY_FIELD = "client_private_key_encrypted";

const NAMES: Omit<CredentialNamesAndMetadata, "metadata"> = {
  id: "CLIENT_ID",
  secret: "CLIENT_SECRET",
  encrypted: "CLIENT_SECRET_ENCRYPTED",
};

/** The valid names: IEEE 1003.1 chapter 8.1, and the keys of a Kubernetes Secret. */
const CREDENTIAL_NAME_RULES = {
  env: {
    pattern: /^[A-Za-z_][A-Za-z0-9_]*$/,
    what: "an environment variable",
    hint: "use letters, digits and _, with no digit first",
  },
  "k8s-secret": {
    pattern: /^(?!\.\.?$)[-._A-Za-z0-9]{1,253}$/,
    what: "a key of a Kubernetes Secret",
    hint: "use at most 253 letters, digits, dots, - and _",
  },
} as const;

/**
 * Returns the name of a credential in a format; throws a usage Problem, which mentions its source, if it is invalid.
 */
export function requireCredentialName(text: string, format: keyof typeof CREDENTIAL_NAME_RULES, from: string): string {
  const { pattern, what, hint } = CREDENTIAL_NAME_RULES[format];
  if (!pattern.test(text))
    throw usageError(`Cannot use ${from} ${quote(text)}: it is not a valid name for ${what}`, hint, "bad-name");
  return text;
}

function credentialNameValuePairs(
  credentials: Credentials,
  names: Partial<CredentialNamesAndMetadata>,
): readonly (readonly [string, string])[] {
  const known = { ...NAMES, ...names };
  return (["id", "secret", "encrypted"] as const).flatMap((part) => {
    const value = credentials[part];
    return value === undefined ? [] : [[known[part], value] as const];
  });
}

/** Credentials as assignments of a POSIX shell, one per line. */
export function formatDotenv(credentials: Credentials, names: Partial<CredentialNamesAndMetadata> = {}): string {
  return credentialNameValuePairs(credentials, names)
    .map(([name, value]) => `${credentials.prefix ?? ""}${name}=${shellQuoted(value)}\n`)
    .join("");
}

const utf8 = new TextEncoder();

/** FNV-1a, 32 bits: only distinguishes names that became equal; it isn't meant for security. */
function fnv1aHash(text: string): string {
  let hash = 0x811c9dc5;
  for (const byte of utf8.encode(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash.toString(16).padStart(8, "0");
}

/**
 * The name of a Kubernetes object for a client ID: a DNS subdomain (RFC 1123, at most 253 characters).
 *
 * An ID that is one already is kept. Any other is converted and gets a fingerprint, so that different IDs get different names.
 */
export function kubernetesNameForClientId(id: string): string {
  if (isKubernetesSecretName(id)) return id;
  const letters = id
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .slice(0, 240);
  const plain = trimCharactersAtStart(trimCharactersAtEnd(letters, "-"), "-");
  return `${plain === "" ? "client" : plain}-${fnv1aHash(id)}`;
}

/** The name of the Kubernetes Secret of a client; a template names several, with the client ID as {@link kubernetesNameForClientId}. */
export function kubernetesSecretNameOfClient({ name = "{id}" }: KubernetesSecretMetadata, id: string): string {
  return name.replaceAll("{id}", () => kubernetesNameForClientId(id));
}

/** A part of a DNS name (RFC 1123): a namespace, for example. */
const DNS_LABEL_PATTERN = /^(?=.{1,63}$)[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/;

/** A name of a Kubernetes object: a DNS subdomain. */
const DNS_SUBDOMAIN_PATTERN = /^(?=.{1,253}$)[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/;

/** The name in the key of a label, and its value if it isn't empty. */
const LABEL_TEXT_PATTERN = /^(?=.{1,63}$)[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?$/;

export function isKubernetesNamespace(text: string): boolean {
  return DNS_LABEL_PATTERN.test(text);
}

export function isKubernetesSecretName(text: string): boolean {
  return DNS_SUBDOMAIN_PATTERN.test(text);
}

/** A label `KEY=VALUE` of a Kubernetes object, where the key may have a prefix such as `example.com/`; undefined if invalid. */
export function parseKubernetesLabel(text: string): readonly [key: string, value: string] | undefined {
  const at = text.indexOf("=");
  const [key, value] = [text.slice(0, at), text.slice(at + 1)];
  const slash = key.indexOf("/");
  const isValid =
    at > 0 &&
    (slash < 0 || DNS_SUBDOMAIN_PATTERN.test(key.slice(0, slash))) &&
    LABEL_TEXT_PATTERN.test(key.slice(slash + 1)) &&
    (value === "" || LABEL_TEXT_PATTERN.test(value));
  return isValid ? [key, value] : undefined;
}

function metadataLines({ namespace, labels = {} }: KubernetesSecretMetadata): string {
  const rows = Object.entries(labels).map(
    ([key, value]) => `    ${toTerminalSafeJson(key)}: ${toTerminalSafeJson(value)}\n`,
  );
  return [
    namespace === undefined ? "" : `  namespace: ${toTerminalSafeJson(namespace)}\n`,
    rows.length === 0 ? "" : `  labels:\n${rows.join("")}`,
  ].join("");
}

/** Credentials as the YAML manifest of a Kubernetes Secret (v1, Opaque), the same for the same credentials. */
export function formatSecretManifest(
  credentials: Credentials,
  names: Partial<CredentialNamesAndMetadata> = {},
): string {
  const data = credentialNameValuePairs(credentials, names).map(
    ([key, value]) => `  ${toTerminalSafeJson(key)}: ${toTerminalSafeJson(toBase64(utf8.encode(value)))}\n`,
  );
  return `apiVersion: v1
kind: Secret
metadata:
  name: ${toTerminalSafeJson(kubernetesSecretNameOfClient(names.metadata ?? {}, credentials.id))}
${metadataLines(names.metadata ?? {})}type: Opaque
data:
${data.join("")}`;
}
