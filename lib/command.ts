import { type ArgsDef, type CommandDef, defineCommand } from "citty";
import type { Admin } from "./adapters/admin/admin.ts";
import type { Host } from "./adapters/host.ts";
import type { KeyPair } from "./adapters/key-generator.ts";
import type { RecoveryStore } from "./adapters/recovery-store.ts";
import type { SecretTarget } from "./adapters/secret-target.ts";
import type { ClientProof, ProofEndpoints, Proven } from "./adapters/token-endpoint.ts";
import type { KeyAlgorithm } from "./core/client/jwk.ts";
import type { Connection } from "./core/flags/connection.ts";
import { type Flag, type FlagValues, longNames, type Syntax, type TextFlag } from "./core/flags/parse.ts";
import type { JsonObject } from "./core/json.ts";
import type { EncryptedFormat, Recipient } from "./core/keys/recipient.ts";
import type { Format } from "./core/output/formats.ts";
import type { View } from "./core/output/render.ts";
import type { ExitName, Problem } from "./core/problem.ts";
import type { SandboxVersion } from "./sandbox/index.ts";

/** An item that standard output refused, and whether part of it may have left. */
export interface UndeliveredItem {
  readonly item: JsonObject;
  readonly partlyWritten: boolean;
}

/** What a command hands back; `main` renders and writes each item as it comes. */
export interface Result {
  readonly view: View<JsonObject>;
  /** Whether it is a list, however long, or one value. */
  readonly isList: boolean;
  readonly items: AsyncIterable<JsonObject> | Iterable<JsonObject>;
  /** Called once all of an item's text has left the process, in order. */
  readonly delivered?: (item: JsonObject) => void | Promise<void>;
  /** Called when standard output refuses items that must not be lost; gives the problem to end with. */
  readonly undelivered?: (lost: readonly UndeliveredItem[], reason: unknown) => Promise<Problem>;
  /** Members of a list's envelope that are known at its end. */
  readonly envelope?: () => JsonObject;
  /** The exit status, asked for after the last item. */
  readonly exit?: () => ExitName;
  /** The command ends by itself after a signal, which is its way to be stopped. */
  readonly untilSignal?: boolean;
  /** The format of this result where it is not the one that was asked for. */
  readonly format?: Format;
  /** Show each row at once instead of waiting for enough rows to settle the widths. */
  readonly unbuffered?: boolean;
}

/** A file that a command reads: its text and how messages name it. */
export interface TextFile {
  readonly text: string;
  readonly name: string;
}

/** The kinds of key sources, as the adapters read them. */
export interface Keys {
  /** Fetches and judges every recipient that the flags ask for; empty when they ask for none. */
  recipients(values: FlagValues): Promise<readonly Recipient[]>;
  encrypt(recipients: readonly Recipient[], text: string, format: EncryptedFormat): Promise<string>;
}

/** Key pairs of clients, made on this machine. */
export interface KeyPairs {
  generate(algorithm: KeyAlgorithm): Promise<KeyPair>;
  assertion(keys: KeyPair, clientId: string, audience: string): Promise<string>;
}

/** The public side of a server, asked without any admin credential. */
export interface Tokens {
  discover(publicUrl: string): Promise<ProofEndpoints>;
  prove(endpoints: ProofEndpoints, clientId: string, proof: ClientProof): Promise<Proven>;
}

