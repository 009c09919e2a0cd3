import { isLoopback } from "./address.ts";
import { type Client, isEmpty, isPublic, type Label, listField, textField } from "./client.ts";
import { Problem, sentence } from "./problem.ts";
import { SECRET_ALPHABET, SECRET_BCRYPT_BYTES, SECRET_SHORTEST } from "./secret.ts";
import { quoted } from "./text.ts";

/** What a rule found in a client. */
export interface Finding {
  /** Stable name of the rule, for scripts and for looking it up. */
  readonly rule: string;
  readonly severity: "error" | "warning";
  readonly message: string;
  readonly hint: string;
}

interface Rule {
  readonly name: string;
  readonly severity: Finding["severity"];
  readonly hint: string;
  /** The messages of what is wrong, none when all is well. */
  readonly find: (client: Client, label: Label) => readonly string[];
}

function parsed(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}

function place(url: URL): string {
  return `${url.protocol}//${url.host}`;
}

function uses(client: Client, grant: string): boolean {
  return listField(client, "grant_types").includes(grant);
}

function noAddress(fields: readonly string[]): Rule["find"] {
  return (client, label) =>
    fields.flatMap((field) => {
      const text = textField(client, field) ?? "";
      return text === "" || parsed(text) !== undefined ? [] : [`${label(field)} ${quoted(text)} is not an address`];
    });
}

const utf8 = new TextEncoder();

/**
 * The rules that the servers apply (`client/validator.go` of Hydra), found here before anything is sent, and settings
 * that are legal and often regretted.
 */
