import type { ClientKeyPair } from "../../adapters/client-assertion-keys.ts";
import type { Context } from "../../command.ts";
import { ENCRYPTED_FORMAT, GENERATE_KEY, KEY_OUT, SECRET_OUT } from "../../core/flags/credential-flags.ts";
import { toTerminalSafeJson } from "../../core/json/json.ts";
import type { GeneratedKeyAlgorithm } from "../../core/jwk/assertion-algorithms.ts";
import type { Recipient } from "../../core/pgp/recipient.ts";
import { type Problem, usageError, usageErrorIf } from "../../core/problem.ts";
import { quote } from "../../core/text.ts";
import type { CommandLineDraft } from "../draft/client-draft.ts";
import { hasRecipientFlags, type PreparedSecret } from "../secrets/secret-source.ts";

/** The public key of a draft while it is checked, before the pair is generated. */
const PLACEHOLDER_JWKS = { keys: [{ use: "sig" }] };

/** A draft with the fields that `--generate-key` sets; what conflicts with it is added to the problems. */
export function draftForGeneratedKey(
  { values, hasErrors }: Pick<Context, "values" | "hasErrors">,
  draft: CommandLineDraft,
  problems: Problem[],
): CommandLineDraft {
  const algorithm = values.text(GENERATE_KEY);
  if (algorithm === undefined) {
    // The value of --generate-key may be what is wrong.
    if (hasErrors) return { ...draft, client: { ...draft.client, jwks: PLACEHOLDER_JWKS } };
    problems.push(usageError("--key-out has no key to write", "add --generate-key ES256", "key-out-without-key"));
    return draft;
  }
  problems.push(...keyFieldProblems(draft, algorithm), ...keyOutletProblems({ values }, algorithm));
  const client = { ...draft.client, jwks: PLACEHOLDER_JWKS, token_endpoint_auth_signing_alg: algorithm };
  return { ...draft, client };
}

/** The problems of fields that don't go with a generated key. */
function keyFieldProblems({ client, label }: CommandLineDraft, algorithm: string): readonly Problem[] {
  const alg = client["token_endpoint_auth_signing_alg"];
  return [
    ...usageErrorIf(
      client["token_endpoint_auth_method"] !== "private_key_jwt",
      `--generate-key ${algorithm} is for clients that authenticate with a key`,
      "add --token-endpoint-auth-method private_key_jwt",
      "key-without-private-key-jwt",
    ),
    ...["jwks", "jwks_uri", "client_secret"].flatMap((field) =>
      usageErrorIf(
        client[field] !== undefined,
        `--generate-key ${algorithm} and ${label(field)} cannot be used together`,
        "leave one of them out",
        "two-keys",
      ),
    ),
    ...usageErrorIf(
      alg !== undefined && alg !== algorithm,
      `--generate-key ${algorithm} does not fit ${label("token_endpoint_auth_signing_alg")} ${quote(String(alg))}`,
      "leave out the second: it follows from the key",
      "two-algorithms",
    ),
  ];
}

/** The problems of the flags that decide where the private key goes. */
function keyOutletProblems({ values }: Pick<Context, "values">, algorithm: string): readonly Problem[] {
  return [
    ...usageErrorIf(
      !values.isSet(KEY_OUT) && !hasRecipientFlags({ values }),
      `--generate-key ${algorithm} has no destination for the private key`,
      "add --key-out FILE, or a recipient to encrypt it to",
      "key-without-out",
    ),
    ...usageErrorIf(
      values.isSet(SECRET_OUT),
      "--secret-out has no secret to write: the client authenticates with its key",
      "use --key-out for the key",
      "secret-out-without-secret",
    ),
  ];
}

/**
 * Generates the key pair of a client that authenticates by private_key_jwt (RFC 7523). Its private part is ready to be
 * delivered, encrypted if there are recipients.
 */
export async function generateAndEncryptKeyPair(
  context: Pick<Context, "values" | "encryption" | "keyPairs">,
  algorithm: GeneratedKeyAlgorithm,
  recipients: readonly Recipient[],
): Promise<{ readonly pair: ClientKeyPair; readonly prepared: PreparedSecret }> {
  const pair = await context.keyPairs.generate(algorithm);
  const pem = /\.(pem|key)$/i.test(context.values.text(KEY_OUT) ?? "");
  const plain = pem ? pair.pem : `${toTerminalSafeJson(pair.privateJwk, 2)}\n`;
  const encrypted =
    recipients.length === 0
      ? undefined
      : await context.encryption.encrypt(recipients, plain, context.values.text(ENCRYPTED_FORMAT));
  const kind = "client_private_key";
  return { pair, prepared: { plain, given: false, encrypted, recipients, kind, keyId: pair.kid } };
}
