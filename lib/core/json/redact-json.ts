import { isJwk, PRIVATE_JWK_MEMBERS } from "../jwk/jwk-members.ts";
import { CLIENT_CREDENTIAL_FIELDS, REDACTED } from "../redact.ts";
import { isJsonObject } from "./json.ts";

/** The replacement of a credential, by its field. */
type CredentialReplacement = (field: string) => unknown;

/**
 * A body with every credential replaced at any depth, including those in JSON Patch steps and private JSON Web Keys.
 */
export function redactJson(value: unknown, mark: CredentialReplacement = () => REDACTED): unknown {
  if (Array.isArray(value)) return value.map((item) => redactJson(item, mark));
  if (!isJsonObject(value)) return value;
  const path = value["path"];
  const isPatchStep = typeof path === "string" && typeof value["op"] === "string";
  const field = isPatchStep ? path.slice(path.lastIndexOf("/") + 1) : "";
  if (CLIENT_CREDENTIAL_FIELDS.includes(field) && "value" in value) return { ...value, value: mark(field) };
  const hidden = isJwk(value) ? [...CLIENT_CREDENTIAL_FIELDS, ...PRIVATE_JWK_MEMBERS] : CLIENT_CREDENTIAL_FIELDS;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [
      key,
      hidden.includes(key) && member !== undefined ? mark(key) : redactJson(member, mark),
    ]),
  );
}
