/** The commands of Ory Hydra's own CLI, of every version, that this program doesn't have: by their parent commands. */
const ORY_COMMANDS: Readonly<Record<string, ReadonlySet<string>>> = {
  "": new Set(["serve", "migrate", "janitor", "connect", "groups", "policies", "warden", "host"]),
};

/** Whether a word after its parents names a command of Hydra's own CLI that this program doesn't have. */
export function isUnsupportedOryCommand(parents: readonly string[], word: string): boolean {
  return ORY_COMMANDS[parents.join(" ")]?.has(word) === true;
}

/** What people write for a command of this program, and the words after `hydra` that they mean. */
const MEANT_COMMANDS: ReadonlyMap<string, string> = new Map([
  ...["dump", "backup"].map((word) => [word, "export '*'"] as const),
  ...["find", "search", "all"].map((word) => [word, "clients list"] as const),
  ...["describe", "view", "read", "info", "inspect"].map((word) => [word, "clients get"] as const),
  ...["register", "add"].map((word) => [word, "clients create"] as const),
  ...["remove", "destroy"].map((word) => [word, "clients delete"] as const),
  ...["edit", "patch", "set", "modify"].map((word) => [word, "clients update"] as const),
  ...["rotate", "regenerate-secret", "reset-secret"].map((word) => [word, "clients rotate-secret"] as const),
]);

/** The command that people mean by the name that other tools have for it; undefined for any other word. */
export function commandForSynonym(word: string): string | undefined {
  return MEANT_COMMANDS.get(word.toLowerCase());
}

/** The commands that change clients. */
const WRITING: ReadonlySet<string> = new Set([
  "create",
  "new",
  "update",
  "delete",
  "rm",
  "import",
  "rotate-secret",
  "apply",
]);

/** Whether a command may be suggested for a word: one that changes clients only for a word that begins like it. */
export function maySuggestCommand(command: string, word: string): boolean {
  return !WRITING.has(command) || command[0] === word[0]?.toLowerCase();
}
