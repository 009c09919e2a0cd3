/** The JSON Schema of client files (draft 2020-12), with which editors complete and check them. */

import { CLIENT_FIELDS, type Field, SERVER_FIELDS } from "../../lib/core/client/fields.ts";
import { RULE_INFOS } from "../../lib/core/client/rules.ts";
import { USUAL_VALUES } from "../../lib/core/completion/values.ts";
import type { JsonObject } from "../../lib/core/json.ts";
import { FILE_MEMBER } from "../../lib/core/state/file-member.ts";

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
function usualValues({ name, flag }: Field): JsonObject {
  const choices = flag.kind === "text" || flag.kind === "list" ? flag.choices : undefined;
  const values = USUAL_VALUES.get(name) ?? choices ?? [];
  const usual = values.filter((value) => value !== "");
  return usual.length === 0 ? {} : { examples: usual };
}

const LIST_OF_TEXTS = { type: "array", items: { type: "string" } };

function valueSchema(field: Field): JsonObject {
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

function fieldSchema(field: Field): readonly [string, JsonObject] {
  return [field.name, { description: field.flag.help, ...valueSchema(field) }];
}

/** Fields of an exported client that a file may have although nothing reads them. */
const IGNORED_FIELDS: readonly string[] = [
  ...SERVER_FIELDS.filter((name) => name !== "client_id" && name !== "client_secret"),
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
        version: { description: "A higher number sets the secret again", type: "integer", minimum: 1 },
      },
      oneOf: [{ required: ["env"] }, { required: ["file"] }],
    },
    protect: { description: "Never delete the client with --prune", anyOf: [{ type: "boolean" }, PLACEHOLDER] },
    ignore: {
      description: "Rules that are not checked for this client (hydra help rules)",
      type: "array",
      items: { anyOf: [{ enum: [...RULE_INFOS.map(({ name }) => name), "scope-unset"] }, PLACEHOLDER] },
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
    [FILE_MEMBER]: SETTINGS,
    ...Object.fromEntries(
      IGNORED_FIELDS.map((name) => [name, { description: "Set by the server; ignored", deprecated: true }]),
    ),
  },
};

function listBelow(name: string): JsonObject {
  return {
    if: { type: "object", required: [name] },
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
    then: { properties: { [name]: { type: "array", items: { $ref: "#/$defs/client" } } } },
  };
}

/** The schema: one client, a list of clients, or a list below `clients` or `items`. */
function clientSchema(): JsonObject {
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "OAuth 2.0 clients for hydra apply",
    if: { type: "array" },
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
    then: { items: { $ref: "#/$defs/client" } },
    else: { ...listBelow("clients"), else: { ...listBelow("items"), else: { $ref: "#/$defs/client" } } },
    $defs: {
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
