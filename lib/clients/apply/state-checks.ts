import type { Context } from "../../command.ts";
import { FIELDS_SET_BY_SERVER, isAbsentOrEmpty } from "../../core/client/client.ts";
import { isKubernetesObject } from "../../core/client/kubernetes-object.ts";
import { classifyFieldName } from "../../core/client/misnamed-fields.ts";
import { lintClient } from "../../core/client/rules.ts";
import { LENIENT_FIELD_NAMES, STRICT } from "../../core/flags/shared-flags.ts";
import { MERGE } from "../../core/flags/state-flags.ts";
import { isJsonObject, type JsonObject } from "../../core/json/json.ts";
import { type Problem, type ProblemCode, usageError } from "../../core/problem.ts";
import type { DesiredClient } from "../../core/state/desired-client.ts";
import { X_HYDRA_MEMBER } from "../../core/state/x-hydra-member.ts";
import type { XHydraSettings } from "../../core/state/x-hydra-settings.ts";
import { joinFirstWords, quote } from "../../core/text.ts";
import { createOfflineFindingFilter } from "../draft/id-checks.ts";
import { formatFilePosition, type PositionedClientValue } from "./state-input.ts";

/** Fields that a server sets itself; a file that was exported may have them. */
export const IGNORED_FILE_FIELDS: ReadonlySet<string> = new Set([...FIELDS_SET_BY_SERVER, "client_id_issued_at"]);

/** A client in a file, not checked yet. */
export interface StateFileEntry {
  readonly value: PositionedClientValue;
  readonly fields: JsonObject;
  readonly extension: XHydraSettings;
  /** The manifest that the client was translated from. */
  readonly manifest: JsonObject | undefined;
}

/** Collects the problems and warnings about the entries. */
export class StateFileFindings {
  readonly problems: Problem[] = [];
  readonly warnings: string[] = [];
  readonly #context: Pick<Context, "values">;

  constructor(context: Pick<Context, "values">) {
    this.#context = context;
  }

  error(value: PositionedClientValue, path: Parameters<PositionedClientValue["at"]>[0], fault: Fault): void {
    this.problems.push(positionedProblem(value, path, fault));
  }

