import type { Host } from "../adapters/host.ts";
import { certificatesIn } from "../adapters/transport.ts";
import type { TextFile } from "../command.ts";
import { CA_FILE } from "../core/flags/flag-table.ts";
import type { FlagValues } from "../core/flags/parse.ts";
import { InputTooLarge, limitOf, sizeText, whyUnreadable } from "../core/input-limits.ts";
import { Problem, usageError } from "../core/problem.ts";
import { escapeControls, quote } from "../core/text.ts";

/** The text of a file, or of standard input for `-`, without a byte order mark. */
async function readText(host: Host, path: string, reader: string, used: number): Promise<TextFile & { size: number }> {
  const bytes = await readBytes(host, path, reader, used);
  const name = path === "-" ? "standard input" : path;
  try {
    return { text: new TextDecoder("utf-8", { fatal: true }).decode(bytes), name, size: bytes.length };
  } catch {
    throw usageError(`Cannot read ${quote(name)} of ${reader}: it is not UTF-8 text`, "save it as UTF-8", "not-utf8");
  }
}

/** Reads the files of one command; the limit of a flag or command is for all files that it reads. */
export function boundedReader(host: Host): (path: string, reader: string) => Promise<TextFile> {
  const used = new Map<string, number>();
  return async (path, reader) => {
    const before = used.get(reader) ?? 0;
    const { text, name, size } = await readText(host, path, reader, before);
    used.set(reader, before + size);
    return { text, name };
  };
}

/** Which flag has taken standard input, of each host; a second one would find it empty. */
const STDIN_TAKEN = new WeakMap<Host, string>();

/**
 * The bytes of a file, or of standard input for `-`, which only one flag can have.
 *
 * @param reader the flag or command that reads, which the limit and messages go by.
 * @param used how many bytes it has read from other files, which count toward its limit.
 * @throws {Problem} a usage problem that names the reader.
 */
export async function readBytes(host: Host, path: string, reader: string, used = 0): Promise<Uint8Array> {
  const { bytes: most, hint } = limitOf(reader);
  try {
    if (path !== "-") return (await host.readFile(path, most - used)).bytes;
    takeStdin(host, reader);
    return await host.readStdin(most - used);
  } catch (error) {
    if (error instanceof Problem) throw error;
    const start = `Cannot read ${path === "-" ? "standard input" : quote(path)} of ${reader}`;
    if (error instanceof InputTooLarge)
      throw usageError(`${start}: the input is larger than ${sizeText(most)}`, hint, "input-too-large");
    throw usageError(`${start}: ${escapeControls(whyUnreadable(error))}`, "check the path", "unreadable-file");
  }
}

function takeStdin(host: Host, reader: string): void {
  const taken = STDIN_TAKEN.get(host);
  if (taken !== undefined)
    throw usageError(
      `${reader} - cannot read standard input: ${taken} has read it`,
      "give one of the two a file",
      "stdin-twice",
    );
  STDIN_TAKEN.set(host, reader);
}

/** The certificates of each host's `--ca-file`: a pipe can be read only once. */
const AUTHORITIES = new WeakMap<Host, Promise<string>>();

/** The certificates of `--ca-file`, looked at so far that a wrong file is told before anything is sent. */
export function readAuthorities(host: Host, path: string, values: FlagValues): Promise<string> {
  const read = AUTHORITIES.get(host) ?? findAuthorities(host, path, values);
  AUTHORITIES.set(host, read);
  return read;
}

async function findAuthorities(host: Host, path: string, values: FlagValues): Promise<string> {
  const name = values.origin(CA_FILE).name;
  const text = new TextDecoder().decode(await readBytes(host, path, name));
  const { certificates, readable } = await certificatesIn(text);
  if (certificates.length === 0) {
    throw usageError(
      `${name} ${quote(path)} holds no certificate`,
      "give a PEM file with lines such as -----BEGIN CERTIFICATE-----",
      "bad-ca-file",
    );
  }
  if (!readable) {
    throw usageError(
      `${name} ${quote(path)} holds a certificate that cannot be read`,
      "give the whole PEM text, each block unbroken",
      "bad-ca-file",
    );
  }
  return certificates.join("\n");
}
