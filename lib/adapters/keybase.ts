import * as v from "valibot";
import { parseJsonOrUndefined } from "../core/json/json.ts";
import type { Download } from "../core/network.ts";
import { findKeybaseNameProblem, type KeyFlagOrArgument, plainHttpHint } from "../core/pgp/key-address-checks.ts";
import { failedKeyDownloadProblem, MAX_KEY_BYTES } from "../core/pgp/key-download-checks.ts";
import type { Recipient } from "../core/pgp/recipient.ts";
import { Problem, type ProblemCode, usageError } from "../core/problem.ts";
import { urlWithoutSecrets } from "../core/redact.ts";
import { escapeControls, quote, trimCharactersAtEnd } from "../core/text.ts";
import { mayFetchPgpKeyFrom, parseHttpUrl } from "../core/url-checks.ts";

/** The PGP key of a Keybase user. */
export interface KeybaseKey {
  readonly armored: string;
  /** The fingerprint according to Keybase, in upper case; the key must have it ({@link requireClaimedFingerprint}). */
  readonly fingerprint: string;
  /** The name as the user spells it. */
  readonly username: string;
}

/** The default base URL of Keybase. */
export const KEYBASE_URL = "https://keybase.io";

/** The status code of a lookup that found no user. */
const NOT_FOUND = 205;

const User = v.object({
  basics: v.object({ username: v.string() }),
  public_keys: v.nullish(
    v.object({
      primary: v.nullish(v.object({ key_fingerprint: v.nullish(v.string()), bundle: v.nullish(v.string()) })),
    }),
  ),
});

const Answer = v.object({
  status: v.object({ code: v.number(), name: v.nullish(v.string()), desc: v.nullish(v.string()) }),
  them: v.nullish(v.array(v.nullable(User))),
});

type Answer = v.InferOutput<typeof Answer>;

/** The URL of a user lookup; the base URL may have a path. */
function lookupUrl(base: string, name: string, pinned: boolean, origin: KeyFlagOrArgument): string {
  const shown = `HYDRA_KEYBASE_URL ${quote(urlWithoutSecrets(base))}`;
  const url = parseHttpUrl(base);
  if (url === undefined) {
    throw usageError(
      `Invalid ${shown}: it is not an http or https URL`,
      `unset it to use ${KEYBASE_URL}`,
      "bad-address",
    );
  }
  if (!mayFetchPgpKeyFrom(url, pinned)) {
    throw usageError(
      `Cannot use ${shown}: it is plain http, so anyone on the network could replace the key`,
      plainHttpHint(origin),
      "plain-http",
    );
  }
  url.pathname = `${trimCharactersAtEnd(url.pathname, "/")}/_/api/1.0/user/lookup.json`;
  url.search = new URLSearchParams({ usernames: name, fields: "basics,public_keys" }).toString();
  url.hash = "";
  return url.href;
}

function parseKeybaseAnswer(bytes: Uint8Array): Answer | undefined {
  const result = v.safeParse(Answer, parseJsonOrUndefined(new TextDecoder().decode(bytes))?.value);
  return result.success ? result.output : undefined;
}

/** A problem with the key of a Keybase user. */
function noUsableKeyProblem(code: ProblemCode, message: string, hint: string): Problem {
  return new Problem(message, { code, exit: "noUsableKey", hint });
}

/**
 * Looks up the PGP key of one Keybase user, through Keybase's public lookup and without any credential.
 *
 * `pinned` says that the fingerprint of the key is known, which permits a mirror with plain http. The codes of the problems
 * are `keybase-no-user`, `keybase-no-key` and `keybase-answer` (exit `noUsableKey`); the exit may also be `unreachable`.
 */
