/** The JSON Schema of client files (draft 2020-12), with which editors complete and check them. */

import { MEMBERS_BESIDE_LIST } from "../../lib/core/client/client-list-members.ts";
import { CLIENT_FIELDS, type ClientField, CREDENTIAL_AND_SERVER_FIELDS } from "../../lib/core/client/fields.ts";
import { CLIENT_RULES } from "../../lib/core/client/rules.ts";
import {
  CLIENT_FIELD_BY_SPEC_KEY,
  MANIFEST_GROUP_PREFIX,
  MANIFEST_KIND,
  OTHER_SPEC_KEYS,
} from "../../lib/core/client/translate-manifests.ts";
import { USUAL_FIELD_VALUES } from "../../lib/core/completion/possible-values.ts";
import type { JsonObject } from "../../lib/core/json/json.ts";
import { X_HYDRA_MEMBER } from "../../lib/core/state/x-hydra-member.ts";

/** Where the schema is. */
export const CLIENT_SCHEMA_FILE = "docs/schema/client-file.schema.json";

const PLACEHOLDER = { $ref: "#/$defs/placeholder" };

const NULL = { type: "null" };

/** The fields whose values are URLs with paths of their own; the rest of the texts has no such form. */
const DURATION = "^$|^-?(?:0|(?:[0-9]+(?:\\.[0-9]*)?(?:ns|us|µs|μs|ms|s|m|h))+)$";

/** A value that a placeholder may replace, or that null resets. */
function replaceable(...schemas: readonly JsonObject[]): JsonObject {
  return { anyOf: [...schemas, PLACEHOLDER, NULL] };
}

/** Values for an editor to offer; others are valid too. */
function usualValues({ name, flag }: ClientField): JsonObject {
  const choices = flag.kind === "text" || flag.kind === "list" ? flag.choices : undefined;
  const values = USUAL_FIELD_VALUES.get(name) ?? choices ?? [];
  const usual = values.filter((value) => value !== "");
  return usual.length === 0 ? {} : { examples: usual };
}

const LIST_OF_TEXTS = { type: "array", items: { type: "string" } };

function valueSchema(field: ClientField): JsonObject {
  const usual = usualValues(field);
  switch (field.shape) {
    case "list":
      return replaceable({ type: "array", items: { type: "string", ...usual } });
    case "space-separated":
      return { anyOf: [{ type: "string" }, { ...LIST_OF_TEXTS, items: { type: "string", ...usual } }, NULL] };
    case "boolean":
      return replaceable({ type: "boolean" });
    case "json":
      return replaceable({ type: "object" });
    case "json-or-file":
      return replaceable({ $ref: "#/$defs/keySet" });
    case "duration":
      return replaceable({ type: "string", pattern: DURATION, examples: ["1h", "720h"] });
    default:
      return { type: ["string", "null"], ...usual };
  }
}

function fieldSchema(field: ClientField): readonly [string, JsonObject] {
  return [field.name, { description: field.flag.help, ...valueSchema(field) }];
}

/** Fields of an exported client that a file may have although nothing reads them. */
const IGNORED_FIELDS: readonly string[] = [
  ...CREDENTIAL_AND_SERVER_FIELDS.filter((name) => name !== "client_id" && name !== "client_secret"),
  "client_id_issued_at",
];

const SETTINGS: JsonObject = {
  description: "Settings of hydra apply, which are never sent to the server",
  type: ["object", "null"],
  additionalProperties: false,
  properties: {
    key: {
      description: "Name of the client in its stack; default: client_id, otherwise the name of the file",
      type: "string",
      minLength: 1,
    },
    secret: {
      description: "Where the secret is from; generated once if not given",
      type: "object",
      additionalProperties: false,
      properties: {
        env: { description: "Environment variable with the secret", type: "string", minLength: 1 },
        file: { description: "File with the secret, relative to this file", type: "string", minLength: 1 },
        version: {
          description: "A higher number sets the secret again",
          anyOf: [{ type: "integer", minimum: 1 }, PLACEHOLDER],
        },
      },
      oneOf: [{ required: ["env"] }, { required: ["file"] }],
    },
    protect: { description: "Never delete the client with --prune", anyOf: [{ type: "boolean" }, PLACEHOLDER] },
    ignore: {
      description: "Rules that are not checked for this client (hydra help rules)",
      anyOf: [
        {
          type: "array",
          items: { anyOf: [{ enum: [...CLIENT_RULES.map(({ name }) => name), "scope-unset"] }, PLACEHOLDER] },
        },
        PLACEHOLDER,
      ],
    },
  },
};

