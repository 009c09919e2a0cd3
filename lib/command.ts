import { type CommandContext, type CommandDef, defineCommand, runCommand } from "citty";
import type { Admin } from "./adapters/admin/admin.ts";
import type { CallbackListener, ListenOptions } from "./adapters/callback-listener.ts";
import type { ClientKeyPair } from "./adapters/client-assertion-keys.ts";
import type { ClientFileWriter } from "./adapters/client-file-writer.ts";
import type { Host } from "./adapters/host.ts";
import type { LeftoverCopyStore } from "./adapters/leftover-recovery-copies.ts";
import type {
  AdminTokenEndpoints,
  AuthorizationServer,
  ClientAuthentication,
  FlowDriver,
  OAuthClient,
} from "./adapters/oauth/index.ts";
import type { CredentialsProofKind, CredentialsToProve, ProofEndpoints } from "./adapters/prove-credentials.ts";
import type { RecoveryStore } from "./adapters/recovery-store.ts";
import type { ExistingFileRule, LeftoverDraft, OpenSecretTarget } from "./adapters/secret-target.ts";
import type { PositionedDocument, YamlChange } from "./adapters/yaml.ts";
import type { Connection } from "./core/flags/connection.ts";
import type { CompletableValueKind, Flag, SyntaxVersion, TextFlag } from "./core/flags/flag.ts";
import type { FlagValues } from "./core/flags/parsed-flag-values.ts";
import type { JsonObject } from "./core/json/json.ts";
import type { GeneratedKeyAlgorithm } from "./core/jwk/assertion-algorithms.ts";
import type { JsonWebKey } from "./core/jwk/json-web-key.ts";
import type { TextRole } from "./core/output/colors.ts";
import type { Format } from "./core/output/formats.ts";
import type { ResultView } from "./core/output/render.ts";
import type { EncryptedFormat } from "./core/pgp/encrypted-format.ts";
import type { Recipient } from "./core/pgp/recipient.ts";
import { type ExitName, type Problem, unwrittenResultProblem } from "./core/problem.ts";
import type { Sandbox, SandboxOptions } from "./sandbox/index.ts";
import type { ServerFamily } from "./servers/index.ts";

/** An item that could not be written to standard output, and whether part of it may have been. */
export interface UnwrittenItem {
  readonly item: JsonObject;
  readonly partlyWritten: boolean;
}

/** What a command returns; each item is rendered and written as it comes. */
export interface CommandResult {
  readonly view: ResultView<JsonObject>;
  /** Whether it is a list, however long, or one value. */
  readonly isList: boolean;
  readonly items: AsyncIterable<JsonObject> | Iterable<JsonObject>;
  /** Called once all of an item's text is written, in order; an expression selects only in the text of the whole list. */
  readonly delivered?: (item: JsonObject, text: string) => void | Promise<void>;
  /** Called with items that could not be written; returns the problem to end with, if they must not be lost. */
  readonly undelivered?: (lost: readonly UnwrittenItem[], reason: unknown) => Promise<Problem>;
  /** Members of a list's envelope that are known at its end. */
  readonly envelope?: () => JsonObject;
  /** The exit code, asked for after the last item. */
  readonly exit?: () => ExitName;
  /** Whether it ends as soon as nobody reads it any more: what is left is only more reading. */
  readonly stopsUnread?: boolean;
  /** A signal is the way to stop the command, which then ends by itself. */
  readonly untilSignal?: boolean;
  /** The format of this result if it is not the one that was asked for. */
  readonly format?: Format;
  /** Whether a terminal shows it through the person's pager. */
  readonly isPaged?: boolean;
  /** Show each row at once instead of waiting for enough rows to settle the widths. */
  readonly unbuffered?: boolean;
}

/** A file that a command reads: its text and how messages name it. */
export interface TextFile {
  readonly text: string;
  readonly name: string;
}

/** Finds the recipients of a secret, and encrypts it to them. */
interface RecipientEncryptor {
  /** Fetches and validates the recipients that the flags ask for; empty if there are none. */
  recipients(values: FlagValues): Promise<readonly Recipient[]>;
  encrypt(recipients: readonly Recipient[], text: string, format: EncryptedFormat): Promise<string>;
}

/** Key pairs of clients, generated on this machine. */
interface ClientKeyPairTools {
  generate(algorithm: GeneratedKeyAlgorithm): Promise<ClientKeyPair>;
  assertion(keys: ClientKeyPair, clientId: string, audience: string): Promise<string>;
}

