import type { YamlChange } from "../../adapters/yaml.ts";
import type { Context, YamlEditor } from "../../command.ts";
import { isJsonObject, isSameJson, type JsonObject } from "../../core/json/json.ts";
import { detectJsonOrNdjson, formatJsonOrNdjson } from "../../core/output/json-or-ndjson.ts";
import { combineProblems, Problem, resultOrProblem, usageError, usageErrorIf } from "../../core/problem.ts";
import { type MemberEdit, withMemberEdits } from "../../core/state/client-edits.ts";
import {
  type FileEntry,
  identifyingMembers,
  uniqueNameOfEntry,
  withValueChangedAt,
} from "../../core/state/file-entries.ts";
import { placeholderNames, type VariableLookup } from "../../core/state/placeholder-values.ts";
import { joinFirstWords, joinWords, quote } from "../../core/text.ts";
import type { ExportTarget, ExportTargetFile } from "./export-target.ts";

/** A client on its way into a file. */
export interface ExportItem {
  readonly id: string;
  /** What is written for it: a client, or a manifest. */
  readonly value: JsonObject;
  /** The name of its own file, without the ending. */
  readonly fileName: string;
  /** The names under which files describe this client. */
  readonly names: readonly string[];
  /** The name under which a manifest describes this client, if a client is written for it. */
  readonly manifestName?: string | undefined;
  /** The edits after which the entry describes it. */
  readonly planEdits: (entry: FileEntry, file: ExportTargetFile, variables: VariableLookup) => readonly MemberEdit[];
}

/** What happens to a client in its file. */
interface PlannedItem {
  readonly id: string;
  readonly outcome: "added" | "changed" | "unchanged";
}

/** A file as it will be. */
interface PlannedFile {
  readonly path: string;
  /** Its text so far; undefined for a new file. */
  readonly before: string | undefined;
  readonly text: string;
  readonly items: readonly PlannedItem[];
}

/** What is collected for one file. */
interface CollectedFileChanges {
  readonly file: ExportTargetFile;
  readonly items: PlannedItem[];
  readonly changes: { readonly entry: FileEntry; readonly edits: readonly MemberEdit[] }[];
  readonly added: JsonObject[];
}

/** Plans how a target describes the clients. Nothing is written; all problems are thrown together. */
export async function planAndCheckExport(
  { loadYamlEditor, parseYaml }: Pick<Context, "loadYamlEditor" | "parseYaml">,
  target: ExportTarget,
  items: readonly ExportItem[],
  variables: VariableLookup,
): Promise<readonly PlannedFile[]> {
  const plans = new Map<string, CollectedFileChanges>();
  const problems: Problem[] = [];
  const places = findPlaces(target, variables);
  // Without capitals first, so that these keep the plain names of their files.
  const sorted = target.isFolder ? items.toSorted((a, b) => Number(hasCapitals(a)) - Number(hasCapitals(b))) : items;
  const written: ClientAndTargetEntry[] = [];
  for (const item of sorted) placeItem(item, target, { plans, problems, variables, places, written });
  const wrong = [...undefinedVariableProblems(target, plans, variables), ...problems, ...sharedEntryProblems(written)];
  const problem = combineProblems(wrong);
  if (problem !== undefined) throw problem;
  const editor = await loadYamlEditor();
  return Promise.all([...plans.values()].map((plan) => renderPlannedFile(plan, editor, parseYaml)));
}

function hasCapitals({ fileName }: ExportItem): boolean {
  return /[A-Z]/.test(fileName);
}

/** Where a file describes a client. */
interface ClientPlace {
  readonly file: ExportTargetFile;
  readonly entry: FileEntry;
}

/** The places of the clients that the files describe, by their names. */
function findPlaces({ files }: ExportTarget, variables: VariableLookup): PlacementState["places"] {
  const all = files.flatMap((file) => file.entries.map((entry) => ({ file, entry })));
  return Map.groupBy(all, ({ file, entry }) =>
    uniqueNameOfEntry(identifyingMembers(entry.written, variables), file.path),
  );
}

/** What placing the clients reads and collects. */
interface PlacementState {
  readonly places: ReadonlyMap<string, readonly ClientPlace[]>;
  readonly plans: Map<string, CollectedFileChanges>;
  readonly problems: Problem[];
  readonly variables: VariableLookup;
  readonly written: ClientAndTargetEntry[];
}

