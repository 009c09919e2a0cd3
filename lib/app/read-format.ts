import type { FlagValues } from "../core/flags/parsed-flag-values.ts";
import { DRY_RUN, FORMAT, QUIET } from "../core/flags/shared-flags.ts";
import { type Format, isJsonFormat, parseFormat } from "../core/output/formats.ts";
import { type FormatLibraries, loadFormatLibraries } from "../core/output/render.ts";
import { type Problem, usageError } from "../core/problem.ts";

/** The format of the results. Throws the Problem of one that doesn't exist. */
export function requireOutputFormat(values: FlagValues, fallback: string): Format {
  const text = values.text(FORMAT);
  // "default" is how Hydra's own 2.x CLI spells the default format.
  const name = text === undefined || text === "default" || text === "auto" ? fallback : text;
  const named = parseFormat(name, values.origin(FORMAT).name);
  // As in Hydra's own CLI, --quiet wins over --format.
  return values.bool(QUIET) ? { kind: "id" } : named;
}

/** Whether a program reads the output, which then gets errors as JSON too; the default format of a command doesn't count. */
export function areErrorsJson(values: FlagValues): boolean {
  const text = values.text(FORMAT);
  try {
    return text !== undefined && isJsonFormat(parseFormat(text));
  } catch {
    return false;
  }
}

/** Rejects a format for credentials if the command has none and would write something else in their place. */
export function credentialFormatProblems(
  format: Format | undefined,
  values: FlagValues,
  credentials: "secrets" | "ids" | "keys" | undefined,
): readonly Problem[] {
  const kind = format?.kind;
  if (kind === "pem" && credentials !== "keys") {
    const message = `Cannot use ${values.origin(FORMAT).name} pem here: there is no key to write`;
    return [usageError(message, "it is for keys get and keys create", "format-without-credentials")];
  }
  if (kind !== "env" && kind !== "k8s-secret") return [];
  const dry = values.isSet(DRY_RUN);
  if (!dry && (credentials === "secrets" || (credentials === "ids" && kind === "env"))) return [];
  const what = kind === "env" ? "client" : "secret";
  return [
    usageError(
      `Cannot use ${values.origin(FORMAT).name} ${kind} ${dry ? "with --dry-run" : "here"}: there is no ${what} to write`,
      kind === "env"
        ? "export, get and list show clients; apply writes credentials with --secret-out"
        : "create, rotate-secret, update and import deliver secrets; choose another format here",
      "format-without-credentials",
    ),
  ];
}

/** Imports the libraries that a format needs. */
export async function importFormatLibraries(format: Format): Promise<FormatLibraries> {
  return loadFormatLibraries(format, {
    yaml: () => import("../adapters/yaml.ts").then(({ loadYamlWriter }) => loadYamlWriter()),
    jsonpath: (text) => import("../adapters/jsonpath.ts").then(({ compileJsonPath }) => compileJsonPath(text)),
  });
}
