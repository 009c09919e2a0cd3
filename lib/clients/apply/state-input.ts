import type { Context, TextFile } from "../../command.ts";
import { type ClientListObject, findClientsAndLists, findStrayMembers } from "../../core/client/client-list-members.ts";
import { ALLOW_EMPTY } from "../../core/flags/state-flags.ts";
import { FILE_DEPTH } from "../../core/json/json.ts";
import { looksLikeJsonFile, parseJsonFileValues } from "../../core/json/json-with-comments.ts";
import { collectProblem, type Problem, usageError } from "../../core/problem.ts";
import { replacePlaceholdersAndFindFaults } from "../../core/state/placeholders.ts";
import {
  createOffsetToPosition,
  findOffset,
  jsonOffsetTrees,
  type OffsetNode,
  type Position,
} from "../../core/state/positions.ts";
import { escapeControls, quote } from "../../core/text.ts";
import { findClientFilesInFolder } from "../find-client-files.ts";
import { createVariableLookup, varFlagProblems } from "./file-variables.ts";

/** What reading files with positions needs of a command's context. */
export type StateInputContext = Pick<
  Context,
  "readFile" | "parseYamlWithOffsets" | "values" | "operands" | "host" | "note"
>;

/** A path inside a value of a file. */
type ValuePath = readonly (string | number)[];

/** A value of a file that is a client or a Kubernetes object, with its variables replaced. */
export interface PositionedClientValue {
  /** The file as messages name it. */
  readonly file: string;
  readonly isStdin: boolean;
  /** Whether the file was found in a folder, so that it may be about something else. */
  readonly isFromFolder: boolean;
  readonly value: unknown;
  /** The position of a part of the value. */
  at(path: ValuePath): Position;
}

/** How messages name a position: `clients/web.yaml:14:3`. */
export function formatFilePosition(file: string, { line, column }: Position): string {
  return `${escapeControls(file)}:${line}:${column}`;
}

/** From how many files or clients on it pays to compile the code. */
const MANY = 100;

/** The name of stdin in messages. */
const STDIN = "standard input";

interface FileToRead {
  readonly path: string;
  readonly isFromFolder: boolean;
}

/** The files that the operands name, those of folders sorted. What can't be listed is added to the problems. */
async function findFiles(
  { operands, host, values }: Pick<StateInputContext, "operands" | "host" | "values">,
  problems: Problem[],
  reader: string,
): Promise<readonly FileToRead[]> {
  const found: FileToRead[] = [];
  for (const path of operands) {
    try {
      const inFolder = path === "-" ? undefined : await findClientFilesInFolder({ host }, path, reader);
      if (inFolder === undefined) found.push({ path, isFromFolder: false });
      else {
        const { files, problems: unreadable } = inFolder;
        problems.push(...unreadable);
        if (files.length + unreadable.length === 0 && !values.bool(ALLOW_EMPTY))
          problems.push(emptyFolderProblem(path));
        for (const file of files) found.push({ path: file, isFromFolder: true });
      }
    } catch {
      // Reading it explains what is wrong with the path.
      found.push({ path, isFromFolder: false });
    }
  }
  const twice = found.find(({ path }, at) => found.findIndex((other) => other.path === path) !== at);
  if (twice !== undefined)
    problems.push(usageError(`${quote(twice.path)} is given twice`, "name each file once", "bad-file"));
  return found;
}

/** The problem of a folder without files of clients: a wrong path would otherwise look like a server without differences. */
function emptyFolderProblem(path: string): Problem {
  return usageError(
    `No file in directory ${quote(path)} ends in .yaml, .yml or .json`,
    "check the path, or add --allow-empty",
    "no-clients",
  );
}