/** A client, and the entry that it goes into, or the name of a new one. */
interface ClientAndTargetEntry {
  readonly entry: FileEntry | string;
  readonly path: string;
  readonly id: string;
}

/** The problems of clients that would be written into the same entry, where the last would replace the others. */
function sharedEntryProblems(written: readonly ClientAndTargetEntry[]): readonly Problem[] {
  const sharing = [...Map.groupBy(written, ({ entry }) => entry).values()].filter(({ length }) => length > 1);
  return sharing.map((clients) =>
    usageError(
      `Clients ${joinFirstWords(
        clients.map(({ id }) => quote(id)),
        5,
      )} share one entry of ${quote(clients[0]?.path ?? "")}`,
      "export each into another file, or write the client_id of one of them into the entry",
      "key-twice",
    ),
  );
}

function getOrAddFileChanges(plans: PlacementState["plans"], file: ExportTargetFile): CollectedFileChanges {
  const known = plans.get(file.path);
  if (known !== undefined) return known;
  const plan: CollectedFileChanges = { file, items: [], changes: [], added: [] };
  plans.set(file.path, plan);
  return plan;
}

function placeItem(item: ExportItem, target: ExportTarget, placement: PlacementState): void {
  const { plans, problems, variables, places, written } = placement;
  const found = item.names.flatMap((name) => places.get(name) ?? []);
  const [place, other] = found;
  const [manifest] = places.get(item.manifestName ?? "") ?? [];
  if (other !== undefined) {
    problems.push(
      describedTwiceProblem(
        item,
        found.map(({ file }) => file.path),
      ),
    );
  } else if (place !== undefined) {
    written.push({ entry: place.entry, path: place.file.path, id: item.id });
    const plan = getOrAddFileChanges(plans, place.file);
    const edits = item.planEdits(place.entry, place.file, variables);
    if (edits.length > 0) plan.changes.push({ entry: place.entry, edits });
    plan.items.push({ id: item.id, outcome: edits.length > 0 ? "changed" : "unchanged" });
  } else if (manifest !== undefined) {
    problems.push(isManifestProblem(item, manifest.file.path));
  } else {
    const file = target.fileFor(item.fileName);
    if (file instanceof Problem) {
      problems.push(file);
      return;
    }
    // Manifests of different clients can have the same name.
    written.push({ entry: uniqueNameOfEntry(item.value, file.path), path: file.path, id: item.id });
    const plan = getOrAddFileChanges(plans, file);
    plan.added.push(item.value);
    plan.items.push({ id: item.id, outcome: "added" });
  }
}

function describedTwiceProblem({ id }: ExportItem, files: readonly string[]): Problem {
  const places = joinWords([...new Set(files)].map(quote));
  return usageError(`Client ${quote(id)} is described more than once, in ${places}`, "keep one of them", "id-twice");
}

/** The problem of a client that would get a second entry with the key of its manifest: apply and diff would reject the files. */
function isManifestProblem({ id }: ExportItem, path: string): Problem {
  return usageError(
    `Client ${quote(id)} is already a manifest in ${quote(path)}`,
    "add --as maester, or remove the manifest first",
    "key-twice",
  );
}

/** The problems of variables that aren't set, in entries that would change and in what identifies entries. */
function undefinedVariableProblems(
  { files }: ExportTarget,
  plans: PlacementState["plans"],
  variables: VariableLookup,
): readonly Problem[] {
  const changed = [...plans.values()].flatMap(({ changes }) => changes.map(({ entry }) => entry.written));
  // What is left after replacing has no value.
  const identities = files.flatMap(({ entries }) =>
    entries.map(({ written }) => identifyingMembers(written, variables)),
  );
  const names = placeholderNames([changed, identities])
    .filter((name) => variables(name) === undefined)
    .sort();
  const [first = ""] = names;
  return usageErrorIf(
    names.length > 0,
    `${names.length === 1 ? "Variable" : "Variables"} ${joinWords(names)} of the files ${names.length === 1 ? "is" : "are"} not set`,
    `set HYDRA_VAR_${first}, or give --var ${first}=VALUE`,
    "undefined-variable",
  );
}

