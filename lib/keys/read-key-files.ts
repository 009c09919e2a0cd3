import type { Context } from "../command.ts";
import { findKeyIdProblem } from "../core/id-problems.ts";
import { isSameKeyIgnoringKid, type JsonWebKey } from "../core/jwk/json-web-key.ts";
import { isSigningAlgorithm, keyTypeAndCurveName, signingAndEncryptionAlgorithms } from "../core/jwk/key-algorithms.ts";
import { withoutRedundantPublicHalves } from "../core/jwk/key-pair-halves.ts";
import { collectProblem, Problem, usageError, withMessage } from "../core/problem.ts";
import { joinWords, quote } from "../core/text.ts";
import { IMPORT_ALG, KID, USE } from "./key-flags.ts";
import { passphraseReader } from "./passphrase.ts";

/** A key with everything that is stored with it. */
export type KeyWithKid = JsonWebKey & { readonly kid: string };

type ReadKeysContext = Pick<Context, "values" | "host" | "readFile" | "hasErrors" | "localKeys">;

/** The keys that a command line names, the oldest first, and all that is wrong with them. */
export interface KeysFromFiles {
  readonly keys: readonly KeyWithKid[];
  /** Whether each of them came with its ID, as the keys of a backup or of another server do. */
  readonly haveOwnIds: boolean;
  readonly problems: readonly Problem[];
}

/** The key with the algorithm that it or the command line names; the problem of one that its type does not have. */
function withGivenAlgorithmOrProblem(key: KeyWithKid, name: string, wanted: string | undefined): KeyWithKid | Problem {
  const possible = signingAndEncryptionAlgorithms(key);
  const { alg: own } = key;
  const type = keyTypeAndCurveName(key);
  const signing = possible.filter(isSigningAlgorithm);
  const fits = `it is a key for ${joinWords(signing.length > 0 ? signing : possible, "or")}`;
  if (possible.length === 0)
    return usageError(`Cannot use the key in ${quote(name)}: ${type} has no algorithm`, undefined, "key-algorithm");
  if (own !== undefined && !possible.includes(own))
    return usageError(
      `Cannot use the key in ${quote(name)}: it says "alg": ${quote(own)}, but its type is ${type}`,
      `correct or remove its "alg": ${fits}`,
      "key-algorithm",
    );
  if (wanted !== undefined && !possible.includes(wanted))
    return usageError(
      `--alg ${wanted} does not fit the key in ${quote(name)}: its type is ${type}`,
      `leave out --alg: ${fits}`,
      "key-algorithm",
    );
  if (wanted !== undefined && own !== undefined && wanted !== own)
    return usageError(
      `--alg ${wanted} contradicts the key in ${quote(name)}, which says "alg": ${quote(own)}`,
      "leave out --alg, or change the key",
      "key-algorithm",
    );
  return { ...key, ...(own === undefined && wanted === undefined ? {} : { alg: own ?? wanted }) };
}

function useOfAlgorithm(alg: string): "sig" | "enc" {
  return isSigningAlgorithm(alg) ? "sig" : "enc";
}

/**
 * The key with its use, and with an algorithm for that (RFC 7517, 4.2 and 4.4). What a key itself says stays, even if its
 * members contradict each other: a set that a server gave must come back as it was.
 */
function withUseAndAlgorithmOrProblem(
  key: KeyWithKid,
  name: string,
  wanted: string | undefined,
  own: JsonWebKey,
): KeyWithKid | Problem {
  const { alg } = key;
  const use = key.use ?? wanted ?? (alg === undefined ? "sig" : useOfAlgorithm(alg));
  const isChosen = own.use === undefined || own.alg === undefined;
  if (alg !== undefined) {
    if (!isChosen || use === useOfAlgorithm(alg)) return { ...key, use };
    const message = `The algorithm ${alg} of the key in ${quote(name)} contradicts its use, ${use}`;
    return usageError(message, `use ${useOfAlgorithm(alg)} fits the algorithm`, "key-algorithm");
  }
  const possible = signingAndEncryptionAlgorithms(key);
  const fitting = possible.find((candidate) => useOfAlgorithm(candidate) === use);
  if (fitting !== undefined) return { ...key, use, alg: fitting };
  if (own.use !== undefined) return { ...key, use, alg: possible[0] };
  const message = `--use ${use} does not fit the key in ${quote(name)}: no algorithm of ${keyTypeAndCurveName(key)} keys is for encryption`;
  return usageError(message, "leave out --use", "key-algorithm");
}