/** All values of the files, and how many files there are. Everything wrong is added to the problems. */
export async function readClientValuesInFiles(
  context: StateInputContext,
  problems: Problem[],
  reader: string,
): Promise<{ readonly values: readonly PositionedClientValue[]; readonly files: number }> {
  problems.push(...varFlagProblems(context));
  const lookup = createVariableLookup(context);
  const files = await findFiles(context, problems, reader);
  if (files.length > MANY) context.host.enableJit();
  const values: PositionedClientValue[] = [];
  for (const file of files) {
    const read = await collectProblem(problems, () => readFileWithPositions(context, file, reader, problems));
    for (const value of read ?? []) values.push(...replaceVariablesOrReport(value, lookup, problems));
  }
  if (values.length > MANY) context.host.enableJit();
  return { values, files: files.length };
}

/** Reads the values of a file, their variables not replaced yet, each with a way to find its positions. */
async function readFileWithPositions(
  context: Pick<StateInputContext, "readFile" | "parseYamlWithOffsets">,
  { path, isFromFolder }: FileToRead,
  reader: string,
  problems: Problem[],
): Promise<readonly PositionedClientValue[]> {
  const file = await context.readFile(path, reader);
  const roots = await parseWithOffsets(context, file);
  let lines: ((offset: number) => Position) | undefined;
  const position = (offset: number): Position => {
    lines ??= createOffsetToPosition(file.text);
    return lines(offset);
  };
  const name = path === "-" ? STDIN : path;
  return roots.flatMap(({ value, positions }) => {
    const at = (inner: ValuePath): Position => position(findOffset(positions(), inner));
    const { clients, lists } = findClientsAndLists(value);
    for (const each of lists) problems.push(...strayProblems(each, name, at));
    return clients.map(({ value: client, path: start }) => ({
      file: name,
      isStdin: path === "-",
      isFromFolder,
      value: client,
      at: (inner: ValuePath) => at([...start, ...inner]),
    }));
  });
}

async function parseWithOffsets(
  { parseYamlWithOffsets }: Pick<StateInputContext, "parseYamlWithOffsets">,
  { text, name }: TextFile,
): Promise<readonly { readonly value: unknown; readonly positions: () => OffsetNode }[]> {
  if (!looksLikeJsonFile(text, name)) {
    const documents = await parseYamlWithOffsets(text, name);
    return documents
      .filter(({ value }) => value !== null)
      .map(({ value, positions }) => ({ value, positions: () => positions }));
  }
  let found: readonly OffsetNode[] | undefined;
  return parseJsonFileValues(text, name, FILE_DEPTH).map((value, at) => ({
    value,
    positions: () => {
      found ??= jsonOffsetTrees(text);
      return found[at] ?? { offset: 0 };
    },
  }));
}

/** The problems of what is in an object with a list of clients and would be ignored: `--prune` would take it for removed. */
function strayProblems(
  { value, path, member }: ClientListObject,
  file: string,
  at: (path: ValuePath) => Position,
): readonly Problem[] {
  return findStrayMembers(value, member).map(({ key, message, hint }) =>
    usageError(`${formatFilePosition(file, at([...path, key]))}: ${message}`, hint, "bad-file"),
  );
}

/**
 * Replaces the variables in a value; if some are missing, that is a problem and the value is left out, since nothing
 * else can be said about it.
 */
function replaceVariablesOrReport(
  entry: PositionedClientValue,
  lookup: (name: string) => string | undefined,
  problems: Problem[],
): readonly PositionedClientValue[] {
  const { value, missing, malformed } = replacePlaceholdersAndFindFaults(entry.value, lookup);
  for (const [name, [first]] of Map.groupBy(missing, (each) => each.name))
    problems.push(
      usageError(
        `${formatFilePosition(entry.file, entry.at(first?.path ?? []))}: variable ${quote(name)} is not defined`,
        `add --var ${name}=VALUE, or set HYDRA_VAR_${name}`,
        "undefined-variable",
      ),
    );
  for (const path of malformed)
    problems.push(
      usageError(
        `${formatFilePosition(entry.file, entry.at(path))}: a placeholder has no valid name or no end`,
        `write $\{{ NAME }}: a name has letters, digits and _`,
        "bad-variable",
      ),
    );
  return missing.length + malformed.length > 0 ? [] : [{ ...entry, value }];
}
