import { styleText } from "node:util";

/** The values of `--color`. */
export const COLOR_CHOICES = ["auto", "always", "never"] as const;

export type ColorChoice = (typeof COLOR_CHOICES)[number];

/** What decides whether text gets colors. */
interface ColorSources {
  /** `--color`; without the flag `auto`. */
  readonly choice: ColorChoice;
  readonly environment: (name: string) => string | undefined;
  /** Whether the stream that the text goes to is a terminal. */
  readonly isTerminal: boolean;
}

/** A variable that is on for any value but these; an empty FORCE_COLOR is on, as in Node and chalk. */
function isOff(value: string): boolean {
  return value === "0" || value.toLowerCase() === "false";
}

/**
 * Whether text for a stream gets colors: as `--color` says; else none with NO_COLOR, some with FORCE_COLOR or CLICOLOR_FORCE
 * wherever it goes, none with CLICOLOR=0 or a dumb terminal; else on terminals. An empty NO_COLOR counts as unset
 * (no-color.org), and NO_COLOR wins over what forces colors.
 */
export function mayUseColor({ choice, environment, isTerminal }: ColorSources): boolean {
  if (choice !== "auto") return choice === "always";
  if ((environment("NO_COLOR") ?? "") !== "") return false;
  const force = environment("FORCE_COLOR");
  if (force !== undefined) return !isOff(force);
  const cliForce = environment("CLICOLOR_FORCE") ?? "";
  if (cliForce !== "" && !isOff(cliForce)) return true;
  return isTerminal && environment("CLICOLOR") !== "0" && environment("TERM") !== "dumb";
}

/** What a piece of text is, each with its own color. */
export type TextRole = "error" | "warning" | "note" | "command" | "added" | "removed" | "changed" | "heading";

/** A line of text, and the color that it has on a terminal. */
export interface StyledLine {
  readonly text: string;
  readonly role: TextRole | undefined;
}

const STYLES: Readonly<Record<TextRole, Parameters<typeof styleText>[0]>> = {
  error: ["bold", "red"],
  warning: ["bold", "yellow"],
  note: "dim",
  command: "cyan",
  added: "green",
  removed: "red",
  changed: "yellow",
  heading: "bold",
};

/** Gives text the color of its role; text of others must be made harmless before. */
export type Painter = (role: TextRole, text: string) => string;

/** The painter for a stream: one that paints, or one that leaves text as it is. */
export function createPainter(color: boolean): Painter {
  if (!color) return (_, text) => text;
  // The stream is looked at by mayUseColor(), which knows --color; styleText() would ask the process's own.
  return (role, text) => (text === "" ? "" : styleText(STYLES[role], text, { validateStream: false }));
}

/** What {@link createPainter} adds to text: SGR sequences (ECMA-48), which take no column. */
const SGR_PATTERN = /\u001b\[[\d;]*m/g;

/** Text without its colors, for measuring it. */
export function withoutColors(text: string): string {
  return text.replace(SGR_PATTERN, "");
}