/** Reads the keys in one file, the oldest first, with IDs; a file begins with the newest. */
async function readOneKeyFile(
  context: ReadKeysContext,
  path: string,
  { reader, passphrase }: { readonly reader: string; readonly passphrase: (name: string) => Promise<string> },
): Promise<KeysFromFiles> {
  const name = path === "-" ? "standard input" : path;
  const { localKeys, values } = context;
  const keys: KeyWithKid[] = [];
  const problems: Problem[] = [];
  const use = values.isSet(USE) ? values.text(USE) : undefined;
  const read = await localKeys.read(path, reader, passphrase);
  for (const key of read) {
    const kid = key.kid ?? (await localKeys.thumbprint(key));
    const invalid = findKeyIdProblem(kid);
    // Another ID may be chosen with --kid.
    if (invalid !== undefined && !values.isSet(KID)) {
      problems.push(withMessage(invalid, `Cannot use the key in ${quote(name)}: ${invalid.message}`));
      continue;
    }
    const withAlg = withGivenAlgorithmOrProblem({ ...key, kid }, name, values.text(IMPORT_ALG));
    const complete = withAlg instanceof Problem ? withAlg : withUseAndAlgorithmOrProblem(withAlg, name, use, key);
    if (complete instanceof Problem) problems.push(complete);
    else keys.push(complete);
  }
  return { keys: keys.toReversed(), problems, haveOwnIds: read.every(({ kid }) => kid !== undefined) };
}

/** The problems of keys with the same ID. */
function repeatedKeyIdProblems(
  keys: readonly KeyWithKid[],
  origins: ReadonlyMap<JsonWebKey, string>,
): readonly Problem[] {
  const byId = new Map<string, KeyWithKid>();
  return keys.flatMap((key) => {
    const before = byId.get(key.kid);
    byId.set(key.kid, key);
    if (before === undefined) return [];
    const [first = "", second = ""] = [origins.get(before), origins.get(key)];
    const where = first === second ? `Two keys in ${quote(first)}` : `Keys in ${quote(first)} and ${quote(second)}`;
    const hint = isSameKeyIgnoringKid(before, key) ? "leave out one of them" : 'change the "kid" of one of them';
    return [usageError(`${where} have the ID ${quote(key.kid)}`, hint, "key-id")];
  });
}

/** Reads the keys in files; of several files, the last has the newest keys. */
export async function readKeyFiles(
  context: ReadKeysContext,
  paths: readonly string[],
  reader: string,
): Promise<KeysFromFiles> {
  const passphrase = passphraseReader(context);
  const read: KeyWithKid[] = [];
  const origins = new Map<JsonWebKey, string>();
  const problems: Problem[] = [];
  let haveOwnIds = true;
  for (const path of paths) {
    const found = await collectProblem(problems, () => readOneKeyFile(context, path, { reader, passphrase }), "usage");
    if (found === undefined) continue;
    read.push(...found.keys);
    haveOwnIds &&= found.haveOwnIds;
    for (const key of found.keys) origins.set(key, path === "-" ? "standard input" : path);
    problems.push(...found.problems);
  }
  const kept = new Set(withoutRedundantPublicHalves(read));
  const keys = read.filter((key) => kept.has(key));
  problems.push(...repeatedKeyIdProblems(keys, origins));
  if (keys.length === 0 && problems.length === 0 && paths.length > 0)
    problems.push(usageError("There is no key to import", "check the files", "bad-key"));
  return withKidOfFlag(context, { keys, problems, haveOwnIds });
}

/** Gives the only key the ID of `--kid`. */
function withKidOfFlag({ values }: Pick<Context, "values">, read: KeysFromFiles): KeysFromFiles {
  const { keys, problems } = read;
  const kid = values.text(KID);
  const [only, ...others] = keys;
  if (kid === undefined || only === undefined) return read;
  if (others.length === 0) return { keys: [{ ...only, kid }], problems, haveOwnIds: false };
  const message = `--kid ${kid} cannot name ${keys.length} keys`;
  return { ...read, problems: [...problems, usageError(message, "import them one by one, or leave it out", "key-id")] };
}
