import { KEYBASE, PGP_FINGERPRINT, PGP_KEY, PGP_KEY_URL, REQUIRE_PIN } from "../flags/credential-flags.ts";
import type { Flag } from "../flags/flag.ts";
import type { FlagValues } from "../flags/parsed-flag-values.ts";
import { type Problem, usageErrorIf } from "../problem.ts";
import { urlWithoutSecrets } from "../redact.ts";
import { escapeControls } from "../text.ts";
import { findKeybaseNameProblem, findKeyUrlProblem, type KeyFlagOrArgument } from "./key-address-checks.ts";
import { findKeyOwnerNameProblem, isLookedUpByName, normalizeKeybaseName, parseKeySource } from "./parse-key-source.ts";
import { findMalformedPinProblem } from "./recipient.ts";

/** The keys that are fetched from the network, as specified: the server decides which key it is, unless it is pinned. */
function flagsWithFetchedKeys(values: FlagValues): readonly string[] {
  return [
    ...values
      .list(PGP_KEY)
      .flatMap((key) => (isLookedUpByName(parseKeySource(key)) ? [`--${PGP_KEY.name} ${key}`] : [])),
    ...values.list(PGP_KEY_URL).map((url) => `${values.origin(PGP_KEY_URL).name} ${urlWithoutSecrets(url)}`),
    ...values.list(KEYBASE).map((name) => `${values.origin(KEYBASE).name} ${name}`),
  ];
}

/** The problem for a fetched key without a fingerprint if one is required. */
function missingPinProblems(values: FlagValues): readonly Problem[] {
  const [first] = flagsWithFetchedKeys(values);
  return usageErrorIf(
    values.bool(REQUIRE_PIN) && first !== undefined && !values.isSet(PGP_FINGERPRINT),
    `Cannot use the key of ${escapeControls(first ?? "")}: it is fetched, and ${values.origin(REQUIRE_PIN).name} requires a fingerprint`,
    `confirm the fingerprint with the owner through another channel and add --${PGP_FINGERPRINT.name}`,
    "pin-required",
  );
}

/** All problems of the recipient flags that can be found before any key is fetched. */
export function pgpRecipientFlagProblems(values: FlagValues): readonly Problem[] {
  const pins = values.list(PGP_FINGERPRINT);
  const pinned = pins.length > 0;
  const originOf = (flag: Flag): KeyFlagOrArgument => ({ name: values.origin(flag).name, isFlag: true });
  const found: readonly (Problem | undefined)[] = [
    ...pins.map((pin) => findMalformedPinProblem(pin, values.origin(PGP_FINGERPRINT).name)),
    ...values.list(PGP_KEY).map((key) => findKeyOwnerNameProblem(parseKeySource(key), originOf(PGP_KEY))),
    ...values.list(PGP_KEY_URL).map((url) => {
      const source = parseKeySource(url);
      const origin = originOf(PGP_KEY_URL);
      return isLookedUpByName(source)
        ? findKeyOwnerNameProblem(source, origin)
        : findKeyUrlProblem(url, pinned, origin);
    }),
    ...values.list(KEYBASE).map((name) => findKeybaseNameProblem(normalizeKeybaseName(name), originOf(KEYBASE))),
  ];
  const lacksKey = pinned && ![PGP_KEY, PGP_KEY_URL, KEYBASE].some((flag) => values.isSet(flag));
  return [
    ...found.filter((problem) => problem !== undefined),
    ...missingPinProblems(values),
    ...usageErrorIf(
      lacksKey,
      `${values.origin(PGP_FINGERPRINT).name} requires a key`,
      "add --pgp-key, --pgp-key-url or --keybase",
      "fingerprint-without-key",
    ),
  ];
}
