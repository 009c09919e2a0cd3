import { Batch } from "../../clients/batch.ts";
import { type Context, command, type Result, withoutChecks } from "../../command.ts";
import { textField } from "../../core/client/client.ts";
import { FORMAT, GENERAL_FLAGS, QUIET } from "../../core/flags/flag-table.ts";
import { isJsonObject, type JsonObject } from "../../core/json.ts";
import type { View } from "../../core/output/render.ts";

function day(value: unknown): string {
  return typeof value === "string" ? value.slice(0, 10) : "never";
}

function lines(key: JsonObject): readonly string[] {
  const subkeys = Array.isArray(key["subkeys"]) ? key["subkeys"].filter(isJsonObject) : [];
  const usable = key["usable"] === true;
  return [
    `Key:       ${textField(key, "fingerprint") ?? ""} (${textField(key, "algorithm") ?? ""})`,
    `User ID:   ${textField(key, "userId") ?? "(none)"}`,
    `Created:   ${day(key["created"])}, expires ${day(key["expires"])}`,
    ...subkeys.map((subkey) => {
      const reason = textField(subkey, "reason") ?? (usable ? "a newer one is used" : "the key itself is not usable");
      const verdict = textField(subkey, "verdict") === "used" ? "used" : `not used: ${reason}`;
      return `Subkey:    ${textField(subkey, "fingerprint") ?? ""} (${textField(subkey, "algorithm") ?? ""}), ${verdict}`;
    }),
    `Usable:    ${usable ? `yes, encrypts to ${textField(key, "encryptsTo") ?? ""}` : `no: ${textField(key, "reason") ?? ""}`}`,
    ...(usable || textField(key, "hint") === undefined ? [] : [`Hint:      ${textField(key, "hint") ?? ""}`]),
  ];
}

const VIEW: View<JsonObject> = {
  columns: [
    { label: "FINGERPRINT", value: (key) => textField(key, "fingerprint") ?? "", whole: true },
    { label: "USER ID", value: (key) => textField(key, "userId") ?? "" },
    { label: "ALGORITHM", value: (key) => textField(key, "algorithm") ?? "" },
    { label: "USABLE", value: (key) => (key["usable"] === true ? "yes" : `no: ${textField(key, "reason") ?? ""}`) },
  ],
  text: lines,
  id: (key) => textField(key, "fingerprint") ?? "",
};

async function run(context: Context): Promise<Result> {
  const batch = new Batch(context, context.operands.length);
  let anyUnusable = false;
  async function* items(): AsyncGenerator<JsonObject> {
    for (const word of context.operands) {
      for (const key of (await batch.attempt(() => context.inspectKey(word))) ?? []) {
        anyUnusable ||= key["usable"] !== true;
        yield key;
      }
    }
  }
  return {
    view: VIEW,
    isList: true,
    items: items(),
    exit: () => (batch.failures > 0 ? batch.exit() : anyUnusable ? "noUsableKey" : "done"),
    unbuffered: true,
  };
}

/** `pgp inspect`: what a key is, and whether it is usable for encryption. */
export const pgpInspect = command({
  name: "inspect",
  summary: "Show an OpenPGP key and whether it is usable",
  about: [
    "Accepts keys like --pgp-key, or a URL, wkd:user@host, github:USER or keybase:NAME. The exit code is 7 if a key is not usable.",
  ],
  operands: {
    name: "KEY",
    least: 1,
    most: Number.POSITIVE_INFINITY,
    help: "base64, ASCII armor, @FILE, -, a URL, wkd:user@host, github:USER or keybase:NAME",
  },
  flags: [FORMAT, QUIET, ...GENERAL_FLAGS],
  examples: {
    "1.x": [
      ["pgp inspect @team.asc", "A key in a file"],
      ["pgp inspect keybase:alice --format json", "As JSON"],
    ],
  },
  server: false,
  format: { "1.x": "text", "2.x": "text" },
  prepare: (context) => withoutChecks(() => run(context)),
});
