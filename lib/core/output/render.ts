import { type JsonObject, toTerminalSafeJson } from "../json/json.ts";
import { escapeControls } from "../text.ts";
import { createPainter, type Painter, type StyledLine } from "./colors.ts";
import {
  areCredentialsComplete,
  type CredentialNamesAndMetadata,
  type Credentials,
  formatDotenv,
  formatSecretManifest,
} from "./credential-formats.ts";
import type { Format, FormatKind } from "./formats.ts";
import type { Selector } from "./query.ts";
import {
  type CellTextOrList,
  type ColumnHeading,
  createTableWriter,
  formatRecord,
  type TextOutputTarget,
} from "./text-table.ts";
import { csvLine, markdownHeadingRule, markdownLine, tsvLine } from "./tsv-csv-markdown.ts";

/** A column of a table. */
export interface Column<T> extends ColumnHeading {
  readonly value: (record: T) => CellTextOrList;
}

/** How one kind of value is shown. */
export interface ResultView<T> {
  /** The table: the columns of a list, the lines of a single value. */
  readonly columns: readonly Column<T>[];
  /** The lines of the `text` format; the table if missing. */
  readonly text?: (record: T) => readonly string[];
  /** The columns of the bordered table that a list in the `text` format is, instead of `text`. */
  readonly listColumns?: readonly Column<T>[];
  /** The same with a color for each line on a terminal, instead of `text`. */
  readonly styledText?: (record: T) => readonly StyledLine[];
  /** The text of the `markdown` format; a table if missing. */
  readonly markdown?: (record: T) => string;
  /** Paints a line of `text`, which is safe to print already. */
  readonly paintLine?: (line: string, paint: Painter) => string;
  /** Whether a list in YAML is a stream of documents instead of a sequence. */
  readonly isStream?: boolean;
  /** Called with the labels of columns that a terminal is too narrow for. */
  readonly onHidden?: (labels: readonly string[]) => void;
  readonly id: (record: T) => string;
  /** What `env` and `k8s-secret` write; only the ID if missing. */
  readonly credentials?: (record: T) => Credentials;
  /** The object around a list in JSON and YAML: the list is its member `items`, and the members of `rest` follow. */
  readonly envelope?: { readonly items: string; readonly rest: JsonObject };
  /** The rows after the last value in the table of a list, from the members that follow the list in the envelope. */
  readonly tableEnd?: (rest: JsonObject) => readonly (readonly CellTextOrList[])[];
}

/** What some formats need from a library that is only loaded for them. */
export interface FormatLibraries {
  /** Writes a value as one YAML document that ends in a line feed and is safe to print on a terminal. */
  readonly yaml?: (value: unknown) => string;
  /** The expression of the format. */
  readonly select?: Selector;
}

/** How {@link loadFormatLibraries} loads the libraries. */
export interface FormatLibraryLoaders {
  readonly yaml: () => Promise<(value: unknown) => string>;
  /** Throws a usage Problem for a text that is not RFC 9535. */
  readonly jsonpath: (text: string) => Promise<Selector>;
}

/** Loads what a format needs; called before anything is sent, so that a bad expression is a usage error. */
export async function loadFormatLibraries(format: Format, load: FormatLibraryLoaders): Promise<FormatLibraries> {
  if (format.kind === "yaml") return { yaml: await load.yaml() };
  if (!("query" in format)) return {};
  return { select: "select" in format.query ? format.query.select : await load.jsonpath(format.query.text) };
}

/** How values are rendered. */
export interface RenderOptions {
  readonly terminal: TextOutputTarget;
  /** Whether the result is a list of values rather than one value. */
  readonly isList: boolean;
  readonly tools: FormatLibraries;
  /** The names of the credentials in `env` and `k8s-secret`. */
  readonly names?: Partial<CredentialNamesAndMetadata>;
  /** How many rows a table buffers to choose its column widths; 100 by default, 1 if each row must show at once. */
  readonly settleAfter?: number;
}

/** Turns values into text one by one; each call returns the text to write now, which may be empty. */
export interface StreamRenderer<T> {
  item(value: T): string;
  /** Returns the rows that a table has buffered, and fixes its column widths. */
  flush(): string;
  /** Returns the rest; `rest` replaces the members that follow the list in the view's envelope. */
  end(rest?: JsonObject): string;
}

interface Setup<T> {
  readonly view: ResultView<T>;
  readonly options: RenderOptions;
}

type RendererFactory = <T>(setup: Setup<T>) => StreamRenderer<T>;

function safeLines(lines: readonly string[]): string {
  return lines
    .map((line) => `${line.startsWith("\t") ? "\t" : ""}${escapeControls(line.replace(/^\t/, ""))}\n`)
    .join("");
}

/** Renders each value by itself. */
function each<T>(item: (value: T) => string): StreamRenderer<T> {
  return { item, flush: () => "", end: () => "" };
}

