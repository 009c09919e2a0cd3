import type { Flag, Syntax } from "../../lib/core/flags/parse.ts";
import { flagNotes, flagUsage, GROUPS, type HelpPage, wrap } from "../../lib/core/help/help.ts";
import type { Topic, TopicPart } from "../../lib/core/help/topics.ts";
import { BY_SIGNAL, EXIT } from "../../lib/core/problem.ts";

/** What every page of the manual is stamped with. */
export interface Edition {
  readonly version: string;
  /** `YYYY-MM-DD`. */
  readonly date: string;
}

/** A page of a command, with what the whole tree knows of it. */
export interface CommandPage extends HelpPage {
  /** The same command in the other grammar. */
  readonly otherPath: string | undefined;
  /** What each of its operands is. */
  readonly operandHelp: string | undefined;
  /** Pages that are named at the end: `hydra-clients(1)`. */
  readonly seeAlso: readonly string[];
}

/** Flags below their headings. */
function groupsOf(flags: readonly Flag[]): readonly (readonly [title: string, flags: readonly Flag[]])[] {
  return GROUPS.flatMap(([group, title]) => {
    const found = flags.filter((flag) => flag.group === group);
    return found.length === 0 ? [] : [[title, found] as const];
  });
}

function flagText(flag: Flag, grammar: Syntax): string {
  const notes = flagNotes(flag, grammar);
  return `${flag.help}${notes.length === 0 ? "" : ` (${notes.join("; ")})`}`;
}

function usageLine(page: HelpPage): string {
  const words = [page.path, page.commands.length > 0 ? "COMMAND" : "", page.operands, "[flags]"];
  return words.filter((word) => word !== "").join(" ");
}

/** Whether a term of a topic is something that is typed or read, rather than a phrase. */
function isCode(term: string): boolean {
  return !/^(?:[A-Z][a-z]|\()/.test(term);
}

// Markdown (CommonMark)

function fenced(lines: readonly string[]): string {
  return `\`\`\`\n${lines.join("\n")}\n\`\`\`\n`;
}

/** Prose with what Markdown would act on made plain, back-quoted words left as they are. */
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
        return `${wrap(markdownText(piece.text), 120).join("\n")}\n`;
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
    sections.push(`The same command in the other grammar: [\`${page.otherPath}\`](${markdownName(page.otherPath)}).\n`);
  for (const text of page.about) sections.push(`${wrap(markdownText(text), 120).join("\n")}\n`);
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

/** What the index of the manual lists: commands of either grammar and topics. */
export function indexMarkdown(commands: readonly CommandPage[], topics: readonly Topic[]): string {
  const listed = (grammar: Syntax): string =>
    commands
      .filter((page) => page.grammar === grammar)
      .map((page) => `- [\`${page.path}\`](${markdownName(page.path)}): ${markdownText(page.summary)}\n`)
      .join("");
  return [
    "# Reference\n",
    "Made from the program's own tables by `npm run docs`; `hydra help COMMAND` and `man hydra` tell the same.\n",
    "## Commands\n",
    listed("1.x"),
    "## Commands in the grammar of Hydra 2.x\n",
    "They are the same commands; either grammar takes either name of a flag.\n",
    listed("2.x"),
    "## Topics\n",
    topics.map((topic) => `- [${topic.title}](${topic.name}.md): \`hydra help ${topic.name}\`\n`).join(""),
  ].join("\n");
}

// Pages for man (the man macros of groff and mandoc)

/** Columns of a line of source; linters want fewer than 80. */
const ROFF_WIDTH = 78;

/** A text that roff shows as it stands. */
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

/** Prose as lines of source, back-quoted words in bold. */
function roffText(text: string): string {
  const words = text.split(/(`[^`]*`)/).map((piece) => {
    if (!piece.startsWith("`")) return roffPlain(piece);
    // A phrase that may be broken over lines is bold word by word.
    return roffPlain(piece.slice(1, -1))
      .split(" ")
      .map((word) => `\\fB${word}\\fR`)
      .join(" ");
  });
  return filled(words.join(""));
}