/** JSON Web Keys in files. */
interface JsonWebKeyTools {
  /** Reads the keys in a file, or in standard input for `-`; a usage Problem names the reader. */
  read(path: string, reader: string, passphrase: (name: string) => Promise<string>): Promise<readonly JsonWebKey[]>;
  /** The ID that a key has by its content (RFC 7638). */
  thumbprint(key: JsonWebKey): Promise<string>;
  /** A key in PEM; undefined for a shared secret. */
  toPem(key: JsonWebKey): Promise<string | undefined>;
  /** Generates a private key on this machine. */
  generate(alg: string, use: string): Promise<JsonWebKey>;
}

/** The public side of a server, which never gets credentials of the admin API. */
interface CredentialVerifier {
  discoverServer(publicUrl: string, origin: string): Promise<ProofEndpoints>;
  prove(endpoints: ProofEndpoints, clientId: string, proof: CredentialsToProve): Promise<CredentialsProofKind>;
}

/** A client and how it authenticates. */
export interface ClientLogin {
  readonly clientId: string;
  readonly authentication: ClientAuthentication;
  /** Whether the server may choose the other method for a secret. */
  readonly followsServer: boolean;
}

/** Endpoints that the user chose instead of those that the server names. */
export type ChosenEndpoints = AuthorizationServer["endpoints"];

/** A client and its server, whose endpoints are known. */
export interface OAuthClientSession {
  readonly server: AuthorizationServer;
  /** Does something as the client; if the server expects the other method for a secret, once more with that. */
  attempt<T>(work: (client: OAuthClient) => Promise<T>): Promise<T>;
  /** Revokes a token that nobody has got, even after a signal or the time of the command. */
  takeBack(token: string): Promise<void>;
}

/** The server of the connection as an OAuth 2.0 client sees it, and the admin API's endpoints for tokens. */
export interface OAuthAccess {
  /** Finds the server's endpoints, for several requests as the client. */
  openSession(login: ClientLogin, chosen?: ChosenEndpoints): Promise<OAuthClientSession>;
  /** The admin API's endpoints for tokens; `timeLeft` are the milliseconds that their requests may take, by default those of the command. */
  admin(timeLeft?: () => number): Promise<AdminTokenEndpoints>;
  /** Fetches the text of a public key set; `what` names it in messages. */
  fetchKeySetText(url: string, what: string): Promise<string>;
  /** Whether a key of the set signed the token (RFC 7515). */
  isSignedBy(token: string, keySet: JsonObject): Promise<boolean>;
}

/** Reads and writes YAML that people have written. */
export interface YamlEditor {
  /** A value as one document. */
  write(value: unknown): string;
  /** The same stream of documents with changes and further documents; comments, order and quotes stay. */
  edit(text: string, name: string, changes: readonly YamlChange[], appended: readonly unknown[]): Promise<string>;
}

/** The person's browser, and the listener where it ends. */
interface BrowserLoginTools {
  /** Why no browser can be opened here; undefined if one can. */
  obstacle(): Promise<string | undefined>;
  /** Opens the person's browser. Calls back if that fails, now or later. */
  open(url: string, onFailure: () => void): Promise<void>;
  listen(options: ListenOptions): Promise<CallbackListener>;
}

/** The admin API next to the public side that a command calls. */
export interface PairedAdmin {
  readonly admin: Admin;
  /** Its URL as messages show it. */
  readonly endpoint: string;
  /** Whether the command line names it. */
  readonly isRequested: boolean;
}

