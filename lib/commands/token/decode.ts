import { type CommandResult, type Context, defineLeaf, singleResult } from "../../command.ts";
import { getTextField } from "../../core/client/client.ts";
import { readPublicUrlWithoutAdminPath } from "../../core/flags/connection.ts";
import { PUBLIC_URL } from "../../core/flags/connection-flags.ts";
import type { BoolFlag, TextFlag } from "../../core/flags/flag.ts";
import { FORMAT, GENERAL_FLAGS, QUIET } from "../../core/flags/shared-flags.ts";
import { isJsonObject, isStringList, type JsonObject, toTerminalSafeJson } from "../../core/json/json.ts";
import { parseKeySet } from "../../core/jwk/json-web-key.ts";
import type { Column, ResultView } from "../../core/output/render.ts";
import { Problem, usageError } from "../../core/problem.ts";
import { trimCharactersAtEnd } from "../../core/text.ts";
import { publicUrlProblems } from "../../core/url-checks.ts";
import { InputProblemCollector } from "../../tokens/input-problem-collector.ts";
import { jwtCautions, parseJwt } from "../../tokens/jwt.ts";
import { readTokenArgument, TOKEN_OPERAND } from "../../tokens/token-argument.ts";
import { formatEpochMilliseconds } from "../../tokens/token-views.ts";

const JWKS_FILE_FLAG: TextFlag = {
  kind: "text",
  name: "jwks",
  value: "FILE",
  completes: "file",
  group: "input",
  help: "Verify the signature with the JSON Web Key Set in this file",
};

const JWKS_URL_FLAG: TextFlag = {
  kind: "text",
  name: "jwks-uri",
  value: "URL",
  group: "input",
  help: "Verify the signature with the JSON Web Key Set at this URL",
};

const VERIFY_WITH_SERVER_FLAG: BoolFlag = {
  kind: "switch",
  name: "verify",
  group: "input",
  help: "Verify the signature with the key set of the server at --public-url",
};

function headerOrPayload(item: JsonObject, name: "header" | "payload"): JsonObject {
  const value = item[name];
  return isJsonObject(value) ? value : {};
}

function claimColumn(label: string, name: string): Column<JsonObject> {
  return {
    label,
    value: (item) => {
      const value = headerOrPayload(item, "payload")[name];
      if (value === undefined || typeof value === "string" || isStringList(value)) return value ?? "";
      return name === "exp" && typeof value === "number"
        ? formatEpochMilliseconds(value * 1000)
        : toTerminalSafeJson(value);
    },
  };
}

const VIEW: ResultView<JsonObject> = {
  columns: [
    { label: "ALGORITHM", value: (item) => getTextField(headerOrPayload(item, "header"), "alg") ?? "" },
    { label: "KEY ID", value: (item) => getTextField(headerOrPayload(item, "header"), "kid") ?? "" },
    claimColumn("ISSUER", "iss"),
    claimColumn("SUBJECT", "sub"),
    claimColumn("AUDIENCE", "aud"),
    claimColumn("EXPIRY", "exp"),
    { label: "VERIFIED", value: (item) => String(item["verified"] === true) },
  ],
  id: (item) => getTextField(headerOrPayload(item, "payload"), "jti") ?? "",
};

/**
 * Which key set the flags name: what messages call it, and a function that reads its text; undefined if none is named.
 */
