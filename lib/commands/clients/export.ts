import type { ClientFileWriter } from "../../adapters/client-file-writer.ts";
import { createVariableLookup, varFlagProblems } from "../../clients/apply/file-variables.ts";
import { BatchRun } from "../../clients/batch.ts";
import { type ExportItem, planAndCheckExport } from "../../clients/export/export-plan.ts";
import {
  type ExportSelection,
  exportSelectionProblems,
  readExportSelection,
  readSelectedClients,
  STACK_FILTER_FLAG,
  UNMARKED_FILTER_FLAG,
} from "../../clients/export/export-selection.ts";
import { type ExportTarget, fileExistsProblem, loadExportTarget } from "../../clients/export/export-target.ts";
import { CLIENT_WITHOUT_SECRET_VIEW } from "../../clients/views.ts";
import { type CommandResult, type Context, defineLeaf } from "../../command.ts";
import { buildMaesterManifest } from "../../core/client/build-maester-manifest.ts";
import { type ClientRecord, getTextField, idOf, isPublic } from "../../core/client/client.ts";
import type { BoolFlag, ChoiceFlag, TextFlag, WithDefault } from "../../core/flags/flag.ts";
import { FORMAT, SERVER_COMMAND_FLAGS } from "../../core/flags/shared-flags.ts";
import { VAR } from "../../core/flags/state-flags.ts";
import { isJsonObject, type JsonObject } from "../../core/json/json.ts";
import { fileNameOfIdOrKey } from "../../core/output/file-name.ts";
import type { ResultView } from "../../core/output/render.ts";
import { type ExitName, usageError } from "../../core/problem.ts";
import { planClientEdits } from "../../core/state/client-edits.ts";
import { buildExportedClient } from "../../core/state/exported-client.ts";
import {
  identifyingMembers,
  stackKeyOfEntry,
  uniqueNameOfClientId,
  uniqueNameOfManifest,
  uniqueNameOfManifestKey,
  uniqueNameOfStackKey,
} from "../../core/state/file-entries.ts";
import { planManifestEdits } from "../../core/state/manifest-edits.ts";
import { readStackMark } from "../../core/state/stack-mark.ts";
import { X_HYDRA_MEMBER } from "../../core/state/x-hydra-member.ts";
import { escapeControls, joinWords, quote } from "../../core/text.ts";

const INTO_FLAG: TextFlag = {
  kind: "text",
  name: "into",
  value: "FILE|DIR",
  completes: "file",
  group: "output",
  nonEmpty: true,
  help: "Write to one file (its name ends in .yaml, .yml or .json) or to a directory, one file per client",
};

const FILE_TYPE_FLAG: WithDefault<ChoiceFlag<"clients" | "maester">> = {
  kind: "text",
  name: "as",
  value: "TYPE",
  group: "output",
  default: "clients",
  choices: ["clients", "maester"],
  help: "What to write; maester: OAuth2Client manifests for hydra-maester",
};

const DEFAULTS_FLAG: BoolFlag = {
  kind: "switch",
  name: "defaults",
  group: "output",
  help: "Include fields that have the server's default",
};

/** What exporting needs of the context. */
type ExportContext = Pick<Context, "admin" | "fail" | "format" | "host" | "note" | "signal" | "values" | "warn">;

/** The clients of an export, as they are written, and what is reported about them. */
class ExportRun {
  readonly batch: BatchRun;
  readonly #context: ExportContext;
  readonly #selection: ExportSelection;
  readonly #stacks = new Set<string>();
  /** The client of each manifest, by the name of the manifest. */
  readonly #manifestOwners = new Map<string, string>();
  #unfit = 0;
  #count = 0;

  constructor(context: ExportContext, selection: ExportSelection) {
    this.#context = context;
    this.#selection = selection;
    const isOne = selection.ids.length === 1 && selection.globs.length === 0;
    this.batch = new BatchRun(context, isOne ? 1 : Number.POSITIVE_INFINITY);
  }

