import { type CommandResult, type Context, defineLeaf } from "../../command.ts";
import { SERVER_COMMAND_FLAGS } from "../../core/flags/shared-flags.ts";
import { findKeyIdProblem } from "../../core/id-problems.ts";
import { type Problem, usageError } from "../../core/problem.ts";
import { quote } from "../../core/text.ts";
import { deliverKeys, keyOutputProblems, sharedSecretAsPemProblems } from "../../keys/deliver-keys.ts";
import { readSetAndCheckKeyChange } from "../../keys/key-change-checks.ts";
import {
  GENERATE_ALG,
  KEY_ENCRYPTION_FLAGS,
  KEYS_YES,
  KID,
  PRIVATE,
  PRIVATE_KEY_OUT,
  PUBLIC,
  USE,
} from "../../keys/key-flags.ts";
import { setNameOperandProblems } from "../../keys/set-and-kid-arguments.ts";
import { predictGeneratedKeys } from "../../keys/signing-state.ts";
import { unwrittenKeyProblem } from "../../keys/unwritten-key.ts";

/** The problems of an ID that is not valid, or given twice. */
function kidProblems({ operands, values }: Pick<Context, "operands" | "values">): readonly Problem[] {
  const [, kid] = operands;
  const named = values.text(KID);
  const invalid = [kid, named].flatMap((id) => (id === undefined ? [] : (findKeyIdProblem(id) ?? [])));
  if (invalid.length > 0) return invalid.slice(0, 1);
  if (kid === undefined || named === undefined || kid === named) return [];
  return [usageError(`There are two key IDs, ${quote(kid)} and --kid ${quote(named)}`, "give one of them", "key-id")];
}

async function run(context: Context): Promise<CommandResult> {
  const { operands, values, host } = context;
  const [set = "", operand] = operands;
  const given = values.text(KID) ?? operand;
  const request = {
    kid: given ?? host.uuid(),
    alg: values.text(GENERATE_ALG),
    use: values.text(USE),
    isOwnId: given === undefined,
  };
  const action = `Cannot create a key in set ${quote(set)}`;
  let isCreated = false;
  try {
    const result = await deliverKeys(context, action, PRIVATE_KEY_OUT, async () => {
      const api = await context.admin.keySets();
      await readSetAndCheckKeyChange(context, api, set, (before, shape) => [
        ...predictGeneratedKeys(shape, request),
        ...before,
      ]);
      const keys = await api.create(set, request);
      isCreated = true;
      return [{ set, keys }];
    });
    return { ...result, undelivered: async (_, reason) => unwrittenKeyProblem(set, request.kid, reason) };
  } catch (error) {
    throw isCreated ? unwrittenKeyProblem(set, request.kid, error) : error;
  }
}

/** `keys create` and `create jwk`: generates a key on the server. */
export default defineLeaf({
  name: "create",
  summary: "Generate a key in a set",
  about: [
    "The server generates the key, and creates the set if it doesn't exist. Prints the public key; --private, --key-out and recipients deliver the private one too.",
    "A new key in a set that tokens are signed with signs immediately. hydra keys rotate is less disruptive.",
  ],
  operands: {
    first: "SET",
    name: "KID",
    least: 1,
    most: 2,
    help: "Key set, and the ID of the new key (default: generated)",
  },
  flags: [
    { ...KID, help: "ID of the new key; the same as the second argument" },
    GENERATE_ALG,
    USE,
    PUBLIC,
    PRIVATE,
    PRIVATE_KEY_OUT,
    KEYS_YES,
    ...KEY_ENCRYPTION_FLAGS,
    ...SERVER_COMMAND_FLAGS,
  ],
  examples: {
    "1.x": [
      ["keys create my-set", "An RSA key for RS256"],
      ["keys create my-set --alg ES512 --key-out key.json", "Its private key in a new file"],
    ],
    "2.x": [["create jwk my-set my-key --alg ES256 --use sig", "A key with a chosen ID"]],
  },
  server: true,
  credentials: "keys",
  format: { "1.x": "json-pretty", "2.x": "table" },
  async prepare(context) {
    const outputs = [
      ...(await keyOutputProblems(context, PRIVATE_KEY_OUT, [])),
      ...sharedSecretAsPemProblems(context, context.values.text(GENERATE_ALG), PRIVATE_KEY_OUT),
    ];
    return {
      problems: [...setNameOperandProblems(context), ...kidProblems(context), ...outputs],
      run: () => run(context),
    };
  },
});
