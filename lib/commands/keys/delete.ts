import { adminWithFreshDeadline } from "../../clients/admin-deadlines.ts";
import { BatchRun, deletionResult } from "../../clients/batch.ts";
import { requireConfirmation } from "../../clients/confirm.ts";
import { type CommandResult, type Context, defineLeaf } from "../../command.ts";
import { getTextField } from "../../core/client/client.ts";
import { canPrompt } from "../../core/environment/interactive.ts";
import { NO_INPUT, SERVER_COMMAND_FLAGS } from "../../core/flags/shared-flags.ts";
import type { JsonObject } from "../../core/json/json.ts";
import { hasKidOrPrefixedKid } from "../../core/jwk/key-pair-halves.ts";
import type { ResultView } from "../../core/output/render.ts";
import { usageError } from "../../core/problem.ts";
import { joinWords, quote } from "../../core/text.ts";
import { readSetAndCheckKeyChange } from "../../keys/key-change-checks.ts";
import { KEYS_YES, KID } from "../../keys/key-flags.ts";
import { findKeyOrPair } from "../../keys/key-pair-storage.ts";
import { noSuchKeyProblem } from "../../keys/no-such-key.ts";
import { removeKeyOrPair } from "../../keys/remove-key-or-pair.ts";
import { invalidKidProblems, readSetOperands } from "../../keys/set-and-kid-arguments.ts";

function idOf(item: JsonObject): string {
  return getTextField(item, "kid") ?? getTextField(item, "set") ?? "";
}

/** A set or a key that was deleted, for a message. */
function describeDeleted(item: JsonObject): string {
  const kid = getTextField(item, "kid");
  const set = `key set ${quote(getTextField(item, "set") ?? "")}`;
  return kid === undefined ? set : `key ${quote(kid)} of ${set}`;
}

const VIEW: ResultView<JsonObject> = {
  columns: [{ label: "ID", value: idOf, whole: true }],
  text: (item) => {
    const { set, kid } = item;
    return [kid === undefined ? `JSON Web Key Set deleted: ${set}` : `JSON Web Key deleted: ${kid} of set ${set}`];
  },
  id: idOf,
};

/** Asks on a terminal; a script is not asked. */
async function confirmDeletion(
  { host, values }: Pick<Context, "host" | "values">,
  sets: readonly string[],
  kid: string | undefined,
): Promise<void> {
  if (values.bool(KEYS_YES) || !canPrompt(host, values.bool(NO_INPUT))) return;
  const names = joinWords(sets.map(quote));
  const what = sets.length === 1 ? `key set ${names}` : `key sets ${names}`;
  const text = kid === undefined ? `Delete ${what} with all keys?` : `Delete key ${quote(kid)} of ${what}?`;
  await requireConfirmation({ host }, { text, declined: "Nothing was deleted", from: "stdin" });
}

async function run(context: Context, sets: readonly string[]): Promise<CommandResult> {
  const kid = context.values.text(KID);
  await confirmDeletion(context, sets, kid);
  const batch = new BatchRun(context, sets.length);
  const items = batch.inOrder(context, sets, async (set): Promise<JsonObject> => {
    const api = await adminWithFreshDeadline(context).keySets();
    // Servers report success for a set or a key that doesn't exist.
    const existing = await api.get(set);
    if (kid !== undefined && !existing.some((key) => hasKidOrPrefixedKid(key, kid))) throw noSuchKeyProblem(set, kid);
    await readSetAndCheckKeyChange(context, api, set, (keys, shape) => {
      const named = kid === undefined ? keys : findKeyOrPair(keys, kid, shape);
      return keys.filter((key) => !named.includes(key));
    });
    await (kid === undefined ? api.remove(set) : removeKeyOrPair(api, set, kid));
    return kid === undefined ? { set } : { set, kid };
  });
  return deletionResult(batch, { view: VIEW, isList: sets.length > 1, items }, describeDeleted);
}

/** `keys delete` and `delete jwk`: deletes key sets, or one key. */
export default defineLeaf({
  name: "delete",
  summary: "Delete a key set, or one key of it",
  about: [
    "A set or a key that doesn't exist is an error (exit code 4); Hydra's own CLI reports success. On a terminal, asks first.",
    "Key sets that sign tokens are protected: changes that would stop logins or make issued tokens unverifiable require --yes.",
    "In the 1.x syntax it takes one set, in the 2.x syntax any number. --fail-after limits the time for each set.",
  ],
  operands: { name: "SET", least: 1, most: Number.POSITIVE_INFINITY, help: "Key set" },
  flags: [{ ...KID, help: "Delete only the key with this ID" }, KEYS_YES, ...SERVER_COMMAND_FLAGS],
  examples: {
    "1.x": [
      ["keys delete my-set", "A set with all its keys"],
      ["keys delete my-set --kid my-key", "One key"],
    ],
    "2.x": [["delete jwk my-set other-set", "Two sets"]],
  },
  server: true,
  prepare(context) {
    const { sets, problems: operandProblems } = readSetOperands(context);
    const problems = [...operandProblems, ...invalidKidProblems(context, KID)];
    if (context.values.isSet(KID) && sets.length > 1)
      problems.push(usageError("--kid names a key of one set", "give one set", "key-id"));
    return { problems, run: () => run(context, sets) };
  },
});