/** Source in lines that linters take for short enough. */
function filled(source: string): string {
  return `${wrap(source, ROFF_WIDTH).map(guarded).join("\n")}\n`;
}

/** A line that begins no request of roff. */
function guarded(line: string): string {
  return /^[.']/.test(line) ? `\\&${line}` : line;
}

/** Lines as they are typed or read: neither filled nor hyphenated. */
function roffLines(lines: readonly string[]): string {
  return `.RS 4\n.nf\n${lines.map((line) => `${guarded(roffPlain(line))}\n`).join("")}.fi\n.RE\n`;
}

function roffRow(term: string, meaning: string): string {
  return `.TP\n${term}\n${roffText(meaning)}`;
}

/** The first name of a page in upper case, its section, and what it was made for. */
function roffHead(name: string, section: 1 | 7, summary: string, edition: Edition): string {
  const title = roffPlain(name.toUpperCase());
  return [
    `.\\" Made from the program's own tables by npm run docs.\n`,
    `.TH ${title} ${section} ${edition.date} "hydra ${edition.version}" "hydra manual"\n`,
    // A flag that is broken over two lines cannot be copied.
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

/** A flag as the term of an option: names in bold, the value in italics. */
function roffFlag(flag: Flag, grammar: Syntax): string {
  return flagUsage(flag, grammar)
    .trim()
    .split(", ")
    .map((part) => {
      const [, name = part, rest = ""] = /^(-{1,2}[A-Za-z0-9-]+)(.*)$/s.exec(part) ?? [];
      return `\\fB${roffPlain(name)}\\fR${rest === "" ? "" : `\\fI${roffPlain(rest)}\\fR`}`;
    })
    .join(", ");
}

/** A command as a page for man, section 1. */
export function commandRoff(page: CommandPage, edition: Edition): string {
  const { grammar } = page;
  const operands = page.operands === "" ? "" : ` \\fI${roffPlain(page.operands)}\\fR`;
  const parts = [
    roffHead(manName(page.path), 1, page.summary, edition),
    `.SH SYNOPSIS\n\\fB${roffPlain(page.path)}\\fR${page.commands.length > 0 ? " \\fICOMMAND\\fR" : ""}${operands} [\\fIflags\\fR]\n`,
    `.SH DESCRIPTION\n`,
    ...(page.about.length > 0 ? page.about : [`${page.summary}.`]).map(
      (text, at) => `${at === 0 ? "" : ".PP\n"}${roffText(text)}`,
    ),
  ];
  if (page.operandHelp !== undefined) parts.push(roffRow(`\\fI${roffPlain(page.operands)}\\fR`, page.operandHelp));
  if (page.otherPath !== undefined)
    parts.push(`.PP\n${roffText(`The same command in the other grammar is \`${page.otherPath}\`.`)}`);
  if (page.commands.length > 0) {
    parts.push(".SH COMMANDS\n");
    for (const [name, summary] of page.commands) {
      parts.push(roffRow(`\\fB${roffPlain(name)}\\fR`, summary));
    }
  }
  if (page.flags.length > 0) {
    parts.push(".SH OPTIONS\n");
    for (const [title, flags] of groupsOf(page.flags)) {
      parts.push(`.SS ${roffPlain(title)}\n`);
      for (const flag of flags) parts.push(roffRow(roffFlag(flag, grammar), flagText(flag, grammar)));
    }
  }
  if (page.commands.length === 0) {
    parts.push(".SH EXIT STATUS\n");
    const statuses = [...Object.values(EXIT).map(String), `${BY_SIGNAL}+N`];
    parts.push(
      roffText(`One of ${statuses.join(", ")}.`),
      roffReference("hydra-exit-codes(7)"),
      "\ntells them apart.\n",
    );
  }
  if (page.examples.length > 0) {
    parts.push(".SH EXAMPLES\n");
    for (const [at, [line, what]] of page.examples.entries()) {
      parts.push(at === 0 ? "" : ".PP\n", roffText(`${what}:`), ".PP\n", roffLines([`hydra ${line}`]));
    }
  }
  parts.push(seeAlso(page.seeAlso));
  return parts.join("");
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
