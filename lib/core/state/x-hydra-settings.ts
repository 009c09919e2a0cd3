import * as v from "valibot";
import { CLIENT_RULES } from "../client/rules.ts";
import { isJsonObject } from "../json/json.ts";
import { parseOrReject } from "../json/schemas.ts";
import { joinWords, quote, suggestWord } from "../text.ts";
import { X_HYDRA_MEMBER } from "./x-hydra-member.ts";

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
interface XHydraFault {
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
type ReportFault = (path: XHydraFault["path"], message: string, hint: string) => undefined;

function reportUnknownKeys(
  value: Readonly<Record<string, unknown>>,
  known: readonly string[],
  path: readonly string[],
  report: ReportFault,
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

const NonEmptyText = v.pipe(v.string(), v.nonEmpty());

const Absent = v.optional(v.never());

/** Where a secret is: in a variable or in a file, not in both. */
const SecretPlace = v.union([
  v.pipe(
    v.object({ env: NonEmptyText, file: Absent }),
    v.transform(({ env }) => ({ from: "env", name: env }) as const),
  ),
  v.pipe(
    v.object({ env: Absent, file: NonEmptyText }),
    v.transform(({ file }) => ({ from: "file", name: file }) as const),
  ),
]);

const SecretVersion = v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(1)));

const RuleName = v.picklist(RULE_NAMES);

function readKeySetting(value: unknown, report: ReportFault): string | undefined {
  return parseOrReject(v.optional(NonEmptyText), value, () =>
    report(
      [X_HYDRA_MEMBER, "key"],
      `${X_HYDRA_MEMBER}.key is not a name`,
      "write the name of the client inside its stack",
    ),
  );
}

function readSecretSetting(value: unknown, report: ReportFault): SecretVariableOrFile | undefined {
  const path = [X_HYDRA_MEMBER, "secret"];
  if (value === undefined) return undefined;
  const reportPlace = (message: string): undefined =>
    report(path, `${X_HYDRA_MEMBER}.secret ${message}`, "write secret: {env: NAME} or secret: {file: PATH}");
  if (!isJsonObject(value)) return reportPlace("is not an object");
  reportUnknownKeys(value, SECRET_KEYS, path, report);
  const place = parseOrReject(SecretPlace, value, () => reportPlace("needs either env or file"));
  if (place === undefined) return undefined;
  const version = parseOrReject(SecretVersion, value["version"], () =>
    report([...path, "version"], `${X_HYDRA_MEMBER}.secret.version is not a positive whole number`, "start with 1"),
  );
  return { ...place, version };
}

function readProtectSetting(value: unknown, report: ReportFault): boolean | undefined {
  return parseOrReject(v.optional(v.boolean()), value, () =>
    report([X_HYDRA_MEMBER, "protect"], `${X_HYDRA_MEMBER}.protect is not true or false`, "write protect: true"),
  );
}

function readIgnoreSetting(value: unknown, report: ReportFault): readonly string[] {
  const names = parseOrReject(v.optional(v.array(v.unknown())), value, () =>
    report(
      [X_HYDRA_MEMBER, "ignore"],
      `${X_HYDRA_MEMBER}.ignore is not a list`,
      "write a list of rules: [implicit-grant]",
    ),
  );
  return (names ?? []).flatMap((name, at) => {
    const rule = parseOrReject(RuleName, name, () => {
      const text = typeof name === "string" ? name : "";
      const near = suggestWord(text, RULE_NAMES);
      return report(
        [X_HYDRA_MEMBER, "ignore", at],
        `${X_HYDRA_MEMBER}.ignore names an unknown rule ${quote(text)}`,
        near === undefined ? "hydra help rules lists the rules" : `did you mean ${near}?`,
      );
    });
    return rule ?? [];
  });
}

/** Reads `x-hydra` of a client; undefined counts as an empty one. */
export function parseXHydraSettings(value: unknown): {
  readonly extension: XHydraSettings;
  readonly faults: readonly XHydraFault[];
} {
  const faults: XHydraFault[] = [];
  const report: ReportFault = (path, message, hint) => {
    faults.push({ path, message, hint });
    return undefined;
  };
  const members = value === undefined || value === null ? {} : value;
  if (!isJsonObject(members)) {
    report([X_HYDRA_MEMBER], `${X_HYDRA_MEMBER} is not an object`, `use ${joinWords(KEYS, "or")} below it`);
    return { extension: { key: undefined, secret: undefined, protect: undefined, ignore: [] }, faults };
  }
  reportUnknownKeys(members, KEYS, [X_HYDRA_MEMBER], report);
  const extension = {
    key: readKeySetting(members["key"], report),
    secret: readSecretSetting(members["secret"], report),
    protect: readProtectSetting(members["protect"], report),
    ignore: readIgnoreSetting(members["ignore"], report),
  };
  return { extension, faults };
}