  /** The clients as they are written into files. */
  async *items(): AsyncGenerator<ExportItem> {
    for await (const record of readSelectedClients(this.#context, this.batch, this.#selection)) {
      this.#count++;
      const mark = readStackMark(record);
      if (mark !== undefined) this.#stacks.add(mark.stack);
      const item =
        this.#context.values.text(FILE_TYPE_FLAG) === "maester" ? this.#manifestOf(record) : this.#clientOf(record);
      if (item !== undefined) yield item;
    }
  }

  /** The exit code, after what is to be said at the end. */
  exit(): ExitName {
    const { note, warn, values } = this.#context;
    if (this.#count === 0 && this.batch.failures === 0) note("No clients are selected");
    if (this.#stacks.size > 1)
      warn(
        `the clients are from the stacks ${joinWords([...this.#stacks].sort().map(quote))}; export each with --stack, because files don't name their stack`,
      );
    if (this.#count > 0 && values.text(FILE_TYPE_FLAG) === "maester")
      note(
        "hydra-maester takes over an existing client only with its owner NAME/NAMESPACE and a Secret that holds its ID and secret",
      );
    return this.#unfit > 0 ? "someFailed" : this.batch.exit();
  }

  #clientOf(record: ClientRecord): ExportItem | undefined {
    const { client, notes } = buildExportedClient(record, this.#context.values.bool(DEFAULTS_FLAG));
    const { metadata = {} } = client;
    if (!isJsonObject(metadata)) {
      // In a file it would keep apply and diff from reading any of the others.
      this.#context.warn(
        `client ${quote(record.client_id)} is left out: its metadata is not an object, so it has no place for the name of a stack; to export it, replace the metadata first: hydra clients update ID --metadata '{}'`,
      );
      return undefined;
    }
    for (const line of notes) this.#context.warn(`client ${quote(record.client_id)}: ${line}`);
    const mark = readStackMark(record);
    return {
      id: record.client_id,
      value: client,
      fileName: fileNameOfIdOrKey(record.client_id),
      names: [uniqueNameOfClientId(record.client_id), ...(mark === undefined ? [] : [uniqueNameOfStackKey(mark.key)])],
      manifestName: mark === undefined ? undefined : uniqueNameOfManifestKey(mark.key),
      planEdits({ written }, file, variables) {
        const key = stackKeyOfEntry(identifyingMembers(written, variables), file.path);
        return planClientEdits({ written, key }, client, variables);
      },
    };
  }

  /** A cluster would keep only one of the manifests. */
  #warnOfSameName(id: string, manifest: JsonObject): void {
    const name = uniqueNameOfManifest(manifest);
    const other = this.#manifestOwners.get(name);
    if (other === undefined) {
      this.#manifestOwners.set(name, id);
      return;
    }
    this.#unfit++;
    this.#context.warn(
      `client ${quote(id)}: its manifest has the same name as that of client ${quote(other)}; rename one of them before you apply them`,
    );
  }

  #manifestOf(record: ClientRecord): ExportItem | undefined {
    const { client } = buildExportedClient(record, false);
    const { manifest, unfit } = buildMaesterManifest(
      Object.fromEntries(Object.entries(client).filter(([name]) => name !== X_HYDRA_MEMBER)),
      readStackMark(record)?.protect === true,
    );
    for (const what of unfit)
      this.#context.warn(`client ${quote(record.client_id)}: a manifest cannot hold ${escapeControls(what)}`);
    if (unfit.length > 0) this.#unfit++;
    if (manifest === undefined) {
      this.#context.warn(
        `client ${quote(record.client_id)} is left out: a manifest needs a grant type that it can hold`,
      );
      return undefined;
    }
    this.#warnOfSameName(record.client_id, manifest);
    return {
      id: record.client_id,
      value: manifest,
      fileName: fileNameOfIdOrKey(record.client_id),
      names: [uniqueNameOfManifest(manifest)],
      planEdits: ({ written }, _, variables) => planManifestEdits(written, manifest, variables),
    };
  }
}

/** A client as it is exported: with `--format yaml` a stream of documents. */
const EXPORT_VIEW: ResultView<JsonObject> = {
  ...CLIENT_WITHOUT_SECRET_VIEW,
  isStream: true,
  credentials(client) {
    const settings = client[X_HYDRA_MEMBER];
    const key = isJsonObject(settings) ? getTextField(settings, "key") : undefined;
    return {
      id: idOf(client),
      hasNoSecret: isPublic(client),
      prefix: key === undefined ? undefined : variableNamePrefix(key),
    };
  },
};

/** The start of the names of a client's variables, by its key. */
function variableNamePrefix(key: string): string {
  return `${key.toUpperCase().replace(/[^A-Z0-9]+/g, "_")}_`.replace(/^(?=[0-9])/, "_");
}

/** A manifest, whose table has only its names. */
const MANIFEST_VIEW: ResultView<JsonObject> = {
  isStream: true,
  columns: [
    { label: "NAMESPACE", value: (manifest) => metadataText(manifest, "namespace") },
    { label: "NAME", value: (manifest) => metadataText(manifest, "name"), whole: true },
  ],
  id: (manifest) => metadataText(manifest, "name"),
};

function metadataText({ metadata }: JsonObject, name: string): string {
  return isJsonObject(metadata) ? (getTextField(metadata, name) ?? "") : "";
}

const OUTCOME_WORDS: Readonly<Record<string, string>> = { added: "Added", changed: "Changed", unchanged: "Unchanged" };

/** What happened to a client in its file. */
const FILE_VIEW: ResultView<JsonObject> = {
  columns: [
    { label: "CLIENT ID", value: idOf, whole: true },
    { label: "OUTCOME", value: (result) => getTextField(result, "outcome") ?? "" },
    { label: "FILE", value: (result) => getTextField(result, "file") ?? "" },
  ],
  text: (result) => [
    `${OUTCOME_WORDS[getTextField(result, "outcome") ?? ""] ?? ""} client ${idOf(result)}: ${getTextField(result, "file") ?? ""}`,
  ],
  id: idOf,
};

