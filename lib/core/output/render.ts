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
  type ColumnLayout,
  createTextTableFormatter,
  formatRecord,
  type TextOutputTarget,
} from "./text-table.ts";
import { csvLine, markdownDelimiterRow, markdownTableRow, tsvLine } from "./tsv-csv-markdown.ts";

/** A column of a table. */
export interface Column<T> extends ColumnLayout {
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
  /** Whether a result is a list even if it has only one value. */
  readonly isAlwaysList?: true;
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

interface ViewAndRenderOptions<T> {
  readonly view: ResultView<T>;
  readonly options: RenderOptions;
}

type RendererFactory = <T>(setup: ViewAndRenderOptions<T>) => StreamRenderer<T>;

function escapeAndJoinLines(lines: readonly string[]): string {
  return lines
    .map((line) => `${line.startsWith("\t") ? "\t" : ""}${escapeControls(line.replace(/^\t/, ""))}\n`)
    .join("");
}

/** Renders each value by itself, and nothing or `end` after the last one. */
function createPerItemRenderer<T>(
  item: (value: T) => string,
  end: StreamRenderer<T>["end"] = () => "",
): StreamRenderer<T> {
  return { item, flush: () => "", end };
}

/** Renders each value by itself, with a separator between the texts that are not empty. */
function createSeparatingRenderer<T>(item: (value: T) => string, separator: string): StreamRenderer<T> {
  let count = 0;
  return createPerItemRenderer((value) => {
    const text = item(value);
    return text === "" ? "" : `${count++ === 0 ? "" : separator}${text}`;
  });
}

function createTableRenderer<T>(
  columns: readonly Column<T>[],
  shape: "plain" | "grid",
  { view: { onHidden }, options: { terminal, settleAfter } }: ViewAndRenderOptions<T>,
  lastRows: (rest?: JsonObject) => readonly (readonly CellTextOrList[])[] = () => [],
): StreamRenderer<T> {
  const writer = createTextTableFormatter(columns, shape, terminal, { settleAfter, onHidden });
  return {
    item: (value) => writer.row(columns.map((column) => column.value(value))),
    flush: writer.flush,
    end: (rest) =>
      lastRows(rest)
        .map((cells) => writer.row(cells))
        .join("") + writer.flush(),
  };
}

function createTableOrRecordRenderer<T>(setup: ViewAndRenderOptions<T>): StreamRenderer<T> {
  const { view, options } = setup;
  const { columns, envelope, tableEnd } = view;
  if (options.isList)
    return createTableRenderer(columns, "plain", setup, (rest = envelope?.rest ?? {}) => tableEnd?.(rest) ?? []);
  return createPerItemRenderer((value) =>
    formatRecord(
      columns.map((column) => ({ label: column.label, value: column.value(value) })),
      options.terminal,
    ),
  );
}

function createTextRenderer<T>(setup: ViewAndRenderOptions<T>): StreamRenderer<T> {
  const { view, options } = setup;
  if (options.isList && view.listColumns !== undefined) return createTableRenderer(view.listColumns, "grid", setup);
  const { text: linesOf, styledText, paintLine } = view;
  if (styledText !== undefined)
    return createPerItemRenderer((value) => formatStyledLines(styledText(value), options.terminal.color));
  if (linesOf === undefined) return createTableOrRecordRenderer(setup);
  if (paintLine === undefined || !options.terminal.color)
    return createPerItemRenderer((value) => escapeAndJoinLines(linesOf(value)));
  const paint = createPainter(true);
  return createPerItemRenderer((value) =>
    linesOf(value)
      .map((line) => `${paintLine(escapeControls(line), paint)}\n`)
      .join(""),
  );
}

function formatStyledLines(lines: readonly StyledLine[], color: boolean): string {
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
function jsonRendererFactory(indent: 0 | 2): RendererFactory {
  const newline = (level: number) => (indent === 0 ? "" : `\n${" ".repeat(indent * level)}`);
  const colon = indent === 0 ? ":" : ": ";
  const write = (value: unknown, level: number) => toTerminalSafeJson(value, indent).replaceAll("\n", newline(level));
  return ({ view: { envelope }, options }) => {
    if (!options.isList) return createPerItemRenderer((value) => `${write(value, 0)}\n`);
    const level = envelope === undefined ? 0 : 1;
    const open = envelope === undefined ? "[" : `{${newline(1)}${toTerminalSafeJson(envelope.items)}${colon}[`;
    let count = 0;
    return createPerItemRenderer(
      (value) => `${count++ === 0 ? open : ","}${newline(level + 1)}${write(value, level + 1)}`,
      (rest = envelope?.rest ?? {}) => {
        const close = count === 0 ? `${open}]` : `${newline(level)}]`;
        if (envelope === undefined) return `${close}\n`;
        const members = Object.entries(rest).map(
          ([key, value]) => `,${newline(1)}${toTerminalSafeJson(key)}${colon}${write(value, 1)}`,
        );
        return `${close}${members.join("")}${newline(0)}}\n`;
      },
    );
  };
}

/** A heading and one record for each value, without alignment. */
function delimitedRendererFactory(
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
    return createPerItemRenderer(
      (value) => withHead(line(cells(value), terminal.isTerminal)),
      () => (isList ? withHead("") : ""),
    );
  };
}

function createYamlRenderer<T>({ view: { envelope, isStream }, options }: ViewAndRenderOptions<T>): StreamRenderer<T> {
  const write = options.tools.yaml;
  if (write === undefined) throw new TypeError("the yaml format needs its tool");
  if (!options.isList) return createPerItemRenderer(write);
  if (isStream === true) return createSeparatingRenderer(write, "---\n");
  const indent = envelope === undefined ? "" : "  ";
  let count = 0;
  return createPerItemRenderer(
    (value) => {
      const isFirst = count++ === 0;
      const open = isFirst && envelope !== undefined ? write({ [envelope.items]: [] }).replace(/ \[\]\n$/, "\n") : "";
      const body = write(value)
        .replace(/\n$/, "")
        .replace(/\n(?=[^\n])/g, `\n${indent}  `);
      return `${open}${indent}- ${body}\n`;
    },
    (rest = envelope?.rest ?? {}) => {
      if (envelope === undefined) return count === 0 ? write([]) : "";
      if (count === 0) return write({ [envelope.items]: [], ...rest });
      return Object.keys(rest).length === 0 ? "" : write(rest);
    },
  );
}

/** Collects the whole document and writes what the expression selects in it. */
function createSelectionRenderer<T>(
  { view: { envelope }, options }: ViewAndRenderOptions<T>,
  write: (values: readonly unknown[], single: boolean) => string,
): StreamRenderer<T> {
  const { select } = options.tools;
  if (select === undefined) throw new TypeError("the format needs its expression");
  const selectIn = (document: unknown) => {
    const { values, single } = select(document);
    return write(values, single);
  };
  if (!options.isList) return createPerItemRenderer(selectIn);
  const items: unknown[] = [];
  return createPerItemRenderer(
    (value) => {
      items.push(value);
      return "";
    },
    (rest = envelope?.rest ?? {}) => selectIn(envelope === undefined ? items : { [envelope.items]: items, ...rest }),
  );
}

/** JSON of what is selected: like Hydra's own CLI, null for nothing; an array if the expression can select several values. */
const createJsonSelectionRenderer: RendererFactory = (setup) =>
  createSelectionRenderer(
    setup,
    (values, single) => `${toTerminalSafeJson(single ? (values[0] ?? null) : values, 2)}\n`,
  );

/** One line for each selected value, strings without quotes. */
const createRawSelectionRenderer: RendererFactory = (setup) => {
  const { isTerminal } = setup.options.terminal;
  const unquoted = (value: string) => (isTerminal ? escapeControls(value) : value);
  return createSelectionRenderer(setup, (values) =>
    values.map((value) => `${typeof value === "string" ? unquoted(value) : toTerminalSafeJson(value)}\n`).join(""),
  );
};

/**
 * One ID per line. In a pipe it is unchanged, as `delete -` reads it; a line break stays escaped, since the rest would be
 * the ID of another client.
 */
const createIdRenderer: RendererFactory = ({ view, options: { terminal } }) =>
  createPerItemRenderer((value) => {
    const id = view.id(value);
    return `${terminal.isTerminal || /[\r\n]/.test(id) ? escapeControls(id) : id}\n`;
  });

function credentialsOrOnlyId<T>(view: ResultView<T>, value: T): Credentials {
  return view.credentials?.(value) ?? { id: view.id(value) };
}

/**
 * Whether `k8s-secret` omits a value. The manifest of a client that has a secret, but without that secret, would remove it
 * from a cluster.
 */
export function isOmittedFromSecretManifest<T>(view: ResultView<T>, value: T): boolean {
  return !areCredentialsComplete(credentialsOrOnlyId(view, value));
}

const RENDERERS: Readonly<Record<FormatKind, RendererFactory>> = {
  text: createTextRenderer,
  table: createTableOrRecordRenderer,
  json: jsonRendererFactory(0),
  "json-pretty": jsonRendererFactory(2),
  yaml: createYamlRenderer,
  tsv: delimitedRendererFactory(tsvLine),
  markdown: (setup) => {
    const { markdown } = setup.view;
    return markdown === undefined
      ? delimitedRendererFactory(markdownTableRow, markdownDelimiterRow)(setup)
      : createPerItemRenderer(markdown);
  },
  csv: delimitedRendererFactory(csvLine),
  ndjson: () => createPerItemRenderer((value) => `${toTerminalSafeJson(value)}\n`),
  jsonpath: createJsonSelectionRenderer,
  jsonpointer: createJsonSelectionRenderer,
  raw: createRawSelectionRenderer,
  env: ({ view, options }) =>
    createSeparatingRenderer((value) => formatDotenv(credentialsOrOnlyId(view, value), options.names), "\n"),
  pem: createTextRenderer,
  id: createIdRenderer,
  "k8s-secret": ({ view, options }) =>
    createSeparatingRenderer(
      (value) =>
        isOmittedFromSecretManifest(view, value)
          ? ""
          : formatSecretManifest(credentialsOrOnlyId(view, value), options.names),
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