export async function fetchKeybaseKey(
  name: string,
  download: Download,
  baseUrl: string = KEYBASE_URL,
  pinned = false,
  origin: KeyFlagOrArgument = { name: "--keybase", isFlag: true },
): Promise<KeybaseKey> {
  const wrong = findKeybaseNameProblem(name, origin);
  if (wrong !== undefined) throw wrong;
  const answer = await download(lookupUrl(baseUrl, name, pinned, origin), {
    what: `the key of Keybase user "${name}"`,
    maxBytes: MAX_KEY_BYTES,
    allowPlainHttp: pinned,
  });
  if (answer.status !== 200) {
    const message = `Cannot look up Keybase user "${name}"`;
    throw failedKeyDownloadProblem(
      message,
      answer,
      "keybase-answer",
      "check HYDRA_KEYBASE_URL, or pass the key itself with --pgp-key",
    );
  }
  const body = parseKeybaseAnswer(answer.bytes);
  if (body === undefined)
    throw unexpectedKeybaseAnswerProblem(name, answer.url, "the response is not that of a Keybase user lookup");
  return requireKeyInAnswer(body, name, answer.url);
}

function unexpectedKeybaseAnswerProblem(name: string, url: string, reason: string): Problem {
  return noUsableKeyProblem(
    "keybase-answer",
    `Cannot look up Keybase user "${name}" at ${escapeControls(urlWithoutSecrets(url))}: ${reason}`,
    "check HYDRA_KEYBASE_URL, or pass the key itself with --pgp-key",
  );
}

function unknownKeybaseUserProblem(name: string): Problem {
  return noUsableKeyProblem(
    "keybase-no-user",
    `Keybase user "${name}" not found`,
    `check the spelling at ${KEYBASE_URL}/${name}`,
  );
}

/** The key in a response, which must be about the requested user only. */
function requireKeyInAnswer(body: Answer, name: string, url: string): KeybaseKey {
  const { code, name: statusName, desc } = body.status;
  if (code === NOT_FOUND) throw unknownKeybaseUserProblem(name);
  if (code !== 0) {
    const details = [statusName, desc].filter((text) => text).map((text) => escapeControls(text ?? "").slice(0, 200));
    throw unexpectedKeybaseAnswerProblem(name, url, `Keybase answered with status ${[code, ...details].join(" ")}`);
  }
  const [user, ...others] = body.them ?? [];
  if (user === null) throw unknownKeybaseUserProblem(name);
  if (user === undefined || others.length > 0) {
    throw unexpectedKeybaseAnswerProblem(
      name,
      url,
      `the response is about ${user === undefined ? "no user" : `${others.length + 1} users`}`,
    );
  }
  const { username } = user.basics;
  if (username.toLowerCase() !== name.toLowerCase()) {
    throw unexpectedKeybaseAnswerProblem(name, url, `the response is about ${quote(username)}`);
  }
  const { key_fingerprint: fingerprint, bundle } = user.public_keys?.primary ?? {};
  if (!fingerprint || !bundle) {
    throw noUsableKeyProblem(
      "keybase-no-key",
      `Cannot encrypt to Keybase user "${username}": the account has no PGP key`,
      "ask them to add one with: keybase pgp gen (or keybase pgp select), or pass their key with --pgp-key",
    );
  }
  if (!/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/i.test(fingerprint)) {
    throw unexpectedKeybaseAnswerProblem(name, url, `it contains ${quote(fingerprint)} as a fingerprint`);
  }
  return { armored: bundle, fingerprint: fingerprint.toUpperCase(), username };
}

/** Checks that the key has the fingerprint that Keybase claims. */
export function requireClaimedFingerprint(recipient: Pick<Recipient, "fingerprint">, key: KeybaseKey): void {
  if (recipient.fingerprint === key.fingerprint) return;
  throw noUsableKeyProblem(
    "keybase-fingerprint-mismatch",
    `Cannot encrypt to Keybase user "${key.username}": Keybase claims the fingerprint ${key.fingerprint}, but sent the key ${recipient.fingerprint}`,
    "ask them for the key itself and pass it with --pgp-key",
  );
}