const CLIENT: JsonObject = {
  type: "object",
  additionalProperties: false,
  minProperties: 1,
  properties: {
    client_id: { description: "Client ID; generated if not given", type: ["string", "null"] },
    ...Object.fromEntries(CLIENT_FIELDS.map(fieldSchema)),
    [X_HYDRA_MEMBER]: SETTINGS,
    ...Object.fromEntries(
      IGNORED_FIELDS.map((name) => [name, { description: "Set by the server; ignored", deprecated: true }]),
    ),
  },
};

const ENTRY = { $ref: "#/$defs/entry" };

/** An object with a list of clients or of Kubernetes objects, which has nothing else that would be ignored. */
function listObject(name: string): JsonObject {
  return {
    properties: {
      [name]: { type: "array", items: ENTRY },
      ...Object.fromEntries(MEMBERS_BESIDE_LIST.map((key) => [key, true])),
    },
    patternProperties: { [`^x-(?!${X_HYDRA_MEMBER.slice(2)}$)`]: true },
    additionalProperties: false,
  };
}

function listBelow(name: string): JsonObject {
  return {
    if: { type: "object", required: [name] },
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
    then: listObject(name),
  };
}

const TEXT_OR_TEXTS = { anyOf: [{ type: "string" }, LIST_OF_TEXTS, NULL] };

const LIFESPANS = CLIENT_FIELDS.filter(({ name }) => name.endsWith("_token_lifespan"));

/** What hydra-maester's manifests have below `spec`. */
const SPEC: JsonObject = {
  type: "object",
  additionalProperties: false,
  properties: {
    ...Object.fromEntries(
      [...CLIENT_FIELD_BY_SPEC_KEY].map(([key, name]) => {
        const field = CLIENT_FIELDS.find((each) => each.name === name);
        return [key, field === undefined ? true : fieldSchema(field)[1]];
      }),
    ),
    ...Object.fromEntries(OTHER_SPEC_KEYS.map((key) => [key, true])),
    scope: TEXT_OR_TEXTS,
    scopeArray: TEXT_OR_TEXTS,
    secretName: { description: "Kubernetes Secret with the credentials", type: ["string", "null"] },
    tokenLifespans: {
      type: ["object", "null"],
      additionalProperties: false,
      properties: Object.fromEntries(LIFESPANS.map(fieldSchema)),
    },
  },
};

/** A Kubernetes object: a list, a manifest of hydra-maester, or one of another kind, which is skipped. */
const KUBERNETES_OBJECT: JsonObject = {
  if: { required: ["items"], properties: { kind: { pattern: "List$" }, items: { type: "array" } } },
  // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
  then: listObject("items"),
  else: {
    if: { properties: { kind: { const: MANIFEST_KIND }, apiVersion: { pattern: `^${MANIFEST_GROUP_PREFIX}|^$` } } },
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
    then: {
      required: ["metadata", "spec"],
      properties: { metadata: { type: "object", required: ["name"] }, spec: SPEC },
    },
  },
};

/** The objects that are Kubernetes objects and not clients. */
const IS_KUBERNETES: JsonObject = {
  type: "object",
  required: ["kind"],
  properties: { kind: { type: "string", minLength: 1 } },
  anyOf: [
    { required: ["apiVersion"], properties: { apiVersion: { type: "string", minLength: 1 } } },
    { required: ["spec"], properties: { spec: { type: "object" } } },
    {
      required: ["metadata"],
      properties: { metadata: { type: "object", required: ["name"], properties: { name: { type: "string" } } } },
    },
  ],
};

/** The schema: one client or manifest, a list of them, or a list under `clients` or `items`. */
function clientSchema(): JsonObject {
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "OAuth 2.0 clients for hydra apply",
    if: { type: "array" },
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
    then: { items: ENTRY },
    else: {
      if: IS_KUBERNETES,
      // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
      then: KUBERNETES_OBJECT,
      else: { ...listBelow("items"), else: { ...listBelow("clients"), else: { $ref: "#/$defs/client" } } },
    },
    $defs: {
      // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
      entry: { if: IS_KUBERNETES, then: KUBERNETES_OBJECT, else: { $ref: "#/$defs/client" } },
      client: CLIENT,
      placeholder: {
        description: "A variable: --var NAME=VALUE, or HYDRA_VAR_NAME",
        type: "string",
        pattern: "^\\s*\\$\\{\\{\\s*[A-Za-z_][A-Za-z0-9_]*\\s*\\}\\}\\s*$",
      },
      keySet: {
        description: "JSON Web Key Set (RFC 7517) with public keys",
        type: "object",
        properties: {
          keys: {
            type: ["array", "null"],
            items: { type: "object", required: ["kty"], properties: { kty: { type: "string" }, d: false, k: false } },
          },
        },
      },
    },
  };
}

/** The schema as the text of its file. */
export function clientSchemaText(): string {
  return `${JSON.stringify(clientSchema(), undefined, 2)}\n`;
}
