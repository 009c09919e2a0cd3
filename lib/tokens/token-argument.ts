import type { Context, OperandSpec } from "../command.ts";
import { usageError } from "../core/problem.ts";

export const TOKEN_OPERAND: OperandSpec = {
  name: "TOKEN",
  least: 1,
  most: 1,
  secret: true,
  help: "The token, or - to read it from standard input, which keeps it out of the process list",
};

/** What tokens consist of (RFC 6750, 2.1, and more). A server says of any other text that it was revoked, too. */
const TOKEN_CHARACTERS_PATTERN = /^[!#-[\]-~]*$/;

/** The token of the command line or of standard input, without the spaces and line breaks around it. */
export async function readTokenArgument({
  operands,
  readFile,
}: Pick<Context, "operands" | "readFile">): Promise<string> {
  const [operand = ""] = operands;
  const text = operand === "-" ? (await readFile("-", "TOKEN")).text : operand;
  const token = text.trim();
  // The operand's absence is reported by itself.
  if (token === "" && operands.length > 0) throw usageError("The token is empty", "give a token", "empty-token");
  if (!TOKEN_CHARACTERS_PATTERN.test(token))
    throw usageError(
      "This is not only a token: it contains spaces, line breaks, quotes, backslashes or non-ASCII characters",
      "give only the token, as --format raw=access_token prints it",
      "bad-value",
    );
  return token;
}
