import { formatMilliseconds } from "../duration.ts";
import { type Flag, type FlagGroup, longNames, type SyntaxVersion } from "../flags/flag.ts";
import { briefHelp, condenseFlagNames, isOnShortPage, needsShortPage } from "./short-help-page.ts";

/** The contents of a help page. */
export interface HelpPage {
  /** The command as it is typed: `hydra clients create`. */
  readonly path: string;
  readonly summary: string;
  readonly about: readonly string[];
  readonly operands: string;
  readonly grammar: SyntaxVersion;
  readonly flags: readonly Flag[];
  readonly examples: readonly (readonly [line: string, what: string])[];
  /** Its subcommands. */
  readonly commands: readonly (readonly [name: string, summary: string])[];
  readonly more: readonly string[];
}

/** The headings of the flag groups, in order. */
export const FLAG_GROUP_HEADINGS: readonly (readonly [FlagGroup, string])[] = [
  ["client", "Client"],
  ["secret", "Secret"],
  ["encryption", "Secret encryption"],
  ["input", "Input"],
  ["output", "Output"],
  ["connection", "Connection"],
  ["general", "General"],
];

/** A flag as help shows it: `-c, --callbacks LIST`. */
export function flagUsage(flag: Flag, grammar: SyntaxVersion): string {
  const name = longNames(flag, grammar)[0] ?? flag.name;
  const optional = flag.kind === "text" && flag.implicitValue !== undefined;
  const value = flag.kind === "switch" ? "" : optional ? `[=${flag.value}]` : ` ${flag.value}`;
  return `${flag.short === undefined ? "    " : `-${flag.short}, `}--${name}${value}`;
}

/** The notes after a flag's help: choices, default, variables, other names. Values of variables are never shown. */
export function flagNotes(flag: Flag, grammar: SyntaxVersion): readonly string[] {
  const notes: string[] = [];
  if ((flag.kind === "text" || flag.kind === "list") && flag.choices !== undefined) {
    notes.push(`one of: ${flag.choices.filter((choice) => choice !== "").join(", ")}`);
  }
  const fallback = flagDefaultText(flag);
  if (fallback !== undefined) notes.push(`default: ${fallback}`);
  if (flag.env !== undefined) notes.push(`environment: ${flag.env.join(", ")}`);
  const others = longNames(flag, grammar).slice(1);
  if (others.length > 0) notes.push(`also: ${others.map((name) => `--${name}`).join(", ")}`);
  return notes;
}

/** The default of a flag, as it would be typed; undefined if it has none. */
export function flagDefaultText(flag: Flag): string | undefined {
  if (flag.kind === "duration") return flag.default === undefined ? undefined : formatMilliseconds(flag.default);
  if (flag.kind === "count") return flag.default === undefined ? undefined : String(flag.default);
  if (flag.kind === "list") return flag.default?.join(",");
  return flag.kind === "text" ? flag.default : undefined;
}

/** Breaks words into lines of at most `width` columns. */
export function wrapIntoLines(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}

/** A left column of names and a right column of wrapped text; on a narrow terminal, the text is below the name. */
export function formatTwoColumns(rows: readonly (readonly [string, string])[], width: number, color: boolean): string {
  const widest = Math.max(0, ...rows.map(([left]) => left.length));
  const left = Math.min(widest, 34);
  const narrow = width < left + 30;
  return rows
    .map(([name, text]) => {
      const shown = color ? `\u001b[1m${name}\u001b[22m` : name;
      const pad = narrow ? 6 : left + 4;
      const lines = wrapIntoLines(text, Math.max(20, width - pad));
      const below = narrow || name.length > left;
      const first = below ? `\n${" ".repeat(pad)}` : " ".repeat(left - name.length + 2);
      return `  ${shown}${first}${lines.join(`\n${" ".repeat(pad)}`)}\n`;
    })
    .join("");
}

/** How a help page looks. */
interface HelpStyle {
  readonly width: number;
  /** Whether headings and names are bold. */
  readonly color: boolean;
  /** Whether every flag of a long page is described. */
  readonly all: boolean;
}

function formatHeading(text: string, { color }: HelpStyle): string {
  return `\n${color ? `\u001b[1m${text}\u001b[22m` : text}:\n`;
}

/** Renders a help page. */
export function renderHelp(page: HelpPage, style: HelpStyle): string {
  const { width, color, all } = style;
  const isShort = !all && needsShortPage(page.flags);
  const paragraph = (text: string): string => `${wrapIntoLines(text, width).join("\n")}\n`;
  const parts = [paragraph(`${page.summary}.`)];
  for (const text of isShort ? page.about.slice(0, 1) : page.about) parts.push(`\n${paragraph(text)}`);
  parts.push(formatHeading("Usage", style), `  ${commandUsageLine(page)}\n`);
  if (page.commands.length > 0)
    parts.push(formatHeading("Commands", style), formatTwoColumns(page.commands, width, color));
  if (page.examples.length > 0) {
    parts.push(formatHeading("Examples", style));
    for (const [line, what] of isShort ? page.examples.slice(0, SHORT_EXAMPLES) : page.examples)
      parts.push(`  # ${what}\n  hydra ${line}\n`);
  }
  parts.push(isShort ? formatCommonFlags(page, style) : formatAllFlags(page, style));
  if (page.more.length > 0) parts.push("\n", ...page.more.map(paragraph));
  return parts.join("");
}

/** The syntax of a command in one line. */
function commandUsageLine({ path, commands, operands, flags }: HelpPage): string {
  const words = [path, commands.length > 0 ? "COMMAND" : "", operands, flags.length > 0 ? "[flags]" : ""];
  return words.filter((word) => word !== "").join(" ");
}

/** The examples of a short page. */
const SHORT_EXAMPLES = 2;

function formatAllFlags({ flags, grammar }: HelpPage, style: HelpStyle): string {
  return groupFlags(flags)
    .map(([title, rows]) => {
      const described = rows.map((flag) => {
        const notes = flagNotes(flag, grammar);
        return [flagUsage(flag, grammar), `${flag.help}${notes.length === 0 ? "" : ` (${notes.join("; ")})`}`] as const;
      });
      return formatHeading(title, style) + formatTwoColumns(described, style.width, style.color);
    })
    .join("");
}

/** The common flags, a line or two each, and the names of the others. */
function formatCommonFlags({ path, flags, grammar }: HelpPage, style: HelpStyle): string {
  const common = groupFlags(flags.filter(isOnShortPage)).flatMap(([, rows]) => rows);
  const described = common.map((flag) => [flagUsage(flag, grammar), briefHelp(flag)] as const);
  const rest = groupFlags(flags.filter((flag) => !isOnShortPage(flag))).map(
    ([title, rows]) =>
      [title, condenseFlagNames(rows.map((flag) => longNames(flag, grammar)[0] ?? flag.name))] as const,
  );
  const others = rest.map(
    ([title, names]) => `  ${wrapIntoLines(`${title}: ${names}`, style.width - 4).join("\n    ")}\n`,
  );
  return [
    formatHeading("Common flags", style),
    formatTwoColumns(described, style.width, style.color),
    formatHeading(`More flags (${path} --help=all explains them)`, style),
    ...others,
  ].join("");
}

/** Flags by group, in the order of the groups. */
function groupFlags(flags: readonly Flag[]): readonly (readonly [title: string, flags: readonly Flag[]])[] {
  return FLAG_GROUP_HEADINGS.map(
    ([group, title]) => [title, flags.filter((flag) => flag.group === group)] as const,
  ).filter(([, rows]) => rows.length > 0);
}
