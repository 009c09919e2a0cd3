import { COLOR_CHOICES, type ColorChoice } from "../output/colors.ts";
import { FORMAT_CHOICES } from "../output/formats.ts";
import { CONNECTION_FLAGS } from "./connection-flags.ts";
import type { BoolFlag, ChoiceFlag, Flag, IntFlag, RepeatFlag, TextFlag, WithDefault } from "./flag.ts";

/** Every command has this flag. */
export const HELP: TextFlag = {
  kind: "text",
  name: "help",
  short: "h",
  value: "all",
  implicitValue: "true",
  group: "general",
  help: "Show this help; all: describe every flag",
};

export const VERBOSE: BoolFlag = {
  kind: "switch",
  name: "verbose",
  short: "v",
  group: "general",
  help: "Log requests and their timings to stderr, without credentials",
};

export const NO_WARNINGS: BoolFlag = {
  kind: "switch",
  name: "no-warnings",
  group: "general",
  env: ["HYDRA_NO_WARNINGS"],
  help: "Omit advice and notes on stderr; errors and what may be lost are still reported",
};

export const CONFIG: TextFlag = {
  kind: "text",
  name: "config",
  value: "FILE",
  completes: "file",
  group: "general",
  help: "Config file (default: $HOME/.hydra.yaml; hydra help config)",
};

export const COLOR: WithDefault<ChoiceFlag<ColorChoice>> = {
  kind: "text",
  name: "color",
  value: "WHEN",
  group: "general",
  default: "auto",
  choices: COLOR_CHOICES,
  help: "Use colors; auto: on terminals, unless the environment says otherwise",
};

export const FORMAT: TextFlag = {
  kind: "text",
  name: "format",
  value: "FORMAT",
  completes: "output-format",
  group: "output",
  file: "format",
  help: `Output format: ${FORMAT_CHOICES.join(", ")}`,
};

export const QUIET: BoolFlag = {
  kind: "switch",
  name: "quiet",
  short: "q",
  group: "output",
  help: "Print only IDs, same as --format id",
};

export const STRICT: BoolFlag = {
  kind: "switch",
  name: "strict",
  group: "input",
  help: "Treat warnings about the client as errors",
};

export const LENIENT_FIELD_NAMES: BoolFlag = {
  kind: "switch",
  name: "lenient",
  group: "input",
  help: "Accept misspelled and misnamed fields instead of rejecting them",
};

export const CLIENT_FILE: TextFlag = {
  kind: "text",
  name: "file",
  value: "FILE",
  completes: "file",
  group: "input",
  help: "Read the client from a JSON or YAML file (- for stdin); flags override it",
};

export const SET: RepeatFlag = {
  kind: "each",
  name: "set",
  value: "PATH=JSON",
  completes: "field-path",
  group: "input",
  help: "Set any field by path, such as metadata.team='\"x\"'; repeatable",
};

export const DRY_RUN: ChoiceFlag<"json" | "curl"> = {
  kind: "text",
  name: "dry-run",
  value: "json|curl",
  implicitValue: "json",
  choices: ["json", "curl"],
  group: "output",
  help: "Print the request without secrets, and change nothing",
};

/** What to do with a client that exists already. */
export type IfExists = "fail" | "skip" | "update";

export const IF_EXISTS: WithDefault<ChoiceFlag<IfExists>> = {
  kind: "text",
  name: "if-exists",
  aliases: ["on-conflict"],
  value: "POLICY",
  default: "fail",
  choices: ["fail", "skip", "update"],
  group: "input",
  help: "What to do if a client with this ID exists",
};

export const CONCURRENCY: WithDefault<IntFlag> = {
  kind: "count",
  name: "concurrency",
  value: "N",
  default: 8,
  group: "input",
  help: "Number of concurrent requests",
};

/** Flags that every command has. */
export const GENERAL_FLAGS: readonly Flag[] = [CONFIG, COLOR, VERBOSE, NO_WARNINGS, HELP];

export const LIMIT: IntFlag = {
  kind: "count",
  name: "limit",
  value: "N",
  group: "input",
  help: "Maximum number of clients",
};

export const LOGIN_CLIENT_ID: TextFlag = {
  kind: "text",
  name: "client-id",
  value: "ID",
  group: "secret",
  env: ["OAUTH2_CLIENT_ID"],
  help: "ID of the client to get or revoke tokens as",
};

export const LOGIN_CLIENT_SECRET: TextFlag = {
  kind: "text",
  name: "client-secret",
  value: "SECRET",
  group: "secret",
  secret: true,
  env: ["OAUTH2_CLIENT_SECRET"],
  help: "Secret of that client. Visible to other users of the machine: prefer --client-secret-file",
};

export const NO_INPUT: BoolFlag = {
  kind: "switch",
  name: "no-input",
  group: "general",
  help: "Never prompt, as if there were no terminal",
};

/** The last flags of every command that calls a server. */
export const SERVER_COMMAND_FLAGS: readonly Flag[] = [FORMAT, QUIET, ...CONNECTION_FLAGS, NO_INPUT, ...GENERAL_FLAGS];
