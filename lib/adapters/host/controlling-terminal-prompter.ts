import { open, read } from "node:fs";
import { promisify } from "node:util";
import { usageError } from "../../core/problem.ts";
import { MAX_LINE_LENGTH } from "./line-editor.ts";

/** The terminal that controls the process, whatever its standard streams are. */
const TERMINAL = process.platform === "win32" ? "\\\\.\\CONIN$" : "/dev/tty";

/**
 * Asks a question on standard error and reads the answer from the controlling terminal: for commands that read something
 * else from standard input. Undefined at the end of input.
 */
export async function askOnControllingTerminal(question: string): Promise<string | "no-terminal" | undefined> {
  const descriptor = await promisify(open)(TERMINAL, "r").catch(() => undefined);
  if (descriptor === undefined) return "no-terminal";
  process.stderr.write(question);
  return readLine(descriptor);
}

/** The descriptor stays open: a read that a signal interrupts still uses it, and the process asks once. */
async function readLine(descriptor: number): Promise<string | undefined> {
  const decoder = new TextDecoder();
  const block = new Uint8Array(MAX_LINE_LENGTH);
  let line = "";
  while (!line.includes("\n")) {
    const count = await readSome(descriptor, block);
    if (count === 0) {
      // The end of input leaves the cursor after the question.
      process.stderr.write("\n");
      return line === "" ? undefined : line;
    }
    line += decoder.decode(block.subarray(0, count), { stream: true });
    if (line.length > MAX_LINE_LENGTH)
      throw usageError(`The answer is longer than ${MAX_LINE_LENGTH} characters`, undefined, "input-too-large");
  }
  return line.replace(/\r?\n.*$/s, "");
}

function readSome(descriptor: number, block: Uint8Array): Promise<number> {
  return new Promise((resolve, reject) => {
    read(descriptor, block, 0, block.length, null, (error, count) =>
      error === null || error === undefined ? resolve(count) : reject(error),
    );
  });
}
