import { SECRET_OUT } from "../../core/flags/credential-flags.ts";
import { containsSecret } from "../../core/output/existing-credential-entries.ts";
import { Problem, resultOrProblem } from "../../core/problem.ts";
import {
  clientSecretPath,
  entryNameInSharedFile,
  namesInSharedDotenv,
  parseSharedSecretFile,
  readSecretPlaceKind,
  type SecretOwner,
  type SecretPlaceContext,
  secretFileFormatOrDotenv,
} from "./secret-file-texts.ts";

/** The names of the entries that may hold a client's secret. */
function secretEntryNames(context: Pick<SecretPlaceContext, "values">, owner: SecretOwner): readonly string[] {
  if (secretFileFormatOrDotenv(context) !== "dotenv") return [entryNameInSharedFile(context, owner)];
  const { secret, encrypted } = namesInSharedDotenv(context, owner);
  return [secret, encrypted];
}

/** Reads whether a secret is in its place: "taken" if something else is, such as another secret. */
export async function readSecretPlaceStatus(
  context: SecretPlaceContext,
  owner: SecretOwner,
  secret: string,
): Promise<"there" | "missing" | "taken" | "unreadable"> {
  const target = context.values.text(SECRET_OUT);
  const kind = readSecretPlaceKind(context);
  if (target === undefined || kind === "result") return "missing";
  const path = kind === "shared" ? target : clientSecretPath(context, owner.key);
  const there = await resultOrProblem(() => context.readSecretFile(path));
  if (there === undefined) return "missing";
  if (there instanceof Problem || there.text === undefined) return "unreadable";
  const { text } = there;
  const entries = kind === "shared" ? await parseSharedSecretFile(context, text) : undefined;
  // Another client of the same file may have the same secret, if both are given.
  const own = entries === undefined ? [text] : secretEntryNames(context, owner).map((name) => entries.get(name) ?? "");
  if (own.some((entry) => containsSecret(entry, secret))) return "there";
  return entries?.has(entryNameInSharedFile(context, owner)) === false ? "missing" : "taken";
}
