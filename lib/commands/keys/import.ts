import type { KeySetsApi } from "../../adapters/admin/key-sets.ts";
import { type CommandResult, type Context, defineLeaf, singleResult, unwrittenResultHandler } from "../../command.ts";
import { SERVER_COMMAND_FLAGS } from "../../core/flags/shared-flags.ts";
import { isSameKeyIgnoringKid, type JsonWebKey } from "../../core/jwk/json-web-key.ts";
import { hasPrivateMembers } from "../../core/jwk/jwk-members.ts";
import { includesKeyOrPrivateHalf, kidWithoutPrefix, publicKeyOfEachPair } from "../../core/jwk/key-pair-halves.ts";
import { LEAST_RSA_BITS, modulusBits } from "../../core/jwk/rsa-parameters.ts";
import { quotedOperandAndFlagText } from "../../core/output/shell-quote.ts";
import { Problem, usageError, withMessage } from "../../core/problem.ts";
import { joinWords, quote } from "../../core/text.ts";
import { rejectBreakingOrWarnOfKeyChange } from "../../keys/key-change-checks.ts";
import { IMPORT_ALG, KEYS_YES, KID, PASSPHRASE_FILE, REPLACE, USE } from "../../keys/key-flags.ts";
import { convertKeysToServerShape, type SetAndKeyPairStorage } from "../../keys/key-pair-storage.ts";
import { keySetResult, keysWithoutSecretsToShow } from "../../keys/key-results.ts";
import { type KeysFromFiles, type KeyWithKid, readKeyFiles } from "../../keys/read-key-files.ts";
import { invalidKidProblems, setNameOperandProblems } from "../../keys/set-and-kid-arguments.ts";
import { isTokenSigningSet } from "../../keys/signing-state.ts";

/** Rejects another key under an ID that exists. */
function rejectConflictingKeys(set: string, before: readonly JsonWebKey[], stored: readonly KeyWithKid[]): void {
  const other = stored.find((key) => before.some((old) => old.kid === key.kid && !isSameKeyIgnoringKid(old, key)));
  if (other === undefined) return;
  throw new Problem(`Cannot import key ${quote(other.kid)}: key set ${quote(set)} has another key with this ID`, {
    code: "conflict",
    exit: "conflict",
    hint: "choose another ID with --kid; --yes replaces the key",
  });
}

/** Rejects keys that would have the same ID, because the server's version decides about its prefix. */
function rejectRepeatedKeyIds(stored: readonly KeyWithKid[]): void {
  const repeated = stored.find(({ kid }, at) => stored.findIndex((other) => other.kid === kid) !== at);
  if (repeated === undefined) return;
  const hint = 'change the "kid" of one of them';
  throw usageError(`Two keys would have the ID ${quote(repeated.kid)} on this server`, hint, "key-id");
}

/** Leaves out public keys that the set has, with a note: a public key must not take the place of its private half. */
function filterKeysToAdd(
  { note }: Pick<Context, "note">,
  set: string,
  before: readonly JsonWebKey[],
  read: readonly KeyWithKid[],
): readonly KeyWithKid[] {
  return read.filter((key) => {
    if (hasPrivateMembers(key) || !includesKeyOrPrivateHalf(before, key)) return true;
    note(`Key set ${quote(set)} has key ${quote(key.kid)} already`);
    return false;
  });
}

/** The IDs by which tokens of another server name moved keys, and which find no key here. */
function renamedIds({ set, shape }: SetAndKeyPairStorage, read: readonly KeyWithKid[]): readonly string[] {
  if (!isTokenSigningSet(set) || shape !== "pair") return [];
  return read.map(({ kid }) => kid).filter((kid) => kidWithoutPrefix(kid) === kid);
}

/** Adds keys one by one; a failure names those that the set has by then. */
async function addKeys(api: KeySetsApi, set: string, keys: readonly KeyWithKid[]): Promise<void> {
  for (const [at, key] of keys.entries()) {
    try {
      await api.put(set, key);
    } catch (error) {
      if (at === 0 || !(error instanceof Problem)) throw error;
      const done = joinWords(keys.slice(0, at).map(({ kid }) => quote(kid)));
      throw withMessage(error, `${error.message}; before that, ${done} ${at === 1 ? "was" : "were"} imported`);
    }
  }
}

/** Warns of keys that the sets that tokens are signed with would not take. */
function warnOfShortKeys(
  { warn }: Pick<Context, "warn">,
  { set }: SetAndKeyPairStorage,
  stored: readonly KeyWithKid[],
): void {
  for (const key of publicKeyOfEachPair(stored)) {
    const bits = modulusBits(key) ?? LEAST_RSA_BITS;
    if (bits < LEAST_RSA_BITS)
      warn(
        `key ${quote(key.kid ?? "")} of key set ${quote(set)} has ${bits} bits; RSA keys need ${LEAST_RSA_BITS} or more (RFC 7518, 3.3 and 4.2)`,
      );
  }
}

