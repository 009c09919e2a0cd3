import type { KeyPair } from "../adapters/key-generator.ts";
import type { Context } from "../command.ts";
import type { KeyAlgorithm } from "../core/client/jwk.ts";
import { AUTH_METHOD, GENERATE_KEY, KEY_OUT, SECRET_OUT } from "../core/flags/flag-table.ts";
import { toJson } from "../core/json.ts";
import type { Recipient } from "../core/keys/recipient.ts";
import { type Problem, usageError } from "../core/problem.ts";
import { quote } from "../core/text.ts";
import type { ReadDraft } from "./draft.ts";
import { encryptedFormat, type PreparedSecret, wantsRecipients } from "./secret-source.ts";

/** Stands for the public key while a draft is judged, before the pair is made. */
const PLACEHOLDER_JWKS = { keys: [{ use: "sig" }] };

/** A draft with the fields that `--generate-key` sets, and what speaks against it. */
export function applyGenerateKey(context: Context, draft: ReadDraft, problems: Problem[]): ReadDraft {
  const { values } = context;
  const algorithm = values.text(GENERATE_KEY);
  if (algorithm === undefined) {
    if (values.isSet(KEY_OUT))
      problems.push(usageError("--key-out has no key to write", "add --generate-key ES256", "key-out-without-key"));
    return draft;
  }
  const { client } = draft;
  if (client["token_endpoint_auth_method"] !== "private_key_jwt") {
    problems.push(
      usageError(
        `--generate-key ${algorithm} is for clients that prove themselves with a key`,
        `add --${AUTH_METHOD.name} private_key_jwt`,
        "key-without-private-key-jwt",
      ),
    );
  }
  for (const field of ["jwks", "jwks_uri", "client_secret"]) {
    if (client[field] !== undefined)
      problems.push(
        usageError(
          `--generate-key ${algorithm} and ${draft.label(field)} exclude each other`,
          "leave one of them out",
          "two-keys",
        ),
      );
  }
  const alg = client["token_endpoint_auth_signing_alg"];
  if (alg !== undefined && alg !== algorithm) {
    problems.push(
      usageError(
        `--generate-key ${algorithm} does not fit ${draft.label("token_endpoint_auth_signing_alg")} ${quote(String(alg))}`,
        "leave the second out: it follows from the key",
        "two-algorithms",
      ),
    );
  }
  if (!values.isSet(KEY_OUT) && !wantsRecipients(context)) {
    problems.push(
      usageError(
        `--generate-key ${algorithm} has nowhere to put the private key`,
        "add --key-out FILE, or a recipient to encrypt it to",
        "key-without-out",
      ),
    );
  }
  if (values.isSet(SECRET_OUT))
    problems.push(
      usageError(
        "--secret-out has no secret to write: the client proves itself with its key",
        "use --key-out for the key",
        "secret-out-without-secret",
      ),
    );
  return { ...draft, client: { ...client, jwks: PLACEHOLDER_JWKS, token_endpoint_auth_signing_alg: algorithm } };
}

/** A key pair whose private part is ready to be delivered, encrypted where there are recipients. */
export interface PreparedKey {
  readonly pair: KeyPair;
  readonly prepared: PreparedSecret;
}

/** Generates the key pair of a client that signs in by private_key_jwt (RFC 7523). */
export async function prepareKey(
  context: Context,
  algorithm: KeyAlgorithm,
  recipients: readonly Recipient[],
): Promise<PreparedKey> {
  const pair = await context.pairs.generate(algorithm);
  const pem = /\.(pem|key)$/i.test(context.values.text(KEY_OUT) ?? "");
  const plain = pem ? pair.pem : `${toJson(pair.privateJwk, 2)}\n`;
  const encrypted =
    recipients.length === 0 ? undefined : await context.keys.encrypt(recipients, plain, encryptedFormat(context));
  const kind = "client_private_key";
  return { pair, prepared: { plain, given: false, encrypted, recipients, kind, keyId: pair.kid } };
}
