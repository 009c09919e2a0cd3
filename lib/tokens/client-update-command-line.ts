import { LIST_EDIT_FLAGS } from "../core/client/list-edit-flags.ts";
import { quoteCsvField } from "../core/flags/csv.ts";
import { longNames, type SyntaxVersion } from "../core/flags/flag.ts";
import { commandWord, quotedOperandAndFlagText } from "../core/output/shell-quote.ts";

/** The part of a client that a command line needs. */
interface ClientIdAndSyntaxVersion {
  readonly id: string;
  readonly syntax: SyntaxVersion;
}

/** The command line that updates a client with these words. */
export function clientUpdateCommandLine({ id, syntax }: ClientIdAndSyntaxVersion, ...words: readonly string[]): string {
  const command = syntax === "2.x" ? "hydra update oauth2-client" : "hydra clients update";
  return `${command} ${quotedOperandAndFlagText(id, ...words.map(commandWord))}`;
}

/** The command line that adds values to a list field of the client. */
export function listFieldAdditionCommandLine(
  client: ClientIdAndSyntaxVersion,
  field: string,
  ...values: readonly string[]
): string {
  const edit = LIST_EDIT_FLAGS.find((each) => each.way === "add" && each.field.name === field);
  const flag = edit === undefined ? undefined : longNames(edit.flag, client.syntax)[0];
  if (flag === undefined) throw new TypeError(`${field} is not a list field`);
  return clientUpdateCommandLine(client, `--${flag}`, values.map(quoteCsvField).join(","));
}
