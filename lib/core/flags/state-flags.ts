import type { BoolFlag, Flag, IntFlag, RepeatFlag, TextFlag, WithDefault } from "./flag.ts";

export const STACK: WithDefault<TextFlag> = {
  kind: "text",
  name: "stack",
  value: "NAME",
  default: "default",
  group: "input",
  nonEmpty: true,
  env: ["HYDRA_STACK"],
  help: "Stack that the clients of the files belong to",
};

export const PRUNE: BoolFlag = {
  kind: "switch",
  name: "prune",
  group: "input",
  help: "Delete clients of the stack that are in no file; needs --stack",
};

export const MERGE: BoolFlag = {
  kind: "switch",
  name: "merge",
  group: "input",
  help: "Compare and change only the fields that a file has; the others are not reset",
};

export const VAR: RepeatFlag = {
  kind: "each",
  name: "var",
  value: "NAME=VALUE",
  group: "input",
  nonEmpty: true,
  help: "Value of a variable in the files, overrides HYDRA_VAR_NAME; repeatable",
};

export const EXIT_CODE: BoolFlag = {
  kind: "switch",
  name: "exit-code",
  group: "output",
  help: "Exit with 9 if the files and the server differ",
};

export const MAX_DELETES: WithDefault<IntFlag> = {
  kind: "count",
  name: "max-deletes",
  value: "N",
  default: 5,
  group: "input",
  help: "Do nothing if --prune would delete more clients than this",
};

export const ALLOW_EMPTY: BoolFlag = {
  kind: "switch",
  name: "allow-empty",
  group: "input",
  help: "Accept a directory without client files; with --prune, this deletes all clients of the stack",
};

export const ADOPT: BoolFlag = {
  kind: "switch",
  name: "adopt",
  group: "input",
  help: "Take over clients that exist and belong to no stack",
};

export const ADOPT_FROM: TextFlag = {
  kind: "text",
  name: "adopt-from",
  value: "STACK",
  group: "input",
  nonEmpty: true,
  help: "Move clients from another stack to this one",
};

/** Flags that decide how files and clients are compared. */
export const COMPARISON_FLAGS: readonly Flag[] = [STACK, PRUNE, MERGE, VAR, ALLOW_EMPTY, ADOPT_FROM];
