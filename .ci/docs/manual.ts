import type { Flag, SyntaxVersion } from "../../lib/core/flags/flag.ts";
import {
  FLAG_GROUP_HEADINGS,
  flagNotes,
  flagUsage,
  type HelpPage,
  wrapIntoLines,
} from "../../lib/core/help/render-help.ts";
import type { Topic, TopicPart } from "../../lib/core/help/topics.ts";
import { EXIT_CODES, SIGNAL_EXIT_BASE } from "../../lib/core/problem.ts";

/** What every page of the manual is stamped with. */
interface Edition {
  readonly version: string;
  /** `YYYY-MM-DD`. */
  readonly date: string;
}

/** A command's page, with its links to other pages. */
export interface CommandPage extends HelpPage {
  /** The same command, usually in the other syntax. */
  readonly otherPath: string | undefined;
  readonly otherGrammar: SyntaxVersion | undefined;
  /** Describes its operands. */
  readonly operandHelp: string | undefined;
  /** Pages listed under SEE ALSO: `hydra-clients(1)`. */
  readonly seeAlso: readonly string[];
}

/** Flags by group, with the headings of the groups. */
function groupsOf(flags: readonly Flag[]): readonly (readonly [title: string, flags: readonly Flag[]])[] {
  return FLAG_GROUP_HEADINGS.flatMap(([group, title]) => {
    const found = flags.filter((flag) => flag.group === group);
    return found.length === 0 ? [] : [[title, found] as const];
  });
}

function flagText(flag: Flag, grammar: SyntaxVersion): string {
  const notes = flagNotes(flag, grammar);
  return `${flag.help}${notes.length === 0 ? "" : ` (${notes.join("; ")})`}`;
}

/** The label of the same command in the other syntax, or under another name in the same one. */
function otherSyntax(page: CommandPage): string {
  if (page.otherGrammar === page.grammar) return "Also";
  return page.grammar === "2.x" ? "In 1.x syntax" : "In 2.x syntax";
}

function usageLine(page: HelpPage): string {
  const words = [page.path, page.commands.length > 0 ? "COMMAND" : "", page.operands, "[flags]"];
  return words.filter((word) => word !== "").join(" ");
}

/** Whether a term of a topic is code rather than a phrase. */
function isCode(term: string): boolean {
  return !/^(?:[A-Z][a-z]|\()/.test(term);
}

// Markdown (CommonMark)

function fenced(lines: readonly string[]): string {
  return `\`\`\`\n${lines.join("\n")}\n\`\`\`\n`;
}

/** Prose with Markdown characters escaped, except in code. */
function markdownText(text: string): string {
  return text
    .split(/(`[^`]*`)/)
    .map((piece) => (piece.startsWith("`") ? piece : piece.replace(/[\\*_<>[\]]/g, "\\$&")))
    .join("");
}

function markdownRow([term, meaning]: readonly [string, string]): string {
  return `- ${isCode(term) ? `\`${term}\`` : `**${markdownText(term)}**`}: ${markdownText(meaning)}\n`;
}

/** A topic as a page in Markdown. */
export function topicMarkdown(topic: Topic): string {
  const part = (piece: TopicPart): string => {
    switch (piece.kind) {
      case "heading":
        return `## ${piece.text}\n`;
      case "text":
        return `${wrapIntoLines(markdownText(piece.text), 120).join("\n")}\n`;
      case "rows":
        return piece.rows.map(markdownRow).join("");
      case "lines":
        return fenced(piece.lines);
    }
  };
  return [`# ${topic.title}\n`, `\`hydra help ${topic.name}\` shows this page.\n`, ...topic.parts.map(part)].join("\n");
}

/** The name of a command's page in Markdown: `clients-create.md`. */
export function markdownName(path: string): string {
  const words = path.split(" ").slice(1);
  return words.length === 0 ? "README.md" : `${words.join("-")}.md`;
}

/** A command as a page in Markdown. */
export function commandMarkdown(page: CommandPage): string {
  const sections = [`# ${page.path}\n`, `${markdownText(page.summary)}.\n`, fenced([usageLine(page)])];
  if (page.otherPath !== undefined)
    sections.push(`${otherSyntax(page)}: [\`${page.otherPath}\`](${markdownName(page.otherPath)}).\n`);
  for (const text of page.about) sections.push(`${wrapIntoLines(markdownText(text), 120).join("\n")}\n`);
  if (page.operandHelp !== undefined) sections.push(`\`${page.operands}\`: ${markdownText(page.operandHelp)}\n`);
  if (page.examples.length > 0) {
    sections.push("## Examples\n");
    sections.push(fenced(page.examples.flatMap(([line, what]) => [`# ${what}`, `hydra ${line}`])));
  }
  for (const [title, flags] of groupsOf(page.flags)) {
    sections.push(`## ${title}\n`);
    sections.push(
      flags
        .map((flag) => `- \`${flagUsage(flag, page.grammar).trim()}\`: ${markdownText(flagText(flag, page.grammar))}\n`)
        .join(""),
    );
  }
  return sections.join("\n");
}

