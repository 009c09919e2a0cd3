import type { KeySetsApi } from "../../adapters/admin/key-sets.ts";
import { type CommandResult, type Context, defineLeaf } from "../../command.ts";
import { SERVER_COMMAND_FLAGS } from "../../core/flags/shared-flags.ts";
import type { JsonWebKey } from "../../core/jwk/json-web-key.ts";
import { joinWords, quote } from "../../core/text.ts";
import { deliverKeys, keyOutputProblems } from "../../keys/deliver-keys.ts";
import { KEY_ENCRYPTION_FLAGS, KEYS_OUT, KEYS_YES, KID, PRIVATE, PUBLIC } from "../../keys/key-flags.ts";
import { findKeyOrPair } from "../../keys/key-pair-storage.ts";
import type { NamedSet } from "../../keys/key-results.ts";
import { noSuchKeyProblem } from "../../keys/no-such-key.ts";
import { readSetOperands } from "../../keys/set-and-kid-arguments.ts";

/** The keys of a set, or only those with an ID. */
async function readSelectedKeys(api: KeySetsApi, set: string, kid: string | undefined): Promise<readonly JsonWebKey[]> {
  const keys = await api.get(set);
  if (kid === undefined) return keys;
  const { keyShape } = await api.family(set);
  const selected = findKeyOrPair(keys, kid, keyShape);
  if (selected.length > 0) return selected;
  throw noSuchKeyProblem(set, kid);
}

async function run(context: Context, sets: readonly string[]): Promise<CommandResult> {
  const kid = context.values.text(KID);
  const action = `Cannot get key set ${joinWords(sets.map(quote))}`;
  return deliverKeys(context, action, KEYS_OUT, async () => {
    const api = await context.admin.keySets();
    const found: NamedSet[] = [];
    for (const set of sets) found.push({ set, keys: await readSelectedKeys(api, set, kid) });
    return found;
  });
}

/** `keys get` and `get jwk`: shows key sets, or writes them to a file or an encrypted message. */
export default defineLeaf({
  name: "get",
  summary: "Show the keys of a set, or export them",
  about: [
    "Prints public keys, the newest first. --private adds the private keys; on a terminal, that asks first.",
    "With recipients (--pgp-key and others), the whole set, including private keys, is encrypted. Decrypt it and pass it to hydra keys import to restore it.",
    "In the 1.x syntax it takes one set, in the 2.x syntax any number.",
  ],
  operands: { name: "SET", least: 1, most: Number.POSITIVE_INFINITY, help: "Key set, such as hydra.openid.id-token" },
  flags: [
    { ...KID, help: "Only the key with this ID" },
    PUBLIC,
    PRIVATE,
    KEYS_OUT,
    KEYS_YES,
    ...KEY_ENCRYPTION_FLAGS,
    ...SERVER_COMMAND_FLAGS,
  ],
  examples: {
    "1.x": [
      ["keys get hydra.openid.id-token", "The public keys of ID tokens"],
      ["keys get my-set --format pem", "Public keys in PEM"],
      ["keys get hydra.openid.id-token --pgp-key @ops.asc > id-token.asc", "An encrypted backup of the whole set"],
    ],
    "2.x": [["get jwk my-set other-set", "Two sets"]],
  },
  server: true,
  credentials: "keys",
  format: { "1.x": "json-pretty", "2.x": "table" },
  async prepare(context) {
    const { sets, problems } = readSetOperands(context);
    const outputs = await keyOutputProblems(context, KEYS_OUT, sets);
    return { problems: [...problems, ...outputs], run: () => run(context, sets) };
  },
});
