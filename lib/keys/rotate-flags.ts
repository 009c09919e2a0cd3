import type { BoolFlag, ChoiceFlag, TextFlag } from "../core/flags/flag.ts";
import { GENERATE_ALG, KID, type ServerGeneratedAlgorithm } from "./key-flags.ts";

export const PUBLISH: BoolFlag = {
  kind: "switch",
  name: "publish",
  group: "input",
  help: "First step: generate a key locally and publish its public key",
};

export const ACTIVATE: BoolFlag = {
  kind: "switch",
  name: "activate",
  group: "input",
  help: "Second step: sign with a published key",
};

export const ACTIVATED_KEY_FILE: TextFlag = {
  kind: "text",
  name: "key",
  value: "FILE",
  completes: "file",
  group: "input",
  help: "Private key to activate (- for standard input)",
};

export const RETIRE: TextFlag = { ...KID, name: "retire", help: "Last step: delete a key that no longer signs" };

const { default: _, ...ALG } = GENERATE_ALG;

/** The algorithm of the next key: that of the current one unless given. */
export const NEW_ALG: ChoiceFlag<ServerGeneratedAlgorithm> = {
  ...ALG,
  help: "Algorithm of the new key (default: that of the current one)",
};