/** The codes of all problems, with what each means. */
export function errorsMarkdown(codes: Readonly<Record<string, Readonly<Record<string, string>>>>): string {
  return [
    "# Error codes\n",
    wrapIntoLines(
      "With a JSON format an error is a JSON object on standard error, and `error` is one of these codes. They are stable: scripts can rely on them. The exit code of the program is coarser, see [exit codes](exit-codes.md); the client rules have more detail in [rules](rules.md).",
      120,
    ).join("\n"),
    ...Object.entries(codes).map(
      ([heading, rows]) => `\n## ${heading}\n\n${Object.entries(rows).map(markdownRow).join("")}`,
    ),
  ]
    .join("\n")
    .replaceAll("\n\n\n", "\n\n");
}

/** The index of the manual: the commands in both syntaxes, and the topics. */
export function indexMarkdown(commands: readonly CommandPage[], topics: readonly Topic[]): string {
  const listed = (grammar: SyntaxVersion): string =>
    commands
      .filter((page) => page.grammar === grammar)
      .map((page) => `- [\`${page.path}\`](${markdownName(page.path)}): ${markdownText(page.summary)}\n`)
      .join("");
  return [
    "# Reference\n",
    "Generated by `npm run docs`. `hydra help COMMAND` and `man hydra` have the same contents.\n",
    "## Commands\n",
    listed("1.x"),
    "## Commands in 2.x syntax\n",
    "The same commands, spelled as in Hydra's own CLI from 2.0 on. Both syntaxes accept both names of a flag.\n",
    listed("2.x"),
    "## Topics\n",
    topics.map((topic) => `- [${topic.title}](${topic.name}.md): \`hydra help ${topic.name}\`\n`).join(""),
    "## Errors\n",
    "- [Error codes](errors.md): what `error` in the JSON form of an error can be\n",
  ].join("\n");
}

// Pages for man (the man macros of groff and mandoc)

/** Columns of a line of source; linters require fewer than 80. */
const ROFF_WIDTH = 78;

/** Text with the characters escaped that roff would interpret. */
function roffPlain(text: string): string {
  return text.replace(/[\\'`^~-]|[^\u0000-\u007f]/g, (letter) => {
    const known = ROFF_LETTERS.get(letter);
    return known ?? `\\[u${(letter.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}]`;
  });
}

const ROFF_LETTERS: ReadonlyMap<string, string> = new Map([
  ["\\", "\\e"],
  ["'", "\\(aq"],
  ["`", "\\(ga"],
  ["^", "\\(ha"],
  ["~", "\\(ti"],
  ["-", "\\-"],
]);

/** Prose as lines of source, with code in bold. */
function roffText(text: string): string {
  const words = text.split(/(`[^`]*`)/).map((piece) => {
    if (!piece.startsWith("`")) return roffPlain(piece);
    // A phrase can break over lines, so each word is bold on its own.
    return roffPlain(piece.slice(1, -1))
      .split(" ")
      .map((word) => `\\fB${word}\\fR`)
      .join(" ");
  });
  return filled(words.join(""));
}

/** Source in lines that are short enough for linters. */
function filled(source: string): string {
  return `${wrapIntoLines(source, ROFF_WIDTH).map(guarded).join("\n")}\n`;
}