/** Renders each value by itself, with a separator between the texts that are not empty. */
function separated<T>(item: (value: T) => string, separator: string): StreamRenderer<T> {
  let count = 0;
  return each((value) => {
    const text = item(value);
    return text === "" ? "" : `${count++ === 0 ? "" : separator}${text}`;
  });
}

function tableOf<T>(
  columns: readonly Column<T>[],
  shape: "plain" | "grid",
  { view: { onHidden }, options: { terminal, settleAfter } }: Setup<T>,
  lastRows: (rest?: JsonObject) => readonly (readonly CellTextOrList[])[] = () => [],
): StreamRenderer<T> {
  const writer = createTableWriter(columns, shape, terminal, { settleAfter, onHidden });
  return {
    item: (value) => writer.row(columns.map((column) => column.value(value))),
    flush: writer.flush,
    end: (rest) =>
      lastRows(rest)
        .map((cells) => writer.row(cells))
        .join("") + writer.flush(),
  };
}

function table<T>(setup: Setup<T>): StreamRenderer<T> {
  const { view, options } = setup;
  const { columns, envelope, tableEnd } = view;
  if (options.isList) return tableOf(columns, "plain", setup, (rest = envelope?.rest ?? {}) => tableEnd?.(rest) ?? []);
  return each((value) =>
    formatRecord(
      columns.map((column) => ({ label: column.label, value: column.value(value) })),
      options.terminal,
    ),
  );
}

function text<T>(setup: Setup<T>): StreamRenderer<T> {
  const { view, options } = setup;
  if (options.isList && view.listColumns !== undefined) return tableOf(view.listColumns, "grid", setup);
  const { text: linesOf, styledText, paintLine } = view;
  if (styledText !== undefined) return each((value) => styledLines(styledText(value), options.terminal.color));
  if (linesOf === undefined) return table(setup);
  if (paintLine === undefined || !options.terminal.color) return each((value) => safeLines(linesOf(value)));
  const paint = createPainter(true);
  return each((value) =>
    linesOf(value)
      .map((line) => `${paintLine(escapeControls(line), paint)}\n`)
      .join(""),
  );
}

function styledLines(lines: readonly StyledLine[], color: boolean): string {
  const paint = createPainter(color);
  return lines
    .map(({ text: line, role }) => {
      const safe = escapeControls(line);
      return `${role === undefined ? safe : paint(role, safe)}\n`;
    })
    .join("");
}

/** Paints the sides of a diff, which begin with `  - ` and `  + `. */
export function paintDiffLine(line: string, paint: Painter): string {
  if (line.startsWith("  - ")) return paint("removed", line);
  return line.startsWith("  + ") ? paint("added", line) : line;
}

/** JSON of one value, an array or the envelope around it: on one line, or indented. */
function json(indent: 0 | 2): RendererFactory {
  const newline = (level: number) => (indent === 0 ? "" : `\n${" ".repeat(indent * level)}`);
  const colon = indent === 0 ? ":" : ": ";
  const write = (value: unknown, level: number) => toTerminalSafeJson(value, indent).replaceAll("\n", newline(level));
  return ({ view: { envelope }, options }) => {
    if (!options.isList) return each((value) => `${write(value, 0)}\n`);
    const level = envelope === undefined ? 0 : 1;
    const open = envelope === undefined ? "[" : `{${newline(1)}${toTerminalSafeJson(envelope.items)}${colon}[`;
    let count = 0;
    return {
      item: (value) => `${count++ === 0 ? open : ","}${newline(level + 1)}${write(value, level + 1)}`,
      flush: () => "",
      end: (rest = envelope?.rest ?? {}) => {
        const close = count === 0 ? `${open}]` : `${newline(level)}]`;
        if (envelope === undefined) return `${close}\n`;
        const members = Object.entries(rest).map(
          ([key, value]) => `,${newline(1)}${toTerminalSafeJson(key)}${colon}${write(value, 1)}`,
        );
        return `${close}${members.join("")}${newline(0)}}\n`;
      },
    };
  };
}

/** A heading and one record for each value, without alignment. */
function delimited(
  line: (cells: readonly CellTextOrList[], onTerminal: boolean) => string,
  rule: (columns: number) => string = () => "",
): RendererFactory {
  return ({ view: { columns }, options: { terminal, isList } }) => {
    const labels = line(
      columns.map(({ label }) => label),
      terminal.isTerminal,
    );
    let head = `${labels}${rule(columns.length)}`;
    const withHead = (text: string): string => {
      const whole = head + text;
      head = "";
      return whole;
    };
    const cells = (value: Parameters<(typeof columns)[number]["value"]>[0]) =>
      columns.map((column) => column.value(value));
    return {
      item: (value) => withHead(line(cells(value), terminal.isTerminal)),
      flush: () => "",
      end: () => (isList ? withHead("") : ""),
    };
  };
}