/** What a command works with. Functions take only the members that they use. */
export interface Context {
  readonly host: Host;
  readonly syntax: SyntaxVersion;
  readonly values: FlagValues;
  readonly operands: readonly string[];
  readonly format: Format;
  /** The admin API; nothing is sent before it is called. */
  readonly admin: Admin;
  /** How the admin API is reached. */
  readonly connection: Connection;
  /** The URL of the admin API as messages show it. */
  readonly endpoint: string;
  readonly encryption: RecipientEncryptor;
  readonly keyPairs: ClientKeyPairTools;
  readonly localKeys: JsonWebKeyTools;
  readonly credentialVerifier: CredentialVerifier;
  readonly oauth: OAuthAccess;
  readonly browser: BrowserLoginTools;
  /** For a command that calls the public side of a server: its admin API, if the settings name one. */
  readonly pairedAdmin: PairedAdmin | undefined;
  /** Opens both sides of a server, for a command whose connection is to the admin API. */
  openFlows(publicUrl: string): Promise<FlowDriver>;
  /** Reads a file, or standard input for `-`; a usage Problem names the flag. */
  readFile(path: string, flag: string): Promise<TextFile>;
  /** Reads YAML or JSON. */
  parseYaml(text: string, name: string): Promise<readonly unknown[]>;
  /** Reads YAML or JSON, and where its values are. */
  parseYamlWithOffsets(text: string, name: string): Promise<readonly PositionedDocument[]>;
  /** Loads the editor of YAML. */
  loadYamlEditor(): Promise<YamlEditor>;
  /** Opens the files of clients. */
  openClientFiles(): Promise<ClientFileWriter>;
  startSandbox(options: SandboxOptions): Promise<Sandbox>;
  /** Shows the progress on a terminal's stderr; a total of 0 removes the line. */
  progress(total: number, done: number, failures?: number): void;
  /** Reports a failure that does not end the command. */
  fail(problem: Problem): void;
  /** A warning. Advice, without which nothing is lost, is left out with `--no-warnings` and if a program would read it. */
  warn(line: string, kind?: "advice"): void;
  /** A line on stderr that is neither warning nor error, left out like advice. */
  note(line: string): void;
  /** A note about a value that changes, with the old one in red and the new one in green on a terminal. */
  noteChange(field: string, before: string, after: string): void;
  /** A line of a dialogue with a person on stderr: never left out, and not broken, so that it can be copied. A role has its color. */
  tell(line: string, role?: TextRole): void;
  /** A line on stderr under `-v`. */
  detail(line: string): void;
  /** Whether the command line is known to be wrong, so that nothing will be done and no question may be asked. */
  readonly hasErrors: boolean;
  /** Problems of the targets that these flags name and of the recovery directory, as far as they show without opening. */
  secretTargetProblems(targets: readonly TextFlag[]): Promise<readonly Problem[]>;
  /** The problem of a path that a flag such as `--secret-out` names by a template. */
  findFileProblem(flag: TextFlag, path: string, existing?: ExistingFileRule): Promise<Problem | undefined>;
  /** A secret file that exists, with its text unless it isn't UTF-8; undefined if there is none. Throws a usage Problem if it can't be read. */
  readSecretFile(path: string): Promise<{ readonly text: string | undefined } | undefined>;
  /**
   * Creates the folder that a flag such as `--secret-out` names, for its owner only; one that exists stays as it is. A dry run
   * only checks whether that is possible. Returns whether the folder exists now.
   */
  makeSecretFolder(flag: TextFlag, path: string, isDryRun: boolean): Promise<boolean>;
  /** Drafts with secrets that runs which were killed have left: of all files of a folder, or of one file. */
  secretDrafts(target: string): Promise<readonly LeftoverDraft[]>;
  /** Removes the drafts without secrets that such runs have left. */
  removeEmptyDrafts(target: string): Promise<void>;
  /**
   * Opens the target that a flag such as `--secret-out` names, and checks that it is writable; undefined if not given.
   *
   * @param path the path, if the flag is a template.
   */
  openTarget(flag: TextFlag, path?: string, existing?: ExistingFileRule): Promise<OpenSecretTarget | undefined>;
  /** Describes the public keys that a word names. */
  inspectKey(material: string): Promise<readonly JsonObject[]>;
  /** The server family to assume for a request that is only shown: the one of `--api`, or the newest. */
  readonly plannedFamily: ServerFamily;
  /** Fields that at least one server family does not have. */
  readonly rareFields: ReadonlySet<string>;
  /** Where secrets are kept until they are delivered. */
  readonly recovery: RecoveryStore;
  /** Opens what earlier runs have left there. */
  openLeftovers(): Promise<LeftoverCopyStore>;
  /**
   * Whether the format writes a text of a value, such as its secret, which some formats leave out. What an expression selects
   * in a list with other values is only known once the list is written.
   */
  outputContainsValue(view: ResultView<JsonObject>, item: JsonObject, text: string): boolean;
  /** Does work that a signal must not interrupt. */
  uninterruptible<T>(work: () => Promise<T>): Promise<T>;
  /** Aborted by the first ending signal. */
  readonly signal: AbortSignal;
}

/** Words after a command that are not flags. */
export interface OperandSpec {
  /** How help names one: `ID`. */
  readonly name: string;
  /** How help names the first one, if it is something else; `least` and `most` count it too. */
  readonly first?: string;
  readonly completes?: CompletableValueKind;
  readonly least: number;
  readonly most: number;
  readonly help: string;
  /** The values are credentials: no message shows an operand of the command. */
  readonly secret?: boolean;
}

/** A command that has read its input: all that is wrong with it, and the work itself. */
export interface CheckedCommand {
  readonly problems: readonly Problem[];
  readonly run: () => Promise<CommandResult>;
}

/** A {@link CheckedCommand} without input that could be wrong. */
export function withoutChecks(run: () => Promise<CommandResult>): CheckedCommand {
  return { problems: [], run };
}

