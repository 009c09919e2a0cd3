import { type CommandDef, defineCommand } from "citty";
import type { Group } from "../command.ts";
import type { SyntaxVersion } from "../core/flags/flag.ts";

/** Loads the module of a command, which is its default export. */
type CommandLoader = () => Promise<{ readonly default: CommandDef }>;

type Children = Readonly<Record<string, CommandDef | CommandLoader>>;

function defineGroup(
  name: string,
  summary: string,
  syntax: SyntaxVersion,
  children: Children,
  aliases: Readonly<Record<string, string>> = {},
): Group {
  const subCommands = Object.assign(Object.create(null), children);
  return Object.assign(defineCommand({ meta: { name, description: summary }, subCommands }), {
    group: { summary, syntax, aliases: Object.assign(Object.create(null), aliases) },
  });
}

/** A command that the help of the program lists, with its summary, so that the list loads none of them. */
function withSummary(summary: string, load: CommandLoader): CommandLoader {
  return Object.assign(load, { summary });
}

const create = () => import("./clients/create.ts");

const get = () => import("./clients/get.ts");

const show = () => import("./clients/show.ts");

const list = () => import("./clients/list.ts");

const update = () => import("./clients/update.ts");

const remove = () => import("./clients/delete.ts");

const importClients = () => import("./clients/import.ts");

const apply = withSummary(
  "Create, change and delete clients to match client files",
  () => import("./clients/apply.ts"),
);

const diff = withSummary("Compare client files with the server", () => import("./clients/diff.ts"));

const rotateSecret = () => import("./clients/rotate-secret.ts");

const testClient = () => import("./clients/test.ts");
const exportClients = withSummary("Export clients as files for hydra apply", () => import("./clients/export.ts"));

const pgpInspect = () => import("./pgp/inspect.ts");

const clientCredentials = () => import("./token/client-credentials.ts");

const authorizationCode = () => import("./token/authorization-code.ts");

const deviceCode = () => import("./token/device-code.ts");

const introspect = () => import("./token/introspect.ts");

const revoke = () => import("./token/revoke.ts");

const deleteTokens = () => import("./token/delete.ts");

const flush = () => import("./token/flush.ts");

const decode = () => import("./token/decode.ts");

const createKey = () => import("./keys/create.ts");

const getKeys = () => import("./keys/get.ts");

const importKeys = () => import("./keys/import.ts");

const rotateKeys = () => import("./keys/rotate.ts");

const deleteKeys = () => import("./keys/delete.ts");

const wait = withSummary("Wait until the server is ready", () => import("./wait.ts"));

const sandbox = withSummary("Run an in-memory Hydra for testing", () => import("./sandbox.ts"));

const completion = withSummary("Print a shell completion script", () => import("./completion.ts"));

const version = withSummary("Print the version of this program, and of the server", () => import("./version.ts"));

/** The other names of commands, as Hydra's own CLI and other tools have them. */
const COMMAND_ALIASES = { ls: "list", rm: "delete", new: "create" };

/** The other names of a client in the 2.x syntax. */
const CLIENT_ALIASES = { client: "oauth2-client", clients: "oauth2-client", "oauth2-clients": "oauth2-client" };

/** The other names of keys in the 2.x syntax. */
const KEY_ALIASES = { jwks: "jwk", key: "jwk", keys: "jwk" };

/** Creates one verb of the 2.x syntax: `create oauth2-client`, and `create jwk` if there is a command for keys. */
function defineVerbGroup(name: string, summary: string, leaf: CommandLoader, keys?: CommandLoader): Group {
  const children = { "oauth2-client": leaf, ...(keys === undefined ? {} : { jwk: keys }) };
  const aliases = { ...CLIENT_ALIASES, ...(keys === undefined ? {} : KEY_ALIASES) };
  return defineGroup(name, summary, "2.x", children, aliases);
}

/** The command tree: both syntaxes are spellings of the same commands. A new command is one line here. */
export const ROOT: Group = defineGroup(
  "hydra",
  "Manage OAuth 2.0 clients on an Ory Hydra server",
  "1.x",
  {
    clients: defineGroup(
      "clients",
      "Create and manage OAuth 2.0 clients",
      "1.x",
      {
        create,
        get,
        show,
        list,
        update,
        delete: remove,
        import: importClients,
        export: exportClients,
        "rotate-secret": rotateSecret,
        diff,
        apply,
        test: testClient,
      },
      COMMAND_ALIASES,
    ),
    create: defineVerbGroup("create", "Create an OAuth 2.0 client or a key (2.x syntax)", create, createKey),
    get: defineVerbGroup("get", "Show OAuth 2.0 clients or keys (2.x)", get, getKeys),
    show: defineVerbGroup("show", "Show a readable summary of OAuth 2.0 clients (2.x)", show),
    list: defineVerbGroup("list", "List OAuth 2.0 clients (2.x)", list),
    update: defineVerbGroup("update", "Update an OAuth 2.0 client (2.x)", update),
    delete: defineGroup(
      "delete",
      "Delete OAuth 2.0 clients, their access tokens, or keys (2.x)",
      "2.x",
      { "oauth2-client": remove, "access-tokens": deleteTokens, jwk: deleteKeys },
      { ...CLIENT_ALIASES, ...KEY_ALIASES, "access-token": "access-tokens" },
    ),
    import: defineVerbGroup("import", "Create OAuth 2.0 clients, or keys, from files (2.x)", importClients, importKeys),
    "rotate-secret": defineVerbGroup("rotate-secret", "Rotate the secret of an OAuth 2.0 client (2.x)", rotateSecret),
    rotate: defineGroup("rotate", "Rotate keys (2.x)", "2.x", { jwk: rotateKeys }, KEY_ALIASES),
    test: defineVerbGroup("test", "Test the whole flow of an OAuth 2.0 client (2.x)", testClient),
    export: exportClients,
    token: defineGroup("token", "Get, inspect and revoke tokens", "1.x", {
      client: clientCredentials,
      user: authorizationCode,
      device: deviceCode,
      introspect,
      revoke,
      delete: deleteTokens,
      flush,
      decode,
    }),
    keys: defineGroup(
      "keys",
      "Create, move and rotate JSON Web Keys",
      "1.x",
      { create: createKey, get: getKeys, import: importKeys, delete: deleteKeys, rotate: rotateKeys },
      { rm: "delete", new: "create" },
    ),
    perform: defineGroup("perform", "Get tokens (2.x)", "2.x", {
      "client-credentials": clientCredentials,
      "authorization-code": authorizationCode,
      "device-code": deviceCode,
    }),
    introspect: defineGroup(
      "introspect",
      "Inspect tokens (2.x)",
      "2.x",
      { token: introspect },
      { "access-token": "token" },
    ),
    revoke: defineGroup("revoke", "Revoke tokens (2.x)", "2.x", { token: revoke }, { "access-token": "token" }),
    pgp: defineGroup("pgp", "Inspect OpenPGP keys", "1.x", { inspect: pgpInspect }),
    diff,
    apply,
    wait,
    sandbox,
    completion,
    version,
  },
  { client: "clients", key: "keys", jwk: "keys", jwks: "keys", ...COMMAND_ALIASES },
);