async function run(context: Context, set: string, { keys: read, haveOwnIds }: KeysFromFiles): Promise<CommandResult> {
  const { values, note, format, syntax } = context;
  const isReplaced = values.bool(REPLACE);
  const api = await context.admin.keySets();
  const before = (await api.find(set)) ?? [];
  const { keyShape: shape } = await api.family(set);
  const target = { set, shape };
  const added = isReplaced ? read : filterKeysToAdd(context, set, before, read);
  const stored = convertKeysToServerShape(target, added);
  rejectRepeatedKeyIds(stored);
  const ids = new Set(stored.map(({ kid }) => kid));
  const left = isReplaced ? [] : before.filter(({ kid }) => !ids.has(kid ?? ""));
  // The newest first.
  const after = [...stored.toReversed(), ...left];
  if (!isReplaced && !values.bool(KEYS_YES)) rejectConflictingKeys(set, before, stored);
  // An older backup of the same set has some of its keys.
  const isMove =
    isReplaced &&
    haveOwnIds &&
    !before.some((old) => after.some((key) => key.kid === old.kid && isSameKeyIgnoringKid(key, old)));
  rejectBreakingOrWarnOfKeyChange(context, { ...target, before, after, isMove });
  warnOfShortKeys(context, target, stored);
  const renamed = renamedIds(target, read);
  if (renamed.length > 0)
    note(
      `Hydra 1.x names keys public:KID in tokens; tokens from another server that name ${joinWords(renamed.map(quote))} find no key here`,
    );
  // The keys of Hydra 1.x come in pairs, and logins fail while one half is missing, so all are written at once.
  const isAtOnce = isReplaced || (shape === "pair" && stored.length > 0);
  // The last key of a list becomes the newest.
  if (isAtOnce) await api.replace(set, after.toReversed());
  else await addKeys(api, set, stored);
  const keys = keysWithoutSecretsToShow({ format }, stored.toReversed());
  const unwritten = unwrittenResultHandler(
    `the keys are in key set ${quote(set)}`,
    `show them: hydra keys get ${quotedOperandAndFlagText(set)}`,
  );
  if (format.kind !== "text") return { ...keySetResult({ format, syntax }, [{ set, keys }]), ...unwritten };
  if (stored.length > 0)
    note(`Key set ${quote(set)} has ${joinWords(stored.map(({ kid, alg = "" }) => `${kid} (${alg})`))}`);
  const view = { columns: [], text: () => ["JSON Web Key Set successfully imported!"], id: () => set };
  return singleResult(view, { set }, unwritten);
}

/** `keys import` and `import jwk`: adds keys in files to a set. */
export default defineLeaf({
  name: "import",
  summary: "Add keys in files to a set, or replace the set",
  about: [
    "Reads JSON Web Keys, key sets, PEM (PKCS #1, PKCS #8, SEC 1, SPKI, X.509; also encrypted) and DER. Also reads key sets printed by keys get or by any version of Hydra's own CLI.",
    "The algorithm follows from the key; an --alg that does not fit is an error, and nothing is sent. Without an ID, a key gets its thumbprint (RFC 7638). For Hydra 1.x, a private key becomes a pair.",
    "Files begin with the newest key, as keys get prints them, and the order is kept. Of several files, the last has the newest keys.",
    "Key sets that sign tokens are protected: changes that would stop or break logins require --yes.",
  ],
  operands: {
    first: "SET",
    name: "FILE",
    completes: "file",
    least: 2,
    most: Number.POSITIVE_INFINITY,
    help: "Key set, and files with keys (- for standard input)",
  },
  flags: [
    { ...KID, help: "ID of the key, if there is only one (default: its own, or its thumbprint)" },
    IMPORT_ALG,
    USE,
    REPLACE,
    PASSPHRASE_FILE,
    KEYS_YES,
    ...SERVER_COMMAND_FLAGS,
  ],
  examples: {
    "1.x": [
      ["keys import my-set key.pem", "A key in PEM"],
      ["keys import my-set key.pem --passphrase-file key.pass", "An encrypted one"],
      ["keys import hydra.openid.id-token - --replace < id-token.json", "A set that keys get --private wrote"],
    ],
    "2.x": [["import jwk my-set a.json b.pem --use enc", "Two keys for encryption"]],
  },
  server: true,
  async prepare(context) {
    const [set = "", ...files] = context.operands;
    const read = await readKeyFiles(context, files, "keys import");
    const isRepeated = files.filter((file) => file === "-").length > 1;
    const twice = isRepeated ? [usageError("Standard input can be read only once", "name it once", "stdin-twice")] : [];
    return {
      problems: [...setNameOperandProblems(context), ...invalidKidProblems(context, KID), ...read.problems, ...twice],
      run: () => run(context, set, read),
    };
  },
});
