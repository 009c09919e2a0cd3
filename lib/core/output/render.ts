import { type JsonObject, toJson } from "../json.ts";
import { escapeControls } from "../text.ts";
import { type CredentialNames, type Credentials, envLines, isWhole, secretManifest } from "./credential-files.ts";
import type { Format, FormatKind } from "./formats.ts";
import type { Select } from "./query.ts";
import { type Cell, createTable, recordTable, type Terminal } from "./text-table.ts";

export { toJson };

/** A JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** A column of a table of values. */
export interface Column<T> {
  readonly label: string;
  readonly value: (record: T) => Cell;
  /** Never cut and never left out on a narrow terminal: a credential, say. */
  readonly whole?: boolean;
}

/** How one kind of value is shown. */
export interface View<T> {
  /** The table: a column each in a list, a line each for one value. */
  readonly columns: readonly Column<T>[];
  /** The lines of the `text` format; without them it is the table. */
  readonly text?: (record: T) => readonly string[];
  /** The columns of the bordered table that the `text` format of many values is, instead of `text`. */
  readonly listColumns?: readonly Column<T>[];
  /** The lines that end the `text` format of many values. */
  readonly closing?: (count: number) => readonly string[];
  readonly id: (record: T) => string;
  /** What `env` and `k8s-secret` write; the id alone when the view does not say. */
  readonly credentials?: (record: T) => Credentials;
  /** What the JSON formats and YAML write, in its own order; the value itself when the view does not say. */
  readonly json?: (record: T) => unknown;
  /** Many values as JSON or YAML stand in an object, under `items`, followed by the members of `rest`. */
  readonly envelope?: { readonly items: string; readonly rest: JsonObject };
}

/** What some formats need from a library that is loaded only for them. */
export interface Tools {
  /** A value as one YAML document, ending in a line feed, harmless on a terminal. */
  readonly yaml?: (value: unknown) => string;
  /** The expression of the format, ready. */
  readonly select?: Select;
}

/** How {@link toolsFor} gets the libraries. */
export interface ToolLoaders {
  readonly yaml: () => Promise<(value: unknown) => string>;
  /** Throws a usage Problem for text that is not RFC 9535. */
  readonly jsonpath: (text: string) => Promise<Select>;
}

/** Loads what a format needs, to be called before anything is sent so that a bad expression is a usage error. */
export async function toolsFor(format: Format, load: ToolLoaders): Promise<Tools> {
  if (format.kind === "yaml") return { yaml: await load.yaml() };
  if (!("query" in format)) return {};
  return { select: "select" in format.query ? format.query.select : await load.jsonpath(format.query.text) };
}

/** How values are rendered. */
export interface RenderOptions {
  readonly terminal: Terminal;
  /** Whether the result is a list, which may then have any number of values, or one value. */
  readonly many: boolean;
  readonly tools: Tools;
  /** The names that `env` and `k8s-secret` give to the credentials. */
  readonly names?: Partial<CredentialNames>;
  /** After how many rows a table settles its widths and begins to show; 100 by default, 1 where each row must show at once. */
  readonly settleAfter?: number;
}

/** Turns values into text as they come; each call gives the text to write now, perhaps none. */
export interface Renderer<T> {
  item(value: T): string;
  /** Gives what was held back to settle a table's widths, which are settled then. */
  flush(): string;
  /** The rest; `rest` replaces the members that the view's envelope ends with. */
  end(rest?: JsonObject): string;
}

function indented(text: string, by: string): string {
  return text.replace(/\n(?=[^\n])/g, `\n${by}`);
}

function lines(texts: readonly string[]): string {
  return texts.map((text) => `${escapeControls(text)}\n`).join("");
}

/** What a format's renderer is made of: the view with its defaults filled in, and the options. */
interface Setup<T> {
  readonly view: View<T>;
  readonly options: RenderOptions;
  readonly json: (record: T) => unknown;
}

type Make = <T>(setup: Setup<T>) => Renderer<T>;

/** A renderer that needs nothing but the value at hand. */
function each<T>(item: (value: T) => string): Renderer<T> {
  return { item, flush: () => "", end: () => "" };
}

/** One value after the other, with `between` from the second on; a value without a text is none. */
function separated<T>(item: (value: T) => string, between: string): Renderer<T> {
  let count = 0;
  return each((value) => {
    const text = item(value);
    return text === "" ? "" : `${count++ === 0 ? "" : between}${text}`;
  });
}

function table<T>({ view, options }: Setup<T>): Renderer<T> {
  if (!options.many) {
    return each((value) =>
      recordTable(
        view.columns.map((column) => ({ label: column.label, value: column.value(value) })),
        options.terminal,
      ),
    );
  }
  return listed(view.columns, "plain", options);
}

function listed<T>(columns: readonly Column<T>[], shape: "plain" | "grid", options: RenderOptions): Renderer<T> {
  const writer = createTable(columns, shape, options.terminal, options.settleAfter);
  return {
    item: (value) => writer.row(columns.map((column) => column.value(value))),
    flush: writer.flush,
    end: writer.flush,
  };
}

export function text<T>(setup: Setup<T>): Renderer<T> {
  const { view, options } = setup;
  if (options.many && view.listColumns !== undefined) return listed(view.listColumns, "grid", options);
  const own = view.text;
  if (own === undefined) return table(setup);
  let count = 0;
  return {
    item: (value) => {
      count++;
      return lines(own(value));
    },
    flush: () => "",
    end: () => (options.many && view.closing !== undefined ? lines(view.closing(count)) : ""),
  };
}

