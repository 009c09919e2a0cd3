import type { ClientFileWriter } from "../../adapters/client-file-writer.ts";
import type { Context } from "../../command.ts";
import { isFileNameTooLong } from "../../core/output/file-name.ts";
import { combineProblems, type Problem, usageError } from "../../core/problem.ts";
import { type DocumentNumberAndPath, type FileEntry, findEntriesAndFirstList } from "../../core/state/file-entries.ts";
import { quote } from "../../core/text.ts";
import { parseClientFileValues } from "../draft/client-files.ts";
import { findClientFilesInFolder } from "../find-client-files.ts";

/** A file that clients are exported into. */
export interface ExportTargetFile {
  readonly path: string;
  /** Its text; undefined if it doesn't exist. */
  readonly text: string | undefined;
  readonly isYaml: boolean;
  /** Its values: of YAML one per document. */
  readonly values: readonly unknown[];
  readonly entries: readonly FileEntry[];
  readonly list: DocumentNumberAndPath | undefined;
}

/** Where clients are exported to: one file, or a folder with a file for each. */
export interface ExportTarget {
  readonly isFolder: boolean;
  readonly files: readonly ExportTargetFile[];
  /** The file for a client that no file describes yet, by the name of its own file. */
  readonly fileFor: (fileName: string) => ExportTargetFile | Problem;
}

/** Whether a path names one file rather than a folder of them. */
function isSingleFilePath(path: string): boolean {
  return /\.(?:json|ya?ml)$/i.test(path);
}

/** What reading a target needs of a command's context. */
type TargetContext = Pick<Context, "readFile" | "parseYaml" | "host">;

/** Reads what a file or folder contains, before anything is sent; throws the Problem of what can't be edited. */
export async function loadExportTarget(
  context: TargetContext,
  store: ClientFileWriter,
  path: string,
): Promise<ExportTarget> {
  const kind = await store.kindOf(path);
  const isFile = isSingleFilePath(path);
  if (kind === "other" || (kind !== undefined && kind !== (isFile ? "file" : "folder")))
    throw wrongTargetKindProblem(path, isFile);
  if (!isFile) return folderTarget(path, kind === undefined ? [] : await readTargetFilesInFolder(context, path));
  const file = kind === undefined ? emptyTargetFile(path) : await readTargetFile(context, path);
  if (file.entries.length === 0 && !canTakeFirstClient(file)) throw nonClientFileProblem(path);
  return { isFolder: false, files: [file], fileFor: () => file };
}

function wrongTargetKindProblem(path: string, isFile: boolean): Problem {
  const [what, hint] = isFile
    ? ["is not a file", "a name that ends in .yaml, .yml or .json is one file; use another name for a directory"]
    : ["is not a directory", "the name of a file ends in .yaml, .yml or .json"];
  return usageError(`Cannot export into ${quote(path)}: it ${what}`, hint, "bad-value");
}

function nonClientFileProblem(path: string): Problem {
  return usageError(
    `Cannot export into ${quote(path)}: it holds something other than clients`,
    "choose another file",
    "bad-file",
  );
}

/** A file without content, which may not exist yet. */
function emptyTargetFile(path: string): ExportTargetFile {
  return { path, text: undefined, isYaml: !/\.json$/i.test(path), values: [], entries: [], list: undefined };
}

async function readTargetFile(context: Omit<TargetContext, "host">, path: string): Promise<ExportTargetFile> {
  const file = await context.readFile(path, "export");
  if (file.text.trim() === "") return { ...emptyTargetFile(path), text: file.text };
  const { values, isJson } = await parseClientFileValues(context, file);
  return { path, text: file.text, isYaml: !isJson, values, ...findEntriesAndFirstList(values) };
}

/** Whether a file holds nothing but what a first client can be added to. */
function canTakeFirstClient({ values, list }: ExportTargetFile): boolean {
  return (
    values.every((value) => value === null) ||
    (values.length === 1 && list !== undefined && isEmptyOrNotList(values[0]))
  );
}

function isEmptyOrNotList(value: unknown): boolean {
  return Array.isArray(value) ? value.length === 0 : true;
}

/** Reads the files of a folder, following links, as `apply` does; throws the Problems of what can't be read. */
async function readTargetFilesInFolder(context: TargetContext, folder: string): Promise<readonly ExportTargetFile[]> {
  const found = await findClientFilesInFolder(context, folder, "export");
  const unreadable = combineProblems(found?.problems ?? []);
  if (unreadable !== undefined) throw unreadable;
  const files: ExportTargetFile[] = [];
  for (const path of found?.files ?? []) files.push(await readTargetFile(context, path));
  return files;
}

function folderTarget(folder: string, files: readonly ExportTargetFile[]): ExportTarget {
  const paths = new Map(files.map(({ path }) => [normalizePathIgnoringCase(path), path]));
  const start = /[/\\]$/.test(folder) ? folder : `${folder}/`;
  return {
    isFolder: true,
    files,
    fileFor(fileName) {
      const names = [fileName, percentEncodeCapitals(fileName)].map((name) => `${start}${name}.yaml`);
      const path = names.find((name) => !paths.has(normalizePathIgnoringCase(name)));
      if (path === undefined) return fileExistsProblem(paths.get(normalizePathIgnoringCase(names[0] ?? "")) ?? "");
      if (isFileNameTooLong(path)) return tooLongProblem(fileName);
      paths.set(normalizePathIgnoringCase(path), path);
      return emptyTargetFile(path);
    },
  };
}

/** The same name percent-encoded further, for file systems that ignore case. */
function percentEncodeCapitals(fileName: string): string {
  return fileName.replace(/%..|[A-Z]/g, (part) =>
    part.length > 1 ? part : `%${part.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** How a file system that ignores case sees a path. */
function normalizePathIgnoringCase(path: string): string {
  return path
    .replaceAll("\\", "/")
    .replace(/\/{2,}/g, "/")
    .replace(/^(?:\.\/)+/, "")
    .toLowerCase();
}

/** The problem of a file that is in the way of a new one. */
export function fileExistsProblem(path: string): Problem {
  return usageError(
    `Cannot write ${quote(path)}: it holds something else`,
    "rename the file, or export into one file: --into clients.yaml",
    "file-exists",
  );
}

function tooLongProblem(fileName: string): Problem {
  return usageError(
    `Cannot write the file ${quote(fileName)}: its name is too long`,
    "export into one file: --into clients.yaml",
    "file-name-too-long",
  );
}
