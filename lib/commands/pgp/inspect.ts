import { BatchRun } from "../../clients/batch.ts";
import { type CommandResult, type Context, defineLeaf, withoutChecks } from "../../command.ts";
import { getTextField } from "../../core/client/client.ts";
import { PGP_KEY } from "../../core/flags/credential-flags.ts";
import type { RepeatFlag } from "../../core/flags/flag.ts";
import { FORMAT, GENERAL_FLAGS, QUIET } from "../../core/flags/shared-flags.ts";
import { isJsonObject, type JsonObject } from "../../core/json/json.ts";
import type { ResultView } from "../../core/output/render.ts";

function formatDayOrNever(value: unknown): string {
  return typeof value === "string" ? value.slice(0, 10) : "never";
}

/** The members of a list that are objects. */
function objectsIn(record: JsonObject, member: string): readonly JsonObject[] {
  const list = record[member];
  return Array.isArray(list) ? list.filter(isJsonObject) : [];
}

function isMessage(item: JsonObject): boolean {
  return item["kind"] === "encrypted-message";
}

/** The key IDs of a message's recipients, separated by spaces. */
function recipientKeyIdsText(message: JsonObject): string {
  return objectsIn(message, "recipients")
    .map((recipient) => getTextField(recipient, "keyId") ?? "hidden")
    .join(" ");
}

/** Whether a given key is a recipient of a message, in words. */
function matchText(message: JsonObject): string {
  const { matches } = message;
  if (matches === true) return "yes, encrypted to the key of --pgp-key";
  if (matches === false) return "no, not encrypted to the key of --pgp-key";
  const isHidden = objectsIn(message, "recipients").some(({ keyId }) => keyId === null);
  return isHidden ? "unknown: the sender has hidden recipients" : "unknown: compare it with --pgp-key";
}

function messageLines(message: JsonObject): readonly string[] {
  const recipients = objectsIn(message, "recipients");
  const { passwords } = message;
  return [
    `Message:   encrypted to ${recipients.length} ${recipients.length === 1 ? "key" : "keys"}${
      typeof passwords === "number" && passwords > 0
        ? ` and ${passwords} ${passwords === 1 ? "password" : "passwords"}`
        : ""
    }`,
    ...recipients.map((recipient) => {
      const { key } = recipient;
      const owner = isJsonObject(key)
        ? `: key ${getTextField(key, "fingerprint") ?? ""}, ${getTextField(key, "userId") ?? "without a user ID"}`
        : "";
      return `Recipient: key ID ${getTextField(recipient, "keyId") ?? "hidden"} (${getTextField(recipient, "algorithm") ?? ""})${owner}`;
    }),
    `Match:     ${matchText(message)}`,
  ];
}

function keyOrMessageLines(key: JsonObject): readonly string[] {
  if (isMessage(key)) return messageLines(key);
  const subkeys = objectsIn(key, "subkeys");
  const usable = key["usable"] === true;
  return [
    `Key:       ${idOf(key)} (${getTextField(key, "algorithm") ?? ""})`,
    `User ID:   ${getTextField(key, "userId") ?? "(none)"}`,
    ...(typeof key["created"] === "string"
      ? [`Created:   ${formatDayOrNever(key["created"])}, expires ${formatDayOrNever(key["expires"])}`]
      : []),
    ...subkeys.map((subkey) => {
      const reason =
        getTextField(subkey, "reason") ?? (usable ? "a newer one is used" : "the key itself is not usable");
      const verdict = getTextField(subkey, "verdict") === "used" ? "used" : `not used: ${reason}`;
      return `Subkey:    ${getTextField(subkey, "fingerprint") ?? ""} (${getTextField(subkey, "algorithm") ?? ""}), ${verdict}`;
    }),
    `Usable:    ${usable ? `yes, encrypts to ${getTextField(key, "encryptsTo") ?? ""}` : `no: ${getTextField(key, "reason") ?? ""}`}`,
    ...(usable || getTextField(key, "hint") === undefined ? [] : [`Hint:      ${getTextField(key, "hint") ?? ""}`]),
  ];
}

function idOf(item: JsonObject): string {
  return isMessage(item) ? recipientKeyIdsText(item) : (getTextField(item, "fingerprint") ?? "unknown");
}

function usableText(item: JsonObject): string {
  if (isMessage(item)) return `encrypted message; match: ${matchText(item)}`;
  return item["usable"] === true ? "yes" : `no: ${getTextField(item, "reason") ?? ""}`;
}

const VIEW: ResultView<JsonObject> = {
  columns: [
    { label: "FINGERPRINT", value: (key) => idOf(key), whole: true },
    { label: "USER ID", value: (key) => getTextField(key, "userId") ?? "" },
    { label: "ALGORITHM", value: (key) => getTextField(key, "algorithm") ?? "" },
    { label: "USABLE", value: usableText },
  ],
  text: keyOrMessageLines,
  id: idOf,
};

/** The key that a message is compared with. */
const OWN_KEY_FLAG: RepeatFlag = {
  ...PGP_KEY,
  group: "input",
  help: "Key to look for among the recipients of a message: base64, ASCII armor or @FILE",
};

async function run(context: Context): Promise<CommandResult> {
  const batch = new BatchRun(context, context.operands.length);
  let anyUnusable = false;
  async function* items(): AsyncGenerator<JsonObject> {
    for (const word of context.operands) {
      for (const key of (await batch.attempt(() => context.inspectKey(word))) ?? []) {
        // A message that is for other keys than the given ones counts as unusable too.
        anyUnusable ||= isMessage(key) ? key["matches"] === false : key["usable"] !== true;
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
export default defineLeaf({
  name: "inspect",
  summary: "Show an OpenPGP key and whether it is usable",
  about: [
    "Accepts keys like --pgp-key, or a file, a URL, wkd:user@host, github:USER or keybase:NAME. The exit code is 7 if a key is not usable.",
    "For an encrypted message, shows the recipients and whether the key of --pgp-key is one of them. If it is not, the exit code is 7.",
  ],
  operands: {
    name: "KEY",
    completes: "pgp-key",
    least: 1,
    most: Number.POSITIVE_INFINITY,
    help: "FILE, base64, ASCII armor, -, a URL, wkd:user@host, github:USER or keybase:NAME",
  },
  flags: [OWN_KEY_FLAG, FORMAT, QUIET, ...GENERAL_FLAGS],
  examples: {
    "1.x": [
      ["pgp inspect team.asc", "A key in a file"],
      ["pgp inspect secret.asc --pgp-key @team.asc", "Whether an encrypted secret is for this key"],
      ["pgp inspect keybase:alice --format json", "As JSON"],
    ],
  },
  server: false,
  format: "text",
  prepare: (context) => withoutChecks(() => run(context)),
});
