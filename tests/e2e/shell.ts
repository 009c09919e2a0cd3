/** Real shells on a terminal, for completion. */

import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { COMPLETION_SCRIPTS } from "../../lib/core/completion/scripts.ts";
import { BINARY, start, temporaryFolder } from "./binary.ts";
import { openTerminal } from "./terminal.ts";

/** A shell with a person's settings, on a terminal of its own. */
export interface Shell extends AsyncDisposable {
  /** Its working folder. */
  readonly folder: string;
  /** The line after a key was pressed at its end. */
  after(line: string, key: Key): Promise<string>;
}

/** What is pressed: completion as people use it, or one that inserts every candidate. */
export type Key = "Tab" | "every candidate";

/** How a shell is started. */
export interface ShellOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Put the script where the shell looks for completions, instead of reading it in the settings. */
  readonly installed?: boolean;
}

/** The settings of a shell: its completion, a key that inserts every candidate, and one that writes the line to a file. */
interface Dialect {
  readonly start: (rc: string) => string;
  readonly settings: (folder: string) => string;
  /** The line that reads the script. */
  readonly load: (folder: string) => string;
  readonly every: readonly string[];
}

const DIALECTS: Readonly<Record<"bash" | "zsh" | "fish", Dialect>> = {
  bash: {
    start: (rc) => `exec bash --noprofile --rcfile ${rc} -i`,
    load: (folder) => `. ${folder}/completion`,
    settings: (folder) => `
      bind 'set bell-style none'
      bind -x '"\\C-g": printf "%s\\n" "$READLINE_LINE" > ${folder}/new && mv ${folder}/new ${folder}/line'`,
    every: ["M-*"],
  },
  zsh: {
    start: (rc) => `ZDOTDIR=${rc}.d exec zsh -i`,
    load: (folder) => `. ${folder}/completion`,
    settings: (folder) => `
      setopt no_beep
      fpath=(${folder}/home/site $fpath)
      autoload -Uz compinit && compinit -D -u
      zle -C every complete-word _generic
      zstyle ':completion:every:*' completer _all_matches _complete
      zstyle ':completion:every:*' insert yes
      bindkey '^X' every
      show() { print -r -- "$BUFFER" > ${folder}/new && mv ${folder}/new ${folder}/line }
      zle -N show
      bindkey '^G' show`,
    every: ["C-x"],
  },
  fish: {
    start: (rc) => `exec fish -i -C 'source ${rc}'`,
    load: (folder) => `source ${folder}/completion`,
    settings: (folder) => `
      function fish_greeting; end
      bind \\cg 'commandline > ${folder}/new; and mv ${folder}/new ${folder}/line'`,
    every: [],
  },
};

/** Where a person puts the script, below the home folder. */
const PLACES = { bash: ".hydra.bash", zsh: "site/_hydra", fish: ".config/fish/completions/hydra.fish" } as const;

/** A folder with the compiled program as `hydra`, and the script that completes it. */
function program(folder: string, shell: keyof typeof DIALECTS): string {
  const bin = join(folder, "bin");
  mkdirSync(bin);
  symlinkSync(BINARY, join(bin, "hydra"));
  writeFileSync(join(folder, "completion"), `${COMPLETION_SCRIPTS[shell]}\n`);
  return bin;
}

/** Milliseconds after which a line that does not come has failed. */
const LIMIT = 30_000;

async function appears(path: string, screen: () => string): Promise<string> {
  const end = performance.now() + LIMIT;
  while (!existsSync(path)) {
    if (performance.now() > end) throw new Error(`the shell tells no line; the terminal shows:\n${screen()}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return readFileSync(path, "utf8").replace(/\n$/, "");
}

/** Starts a shell that completes `hydra`, on a terminal. */
export async function openShell(shell: keyof typeof DIALECTS, options: ShellOptions = {}): Promise<Shell> {
  const scratch = temporaryFolder();
  const folder = join(scratch.path, "work");
  mkdirSync(folder);
  const bin = program(scratch.path, shell);
  const { start: begin, settings, load, every } = DIALECTS[shell];
  const rc = join(scratch.path, "rc");
  const home = join(scratch.path, "home");
  const place = join(home, PLACES[shell]);
  mkdirSync(dirname(place), { recursive: true });
  // Without this folder, fish reads every man page of the system in a process that outlives the test.
  mkdirSync(join(home, ".local/share/fish/generated_completions"), { recursive: true });
  if (options.installed === true) copyFileSync(join(scratch.path, "completion"), place);
  const loaded = options.installed === true ? "" : load(scratch.path);
  const text = [settings(scratch.path), loaded, `cd ${folder}`, ""].join("\n");
  writeFileSync(rc, text);
  mkdirSync(`${rc}.d`);
  writeFileSync(join(`${rc}.d`, ".zshrc"), text);
  const terminal = await openTerminal([], {
    line: begin(rc),
    columns: 200,
    env: { PATH: `${bin}:${process.env["PATH"] ?? ""}`, HOME: home, ...options.env },
  });
  const line = join(scratch.path, "line");
  const told = async (...keys: readonly string[]): Promise<string> => {
    rmSync(line, { force: true });
    terminal.type(...keys, "C-g");
    return appears(line, terminal.screen);
  };
  // Until the shell reads keys itself, they are nobody's.
  while ((await told("C-u", "ready")) !== "ready");
  return {
    folder,
    async after(typed, key) {
      await told("C-u");
      const keys = key === "Tab" ? ["Tab"] : every;
      return told(typed, ...keys);
    },
    async [Symbol.asyncDispose]() {
      await terminal[Symbol.asyncDispose]();
      scratch[Symbol.dispose]();
    },
  };
}

/** What fish offers for a line, without a terminal: each candidate with its description. */
export async function fishCandidates(
  line: string,
  options: ShellOptions & { readonly prepare?: (folder: string) => void } = {},
): Promise<readonly (readonly [text: string, about: string])[]> {
  using scratch = temporaryFolder();
  const folder = join(scratch.path, "work");
  mkdirSync(folder);
  options.prepare?.(folder);
  const bin = program(scratch.path, "fish");
  const { status, stdout, stderr } = await start(
    "fish",
    ["--no-config", "-c", `source ${scratch.path}/completion; complete -C $argv[1]`, line],
    { cwd: folder, env: { PATH: `${bin}:${process.env["PATH"] ?? ""}`, LANG: "C.UTF-8", ...options.env } },
  ).ended;
  if (status !== 0 || stderr !== "") throw new Error(`fish ended with ${status}: ${stderr}`);
  return stdout
    .split("\n")
    .filter((text) => text !== "")
    .map((text) => {
      const [candidate = "", about = ""] = text.split("\t");
      return [candidate, about] as const;
    });
}
