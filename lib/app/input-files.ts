import type { Host } from "../adapters/host.ts";
import { extractCertificates } from "../adapters/transport.ts";
import type { TextFile } from "../command.ts";
import { unreadableFileReason } from "../core/file-errors.ts";
import type { ValueOrigin } from "../core/flags/parsed-flag-values.ts";
import { formatSize, InputTooLarge, inputLimitAndHintFor } from "../core/input-limits.ts";
import { errorCode, Problem, usageError } from "../core/problem.ts";
import { visiblePart } from "../core/redact.ts";
import { escapeControls, quote } from "../core/text.ts";

/** The start of a message; `reader` is the flag or command that reads the file, or standard input for `-`. */
function cannotRead(path: string, reader: string): string {
  return `Cannot read ${path === "-" ? "standard input" : quote(path)} for ${reader}`;
}

/** A flag whose file contains a credential. */
const CREDENTIAL_FILE_FLAG_PATTERN = /^--(?:[a-z]+-)*(?:token|secret|passphrase)-file$/;

/** Whether the name of a file that does not exist may be the credential itself, as in `--secret-file "$SECRET"`. */
function mayBeCredential(path: string, reader: string, error: unknown): boolean {
  const isMissing = ["ENOENT", "ENAMETOOLONG"].includes(errorCode(error) ?? "");
  if (!isMissing || !CREDENTIAL_FILE_FLAG_PATTERN.test(reader)) return false;
  return visiblePart(path)?.isWhole !== true || (path.length >= SHORTEST_HIDDEN && !/[/\\]/.test(path));
}

/** Shorter names without a directory are more likely those of files. */
const SHORTEST_HIDDEN = 20;

/** The input of one command: its files, and standard input, which can be read only once. */
export class InputFiles {
  readonly #host: Pick<Host, "readFile" | "readStdin">;
  /** The flag or command that has read standard input. */
  #stdinReader: string | undefined;
  /** The bytes that each flag or command has read, of those that it may read in all its files. */
  readonly #used = new Map<string, number>();
  #authorities: Promise<string> | undefined;

  constructor(host: Pick<Host, "readFile" | "readStdin">) {
    this.#host = host;
  }

  /**
   * The bytes of a file, or of standard input for `-`.
   *
   * @param reader the flag or command that reads it, which decides about the limit and is named in messages.
   * @param used how many bytes of the limit are used already.
   * @throws {Problem} a usage error that names the reader.
   */
  async readBytes(path: string, reader: string, used = 0): Promise<Uint8Array> {
    const { bytes: limit, hint } = inputLimitAndHintFor(reader);
    try {
      if (path !== "-") return (await this.#host.readFile(path, limit - used)).bytes;
      this.#takeStdin(reader);
      return await this.#host.readStdin(limit - used);
    } catch (error) {
      if (error instanceof Problem) throw error;
      const start = cannotRead(path, reader);
      if (error instanceof InputTooLarge)
        throw usageError(`${start}: the input is larger than ${formatSize(limit)}`, hint, "input-too-large");
      if (mayBeCredential(path, reader, error))
        throw usageError(
          `Cannot read the file of ${reader}, which is not shown because it may be the credential itself: it does not exist`,
          `check the path, or pass the credential itself on standard input with ${reader} -`,
          "unreadable-file",
        );
      const details = { code: "unreadable-file", exit: "usage", hint: "check the path", cause: error } as const;
      throw new Problem(`${start}: ${escapeControls(unreadableFileReason(error))}`, details);
    }
  }

  /** The text of a file, or of standard input for `-`, without a byte order mark. A reader's limit covers all its files. */
  async readText(path: string, reader: string): Promise<TextFile> {
    const used = this.#used.get(reader) ?? 0;
    const bytes = await this.readBytes(path, reader, used);
    this.#used.set(reader, used + bytes.length);
    const name = path === "-" ? "standard input" : path;
    try {
      return { text: new TextDecoder("utf-8", { fatal: true }).decode(bytes), name };
    } catch {
      throw usageError(`${cannotRead(path, reader)}: it is not UTF-8 text`, "save it as UTF-8", "not-utf8");
    }
  }

  /** The certificates of `--ca-file`, checked so that a wrong file is an error before anything is sent; read only once. */
  readAuthorities(path: string, origin: ValueOrigin): Promise<string> {
    this.#authorities ??= this.#findAuthorities(path, origin.name);
    return this.#authorities;
  }

  async #findAuthorities(path: string, name: string): Promise<string> {
    const text = new TextDecoder().decode(await this.readBytes(path, name));
    const { certificates, readable } = await extractCertificates(text);
    const isEmpty = certificates.length === 0;
    if (!isEmpty && readable) return certificates.join("\n");
    throw usageError(
      `${name} ${quote(path)} contains ${isEmpty ? "no certificate" : "a certificate that cannot be read"}`,
      isEmpty
        ? "give a PEM file with lines such as -----BEGIN CERTIFICATE-----"
        : "give the whole PEM text, each block unbroken",
      "bad-ca-file",
    );
  }

  #takeStdin(reader: string): void {
    if (this.#stdinReader !== undefined)
      throw usageError(
        `${reader} - cannot read standard input: ${this.#stdinReader} has already read it`,
        "give one of the two a file",
        "stdin-twice",
      );
    this.#stdinReader = reader;
  }
}
