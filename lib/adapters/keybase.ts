import * as v from "valibot";
import { parseJson } from "../core/client/client.ts";
import { keybaseNameProblem, plainHttpHint } from "../core/keys/key-source.ts";
import { MAX_KEY_BYTES, type Recipient, refusedAnswer } from "../core/keys/recipient.ts";
import type { Download } from "../core/network.ts";
import { Problem, type ProblemCode, usageError } from "../core/problem.ts";
import { redactUrl } from "../core/redact.ts";
import { escapeControls, quote, trimmedEnd } from "../core/text.ts";
import { mayFetchKey } from "../core/url.ts";

/** The PGP key that Keybase holds for a user. */
export interface KeybaseKey {
  readonly armored: string;
  /** The fingerprint that Keybase states, in upper case; the key has to have it ({@link checkKeybaseKey}). */
  readonly fingerprint: string;
  /** The name as the user writes it. */
  readonly username: string;
}

/** Where Keybase answers, unless another base address is set. */
export const KEYBASE_URL = "https://keybase.io";

/** The status code of a lookup that found nobody. */
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

/** The address of a user lookup below a base address, which may have a path of its own. */
function lookupUrl(base: string, name: string, pinned: boolean, flag: string): string {
  const shown = `HYDRA_KEYBASE_URL ${quote(redactUrl(base))}`;
  const url = URL.canParse(base) ? new URL(base) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw usageError(
      `Invalid ${shown}: it is not an http or https address`,
      `leave it unset for ${KEYBASE_URL}`,
      "bad-address",
    );
  }
  if (!mayFetchKey(url, pinned)) {
    throw usageError(
      `Cannot use ${shown}: it is plain http, where anyone on the way could swap the key`,
      plainHttpHint(flag),
      "plain-http",
    );
  }
  url.pathname = `${trimmedEnd(url.pathname, "/")}/_/api/1.0/user/lookup.json`;
  url.search = new URLSearchParams({ usernames: name, fields: "basics,public_keys" }).toString();
  url.hash = "";
  return url.href;
}

function parsed(bytes: Uint8Array): Answer | undefined {
  const result = v.safeParse(Answer, parseJson(new TextDecoder().decode(bytes))?.value);
  return result.success ? result.output : undefined;
}

/** A failure that is about what Keybase holds for a name. */
function refusal(code: ProblemCode, message: string, hint: string, details: readonly string[] = []): Problem {
  return new Problem(message, { code, exit: "noUsableKey", hint, details });
}

/**
 * Looks up the PGP key of one Keybase user, through Keybase's public lookup and without any credential.
 *
 * `pinned` says that the fingerprint of the key is known, which lets a mirror be plain http. The failures are told apart
 * by code: `keybase-no-user`, `keybase-no-key`, `keybase-answer` (exit `noUsableKey`), and exit `unreachable`.
 */
export async function keybaseKey(
  name: string,
  download: Download,
  baseUrl: string = KEYBASE_URL,
  pinned = false,
  flag = "--keybase",
): Promise<KeybaseKey> {
  const wrong = keybaseNameProblem(name, flag);
  if (wrong !== undefined) throw wrong;
  const answer = await download(lookupUrl(baseUrl, name, pinned, flag), {
    what: `the key of Keybase user "${name}"`,
    maxBytes: MAX_KEY_BYTES,
    allowPlainHttp: pinned,
  });
  if (answer.status !== 200) {
    const message = `Cannot look up Keybase user "${name}"`;
    throw refusedAnswer(
      message,
      answer,
      "keybase-answer",
      "check HYDRA_KEYBASE_URL, or give the key itself with --pgp-key",
    );
  }
  const body = parsed(answer.bytes);
  if (body === undefined) throw notUnderstood(name, answer.url, "the answer is not that of a Keybase user lookup");
  return keyIn(body, name, answer.url);
}

function notUnderstood(name: string, url: string, reason: string): Problem {
  return refusal(
    "keybase-answer",
    `Cannot look up Keybase user "${name}" at ${escapeControls(redactUrl(url))}: ${reason}`,
    "check HYDRA_KEYBASE_URL, or give the key itself with --pgp-key",
  );
}

function noUser(name: string): Problem {
  return refusal(
    "keybase-no-user",
    `Cannot find Keybase user "${name}": there is nobody of this name`,
    `check the spelling at ${KEYBASE_URL}/${name}`,
  );
}

/** The key in an answer, which has to be about the one user that was asked for. */
function keyIn(body: Answer, name: string, url: string): KeybaseKey {
  const { code, name: word, desc } = body.status;
  if (code === NOT_FOUND) throw noUser(name);
  if (code !== 0) {
    const told = [word, desc].filter((text) => text).map((text) => escapeControls(text ?? "").slice(0, 200));
    throw notUnderstood(name, url, `Keybase refused with status ${[code, ...told].join(" ")}`);
  }
  const [user, ...others] = body.them ?? [];
  if (user === null) throw noUser(name);
  if (user === undefined || others.length > 0) {
    throw notUnderstood(
      name,
      url,
      `the answer is about ${user === undefined ? "nobody" : `${others.length + 1} users`}`,
    );
  }
  const { username } = user.basics;
  if (username.toLowerCase() !== name.toLowerCase()) {
    throw notUnderstood(name, url, `the answer is about ${quote(username)}`);
  }
  const { key_fingerprint: fingerprint, bundle } = user.public_keys?.primary ?? {};
  if (!fingerprint || !bundle) {
    throw refusal(
      "keybase-no-key",
      `Cannot encrypt to Keybase user "${username}": the account has no PGP key`,
      "ask them to add one with: keybase pgp gen (or keybase pgp select), or give their key with --pgp-key",
    );
  }
  if (!/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/i.test(fingerprint)) {
    throw notUnderstood(name, url, `it states ${quote(fingerprint)} as a fingerprint`);
  }
  return { armored: bundle, fingerprint: fingerprint.toUpperCase(), username };
}

/** Checks that the key which Keybase sent has the fingerprint that Keybase states. */
export function checkKeybaseKey(recipient: Recipient, key: KeybaseKey): void {
  if (recipient.fingerprint === key.fingerprint) return;
  throw refusal(
    "keybase-fingerprint-mismatch",
    `Cannot encrypt to Keybase user "${key.username}": Keybase states the fingerprint ${key.fingerprint}, but sent the key ${recipient.fingerprint}`,
    "ask them for the key itself and give it with --pgp-key",
  );
}
