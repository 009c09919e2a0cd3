import type { Context } from "../../command.ts";
import type { Flag, ListFlag, RepeatFlag, TextFlag } from "../../core/flags/flag.ts";
import type { JsonObject } from "../../core/json/json.ts";
import type { Column } from "../../core/output/render.ts";
import { Problem, usageError, usageErrorIf } from "../../core/problem.ts";
import { quote } from "../../core/text.ts";
import type { PageRequest } from "../../servers/index.ts";
import {
  type ClientListField,
  ClientListFieldCatalog,
  columnOf,
  fieldComparator,
  matchesValue,
} from "./client-list-fields.ts";

const OWNER_FLAG: TextFlag = {
  kind: "text",
  name: "owner",
  value: "TEXT",
  group: "input",
  help: "Only clients with this owner",
};

const NAME_FLAG: TextFlag = {
  kind: "text",
  name: "name",
  value: "TEXT",
  group: "input",
  help: "Only clients with this name",
};

const COLUMNS_FLAG: ListFlag = {
  kind: "list",
  name: "columns",
  value: "LIST",
  group: "output",
  nonEmpty: true,
  help: "Columns of the table: ID, NAME, GRANTS, OWNER, AGE, any client field, or metadata.KEY",
};

export const SORT_FLAG: TextFlag = {
  kind: "text",
  name: "sort",
  value: "COLUMN",
  group: "output",
  nonEmpty: true,
  help: "Sort by a column; -COLUMN sorts the other way. All clients are read first",
};

const FILTER_FLAG: RepeatFlag = {
  kind: "each",
  name: "filter",
  value: "FIELD=VALUE",
  group: "input",
  help: "Only clients whose FIELD is VALUE, or contains it if it is a list; repeatable, all must match",
};

/** The flags that choose clients, their order and their columns. */
export const SELECTION_FLAGS: readonly Flag[] = [OWNER_FLAG, NAME_FLAG, FILTER_FLAG, SORT_FLAG, COLUMNS_FLAG];

/** Which clients a list has, in which order and with which columns. */
export interface ListSelection {
  readonly matches: (client: JsonObject) => boolean;
  /** Whether only some clients match. */
  readonly isFiltered: boolean;
  /** What the server can filter by itself. */
  readonly query: Pick<PageRequest, "owner" | "name">;
  readonly compare: ((one: JsonObject, other: JsonObject) => number) | undefined;
  /** The columns of `--columns`. */
  readonly columns: readonly Column<JsonObject>[] | undefined;
  readonly problems: readonly Problem[];
}

/** Reads which clients the flags select. */
export function readListSelection({ values, host }: Pick<Context, "values" | "host">): ListSelection {
  const problems: Problem[] = [];
  const fields = new ClientListFieldCatalog(host.now());
  const owner = values.text(OWNER_FLAG);
  const name = values.text(NAME_FLAG);
  const found = (word: string, flag: string): readonly ClientListField[] => {
    const field = fields.find(word, flag);
    if (!(field instanceof Problem)) return [field];
    problems.push(field);
    return [];
  };
  const filters = values.list(FILTER_FLAG).flatMap((word) => {
    const equals = word.indexOf("=");
    if (equals >= 1)
      return found(word.slice(0, equals), "--filter").map((field) => ({ field, value: word.slice(equals + 1) }));
    problems.push(
      usageError(`--filter ${quote(word)} is not FIELD=VALUE`, "for example: --filter owner=ops", "bad-value"),
    );
    return [];
  });
  const sort = values.text(SORT_FLAG) ?? "";
  const [key] = sort === "" ? [] : found(sort.replace(/^-/, ""), "--sort");
  const columns = values.isSet(COLUMNS_FLAG)
    ? values.list(COLUMNS_FLAG).flatMap((word) => found(word, "--columns"))
    : undefined;
  return {
    // Hydra 1.8 ignores the filters of the query, so they are applied here too.
    matches: (client) =>
      (owner === undefined || client["owner"] === owner) &&
      (name === undefined || client["client_name"] === name) &&
      filters.every(({ field, value }) => matchesValue(field, client, value)),
    isFiltered: owner !== undefined || name !== undefined || filters.length > 0,
    query: { ...(owner === undefined ? {} : { owner }), ...(name === undefined ? {} : { name }) },
    compare: key === undefined ? undefined : fieldComparator(key, sort.startsWith("-")),
    columns: columns?.map(columnOf),
    problems,
  };
}

/** The formats that have columns. */
const WITH_COLUMNS: ReadonlySet<string> = new Set(["text", "table", "tsv", "csv", "markdown"]);

/** What is wrong with the flags that choose columns. */
export function columnsFlagProblems({ values, format }: Pick<Context, "values" | "format">): readonly Problem[] {
  return usageErrorIf(
    values.isSet(COLUMNS_FLAG) && !WITH_COLUMNS.has(format.kind),
    `--columns has no effect with --format ${format.kind}`,
    "use it with table, tsv or csv; select fields of JSON with --format jsonpath=EXPR",
    "bad-value",
  );
}
