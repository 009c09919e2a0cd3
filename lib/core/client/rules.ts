import { parseDuration } from "../duration.ts";
import { capitalize, Problem, type ProblemCode } from "../problem.ts";
import { SECRET_ALPHABET, SECRET_BCRYPT_BYTES, SECRET_SHORTEST } from "../secret.ts";
import { quote } from "../text.ts";
import { isLoopback } from "../url.ts";
import { type Client, isEmpty, isPublic, isRecord, type Label, listField, textField } from "./client.ts";
import { FIELDS, type Field } from "./fields.ts";
import { PRIVATE_MEMBERS } from "./jwk.ts";

/** What a rule found in a client. */
export interface LintFinding {
  /** Stable name of the rule, for scripts and for looking it up. */
  readonly rule: ProblemCode;
  readonly severity: "error" | "warning";
  readonly message: string;
  readonly hint: string;
}

interface Rule {
  readonly name: ProblemCode;
  readonly severity: LintFinding["severity"];
  readonly hint: string;
  /** The messages of what is wrong, none when all is well. */
  readonly find: (client: Client, label: Label) => readonly string[];
}

function parsed(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}

/** Scheme, host and port as they stand: the servers compare the texts, so that `:443` behind https makes a difference. */
function place(address: string): string | undefined {
  const [whole, scheme = "", host = ""] = /^([a-z][a-z\d+.-]*):(?:\/\/(?:[^/?#@]*@)?([^/?#]*))?/i.exec(address) ?? [];
  return whole === undefined ? undefined : `${scheme.toLowerCase()}://${host}`;
}

/** What a value of a field must be, in words; undefined where it is that. */
function typeMismatch({ shape, flag }: Field, value: unknown): string | undefined {
  switch (shape) {
    case "list":
      return Array.isArray(value) && value.every((item) => typeof item === "string") ? undefined : "a list of texts";
    case "boolean":
      return typeof value === "boolean" ? undefined : "true or false";
    case "json":
      return undefined;
    case "json-or-file":
      return isRecord(value) ? undefined : "an object";
    case "duration":
      return typeof value === "string" && parseDuration(value) !== undefined ? undefined : "a lifespan such as 1h30m";
    default:
      if (typeof value !== "string") return "a text";
      return ENUM_FLAGS.has(flag.name) &&
        flag.kind === "text" &&
        flag.choices?.includes(value) === false &&
        value !== ""
        ? `one of ${flag.choices.filter((choice) => choice !== "").join(", ")}`
        : undefined;
  }
}

/** Flags whose choices are all that the servers take. */
const ENUM_FLAGS: ReadonlySet<string> = new Set(["subject-type", "access-token-strategy"]);

function uses(client: Client, grant: string): boolean {
  return listField(client, "grant_types").includes(grant);
}

function noAddress(fields: readonly string[]): Rule["find"] {
  return (client, label) =>
    fields.flatMap((field) => {
      const text = textField(client, field) ?? "";
      return text === "" || parsed(text) !== undefined ? [] : [`${label(field)} ${quote(text)} is not an address`];
    });
}

const utf8 = new TextEncoder();

/** The algorithms of private_key_jwt that every Hydra takes. */
const ASSERTION_ALGORITHMS: readonly string[] = ["RS", "PS", "ES"].flatMap((family) =>
  [256, 384, 512].map((bits) => `${family}${bits}`),
);

/** The keys of a JSON Web Key Set (RFC 7517, section 5). */
function keysOf(jwks: unknown): readonly Client[] {
  return isRecord(jwks) && Array.isArray(jwks["keys"]) ? jwks["keys"].filter(isRecord) : [];
}

/**
 * The rules that the servers apply (`client/validator.go` of Hydra), found here before anything is sent, and settings
 * that are legal and often regretted.
 */
const RULES: readonly Rule[] = [
  {
    name: "field-type",
    severity: "error",
    hint: "mend the value: a text stands in double quotes in JSON, a list in brackets",
    find: (client, label) => [
      ...["client_id", "client_secret"].flatMap((field) =>
        isEmpty(client[field]) || typeof client[field] === "string" ? [] : [`${label(field)} is not a text`],
      ),
      ...FIELDS.flatMap((field) => {
        const value = client[field.name];
        const wanted = value === undefined || value === null ? undefined : typeMismatch(field, value);
        return wanted === undefined ? [] : [`${label(field.name)} is not ${wanted}`];
      }),
    ],
  },
  {
    name: "client-id-dots",
    severity: "error",
    hint: "choose another id: in the path of a request these dots mean a folder, so no server could be asked for it",
    find: (client, label) =>
      client["client_id"] === "." || client["client_id"] === ".."
        ? [`${label("client_id")} ${quote(client["client_id"])} cannot be an id`]
        : [],
  },
  {
    name: "client-id-slash",
    severity: "warning",
    hint: "choose an id without a slash: Hydra up to 2.3 makes such a client and never finds it again",
    find: (client, label) => {
      const id = textField(client, "client_id") ?? "";
      return id.includes("/") ? [`${label("client_id")} ${quote(id)} has a slash`] : [];
    },
  },
  {
    name: "secret-too-short",
    severity: "error",
    hint: `give at least ${SECRET_SHORTEST} characters, or leave the secret out and a strong one is made`,
    find: (client, label) =>
      typeof client["client_secret"] === "string" &&
      !isEmpty(client["client_secret"]) &&
      [...(textField(client, "client_secret") ?? "")].length < SECRET_SHORTEST
        ? [`${label("client_secret")} is shorter than ${SECRET_SHORTEST} characters`]
        : [],
  },
  {
    name: "jwks-and-jwks-uri",
    severity: "error",
    hint: "give the keys themselves or their address, not both",
    find: (client, label) =>
      isEmpty(client["jwks"]) || isEmpty(client["jwks_uri"]) || isEmptyKeySet(client["jwks"])
        ? []
        : [`${label("jwks")} and ${label("jwks_uri")} exclude each other`],
  },
  {
    name: "jwks-private-key",
    severity: "error",
    hint: `give the public part alone: leave out ${PRIVATE_MEMBERS.join(", ")}`,
    find: (client, label) =>
      keysOf(client["jwks"]).flatMap((key, at) => {
        const found = PRIVATE_MEMBERS.filter((member) => Object.hasOwn(key, member));
        return found.length === 0
          ? []
          : [`${label("jwks")} holds the private part of key ${at + 1} (${found.join(", ")})`];
      }),
  },
  {
    name: "private-key-jwt-without-keys",
    severity: "error",
    hint: "give the client's public keys with --jwks or --jwks-uri",
    find: (client, label) =>
      client["token_endpoint_auth_method"] === "private_key_jwt" &&
      isEmpty(client["jwks_uri"]) &&
      (isEmpty(client["jwks"]) || isEmptyKeySet(client["jwks"]))
        ? [`${label("token_endpoint_auth_method")} "private_key_jwt" needs public keys`]
        : [],
  },
  {
    name: "assertion-algorithm",
    severity: "error",
    hint: `the servers take ${ASSERTION_ALGORITHMS.join(", ")}`,
    find(client, label) {
      const algorithm = textField(client, "token_endpoint_auth_signing_alg") ?? "";
      return client["token_endpoint_auth_method"] !== "private_key_jwt" ||
        algorithm === "" ||
        ASSERTION_ALGORITHMS.includes(algorithm)
        ? []
        : [`${label("token_endpoint_auth_signing_alg")} ${quote(algorithm)} signs no assertion that a server takes`];
    },
  },
  {
    name: "userinfo-algorithm",
    severity: "error",
    hint: "the servers take RS256, or none for an answer that is not signed",
    find(client, label) {
      const algorithm = textField(client, "userinfo_signed_response_alg") ?? "";
      return ["", "none", "RS256"].includes(algorithm)
        ? []
        : [`${label("userinfo_signed_response_alg")} ${quote(algorithm)} signs no answer of a server`];
    },
  },
  {
    name: "redirect-uri-fragment",
    severity: "error",
    hint: "leave out the # and what follows it (RFC 6749, 3.1.2)",
    find: (client, label) =>
      listField(client, "redirect_uris")
        .filter((uri) => uri.includes("#"))
        .map((uri) => `${label("redirect_uris")} ${quote(uri)} has a fragment`),
  },
  {
    name: "post-logout-uri-mismatch",
    severity: "error",
    hint: "use the scheme, host and port of one of the redirect URIs, as they stand there",
    find(client, label) {
      const places = new Set(listField(client, "redirect_uris").map(place));
      return listField(client, "post_logout_redirect_uris")
        .filter((uri) => !places.has(place(uri)))
        .map((uri) => `${label("post_logout_redirect_uris")} ${quote(uri)} is at the place of no redirect URI`);
    },
  },
  {
    name: "cors-origin",
    severity: "error",
    hint: "write scheme, host and port alone, such as https://app.example.com",
    find: (client, label) =>
      listField(client, "allowed_cors_origins")
        .filter((origin) => {
          const url = parsed(origin.replaceAll("*", "x"));
          return (
            url === undefined ||
            !/^https?:$/.test(url.protocol) ||
            url.pathname !== "/" ||
            url.search !== "" ||
            url.hash !== "" ||
            url.username !== ""
          );
        })
        .map((origin) => `${label("allowed_cors_origins")} ${quote(origin)} is not an origin`),
  },
  {
    name: "sector-identifier-uri-https",
    severity: "error",
    hint: "give an https address (OpenID Connect Registration, section 5)",
    find(client, label) {
      const text = textField(client, "sector_identifier_uri") ?? "";
      return text === "" || parsed(text)?.protocol === "https:"
        ? []
        : [`${label("sector_identifier_uri")} ${quote(text)} is not an https address`];
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
    name: "redirect-uri-not-an-address",
    severity: "error",
    hint: "give a whole address with its scheme, such as https://app.example.com/cb",
    find: (client, label) =>
      listField(client, "redirect_uris")
        .filter((uri) => !uri.startsWith("/") && !/^[a-z][a-z\d+.-]*:(?!\/\/[^/?#]*\s)/i.test(uri))
        .map((uri) => `${label("redirect_uris")} ${quote(uri)} is not an address`),
  },
  {
    name: "redirect-uri-relative",
    severity: "warning",
    hint: "give a whole address: a scheme, a host, and a port that there is",
    find: (client, label) =>
      listField(client, "redirect_uris")
        .filter((uri) => uri.startsWith("/") || (/^[a-z][a-z\d+.-]*:\S*$/i.test(uri) && parsed(uri) === undefined))
        .map((uri) => `${label("redirect_uris")} ${quote(uri)} is not an absolute address, which no sign-in can match`),
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
        .map((uri) => `${label("redirect_uris")} ${quote(uri)} is plain http to another machine`),
  },
  {
    name: "redirect-uri-script",
    severity: "warning",
    hint: "use https, or a scheme of the app's own",
    find: (client, label) =>
      listField(client, "redirect_uris")
        .filter((uri) => /^(?:javascript|data|vbscript):/i.test(uri))
        .map((uri) => `${label("redirect_uris")} ${quote(uri)} runs as code in a browser`),
  },
  {
    name: "redirect-uri-wildcard",
    severity: "warning",
    hint: "name each address: redirect URIs are compared as they stand (RFC 9700, 2.1)",
    find: (client, label) =>
      listField(client, "redirect_uris")
        .filter((uri) => uri.includes("*"))
        .map((uri) => `${label("redirect_uris")} ${quote(uri)} has a *, which stands for nothing`),
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
          (origin) => `${label("allowed_cors_origins")} ${quote(origin)} lets pages of others call the token endpoint`,
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

function isEmptyKeySet(jwks: unknown): boolean {
  return typeof jwks === "object" && jwks !== null && Object.keys(jwks).length === 0;
}

/** The names of all rules with their severity, for the manual. */
export const RULE_NAMES: readonly {
  readonly name: string;
  readonly severity: LintFinding["severity"];
  readonly hint: string;
}[] = RULES.map(({ name, severity, hint }) => ({ name, severity, hint }));

/** All that the rules find in a client, errors and warnings. */
export function lint(client: Client, label: Label): readonly LintFinding[] {
  return RULES.flatMap((rule) =>
    rule.find(client, label).map((message) => ({ rule: rule.name, severity: rule.severity, message, hint: rule.hint })),
  );
}

/** A finding as the usage error that it is, or that `--strict` makes it. */
export function findingProblem(finding: LintFinding): Problem {
  return new Problem(capitalize(finding.message), { code: finding.rule, exit: "usage", hint: finding.hint });
}