/** Exports to standard output. */
function exportToStandardOutput(context: ExportContext, selection: ExportSelection): CommandResult {
  const run = new ExportRun(context, selection);
  async function* items(): AsyncGenerator<JsonObject> {
    for await (const { value } of run.items()) yield value;
  }
  const view = context.values.text(FILE_TYPE_FLAG) === "maester" ? MANIFEST_VIEW : EXPORT_VIEW;
  return { view, isList: true, items: items(), exit: () => run.exit() };
}

/** The files of `--into`, as they are now, and what writes them. */
interface FileWriterAndExportTarget {
  readonly store: ClientFileWriter;
  readonly target: ExportTarget;
}

/** Exports into files: all clients are read and all files planned before the first is written. */
async function exportToFiles(
  context: ExportContext & Pick<Context, "loadYamlEditor" | "parseYaml" | "uninterruptible">,
  selection: ExportSelection,
  { store, target }: FileWriterAndExportTarget,
): Promise<CommandResult> {
  const run = new ExportRun(context, selection);
  const found: ExportItem[] = [];
  for await (const item of run.items()) found.push(item);
  const sorted = found.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const files = await planAndCheckExport(context, target, sorted, createVariableLookup(context));
  // A symbolic link, for example, may be where a new file would be.
  for (const { path, before } of files)
    if (before === undefined && (await store.kindOf(path)) !== undefined) throw fileExistsProblem(path);
  async function* items(): AsyncGenerator<JsonObject> {
    for (const { path, before, text, items: changed } of files) {
      const done = await run.batch.attempt(async () => {
        if (text !== before) await context.uninterruptible(() => store.write(path, before, text));
        return true;
      });
      if (done === true) for (const { id, outcome } of changed) yield { client_id: id, outcome, file: path };
    }
  }
  return {
    view: FILE_VIEW,
    isList: true,
    items: items(),
    exit: () => run.exit(),
    ...(context.values.isSet(FORMAT) || context.format.kind === "id" ? {} : { format: { kind: "text" } }),
  };
}

/** Opens the files of `--into`, which are read before anything is sent; throws the Problem of what can't be edited. */
async function openIntoTarget(
  context: Pick<Context, "host" | "openClientFiles" | "parseYaml" | "readFile" | "values">,
): Promise<FileWriterAndExportTarget | undefined> {
  const into = context.values.text(INTO_FLAG);
  if (into === undefined) return undefined;
  if (into === "-") throw usageError("--into - is not a file", "leave --into out for standard output", "bad-value");
  const store = await context.openClientFiles();
  return { store, target: await loadExportTarget(context, store, into) };
}

/** `export`, `clients export` and `export oauth2-clients`: clients as files that can be kept in version control. */
export default defineLeaf({
  name: "export",
  summary: "Export clients as files for hydra apply",
  about: [
    "Writes clients as YAML documents: the fields in a fixed order, without defaults and without what only the server sets. Secrets and private keys are never written.",
    "Select clients with --stack, --unmarked, IDs, or patterns with * and ?.",
    `With --into, clients that a file already describes are changed there: comments, order, quotes and values that mean the same stay, and so do placeholders $\{{NAME}} whose variable has the server's value. Other clients are added.`,
    "docs/schema/client-file.schema.json is a JSON Schema with which editors complete and check these files.",
  ],
  operands: {
    name: "ID",
    completes: "client-id",
    least: 0,
    most: Number.POSITIVE_INFINITY,
    help: "Client ID, or a pattern with * and ?",
  },
  nouns: ["oauth2-clients", "oauth2-client"],
  flags: [
    STACK_FILTER_FLAG,
    UNMARKED_FILTER_FLAG,
    VAR,
    INTO_FLAG,
    FILE_TYPE_FLAG,
    DEFAULTS_FLAG,
    ...SERVER_COMMAND_FLAGS,
  ],
  examples: {
    "1.x": [
      ["export --unmarked --into clients/", "A file for each client that no stack has yet"],
      ["export --stack prod", "The clients of a stack as YAML"],
      ["export 'billing-*' --into billing.yaml", "Some clients into one file"],
      ["export --stack prod --as maester --into manifests/", "Manifests for hydra-maester"],
    ],
    "2.x": [["export oauth2-clients --unmarked --into clients/", "A file for each client that no stack has yet"]],
  },
  server: true,
  credentials: "ids",
  format: "yaml",
  async prepare(context) {
    const selection = readExportSelection(context);
    const problems = [...exportSelectionProblems(selection), ...varFlagProblems(context)];
    const place = await openIntoTarget(context);
    return {
      problems,
      run: async () =>
        place === undefined ? exportToStandardOutput(context, selection) : exportToFiles(context, selection, place),
    };
  },
});