function yaml<T>({ view: { envelope, isStream }, options }: Setup<T>): StreamRenderer<T> {
  const write = options.tools.yaml;
  if (write === undefined) throw new TypeError("the yaml format needs its tool");
  if (!options.isList) return each(write);
  if (isStream === true) return separated(write, "---\n");
  const indent = envelope === undefined ? "" : "  ";
  let count = 0;
  return {
    item: (value) => {
      const isFirst = count++ === 0;
      const open = isFirst && envelope !== undefined ? write({ [envelope.items]: [] }).replace(/ \[\]\n$/, "\n") : "";
      const body = write(value)
        .replace(/\n$/, "")
        .replace(/\n(?=[^\n])/g, `\n${indent}  `);
      return `${open}${indent}- ${body}\n`;
    },
    flush: () => "",
    end: (rest = envelope?.rest ?? {}) => {
      if (envelope === undefined) return count === 0 ? write([]) : "";
      if (count === 0) return write({ [envelope.items]: [], ...rest });
      return Object.keys(rest).length === 0 ? "" : write(rest);
    },
  };
}

/** Collects the whole document and writes what the expression selects in it. */
function selected<T>(
  { view: { envelope }, options }: Setup<T>,
  write: (values: readonly unknown[], single: boolean) => string,
): StreamRenderer<T> {
  const { select } = options.tools;
  if (select === undefined) throw new TypeError("the format needs its expression");
  const selectIn = (document: unknown) => {
    const { values, single } = select(document);
    return write(values, single);
  };
  if (!options.isList) return each(selectIn);
  const items: unknown[] = [];
  return {
    item: (value) => {
      items.push(value);
      return "";
    },
    flush: () => "",
    end: (rest = envelope?.rest ?? {}) =>
      selectIn(envelope === undefined ? items : { [envelope.items]: items, ...rest }),
  };
}

/** JSON of what is selected: like Hydra's own CLI, null for nothing; an array if the expression can select several values. */
const query: RendererFactory = (setup) =>
  selected(setup, (values, single) => `${toTerminalSafeJson(single ? (values[0] ?? null) : values, 2)}\n`);

/** One line for each selected value, strings without quotes. */
const raw: RendererFactory = (setup) => {
  const { isTerminal } = setup.options.terminal;
  const unquoted = (value: string) => (isTerminal ? escapeControls(value) : value);
  return selected(setup, (values) =>
    values.map((value) => `${typeof value === "string" ? unquoted(value) : toTerminalSafeJson(value)}\n`).join(""),
  );
};

function credentialsOf<T>(view: ResultView<T>, value: T): Credentials {
  return view.credentials?.(value) ?? { id: view.id(value) };
}

/**
 * Whether `k8s-secret` omits a value. The manifest of a client that has a secret, but without that secret, would remove it
 * from a cluster.
 */
export function isOmittedFromSecretManifest<T>(view: ResultView<T>, value: T): boolean {
  return !areCredentialsComplete(credentialsOf(view, value));
}

const RENDERERS: Readonly<Record<FormatKind, RendererFactory>> = {
  text,
  table,
  json: json(0),
  "json-pretty": json(2),
  yaml,
  tsv: delimited(tsvLine),
  markdown: (setup) => {
    const { markdown } = setup.view;
    return markdown === undefined ? delimited(markdownLine, markdownHeadingRule)(setup) : each(markdown);
  },
  csv: delimited(csvLine),
  ndjson: () => each((value) => `${toTerminalSafeJson(value)}\n`),
  jsonpath: query,
  jsonpointer: query,
  raw,
  env: ({ view, options }) => separated((value) => formatDotenv(credentialsOf(view, value), options.names), "\n"),
  pem: text,
  id: ({ view }) => each((value) => `${escapeControls(view.id(value))}\n`),
  "k8s-secret": ({ view, options }) =>
    separated(
      (value) =>
        isOmittedFromSecretManifest(view, value) ? "" : formatSecretManifest(credentialsOf(view, value), options.names),
      "---\n",
    ),
};

/**
 * Creates the renderer of a result.
 *
 * Of a list, JSON and YAML write an array or the view's envelope, tables write rows, `ndjson`, `id` and `raw` lines, `env`
 * blocks and `k8s-secret` documents. Values are written as they come, except for expressions, which need the whole result.
 * Nothing is written for a list before its first value or its end. IDs and everything in `text` and `table` are safe to
 * print on a terminal; `raw` is so on a terminal and exact otherwise.
 */
export function createStreamRenderer<T>(
  format: Format,
  view: ResultView<T>,
  options: RenderOptions,
): StreamRenderer<T> {
  return RENDERERS[format.kind]({ view, options });
}