const RULES: readonly Rule[] = [
  {
    name: "secret-too-short",
    severity: "error",
    hint: `give at least ${SECRET_SHORTEST} characters, or leave the secret out and a strong one is made`,
    find: (client, label) =>
      !isEmpty(client["client_secret"]) && [...(textField(client, "client_secret") ?? "")].length < SECRET_SHORTEST
        ? [`${label("client_secret")} is shorter than ${SECRET_SHORTEST} characters`]
        : [],
  },
  {
    name: "jwks-and-jwks-uri",
    severity: "error",
    hint: "give the keys themselves or their address, not both",
    find: (client, label) =>
      isEmpty(client["jwks"]) || isEmpty(client["jwks_uri"]) || isNoKeySet(client["jwks"])
        ? []
        : [`${label("jwks")} and ${label("jwks_uri")} exclude each other`],
  },
  {
    name: "private-key-jwt-without-keys",
    severity: "error",
    hint: "give the client's public keys with --jwks or --jwks-uri",
    find: (client, label) =>
      client["token_endpoint_auth_method"] === "private_key_jwt" &&
      isEmpty(client["jwks_uri"]) &&
      (isEmpty(client["jwks"]) || isNoKeySet(client["jwks"]))
        ? [`${label("token_endpoint_auth_method")} "private_key_jwt" needs public keys`]
        : [],
  },
  {
    name: "redirect-uri-fragment",
    severity: "error",
    hint: "leave out the # and what follows it (RFC 6749, 3.1.2)",
    find: (client, label) =>
      listField(client, "redirect_uris")
        .filter((uri) => uri.includes("#"))
        .map((uri) => `${label("redirect_uris")} ${quoted(uri)} has a fragment`),
  },
  {
    name: "post-logout-uri-mismatch",
    severity: "error",
    hint: "use the scheme, host and port of one of the redirect URIs",
    find(client, label) {
      const places = new Set(
        listField(client, "redirect_uris").flatMap((uri) =>
          parsed(uri)?.href === undefined ? [] : [place(new URL(uri))],
        ),
      );
      return listField(client, "post_logout_redirect_uris")
        .filter((uri) => {
          const url = parsed(uri);
          return url === undefined || !places.has(place(url));
        })
        .map((uri) => `${label("post_logout_redirect_uris")} ${quoted(uri)} is at the place of no redirect URI`);
    },
  },
  {
    name: "cors-origin",
    severity: "error",
    hint: "write scheme, host and port alone, such as https://app.example.com",
    find: (client, label) =>
      listField(client, "allowed_cors_origins")
        .filter((origin) => {
          if (origin.includes("*")) return false;
          const url = parsed(origin);
          return (
            url === undefined ||
            !/^https?:$/.test(url.protocol) ||
            url.pathname !== "/" ||
            origin.endsWith("/") ||
            url.search !== "" ||
            url.hash !== "" ||
            url.username !== ""
          );
        })
        .map((origin) => `${label("allowed_cors_origins")} ${quoted(origin)} is not an origin`),
  },
  {
    name: "sector-identifier-uri-https",
    severity: "error",
    hint: "give an https address (OpenID Connect Registration, section 5)",
    find(client, label) {
      const text = textField(client, "sector_identifier_uri") ?? "";
      return text === "" || parsed(text)?.protocol === "https:"
        ? []
        : [`${label("sector_identifier_uri")} ${quoted(text)} is not an https address`];
    },
  },
  {
    name: "no-callback",
    severity: "warning",
    hint: "add --callbacks, or nobody can sign in with this client",
    find: (client) =>
      (uses(client, "authorization_code") || uses(client, "implicit")) &&
      listField(client, "redirect_uris").length === 0
        ? ["the client uses a browser grant and has no redirect URI"]
        : [],
  },
  {
    name: "redirect-uri-relative",
    severity: "warning",
    hint: "give a whole address with its scheme",
    find: (client, label) =>
      listField(client, "redirect_uris")
        .filter((uri) => parsed(uri) === undefined)
        .map(
          (uri) => `${label("redirect_uris")} ${quoted(uri)} is not an absolute address, which no sign-in can match`,
        ),
  },
  {
    name: "redirect-uri-plain-http",
    severity: "warning",
    hint: "use https: the authorization code passes through this address",
    find: (client, label) =>
      listField(client, "redirect_uris")
        .filter((uri) => {
          const url = parsed(uri);
          return url?.protocol === "http:" && !isLoopback(url.hostname);
        })
        .map((uri) => `${label("redirect_uris")} ${quoted(uri)} is plain http to another machine`),
  },
  {
    name: "redirect-uri-wildcard",
    severity: "warning",
    hint: "name each address: redirect URIs are compared as they stand (RFC 9700, 2.1)",
    find: (client, label) =>
      listField(client, "redirect_uris")
        .filter((uri) => uri.includes("*"))
        .map((uri) => `${label("redirect_uris")} ${quoted(uri)} has a *, which stands for nothing`),
  },
  {
    name: "implicit-grant",
    severity: "warning",
    hint: "use authorization_code with PKCE (RFC 9700, 2.1.2)",
    find: (client, label) =>
      uses(client, "implicit") ? [`${label("grant_types")} "implicit" hands tokens through the browser's address`] : [],
  },
  {
    name: "public-client-credentials",
    severity: "warning",
    hint: "use another --token-endpoint-auth-method for client_credentials",
    find: (client) =>
      isPublic(client) && uses(client, "client_credentials")
        ? ["a client without a secret can not use the client_credentials grant"]
        : [],
  },
  {
    name: "cors-origin-wildcard",
    severity: "warning",
    hint: "name the origins that need it",
    find: (client, label) =>
      listField(client, "allowed_cors_origins")
        .filter((origin) => origin.includes("*"))
        .map(
          (origin) => `${label("allowed_cors_origins")} ${quoted(origin)} lets pages of others call the token endpoint`,
        ),
  },
  {
    name: "not-an-address",
    severity: "warning",
    hint: "give a whole address, such as https://app.example.com/logo.png",
    find: noAddress([
      "client_uri",
      "logo_uri",
      "policy_uri",
      "tos_uri",
      "jwks_uri",
      "frontchannel_logout_uri",
      "backchannel_logout_uri",
    ]),
  },
  {
    name: "secret-too-long",
    severity: "warning",
    hint: "give a shorter one: the server compares the first 72 bytes, or refuses it",
    find: (client, label) =>
      utf8.encode(textField(client, "client_secret") ?? "").length > SECRET_BCRYPT_BYTES
        ? [`${label("client_secret")} is longer than ${SECRET_BCRYPT_BYTES} bytes`]
        : [],
  },
  {
    name: "secret-characters",
    severity: "warning",
    hint: "use letters, digits and - . _ ~ alone: many libraries send other characters wrongly in Basic credentials",
    find: (client, label) =>
      [...(textField(client, "client_secret") ?? "")].some((letter) => !SECRET_ALPHABET.includes(letter))
        ? [`${label("client_secret")} has characters that need encoding`]
        : [],
  },
];

function isNoKeySet(jwks: unknown): boolean {
  return typeof jwks === "object" && jwks !== null && Object.keys(jwks).length === 0;
}

/** The names of all rules with their severity, for the manual. */
export const RULE_NAMES: readonly {
  readonly name: string;
  readonly severity: Finding["severity"];
  readonly hint: string;
}[] = RULES.map(({ name, severity, hint }) => ({ name, severity, hint }));

/** All that the rules find in a client, errors and warnings. */
export function judge(client: Client, label: Label): readonly Finding[] {
  return RULES.flatMap((rule) =>
    rule.find(client, label).map((message) => ({ rule: rule.name, severity: rule.severity, message, hint: rule.hint })),
  );
}

/** A finding as the usage error that it is, or that `--strict` makes it. */
export function findingProblem(finding: Finding): Problem {
  return new Problem(sentence(finding.message), { code: finding.rule, exit: "usage", hint: finding.hint });
}