/** What a command works with. */
export interface Context {
  readonly host: Host;
  readonly grammar: Syntax;
  readonly values: FlagValues;
  readonly operands: readonly string[];
  readonly format: Format;
  /** The admin API, ready to be asked; nothing is sent before. */
  readonly admin: Admin;
  /** How the admin API is reached. */
  readonly connection: Connection;
  /** The address of the admin API as messages call it. */
  readonly endpoint: string;
  readonly keys: Keys;
  readonly pairs: KeyPairs;
  readonly tokens: Tokens;
  /** Reads a file, or standard input for `-`; a usage Problem names the flag. */
  readFile(path: string, flag: string): Promise<TextFile>;
  /** Reads YAML or JSON. */
  parseYaml(text: string, name: string): Promise<readonly unknown[]>;
  startSandbox(options: {
    readonly as: SandboxVersion;
    readonly listen: string;
    readonly onRequest?: (line: string) => void;
  }): Promise<{ readonly url: string; close(): Promise<void> }>;
  /** Shows on a terminal's stderr how far the work is; a total of 0 takes the line away. */
  progress(total: number, done: number): void;
  /** Tells a failure that does not end the command. */
  fail(problem: Problem): void;
  warn(line: string): void;
  /** A line on stderr that is neither warning nor error. */
  note(line: string): void;
  /** A line on stderr under `-v`. */
  detail(line: string): void;
  /** Whether the command line is known to be wrong, so that nothing will be done and nobody is to be asked. */
  readonly hasErrors: boolean;
  /** What can be seen to be wrong with the targets that these flags name and with the rescue folder; nothing is opened. */
  outletProblems(targets: readonly TextFlag[]): Promise<readonly Problem[]>;
  /** Opens the target that a flag such as `--secret-out` names, proven writable; undefined where it is not given. */
  openTarget(flag: TextFlag): Promise<SecretTarget | undefined>;
  /** Reads a public key for a description of it. */
  inspectKey(material: string): Promise<readonly JsonObject[]>;
  /** The path of the clients for a request that is only shown: of the family that `--api` names, else the newest. */
  readonly clientsPath: string;
  /** Fields that some family of servers does not know. */
  readonly rareFields: ReadonlySet<string>;
  /** Where secrets are kept that have not been delivered. */
  readonly recovery: RecoveryStore;
  /** Whether what a value would be written as holds a text: for a secret that a format leaves out. */
  rendersText(view: View<JsonObject>, item: JsonObject, text: string): boolean;
  /** Keeps the program from ending by a signal until the work has come to its own end. */
  uninterruptible<T>(work: () => Promise<T>): Promise<T>;
  /** Aborted by the first ending signal. */
  readonly signal: AbortSignal;
}

/** Words after a command that are not flags. */
export interface Operands {
  /** How help names one: `ID`. */
  readonly name: string;
  readonly least: number;
  readonly most: number;
  readonly help: string;
}

/** A command that has read its input: what is wrong with it, told all at once, and the work itself. */
export interface PreparedCommand {
  readonly problems: readonly Problem[];
  readonly run: () => Promise<Result>;
}

/** A {@link PreparedCommand} without anything to look at. */
export function withoutChecks(run: () => Promise<Result>): PreparedCommand {
  return { problems: [], run };
}

/** Everything about one command: what help shows, what the parser takes, and what it does. */
export interface Spec {
  readonly name: string;
  /** One line, an imperative. */
  readonly summary: string;
  /** Paragraphs for its help page. */
  readonly about?: readonly string[];
  readonly flags: readonly Flag[];
  readonly operands?: Operands;
  /** Command lines without the program's name before them, by grammar. */
  readonly examples: Readonly<Partial<Record<Syntax, readonly (readonly [line: string, what: string])[]>>>;
  /** Whether it talks to a server, so that an endpoint is needed; `if-asked`: only with one of its flags. */
  readonly server: boolean | "if-asked";
  readonly format: Readonly<Record<Syntax, string>>;
  /**
   * Whether its results are clients, which `env` and `k8s-secret` are about: with their secrets where it delivers them,
   * else by their ids alone, for which there is no `k8s-secret`.
   */
  readonly credentials?: "secrets" | "ids";
  /** Reads flags and files and looks at them all before anything is sent. */
  readonly prepare: (context: Context) => Promise<PreparedCommand> | PreparedCommand;
}

/** A command of the tree that runs. */
export type Leaf = CommandDef & { readonly spec: Spec };

/** A command of the tree that only holds others. */
export type Group = CommandDef & {
  readonly group: {
    readonly summary: string;
    readonly grammar: Syntax;
    /** Other names of the children, which help does not list. */
    readonly aliases: Readonly<Record<string, string>>;
  };
};

/** Whether a command of the tree runs. */
export function isLeaf(command: CommandDef): command is Leaf {
  return "spec" in command;
}

/** Whether a command of the tree holds others. */
export function isGroup(command: CommandDef): command is Group {
  return "group" in command;
}

/** Makes a citty command from a {@link Spec}; its args come from the flag rows. */
export function command(spec: Spec): Leaf {
  const meta = { name: spec.name, description: spec.summary };
  return Object.assign(defineCommand({ meta, args: () => cittyArgs(spec.flags) }), { spec });
}

/** Flag rows as citty's argument definitions. */
export function cittyArgs(flags: readonly Flag[]): ArgsDef {
  const args: ArgsDef = Object.create(null);
  for (const flag of flags) {
    const [name = flag.name, ...others] = longNames(flag);
    const alias = [...others, ...(flag.short === undefined ? [] : [flag.short])];
    args[name] = { type: flag.kind === "switch" ? "boolean" : "string", description: flag.help, alias };
  }
  return args;
}

/** One value as a result. */
export function single(view: View<JsonObject>, item: JsonObject, more: Partial<Result> = {}): Result {
  return { view, isList: false, items: [item], ...more };
}
