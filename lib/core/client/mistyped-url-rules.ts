import type { JsonObject } from "../json/json.ts";
import { isWithinOneEdit, quote } from "../text.ts";
import { isLoopbackHost } from "../url-checks.ts";
import { type FieldLabeler, getListField, getTextField, isPublic } from "./client.ts";
import { CLIENT_FIELDS } from "./fields.ts";
import { replacementHint } from "./finding-text.ts";
import type { ClientUrl, RuleFindingOrList } from "./rule-types.ts";
import { unreplacedPlaceholderInUrl } from "./unreplaced-placeholders.ts";

/** Every field that holds one URL or several. */
const URL_FIELDS = CLIENT_FIELDS.map(({ name }) => name).filter((name) => /_(?:uris?|origins)$/.test(name));

export function urlsOf(client: JsonObject): readonly ClientUrl[] {
  return URL_FIELDS.flatMap((field) =>
    [getTextField(client, field) ?? "", ...getListField(client, field)]
      .filter((url) => url !== "")
      .map((url) => ({ field, url })),
  );
}

/** The URL that one without a scheme means. */
function withGuessedScheme(url: string): string {
  const host = /^\[[^\]]*\]|^[^:/?#]*/.exec(url)?.[0] ?? "";
  return `${isLoopbackHost(host) ? "http" : "https"}://${url}`;
}

/**
 * Corrects a URL that begins with its host, with a misspelled scheme, or without the slashes after it; undefined if there
 * is nothing to correct.
 */
function correctUrlScheme(url: string): string | undefined {
  if (/^[a-z\d.-]+:\d{1,5}(?:[/?]|$)/i.test(url)) return withGuessedScheme(url);
  const [begin = "", scheme = "", slashes = ""] = /^([a-z][a-z\d+.-]{0,40}):(\/{0,2})/i.exec(url) ?? [];
  const rest = url.slice(begin.length);
  const meant = ["https", "http"].find((known) => known === scheme.toLowerCase()) ?? nearScheme(scheme, slashes);
  const isRight = slashes === "//" && meant === scheme.toLowerCase();
  return meant === undefined || isRight || rest === "" ? undefined : `${meant}://${rest}`;
}

/** The scheme of the web that a misspelled one means; only in front of a host, where no app has a scheme of its own so near. */
function nearScheme(scheme: string, slashes: string): string | undefined {
  if (slashes !== "//") return undefined;
  return ["https", "http"].find((known) => isWithinOneEdit(scheme.toLowerCase(), known));
}

export function findUrlsWithoutScheme(urls: readonly ClientUrl[]): RuleFindingOrList {
  return urls.flatMap(({ field, url }) => {
    const corrected = correctUrlScheme(url);
    return corrected === undefined || field === "allowed_cors_origins"
      ? []
      : {
          field,
          text: `${quote(url)} doesn't begin with http:// or https://`,
          hint: `write ${quote(corrected)}`,
        };
  });
}

export function findRedirectUrisInOneValue(client: JsonObject, label: FieldLabeler): RuleFindingOrList {
  return getListField(client, "redirect_uris").flatMap((uri) => {
    if (!/\s|[,;][a-z][a-z\d+.-]{0,30}:/i.test(uri)) return [];
    const parts = uri.split(/\s+|[,;](?=[a-z][a-z\d+.-]{0,30}:)/i).filter((part) => part !== "");
    const several = parts.length > 1 && parts.every((part) => /^[a-z][a-z\d+.-]*:/i.test(part));
    return {
      field: "redirect_uris",
      text: `${quote(uri)} ${several ? "is one value, not several" : "contains a space"}`,
      hint: several ? replacementHint("redirect_uris", label, parts) : "write %20 for a space, or remove it",
    };
  });
}

export function findLocalhostWithoutPortOfPublicClient(client: JsonObject): RuleFindingOrList {
  if (!isPublic(client)) return [];
  return getListField(client, "redirect_uris").flatMap((uri) => {
    const host = /^http:\/\/localhost(?=[/?#]|$)/i.exec(uri)?.[0];
    if (host === undefined) return [];
    return {
      field: "redirect_uris",
      text: `${quote(uri)} allows only port 80`,
      hint: `write ${quote(`http://127.0.0.1${uri.slice(host.length)}`)}, which allows any port (RFC 8252, section 7.3), or add the port`,
    };
  });
}

export function findPlaceholdersInUrls(urls: readonly ClientUrl[]): RuleFindingOrList {
  return urls.flatMap(({ field, url }) => {
    const found = unreplacedPlaceholderInUrl(url);
    if (found === undefined) return [];
    return {
      field,
      text: `${quote(url)} contains the placeholder ${quote(found)}`,
      hint: `replace ${quote(found)} with its value before the client is sent`,
    };
  });
}