type DefaultFormats = Readonly<Record<SyntaxVersion, string>>;

/** Everything about one command: what help shows, which flags it has, and what it does. */
interface CommandSpec {
  readonly name: string;
  /** One line, an imperative. */
  readonly summary: string;
  /** Paragraphs for its help page. */
  readonly about?: readonly string[];
  readonly flags: readonly Flag[];
  readonly operands?: OperandSpec;
  /** Words of the 2.x syntax that may follow the name at the top of the tree: `diff oauth2-clients`. */
  readonly nouns?: readonly string[];
  /** Command lines without the program's name, by syntax. */
  readonly examples: Readonly<Partial<Record<SyntaxVersion, readonly (readonly [line: string, what: string])[]>>>;
  /**
   * Whether it talks to a server, so that an endpoint is needed; `if-asked`: only with one of its flags; `public`: to the
   * public side of a server, whose URL its endpoint flag takes.
   */
  readonly server: boolean | "if-asked" | "public";
  /** Whether only its flags count: then nothing is wrong with the environment or the config file for this line. */
  readonly usesOnlyFlags?: (flags: FlagValues) => boolean;
  /** The default format, of each syntax if they differ; by default `text` and, in the 2.x syntax, `table`. */
  readonly format?: string | DefaultFormats;
  /**
   * Whether its results are clients, for the formats `env` and `k8s-secret`: with their secrets if it delivers them, or only
   * with their IDs, for which there is no `k8s-secret`. `keys`: its results are keys, for the format `pem`.
   */
  readonly credentials?: "secrets" | "ids" | "keys";
  /** Reads and checks all flags and files before anything is sent. */
  readonly prepare: (context: Context) => Promise<CheckedCommand> | CheckedCommand;
}

/** A command of the tree that runs. */
export type Leaf = CommandDef & { readonly spec: CommandSpec & { readonly format: DefaultFormats } };

/** A command of the tree that only groups others. */
export type Group = CommandDef & {
  readonly group: {
    readonly summary: string;
    readonly syntax: SyntaxVersion;
    /** Other names of the children, which help does not list. */
    readonly aliases: Readonly<Record<string, string>>;
  };
};

/** Whether a command of the tree runs. */
export function isLeaf(command: CommandDef): command is Leaf {
  return "spec" in command;
}

/** Whether a command of the tree groups others. */
export function isGroup(command: CommandDef): command is Group {
  return "group" in command;
}

/** What {@link runParsedLeaf} gives a command. */
interface LeafContextAndCheck {
  readonly context: Context;
  /** Prepares the command and throws all that is wrong with its input, before it does anything. */
  readonly check: (prepare: () => Promise<CheckedCommand> | CheckedCommand) => Promise<CheckedCommand>;
}

/**
 * Creates a citty command from a {@link CommandSpec}. It has no args, because citty parses nothing: see {@link
 * runParsedLeaf}.
 */
export function defineLeaf(spec: CommandSpec): Leaf {
  const meta = { name: spec.name, description: spec.summary };
  const run = async ({ data }: CommandContext): Promise<CommandResult> => {
    // citty has no type for data; runParsedLeaf() is the only caller.
    const { context, check }: LeafContextAndCheck = data;
    return (await check(() => spec.prepare(context))).run();
  };
  const { format = { "1.x": "text", "2.x": "table" } } = spec;
  const formats = typeof format === "string" ? { "1.x": format, "2.x": format } : format;
  return Object.assign(defineCommand({ meta, run }), { spec: { ...spec, format: formats } });
}

/**
 * Runs a command by citty. The values of its flags are in the context: our own parser has read repeats, lists and durations,
 * which citty's cannot. So citty gets no words and no args to parse, which would take a fifth of the time of a create.
 */
export async function runParsedLeaf(leaf: Leaf, data: LeafContextAndCheck): Promise<CommandResult> {
  const { result } = await runCommand(leaf, { rawArgs: [], data });
  if (!isCommandResult(result)) throw new TypeError("a command returned no result");
  return result;
}

function isCommandResult(value: unknown): value is CommandResult {
  return typeof value === "object" && value !== null && "view" in value && "items" in value;
}

/** The handler for a result that says only what was done: the problem if it can't be written. */
export function unwrittenResultHandler(done: string, hint: string): Pick<CommandResult, "undelivered"> {
  return { undelivered: async (_, reason) => unwrittenResultProblem(reason, done, hint) };
}

/** One value as a result. */
export function singleResult(
  view: ResultView<JsonObject>,
  item: JsonObject,
  more: Partial<CommandResult> = {},
): CommandResult {
  return { view, isList: false, items: [item], ...more };
}