  /** A warning, or an error with `--strict`. */
  warning(value: PositionedClientValue, path: Parameters<PositionedClientValue["at"]>[0], fault: Fault): void {
    if (this.#context.values.bool(STRICT)) this.error(value, path, fault);
    else
      this.warnings.push(
        `${formatFilePosition(value.file, value.at(path))}: ${fault.message} [${fault.code}]: ${fault.hint}`,
      );
  }
}

/** The problem of a part of a value, with its position. */
export function positionedProblem(
  { file, at }: PositionedClientValue,
  path: Parameters<PositionedClientValue["at"]>[0],
  { message, hint, code }: Fault,
): Problem {
  return usageError(`${formatFilePosition(file, at(path))}: ${message}`, hint, code);
}

interface Fault {
  readonly message: string;
  readonly hint: string;
  readonly code: ProblemCode;
}

/** Reports keys that are not fields. All of them are errors, since a file is the whole client. */
export function reportFieldMistakes(
  context: Pick<Context, "values">,
  { value, fields }: StateFileEntry,
  findings: StateFileFindings,
): void {
  if (!isAbsentOrEmpty(fields["client_secret"]))
    findings.error(value, ["client_secret"], {
      message: "a secret does not belong in a client file",
      hint: `use ${X_HYDRA_MEMBER}: {secret: {env: NAME}} or {secret: {file: PATH}}, or leave it out`,
      code: "secret-in-file",
    });
  if (Object.keys(fields).length === 0 || isKubernetesObject(fields))
    findings.error(value, [], {
      message: "the client has no field",
      hint: "give clients as objects with fields such as client_name and grant_types",
      code: "bad-file",
    });
  if (fields["client_id"] === "")
    findings.error(value, ["client_id"], {
      message: "client_id is empty, as after a variable without a value",
      hint: "give an ID, or remove the field: a client without an ID is found by its key",
      code: "bad-file",
    });
  const report = context.values.bool(LENIENT_FIELD_NAMES) ? findings.warning : findings.error;
  for (const key of Object.keys(fields)) {
    const hint = findUnknownFieldHint(key);
    if (hint === undefined) continue;
    const message = `${quote(key)} is not a client field`;
    report.call(findings, value, [key], { message, hint, code: "unknown-field" });
  }
}

/** What to do about a key that is not a field; undefined for a field. */
function findUnknownFieldHint(key: string): string | undefined {
  const found = classifyFieldName(key);
  if (found.kind === "field" || IGNORED_FILE_FIELDS.has(key)) return undefined;
  if (found.kind === "misspelled") return `did you mean ${found.field}? --lenient sends it anyway`;
  return `${found.kind === "wrong-name" ? found.hint : "remove it"}; --lenient sends it anyway`;
}

/** Applies the rules for clients, except those that `x-hydra.ignore` leaves out. */
export function lintEntry(
  { values }: Pick<Context, "values">,
  { value, extension, manifest }: StateFileEntry,
  client: JsonObject,
  secret: string | undefined,
  findings: StateFileFindings,
): void {
  if (!isAbsentOrEmpty(client["metadata"]) && !isJsonObject(client["metadata"]))
    findings.error(value, ["metadata"], {
      message: "metadata is not an object, so it has no place for the name of the stack",
      hint: "write an object, such as metadata: {team: web}",
      code: "metadata-not-object",
    });
  const whole = secret === undefined ? client : { ...client, client_secret: secret };
  const isChecked = createOfflineFindingFilter({ values });
  for (const finding of lintClient(whole, (field) => field)) {
    const { rule, severity, field, message, hint } = finding;
    if (extension.ignore.includes(rule) || !isChecked(finding)) continue;
    const report = severity === "error" ? findings.error : findings.warning;
    report.call(findings, value, manifest === undefined ? pathOfField(field) : [], { message, hint, code: rule });
  }
}

/** Where a file has a field: the secret is in the extension. */
function pathOfField(field: string | undefined): readonly string[] {
  if (field === undefined) return [];
  return field === "client_secret" ? [X_HYDRA_MEMBER, "secret"] : [field];
}

/** Reports keys and IDs that two clients have. */
export function reportDuplicateKeysAndIds(
  entries: readonly StateFileEntry[],
  clients: readonly DesiredClient[],
  findings: StateFileFindings,
): void {
  const names = [
    { what: "key", hint: `give one of them another ${X_HYDRA_MEMBER}.key`, code: "key-twice", of: "key" },
    { what: "client_id", hint: "keep one of the two", code: "id-twice", of: "clientId" },
  ] as const;
  for (const { what, hint, code, of } of names) {
    const first = new Map<string, { readonly entry: StateFileEntry; readonly clientId: string | undefined }>();
    clients.forEach(({ clientId, [of]: name }, at) => {
      const entry = entries[at];
      if (name === undefined || name === "" || entry === undefined) return;
      const earlier = first.get(name);
      if (earlier === undefined) {
        first.set(name, { entry, clientId });
        return;
      }
      // Two clients with one ID are reported as that; usually the ID is the key of both.
      if (what === "key" && clientId !== undefined && clientId === earlier.clientId) return;
      const { value } = earlier.entry;
      const place = formatFilePosition(value.file, value.at(memberPathOfKeyOrId(what, earlier.entry)));
      findings.error(entry.value, memberPathOfKeyOrId(what, entry), {
        message: `${what} ${quote(name)} is also at ${place}`,
        hint,
        code,
      });
    });
  }
}

function memberPathOfKeyOrId(what: "key" | "client_id", { extension }: StateFileEntry): readonly string[] {
  if (what === "client_id") return ["client_id"];
  return extension.key === undefined ? [] : [X_HYDRA_MEMBER, "key"];
}

/** Warns once of clients without a scope: the server's default is configuration, so it isn't compared. */
export function reportUnsetScopes(
  { values }: Pick<Context, "values">,
  entries: readonly StateFileEntry[],
  clients: readonly DesiredClient[],
  findings: StateFileFindings,
): void {
  if (values.bool(MERGE)) return;
  const unset = clients.flatMap(({ client, key }, at) => {
    const entry = entries[at];
    const isUnset = isAbsentOrEmpty(client["scope"]) && entry?.extension.ignore.includes("scope-unset") !== true;
    return entry !== undefined && isUnset ? [{ value: entry.value, key }] : [];
  });
  const [first] = unset;
  if (first === undefined) return;
  const names = joinFirstWords(
    unset.map(({ key }) => quote(key)),
    3,
  );
  findings.warning(first.value, [], {
    message: `scope is not set for ${names}: the server's default applies, and it is not compared`,
    hint: "list the scopes that each client may ask for",
    code: "scope-unset",
  });
}
