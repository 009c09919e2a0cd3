import { usageError } from "../../core/problem.ts";
import type { Output } from "./descriptor-output.ts";
import { applyTyped, type LineState, MAX_LINE_LENGTH } from "./line-editor.ts";

/** Milliseconds to wait for a signal that the process sent to itself. */
const OWN_SIGNAL_MS = 1_000;

/** Asks questions on standard error and reads the answers from standard input; undefined at the end of input. */
export function createStdinPrompter(
  output: Pick<Output, "write">,
): (question: string, hidden: boolean, signal?: AbortSignal) => Promise<string | undefined> {
  // What was typed or pasted after a line answers the next question.
  let typeAhead = "";
  return async (question, hidden, signal) => {
    const { stdin } = process;
    const raw = hidden && stdin.isTTY === true;
    const askOnce = async (): Promise<FinishedLineState> => {
      // After the messages that are on their way to the same terminal.
      await output.write(question);
      return readLine(typeAhead, raw, signal);
    };
    const answer = await (raw ? runInRawMode(askOnce) : askOnce());
    // The end of input leaves the cursor after the question.
    if (raw || (answer.kind === "ended" && stdin.isTTY === true)) await output.write("\n");
    typeAhead = answer.kind === "entered" ? answer.typeAhead : "";
    switch (answer.kind) {
      case "entered":
        return answer.line;
      case "ended":
        return answer.line === "" ? undefined : answer.line;
      case "too-long":
        throw usageError(`The answer is longer than ${MAX_LINE_LENGTH} characters`, undefined, "input-too-large");
      case "signal":
        process.kill(process.pid, answer.signal);
        // Without something to wait for, the program would end before it receives its own signal.
        await new Promise((resolve) => setTimeout(resolve, OWN_SIGNAL_MS));
        return undefined;
    }
  };
}

/** Does something while the terminal echoes nothing, before the question is shown too. */
async function runInRawMode<T>(work: () => Promise<T>): Promise<T> {
  const { stdin } = process;
  stdin.setRawMode(true);
  try {
    return await work();
  } finally {
    stdin.setRawMode(false);
  }
}

type FinishedLineState = Exclude<LineState, { readonly kind: "editing" }>;

async function readLine(typeAhead: string, raw: boolean, signal: AbortSignal | undefined): Promise<FinishedLineState> {
  const { stdin } = process;
  const first = applyTyped("", typeAhead, raw);
  if (first.kind !== "editing") return first;
  let { line, unfinished } = first;
  if (stdin.readableEnded || signal?.aborted === true) return { kind: "ended", line };
  return new Promise((resolve) => {
    const decoder = new TextDecoder();
    const finish = (finished: FinishedLineState): void => {
      stdin.off("data", onData);
      stdin.off("end", onEnd);
      signal?.removeEventListener("abort", onAbort);
      stdin.pause();
      resolve(finished);
    };
    const onEnd = (): void => finish({ kind: "ended", line });
    const onAbort = (): void => finish({ kind: "ended", line: "" });
    const onData = (chunk: Uint8Array): void => {
      const edited = applyTyped(line, decoder.decode(chunk, { stream: true }), raw, unfinished);
      if (edited.kind === "editing") ({ line, unfinished } = edited);
      else finish(edited);
    };
    stdin.on("data", onData);
    stdin.on("end", onEnd);
    signal?.addEventListener("abort", onAbort, { once: true });
    stdin.resume();
  });
}
