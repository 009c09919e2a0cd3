import * as v from "valibot";
import { CLIENT_RULES } from "../client/rules.ts";
import { isJsonObject } from "../json/json.ts";
import { parseOrReject } from "../json/schemas.ts";
import { joinWords, quote, suggestWord } from "../text.ts";
import { EXTENSION_MEMBER } from "./extension-member.ts";

/** Where the secret of a client comes from. */
export interface SecretVariableOrFile {
  readonly from: "env" | "file";
  /** The name of the variable, or the path of the file. */
  readonly name: string;
  /** A higher number than the one that the server has sets the secret again. */
  readonly version: number | undefined;
}

/** What `x-hydra` says about a client. */
export interface XHydraSettings {
  readonly key: string | undefined;
  readonly secret: SecretVariableOrFile | undefined;
  /** Undefined if the file doesn't say. */
  readonly protect: boolean | undefined;
  /** Names of validation rules that are not applied. */
  readonly ignore: readonly string[];
}

/** Something wrong in `x-hydra`. */
interface ExtensionFault {
  readonly path: readonly (string | number)[];
  readonly message: string;
  readonly hint: string;
}

const KEYS = ["key", "secret", "protect", "ignore"];

const SECRET_KEYS = ["env", "file", "version"];

/** Rules about the files and not about the clients in them. */
const FILE_RULES = ["scope-unset"];

const RULE_NAMES: readonly string[] = [...CLIENT_RULES.map(({ name }) => name), ...FILE_RULES];

/** Reports a fault; what is wrong counts as missing. */
type Report = (path: ExtensionFault["path"], message: string, hint: string) => undefined;

function reportUnknownKeys(
  value: Readonly<Record<string, unknown>>,
  known: readonly string[],
  path: readonly string[],
  report: Report,
): void {
  for (const key of Object.keys(value)) {
    if (known.includes(key)) continue;
    const near = suggestWord(key, known);
    const name = [...path, key].join(".");
    report(
      [...path, key],
      `${quote(name)} is not a setting`,
      near === undefined ? `use ${joinWords(known, "or")}` : `did you mean ${near}?`,
    );
  }
}

const Name = v.pipe(v.string(), v.nonEmpty());

const Absent = v.optional(v.never());

/** Where a secret is: in a variable or in a file, not in both. */
const SecretPlace = v.union([
  v.pipe(
    v.object({ env: Name, file: Absent }),
    v.transform(({ env }) => ({ from: "env", name: env }) as const),
  ),
  v.pipe(
    v.object({ env: Absent, file: Name }),
    v.transform(({ file }) => ({ from: "file", name: file }) as const),
  ),
]);

const SecretVersion = v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(1)));

const RuleName = v.picklist(RULE_NAMES);

function readKey(value: unknown, report: Report): string | undefined {
  return parseOrReject(v.optional(Name), value, () =>
    report(
      [EXTENSION_MEMBER, "key"],
      `${EXTENSION_MEMBER}.key is not a name`,
      "write the name of the client inside its stack",
    ),
  );
}

function readSecret(value: unknown, report: Report): SecretVariableOrFile | undefined {
  const path = [EXTENSION_MEMBER, "secret"];
  if (value === undefined) return undefined;
  const reportPlace = (message: string): undefined =>
    report(path, `${EXTENSION_MEMBER}.secret ${message}`, "write secret: {env: NAME} or secret: {file: PATH}");
  if (!isJsonObject(value)) return reportPlace("is not an object");
  reportUnknownKeys(value, SECRET_KEYS, path, report);
  const place = parseOrReject(SecretPlace, value, () => reportPlace("needs either env or file"));
  if (place === undefined) return undefined;
  const version = parseOrReject(SecretVersion, value["version"], () =>
    report([...path, "version"], `${EXTENSION_MEMBER}.secret.version is not a positive whole number`, "start with 1"),
  );
  return { ...place, version };
}

function readProtect(value: unknown, report: Report): boolean | undefined {
  return parseOrReject(v.optional(v.boolean()), value, () =>
    report([EXTENSION_MEMBER, "protect"], `${EXTENSION_MEMBER}.protect is not true or false`, "write protect: true"),
  );
}

function readIgnore(value: unknown, report: Report): readonly string[] {
  const names = parseOrReject(v.optional(v.array(v.unknown())), value, () =>
    report(
      [EXTENSION_MEMBER, "ignore"],
      `${EXTENSION_MEMBER}.ignore is not a list`,
      "write a list of rules: [implicit-grant]",
    ),
  );
  return (names ?? []).flatMap((name, at) => {
    const rule = parseOrReject(RuleName, name, () => {
      const text = typeof name === "string" ? name : "";
      const near = suggestWord(text, RULE_NAMES);
      return report(
        [EXTENSION_MEMBER, "ignore", at],
        `${EXTENSION_MEMBER}.ignore names an unknown rule ${quote(text)}`,
        near === undefined ? "hydra help rules lists the rules" : `did you mean ${near}?`,
      );
    });
    return rule ?? [];
  });
}

/** Reads `x-hydra` of a client; undefined counts as an empty one. */
export function parseExtension(value: unknown): {
  readonly extension: XHydraSettings;
  readonly faults: readonly ExtensionFault[];
} {
  const faults: ExtensionFault[] = [];
  const report: Report = (path, message, hint) => {
    faults.push({ path, message, hint });
    return undefined;
  };
  const members = value === undefined || value === null ? {} : value;
  if (!isJsonObject(members)) {
    report([EXTENSION_MEMBER], `${EXTENSION_MEMBER} is not an object`, `use ${joinWords(KEYS, "or")} below it`);
    return { extension: { key: undefined, secret: undefined, protect: undefined, ignore: [] }, faults };
  }
  reportUnknownKeys(members, KEYS, [EXTENSION_MEMBER], report);
  const extension = {
    key: readKey(members["key"], report),
    secret: readSecret(members["secret"], report),
    protect: readProtect(members["protect"], report),
    ignore: readIgnore(members["ignore"], report),
  };
  return { extension, faults };
}