function chooseKeySetSource({
  values,
  readFile,
  oauth,
  warn,
}: Pick<Context, "values" | "readFile" | "oauth" | "warn">) {
  const file = values.text(JWKS_FILE_FLAG);
  const url = values.text(JWKS_URL_FLAG);
  const isVerified = values.bool(VERIFY_WITH_SERVER_FLAG);
  if ([file !== undefined, url !== undefined, isVerified].filter(Boolean).length > 1)
    throw usageError("--jwks, --jwks-uri and --verify cannot be used together", "give one of them");
  if (file !== undefined)
    return { what: "the key set of --jwks", read: async () => (await readFile(file, "--jwks")).text };
  const what = url === undefined ? "the key set of --public-url" : "the key set of --jwks-uri";
  if (url !== undefined) return { what, read: () => oauth.fetchKeySetText(url, what) };
  if (!isVerified) return undefined;
  const publicUrl = values.text(PUBLIC_URL);
  if (publicUrl === undefined)
    throw usageError("--verify needs --public-url", "add it, or set HYDRA_PUBLIC_URL", "no-endpoint");
  const [problem] = publicUrlProblems(values.origin(PUBLIC_URL).name, publicUrl);
  if (problem !== undefined) throw problem;
  return {
    what,
    read: () => {
      const base = trimCharactersAtEnd(readPublicUrlWithoutAdminPath(values, warn) ?? "", "/");
      return oauth.fetchKeySetText(`${base}/.well-known/jwks.json`, what);
    },
  };
}

async function requireSignatureByKeySet(
  { oauth }: Pick<Context, "oauth">,
  token: string,
  { what, read }: { readonly what: string; readonly read: () => Promise<string> },
): Promise<void> {
  const keySet = parseKeySet(await read());
  if (keySet === undefined)
    throw new Problem(`Cannot verify the token: ${what} is not a JSON Web Key Set`, {
      code: "bad-key-set",
      hint: 'a key set is a JSON object with a list "keys" (RFC 7517)',
    });
  if (await oauth.isSignedBy(token, keySet)) return;
  throw new Problem(`Cannot verify the token: no key of ${what} signed it`, {
    code: "jwt-signature",
    hint: "don't trust the token; keys may also have been rotated since it was issued",
  });
}

/** A token without a signature is not verified by any key set, so none is fetched. */
function rejectUnsignedToken({ header }: Pick<ReturnType<typeof parseJwt>, "header">): void {
  if (header["alg"] !== "none") return;
  throw new Problem("Cannot verify the token: it is not signed (alg none)", {
    code: "jwt-signature",
    hint: "don't trust the token: anyone could have written it",
  });
}

async function run(context: Context, token: string): Promise<CommandResult> {
  const jwt = parseJwt(token);
  const source = chooseKeySetSource(context);
  if (source !== undefined) rejectUnsignedToken(jwt);
  for (const caution of jwtCautions(jwt, context.host.now())) context.note(caution);
  if (source !== undefined) await requireSignatureByKeySet(context, token, source);
  const item = { ...jwt, verified: source !== undefined };
  if (context.format.kind !== "id" || VIEW.id(item) !== "") return singleResult(VIEW, item);
  context.note("Nothing is printed: the token has no ID (claim jti)");
  return { view: VIEW, isList: true, items: [] };
}

/** `token decode`: shows what is in a JSON Web Token, offline. */
export default defineLeaf({
  name: "decode",
  summary: "Show the header and claims of a JSON Web Token",
  about: [
    "Works offline, and shows expired and unsigned tokens too, with a note on stderr. The signature is only verified with --jwks, --jwks-uri or --verify; times are never checked.",
  ],
  operands: TOKEN_OPERAND,
  flags: [JWKS_FILE_FLAG, JWKS_URL_FLAG, VERIFY_WITH_SERVER_FLAG, PUBLIC_URL, FORMAT, QUIET, ...GENERAL_FLAGS],
  examples: {
    "1.x": [
      ["token decode - < id-token.txt", "A token in a file"],
      ["token decode --verify --public-url http://127.0.0.1:4444 - < id-token.txt", "Verified with the server's keys"],
    ],
  },
  server: false,
  format: "json-pretty",
  async prepare(context) {
    const checks = new InputProblemCollector();
    const token = await checks.read(() => readTokenArgument(context));
    await checks.read(() => chooseKeySetSource(context));
    return checks.command(token, (given) => run(context, given));
  },
});
