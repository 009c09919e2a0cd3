import { KEYBASE, PGP_FINGERPRINT, PGP_KEY, PGP_KEY_URL, REQUIRE_PIN } from "../flags/flag-table.ts";
import type { FlagValues } from "../flags/parse.ts";
import { type Problem, usageError } from "../problem.ts";
import { redactUrl } from "../redact.ts";
import { escapeControls, quote } from "../text.ts";
import { mayFetchKey } from "../url.ts";
import { pinProblem } from "./recipient.ts";

/** The way out of plain http, by whether the key was named with a flag, beside which a fingerprint can be given. */
export function plainHttpHint(name: string): string {
  return name.startsWith("--")
    ? "use https, or name the key's fingerprint with --pgp-fingerprint"
    : "use https, or fetch it in a way that you trust and give it as @FILE";
}

/** The refusal of a key that would come, or came, in the clear. */
export function plainHttp(action: string, url: string, name: string): Problem {
  return usageError(
    `${action}: ${escapeControls(redactUrl(url))} is plain http, where anyone on the way could swap the key`,
    plainHttpHint(name),
    "plain-http",
  );
}

/** What is wrong with the address of a key, or undefined; `pinned` says that the key's fingerprint is known. */
export function keyAddressProblem(address: string, pinned: boolean, name: string): Problem | undefined {
  const shown = `${name} ${quote(redactUrl(address))}`;
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    return usageError(
      `Invalid ${shown}: it is not an http or https address`,
      "write a whole address, such as https://example.com/key.asc",
      "bad-address",
    );
  }
  return mayFetchKey(url, pinned) ? undefined : plainHttp(`Cannot fetch the key of ${shown}`, url.href, name);
}

/** A mail address taken apart, the domain in the form that DNS has it in; or what is wrong with it. */
export function mailParts(address: string): { readonly local: string; readonly domain: string } | Problem {
  const at = address.lastIndexOf("@");
  const local = address.slice(0, Math.max(at, 0));
  const host = address.slice(at + 1);
  const url =
    /^[^\s/?#@:\\[\]%]+$/.test(host) && URL.canParse(`https://${host}`) ? new URL(`https://${host}`) : undefined;
  if (url === undefined || local === "" || /[\s@\p{Cc}]/u.test(local)) {
    return usageError(
      `Invalid wkd:${quote(address)}: it is not a mail address`,
      "write it as wkd:user@example.com",
      "wkd-address",
    );
  }
  return { local, domain: url.hostname };
}

/** What is wrong with the name of a Keybase user, or undefined. */
export function keybaseNameProblem(name: string, flag: string): Problem | undefined {
  if (/^[A-Za-z0-9_]+$/.test(name)) return undefined;
  return usageError(
    `Invalid ${flag} ${quote(name)}: a Keybase name is made of letters, digits and underscores`,
    flag.startsWith("--") ? "give one name; repeat the flag for more" : "write keybase:alice, for example",
    "keybase-name",
  );
}

/** What is wrong with a mail address, or undefined. */
function mailProblem(address: string): Problem | undefined {
  const parts = mailParts(address);
  return parts instanceof Error ? parts : undefined;
}

/** The keys that come over the network, as they were named: whoever answers there chooses the key, unless it is pinned. */
function fetchedKeys(values: FlagValues): readonly string[] {
  return [
    ...values.list(PGP_KEY).flatMap((key) => (key.startsWith("wkd:") ? [`--${PGP_KEY.name} ${key}`] : [])),
    ...values.list(PGP_KEY_URL).map((url) => `${values.origin(PGP_KEY_URL).name} ${redactUrl(url)}`),
    ...values.list(KEYBASE).map((name) => `${values.origin(KEYBASE).name} ${name}`),
  ];
}

/** The problem of a fetched key without a fingerprint where one is required, or undefined. */
function pinMissing(values: FlagValues): Problem | undefined {
  const [first] = fetchedKeys(values);
  if (!values.bool(REQUIRE_PIN) || first === undefined || values.isSet(PGP_FINGERPRINT)) return undefined;
  return usageError(
    `Cannot use the key of ${escapeControls(first)}: it is fetched, and ${values.origin(REQUIRE_PIN).name} requires a fingerprint`,
    `ask its owner for the fingerprint over another channel and add --${PGP_FINGERPRINT.name}`,
    "pin-required",
  );
}

/** All that can be seen to be wrong with the flags for recipients before any key is fetched. */
export function recipientProblems(values: FlagValues): readonly Problem[] {
  const pins = values.list(PGP_FINGERPRINT);
  const pinned = pins.length > 0;
  const found: readonly (Problem | undefined)[] = [
    ...pins.map((pin) => pinProblem(pin, values.origin(PGP_FINGERPRINT).name)),
    ...values.list(PGP_KEY).map((key) => (key.startsWith("wkd:") ? mailProblem(key.slice(4)) : undefined)),
    ...values
      .list(PGP_KEY_URL)
      .map((url) =>
        url.startsWith("wkd:")
          ? mailProblem(url.slice(4))
          : keyAddressProblem(url, pinned, values.origin(PGP_KEY_URL).name),
      ),
    ...values.list(KEYBASE).map((name) => keybaseNameProblem(name, values.origin(KEYBASE).name)),
  ];
  const unpinned = pinMissing(values);
  const lonely = pinned && ![PGP_KEY, PGP_KEY_URL, KEYBASE].some((flag) => values.isSet(flag));
  return [
    ...found.filter((problem) => problem !== undefined),
    ...(unpinned === undefined ? [] : [unpinned]),
    ...(lonely
      ? [
          usageError(
            `${values.origin(PGP_FINGERPRINT).name} stands without a key that it could be of`,
            "add --pgp-key, --pgp-key-url or --keybase",
            "fingerprint-without-key",
          ),
        ]
      : []),
  ];
}