/** A line that roff does not read as a request. */
function guarded(line: string): string {
  return /^[.']/.test(line) ? `\\&${line}` : line;
}

/** Lines of code, neither filled nor hyphenated. */
function roffLines(lines: readonly string[]): string {
  return `.RS 4\n.nf\n${lines.map((line) => `${guarded(roffPlain(line))}\n`).join("")}.fi\n.RE\n`;
}

function roffRow(term: string, meaning: string): string {
  return `.TP\n${term}\n${roffText(meaning)}`;
}

/** The title of a page, its section and its NAME section. */
function roffHead(name: string, section: 1 | 7, summary: string, edition: Edition): string {
  const title = roffPlain(name.toUpperCase());
  return [
    `.\\" Generated by npm run docs.\n`,
    `.TH ${title} ${section} ${edition.date} "hydra ${edition.version}" "hydra manual"\n`,
    // A hyphenated flag could not be copied.
    ".nh\n",
    `.SH NAME\n${filled(`${roffPlain(name)} \\- ${roffPlain(summary.charAt(0).toLowerCase() + summary.slice(1))}`)}`,
  ].join("");
}

/** The name of a command's page for man: `hydra-clients-create`. */
export function manName(path: string): string {
  return path.replaceAll(" ", "-");
}

/** `hydra-clients(1)` as a reference to a page. */
function roffReference(page: string): string {
  const [, name = page, section = "1"] = /^(.*)\((\d)\)$/.exec(page) ?? [];
  return `.BR ${roffPlain(name)} (${section})`;
}

function seeAlso(pages: readonly string[]): string {
  if (pages.length === 0) return "";
  return `.SH SEE ALSO\n${pages.map((page, at) => `${roffReference(page)}${at < pages.length - 1 ? " ," : ""}\n`).join("")}`;
}

/** A flag with its names in bold and its value in italics. */
function roffFlag(flag: Flag, grammar: SyntaxVersion): string {
  return flagUsage(flag, grammar)
    .trim()
    .split(", ")
    .map((part) => {
      const [, name = part, rest = ""] = /^(-{1,2}[A-Za-z0-9-]+)(.*)$/s.exec(part) ?? [];
      return `\\fB${roffPlain(name)}\\fR${rest === "" ? "" : `\\fI${roffPlain(rest)}\\fR`}`;
    })
    .join(", ");
}

function roffDescription(page: CommandPage): string {
  const texts = page.about.length > 0 ? page.about : [`${page.summary}.`];
  const operands = page.operandHelp === undefined ? "" : roffRow(roffOperands(page), page.operandHelp);
  const other = page.otherPath === undefined ? "" : `.PP\n${roffText(`${otherSyntax(page)}: \`${page.otherPath}\`.`)}`;
  return `.SH DESCRIPTION\n${texts.map(roffText).join(".PP\n")}${operands}${other}`;
}

function roffOperands({ operands }: CommandPage): string {
  return operands === "" ? "" : `\\fI${roffPlain(operands)}\\fR`;
}

function roffCommands({ commands }: CommandPage): string {
  const rows = commands.map(([name, summary]) => roffRow(`\\fB${roffPlain(name)}\\fR`, summary));
  return rows.length === 0 ? "" : `.SH COMMANDS\n${rows.join("")}`;
}

function roffOptions({ flags, grammar }: CommandPage): string {
  const groups = groupsOf(flags).map(([title, found]) => {
    const rows = found.map((flag) => roffRow(roffFlag(flag, grammar), flagText(flag, grammar)));
    return `.SS ${roffPlain(title)}\n${rows.join("")}`;
  });
  return groups.length === 0 ? "" : `.SH OPTIONS\n${groups.join("")}`;
}

function roffExitCodes({ commands }: CommandPage): string {
  if (commands.length > 0) return "";
  const codes = [...Object.values(EXIT_CODES).map(String), `${SIGNAL_EXIT_BASE}+N`];
  return `.SH EXIT STATUS\n${roffText(`One of ${codes.join(", ")}. See`)}${roffReference("hydra-exit-codes(7)")} .\n`;
}

function roffExamples({ examples }: CommandPage): string {
  const shown = examples.map(([line, what]) => `${roffText(`${what}:`)}.PP\n${roffLines([`hydra ${line}`])}`);
  return shown.length === 0 ? "" : `.SH EXAMPLES\n${shown.join(".PP\n")}`;
}

/** A command as a page for man, section 1. */
export function commandRoff(page: CommandPage, edition: Edition): string {
  const words = [page.commands.length > 0 ? "\\fICOMMAND\\fR" : "", roffOperands(page), "[\\fIflags\\fR]"];
  return [
    roffHead(manName(page.path), 1, page.summary, edition),
    `.SH SYNOPSIS\n\\fB${roffPlain(page.path)}\\fR ${words.filter((word) => word !== "").join(" ")}\n`,
    roffDescription(page),
    roffCommands(page),
    roffOptions(page),
    roffExitCodes(page),
    roffExamples(page),
    seeAlso(page.seeAlso),
  ].join("");
}

/** The name of a topic's page for man: `hydra-formats`. */
export function topicManName(topic: Topic): string {
  return `hydra-${topic.name}`;
}

/** A topic as a page for man, section 7. */
export function topicRoff(topic: Topic, edition: Edition): string {
  const part = (piece: TopicPart, at: number): string => {
    const before = topic.parts[at - 1]?.kind;
    switch (piece.kind) {
      case "heading":
        return `.SH ${roffPlain(piece.text.toUpperCase())}\n`;
      case "text":
        return `${before === undefined || before === "heading" ? "" : ".PP\n"}${roffText(piece.text)}`;
      case "rows":
        return piece.rows.map(([term, meaning]) => roffRow(`\\fB${roffPlain(term)}\\fR`, meaning)).join("");
      case "lines":
        return `${before === "heading" ? "" : ".PP\n"}${roffLines(piece.lines)}`;
    }
  };
  return [
    roffHead(topicManName(topic), 7, topic.title, edition),
    ".SH DESCRIPTION\n",
    ...topic.parts.map(part),
    seeAlso(["hydra(1)"]),
  ].join("");
}
