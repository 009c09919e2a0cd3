import {
  type CheckedCommand,
  type CommandResult,
  type Context,
  defineLeaf,
  unwrittenResultHandler,
} from "../../command.ts";
import { SERVER_COMMAND_FLAGS } from "../../core/flags/shared-flags.ts";
import { quotedOperandAndFlagText } from "../../core/output/shell-quote.ts";
import { type Problem, usageError } from "../../core/problem.ts";
import { publicUrlProblems } from "../../core/url-checks.ts";
import { activateKey, activationKeyProblems } from "../../keys/activate-key.ts";
import { keyOutputProblems } from "../../keys/deliver-keys.ts";
import {
  KEY_ENCRYPTION_FLAGS,
  KEYS_YES,
  KID,
  PASSPHRASE_FILE,
  PRIVATE_KEY_OUT,
  PROOF_URL,
} from "../../keys/key-flags.ts";
import { generateAndPublishKey, publishFlagProblems } from "../../keys/publish-key.ts";
import { readKeyFiles } from "../../keys/read-key-files.ts";
import { retireKey } from "../../keys/retire-key.ts";
import { rotateAtOnce } from "../../keys/rotate-at-once.ts";
import { ACTIVATE, ACTIVATED_KEY_FILE, NEW_ALG, PUBLISH, RETIRE } from "../../keys/rotate-flags.ts";
import { invalidKidProblems, setNameOperandProblems } from "../../keys/set-and-kid-arguments.ts";
import { runWithInterruptionReport } from "../../keys/take-and-prove-step.ts";

/** The problems of flags that belong to another step. */
function stepFlagProblems({ values }: Pick<Context, "values">): readonly Problem[] {
  const steps = [PUBLISH, ACTIVATE, RETIRE].filter((flag) => values.isSet(flag));
  const [first, second] = steps;
  if (first !== undefined && second !== undefined)
    return [
      usageError(
        `Steps --${first.name} and --${second.name} cannot be used together`,
        "take one step after the other",
        "rotation-steps",
      ),
    ];
  const foreign = [
    ...(values.bool(PUBLISH) ? [] : [PRIVATE_KEY_OUT]),
    ...(values.bool(ACTIVATE) ? [] : [ACTIVATED_KEY_FILE, PASSPHRASE_FILE]),
    ...(values.bool(ACTIVATE) || values.isSet(RETIRE) ? [NEW_ALG, KID] : []),
  ].find((flag) => values.isSet(flag));
  if (foreign === undefined) return [];
  const step = first === undefined ? "a rotation in one step" : `--${first.name}`;
  return [usageError(`Flag --${foreign.name} has no effect with ${step}`, "leave it out", "rotation-steps")];
}

function proofUrlProblems({ values }: Pick<Context, "values">): readonly Problem[] {
  const url = values.text(PROOF_URL);
  return url === undefined ? [] : publicUrlProblems(values.origin(PROOF_URL).name, url);
}

async function prepare(context: Context): Promise<CheckedCommand> {
  const { values, operands } = context;
  const [set = ""] = operands;
  const problems: Problem[] = [
    ...setNameOperandProblems(context),
    ...invalidKidProblems(context, KID),
    ...invalidKidProblems(context, RETIRE),
    ...stepFlagProblems(context),
    ...proofUrlProblems(context),
    ...(await keyOutputProblems(context, PRIVATE_KEY_OUT, [])),
  ];
  const taking = (step: () => Promise<CommandResult>): CheckedCommand => ({
    problems,
    run: () => runWithInterruptionReport(context, set, step),
  });
  if (values.bool(PUBLISH)) {
    problems.push(...publishFlagProblems(context));
    return taking(() => generateAndPublishKey(context, set));
  }
  const retired = values.text(RETIRE);
  // The result of these steps has no key that could be lost.
  const unwritten = unwrittenResultHandler(
    "the step was taken anyway",
    `show the keys: hydra keys get ${quotedOperandAndFlagText(set)}`,
  );
  if (retired !== undefined) return taking(async () => ({ ...(await retireKey(context, set, retired)), ...unwritten }));
  if (!values.bool(ACTIVATE)) return taking(() => rotateAtOnce(context, set));
  const file = values.text(ACTIVATED_KEY_FILE);
  const { keys, problems: unreadable } = await readKeyFiles(context, file === undefined ? [] : [file], "--key");
  problems.push(...unreadable, ...(unreadable.length > 0 ? [] : activationKeyProblems(keys, file)));
  const [key] = keys;
  return taking(async () => ({ ...(await activateKey(context, set, key)), ...unwritten }));
}

/** `keys rotate` and `rotate jwk`: replaces the key that signs. */
export default defineLeaf({
  name: "rotate",
  summary: "Replace the signing key, in steps or immediately",
  about: [
    "In steps (Hydra 2.x): --publish adds a public key that does not sign yet. Once verifiers have fetched the key set again, --activate makes it sign. Once all tokens signed with the old key have expired, --retire deletes the key.",
    "In one step, without any of these flags, the server generates a key that signs immediately. This is the only way with Hydra 1.x, where a public key by itself stops all logins.",
    "With --public-url, a login of a temporary client proves each step. If another key signs its tokens, the step is undone.",
    "Reports which sessions a step breaks, and asks for confirmation on a terminal. A set that doesn't exist is an error (exit code 4), unless the server generates it itself.",
  ],
  operands: { name: "SET", least: 1, most: 1, help: "Key set, such as hydra.openid.id-token" },
  flags: [
    PUBLISH,
    PRIVATE_KEY_OUT,
    ACTIVATE,
    ACTIVATED_KEY_FILE,
    PASSPHRASE_FILE,
    RETIRE,
    NEW_ALG,
    { ...KID, help: "ID of the new key (default: generated)" },
    PROOF_URL,
    KEYS_YES,
    ...KEY_ENCRYPTION_FLAGS,
    ...SERVER_COMMAND_FLAGS,
  ],
  examples: {
    "1.x": [
      ["keys rotate hydra.openid.id-token --publish --key-out next.json", "Publish the next key"],
      [
        "keys rotate hydra.openid.id-token --activate --key next.json --public-url http://127.0.0.1:4444",
        "Sign with it",
      ],
      ["keys rotate hydra.openid.id-token --retire old-key", "Delete the old key"],
      ["keys rotate hydra.openid.id-token", "At once, also with Hydra 1.x"],
    ],
    "2.x": [
      ["rotate jwk hydra.openid.id-token --publish --pgp-key @ops.asc > next.asc", "With an encrypted private key"],
    ],
  },
  server: true,
  credentials: "keys",
  prepare,
});