/** The values of a file after its changes. */
function valuesAfter({ file, changes, added }: CollectedFileChanges): readonly unknown[] {
  const { values, list, isYaml } = file;
  const edited = changes.reduce<unknown>(
    (all, { entry, edits }) =>
      withValueChangedAt(all, entry.path, (value) => (isJsonObject(value) ? withMemberEdits(value, edits) : value)),
    [...values],
  );
  const all: readonly unknown[] = Array.isArray(edited) ? edited : [];
  if (added.length === 0) return all;
  if (list !== undefined) {
    const longer: unknown = withValueChangedAt(all, list, (value) =>
      Array.isArray(value) ? [...value, ...added] : value,
    );
    return Array.isArray(longer) ? longer : [];
  }
  if (isYaml) return [...all.filter((value) => value !== null), ...added];
  return all.length + added.length > 1 && all.length < 2 ? [[...all, ...added]] : [...all, ...added];
}

/** Makes the new text of a file; throws if it would not hold what it was made of. */
async function renderPlannedFile(
  plan: CollectedFileChanges,
  editor: YamlEditor,
  parseYaml: Context["parseYaml"],
): Promise<PlannedFile> {
  const { file, items, changes, added } = plan;
  const { path, text: before, isYaml } = file;
  const isSame = changes.length === 0 && added.length === 0;
  if (isSame) return { path, before, text: before ?? "", items };
  const values = valuesAfter(plan);
  const edited = isYaml ? await editYamlText(plan, editor) : formatJsonInFileLayout(file, values);
  const text = restoreLineBreaks(edited, before ?? "");
  if (isYaml && !(await yamlTextHasValues(text, path, values, parseYaml)))
    throw before === undefined
      ? unwritableYamlProblem(path)
      : uneditableFileProblem(path, "its anchors, tags or keys cannot be kept");
  return { path, before, text, items };
}

/** Whether a text has the values that it was written for; an anchor, for example, may have changed others. */
async function yamlTextHasValues(
  text: string,
  path: string,
  values: readonly unknown[],
  parseYaml: Context["parseYaml"],
): Promise<boolean> {
  const read = await resultOrProblem(() => parseYaml(text, path));
  if (read instanceof Problem) return false;
  const [found, wanted] = [read, values].map((all) => all.filter((value) => value !== null));
  return isSameJson(found, wanted);
}

function uneditableFileProblem(path: string, why: string, hint = WITHOUT_ANCHORS): Problem {
  return usageError(`Cannot edit ${quote(path)}: ${why}`, hint, "file-not-editable");
}

const WITHOUT_ANCHORS = "write each value where it is used, or export into another file";

/** The problem of a value that YAML can't hold, such as a number beyond its range. */
function unwritableYamlProblem(path: string): Problem {
  return usageError(
    `Cannot write ${quote(path)}: YAML cannot hold a value of its client`,
    "export into a file whose name ends in .json",
    "file-not-editable",
  );
}

function formatJsonInFileLayout({ path, text }: ExportTargetFile, values: readonly unknown[]): string {
  const layout = text === undefined || text.trim() === "" ? "one value" : detectJsonOrNdjson(text);
  if (layout === undefined) {
    const hint = "remove the comments, or export into another file; in YAML files, comments are kept";
    throw uneditableFileProblem(path, "its comments would be lost", hint);
  }
  return formatJsonOrNdjson(values, layout);
}

async function editYamlText({ file, changes, added }: CollectedFileChanges, editor: YamlEditor): Promise<string> {
  const { path, text = "", list } = file;
  const edits = changes.map(
    ({
      entry: {
        path: [document, ...steps],
      },
      edits: own,
    }) => ({ document, path: steps, edits: own }),
  );
  const inList: readonly YamlChange[] =
    list === undefined || added.length === 0 ? [] : [{ document: list[0], path: list.slice(1), added }];
  try {
    return await editor.edit(text, path, [...edits, ...inList], inList.length > 0 ? [] : added);
  } catch (error) {
    if (error instanceof Problem && error.code === "unwritable") throw unwritableYamlProblem(path);
    // The library finds an alias whose anchor is gone.
    if (error instanceof Problem || !(error instanceof Error)) throw error;
    throw uneditableFileProblem(path, "its anchors cannot be kept");
  }
}

/** A text with the line breaks of the one that it replaces. */
function restoreLineBreaks(text: string, before: string): string {
  return /\r\n/.test(before) && !/(?<!\r)\n/.test(before) ? text.replace(/\r?\n/g, "\r\n") : text;
}
