import { type Problem, usageError } from "../problem.ts";
import { joinFirstWords, quote } from "../text.ts";

/** What stays as it is in a file name. */
const PLAIN_CHARACTER_PATTERN = /[A-Za-z0-9_.-]/;

/** Names that mean a device on Windows, whatever ending follows. */
const WINDOWS_DEVICE_NAME_PATTERN = /^(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?=\.|$)/i;

const utf8 = new TextEncoder();

function paddedHex(code: number, digits: number): string {
  return code.toString(16).toUpperCase().padStart(digits, "0");
}

function percentEncodeCharacter(character: string): string {
  // Half of a pair has no UTF-8, and would become the same as every other half.
  if (!character.isWellFormed()) return `%u${paddedHex(character.charCodeAt(0), 4)}`;
  return [...utf8.encode(character)].map((byte) => `%${paddedHex(byte, 2)}`).join("");
}

/**
 * A file name for any client ID: letters, digits, `_`, `-` and dots stay, everything else is percent-encoded UTF-8. A dot at
 * either end and the names of Windows' devices are encoded too, so that no ID is hidden, another folder, or a device. Two
 * IDs never have the same name; on a file system that ignores case they may ({@link clientFileNameProblems} finds these).
 */
export function fileNameOfIdOrKey(id: string): string {
  const characters = [...id];
  const last = characters.length - 1;
  const device = WINDOWS_DEVICE_NAME_PATTERN.test(id);
  return characters
    .map((character, i) => {
      const atEnd = character === "." && (i === 0 || i === last);
      return PLAIN_CHARACTER_PATTERN.test(character) && !atEnd && !(device && i === 0)
        ? character
        : percentEncodeCharacter(character);
    })
    .join("");
}

/** The only part of a template that is replaced. */
const ID = "{id}";

/** Whether a path names a file for each client. */
export function isPathTemplate(path: string): boolean {
  return path.includes(ID);
}

/** What is wrong with a path that is a template, or that was meant as one; undefined if nothing is. */
export function findTemplateProblem(path: string, name: string): Problem | undefined {
  const [other] = path.replaceAll(ID, "").match(/\{[A-Za-z_]\w*\}/) ?? [];
  if (other === undefined) return findPlaceholderInFolderProblem(path, name);
  return usageError(
    `Invalid ${name} ${quote(path)}: unknown placeholder ${quote(other)}`,
    `use ${ID}, the client ID as a file name, such as secrets/${ID}.env`,
    "bad-template",
  );
}

/** A folder of each client would have to exist before the server has chosen the client's ID. */
function findPlaceholderInFolderProblem(path: string, name: string): Problem | undefined {
  if (!/\{id\}.*[/\\]/s.test(path)) return undefined;
  return usageError(
    `Invalid ${name} ${quote(path)}: ${ID} is in the name of a directory`,
    `use ${ID} in the file name only, such as secrets/${ID}.env`,
    "bad-template",
  );
}

/** The path that a template gives for a client. */
export function fillTemplate(template: string, id: string): string {
  return template.replaceAll(ID, () => fileNameOfIdOrKey(id));
}

/** The longest part of a path that file systems take, in bytes. */
const LONGEST_PART = 255;

/** Whether a part of a path is too long for a file name. */
export function isFileNameTooLong(path: string): boolean {
  return path.split(/[/\\]/).some((part) => utf8.encode(part).length > LONGEST_PART);
}

/** How a file system that ignores case sees a path. */
function foldPathCase(path: string): string {
  return path.normalize("NFC").toLowerCase();
}

/**
 * What is wrong with the files that a template gives clients: two IDs whose files would be one, also if they differ only
 * in case, which macOS and Windows ignore, and an ID too long for a file name.
 */
export function clientFileNameProblems(
  template: string,
  ids: readonly string[],
  name: string,
  words: FileProblemWording = IMPORT_WORDS,
): readonly Problem[] {
  const files = [...new Set(ids)].map((id) => ({ id, path: fillTemplate(template, id) }));
  const sharing = [...Map.groupBy(files, ({ path }) => foldPathCase(path)).values()].filter(({ length }) => length > 1);
  return [
    ...files
      .filter(({ path }) => isFileNameTooLong(path))
      .map(({ id }) => idTooLongForFileNameProblem(id, name, words)),
    ...sharing.map((same) => sharedFileNameProblem(same, name, words)),
  ];
}

/** How problems name what the files are called after, and what helps. */
interface FileProblemWording {
  readonly one: string;
  readonly several: string;
  readonly tooLong: string;
  readonly twice: (name: string) => string;
}

const IMPORT_WORDS: FileProblemWording = {
  one: "Client ID",
  several: "Client IDs",
  tooLong: "choose a shorter client ID, or import this client without --secret-out",
  twice: (name) =>
    `import them in separate runs, each with its own directory in ${name}; some file systems ignore case`,
};

/** For `hydra apply`, whose files are called after the keys of clients. */
export const FILE_PROBLEM_WORDING_FOR_APPLY: FileProblemWording = {
  one: "Key",
  several: "Keys",
  tooLong: "give the client a shorter x-hydra.key",
  twice: () => "give one of them another x-hydra.key; some file systems ignore case",
};

function idTooLongForFileNameProblem(id: string, name: string, { one, tooLong }: FileProblemWording): Problem {
  return usageError(`${one} ${quote(id)} is too long for a file name of ${name}`, tooLong, "file-name-too-long");
}

function sharedFileNameProblem(
  files: readonly { readonly id: string; readonly path: string }[],
  name: string,
  { several, twice }: FileProblemWording,
): Problem {
  const ids = joinFirstWords(
    files.map(({ id }) => quote(id)),
    5,
  );
  return usageError(
    `${several} ${ids} have the same file ${quote(files[0]?.path ?? "")}`,
    twice(name),
    "file-name-twice",
  );
}