/** JSON on one line: `[a,b]`, or the envelope around it. */
function compact<T>({ view, options, json }: Setup<T>): Renderer<T> {
  if (!options.many) return each((value) => `${toJson(json(value))}\n`);
  const { envelope } = view;
  const open = envelope === undefined ? "[" : `{${toJson(envelope.items)}:[`;
  let count = 0;
  return {
    item: (value) => `${count++ === 0 ? open : ","}${toJson(json(value))}`,
    flush: () => "",
    end: (rest = envelope?.rest ?? {}) => {
      const members = Object.entries(rest).map(([key, value]) => `,${toJson(key)}:${toJson(value)}`);
      return `${count === 0 ? open : ""}]${envelope === undefined ? "" : `${members.join("")}}`}\n`;
    },
  };
}

function pretty<T>({ view, options, json }: Setup<T>): Renderer<T> {
  if (!options.many) return each((value) => `${toJson(json(value), 2)}\n`);
  const { envelope } = view;
  const outer = envelope === undefined ? "" : "  ";
  const open = envelope === undefined ? "[" : `{\n  ${toJson(envelope.items)}: [`;
  let count = 0;
  return {
    item: (value) => `${count++ === 0 ? open : ","}\n${outer}  ${indented(toJson(json(value), 2), `${outer}  `)}`,
    flush: () => "",
    end: (rest = envelope?.rest ?? {}) => {
      const close = count === 0 ? `${open}]` : `\n${outer}]`;
      if (envelope === undefined) return `${close}\n`;
      const members = Object.entries(rest).map(
        ([key, value]) => `,\n  ${toJson(key)}: ${indented(toJson(value, 2), "  ")}`,
      );
      return `${close}${members.join("")}\n}\n`;
    },
  };
}

function yaml<T>({ view, options, json }: Setup<T>): Renderer<T> {
  const write = options.tools.yaml;
  if (write === undefined) throw new TypeError("the yaml format needs its tool");
  if (!options.many) return each((value) => write(json(value)));
  const { envelope } = view;
  let count = 0;
  return {
    item: (value) => {
      const opening =
        count++ > 0 || envelope === undefined ? "" : write({ [envelope.items]: [] }).replace(/ \[\]\n$/, "\n");
      const outer = envelope === undefined ? "" : "  ";
      const body = write(json(value)).replace(/\n$/, "");
      return `${opening}${outer}- ${indented(body, `${outer}  `)}\n`;
    },
    flush: () => "",
    end: (rest = envelope?.rest ?? {}) => {
      if (envelope === undefined) return count === 0 ? write([]) : "";
      if (count === 0) return write({ [envelope.items]: [], ...rest });
      return Object.keys(rest).length === 0 ? "" : write(rest);
    },
  };
}

/** Collects the document that an expression is about, and gives what is selected in it at the end. */
function selected<T>(
  { view, options, json }: Setup<T>,
  show: (values: readonly unknown[], single: boolean) => string,
): Renderer<T> {
  const { select } = options.tools;
  if (select === undefined) throw new TypeError("the format needs its expression");
  const of = (document: unknown) => {
    const { values, single } = select(document);
    return show(values, single);
  };
  if (!options.many) return each((value) => of(json(value)));
  const { envelope } = view;
  const documents: unknown[] = [];
  return {
    item: (value) => {
      documents.push(json(value));
      return "";
    },
    flush: () => "",
    end: (rest = envelope?.rest ?? {}) =>
      of(envelope === undefined ? documents : { [envelope.items]: documents, ...rest }),
  };
}

/** JSON of what is selected: null for nothing, as the reference; an array if the expression can select several. */
export const query: Make = (setup) =>
  selected(setup, (values, single) => `${toJson(single ? (values[0] ?? null) : values, 2)}\n`);

/** A line for each selected value, strings without their quotes; nothing selected is no line. */
const raw: Make = (setup) => {
  const { isTerminal } = setup.options.terminal;
  const bare = (value: string) => (isTerminal ? escapeControls(value) : value);
  return selected(setup, (values) =>
    values.map((value) => `${typeof value === "string" ? bare(value) : toJson(value)}\n`).join(""),
  );
};

function credentialsOf<T>(view: View<T>, value: T): Credentials {
  return view.credentials?.(value) ?? { id: view.id(value) };
}

/**
 * Whether `k8s-secret` writes nothing of a value: the manifest of a client without the secret that it has would take the
 * secret out of a cluster that holds it.
 */
export function withholds<T>(view: View<T>, value: T): boolean {
  return !isWhole(credentialsOf(view, value));
}

const RENDERERS: Readonly<Record<FormatKind, Make>> = {
  text,
  table,
  json: compact,
  "json-pretty": pretty,
  yaml,
  ndjson: ({ json }) => each((value) => `${toJson(json(value))}\n`),
  jsonpath: query,
  jsonpointer: query,
  raw,
  env: ({ view, options }) => separated((value) => envLines(credentialsOf(view, value), options.names), "\n"),
  id: ({ view }) => each((value) => `${escapeControls(view.id(value))}\n`),
  "k8s-secret": ({ view, options }) =>
    separated(
      (value) => (withholds(view, value) ? "" : secretManifest(credentialsOf(view, value), options.names)),
      "---\n",
    ),
};

/**
 * Makes the renderer of one result.
 *
 * With `many`, JSON and YAML give an array or the view's envelope, tables rows, `ndjson`, `id` and `raw` lines, `env`
 * blocks and `k8s-secret` documents (of those whose secret is delivered), each value as it comes; only expressions wait for the whole result, which they
 * are about. Nothing is written for a list before its first value or its end. Ids and everything in `text` and `table`
 * are harmless lines; `raw` is so on a terminal and exact elsewhere.
 */
export function createRenderer<T>(format: Format, view: View<T>, options: RenderOptions): Renderer<T> {
  const make = RENDERERS[format.kind];
  return make({ view, options, json: view.json ?? ((value) => value) });
}
