import { type Problem, usageError } from "../problem.ts";
import { urlWithoutSecrets } from "../redact.ts";
import { escapeControls, quote } from "../text.ts";
import { mayFetchPgpKeyFrom, parseHttpUrl } from "../url-checks.ts";

/** Where a key is named: what messages call the place, and whether it is a flag, so that others can be added. */
export interface KeyFlagOrArgument {
  readonly name: string;
  readonly isFlag: boolean;
}

/** The hint for a key over plain http; a fingerprint can only be pinned if the key comes from a flag. */
export function plainHttpHint({ isFlag }: Pick<KeyFlagOrArgument, "isFlag">): string {
  return isFlag
    ? "use https, or pin the key with --pgp-fingerprint"
    : "use https, or get the key through a trusted channel and pass it as @FILE";
}

/** The problem for a key that is fetched over plain http. */
export function plainHttpProblem(action: string, url: string, origin: KeyFlagOrArgument): Problem {
  return usageError(
    `${action}: ${escapeControls(urlWithoutSecrets(url))} uses plain http, so anyone on the network path could replace the key`,
    plainHttpHint(origin),
    "plain-http",
  );
}

/** What is wrong with the URL of a key, or undefined; `pinned` means that the key's fingerprint is known. */
export function findKeyUrlProblem(address: string, pinned: boolean, origin: KeyFlagOrArgument): Problem | undefined {
  const shown = `${origin.name} ${quote(urlWithoutSecrets(address))}`;
  const url = parseHttpUrl(address);
  if (url === undefined) {
    return usageError(
      `Invalid ${shown}: it is not an http or https URL`,
      "use a full URL, such as https://example.com/key.asc",
      "bad-address",
    );
  }
  return mayFetchPgpKeyFrom(url, pinned)
    ? undefined
    : plainHttpProblem(`Cannot fetch the key of ${shown}`, url.href, origin);
}

/** An email address split into its parts, the domain as in DNS; or what is wrong with it. */
export function splitMailAddressOrProblem(
  address: string,
): { readonly local: string; readonly domain: string } | Problem {
  const at = address.lastIndexOf("@");
  const local = address.slice(0, Math.max(at, 0));
  const host = address.slice(at + 1);
  const url =
    /^[^\s/?#@:\\[\]%]+$/.test(host) && URL.canParse(`https://${host}`) ? new URL(`https://${host}`) : undefined;
  if (url === undefined || local === "" || /[\s@\p{Cc}]/u.test(local)) {
    return usageError(
      `Invalid wkd:${quote(address)}: it is not an email address`,
      "use wkd:user@example.com",
      "wkd-address",
    );
  }
  return { local, domain: url.hostname };
}

/** What is wrong with a Keybase user name, or undefined. */
export function findKeybaseNameProblem(name: string, origin: KeyFlagOrArgument): Problem | undefined {
  if (/^[A-Za-z0-9_]+$/.test(name)) return undefined;
  return usageError(
    `Invalid ${origin.name} ${quote(name)}: Keybase names consist of letters, digits and underscores`,
    origin.isFlag ? "use one name; repeat the flag for more" : "use keybase:alice, for example",
    "keybase-name",
  );
}
