import type { Context } from "../command.ts";
import { canPrompt } from "../core/environment/interactive.ts";
import { NO_INPUT } from "../core/flags/shared-flags.ts";
import { usageError } from "../core/problem.ts";
import { quote } from "../core/text.ts";
import { PASSPHRASE_FILE } from "./key-flags.ts";

/** Reads the passphrase of encrypted keys: from a file, which is read once, or from the terminal. */
export function passphraseReader(
  context: Pick<Context, "values" | "host" | "readFile" | "hasErrors">,
): (name: string) => Promise<string> {
  const { values, host, hasErrors } = context;
  const file = values.text(PASSPHRASE_FILE);
  let inFile: Promise<string> | undefined;
  return async (name) => {
    if (file !== undefined) {
      inFile ??= context.readFile(file, "--passphrase-file").then(({ text }) => text.replace(/\r?\n$/, ""));
      return inFile;
    }
    const mayAsk = canPrompt(host, values.bool(NO_INPUT)) && !hasErrors;
    const typed = mayAsk ? ((await host.ask(`Passphrase for ${quote(name)}: `, true)) ?? "") : "";
    if (typed !== "") return typed;
    throw usageError(
      `The key in ${quote(name)} is encrypted, and there is no passphrase`,
      "add --passphrase-file FILE",
      "no-passphrase",
    );
  };
}
