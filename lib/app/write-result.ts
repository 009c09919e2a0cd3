import type { Host } from "../adapters/host.ts";
import type { CommandResult, Context } from "../command.ts";
import type { JsonObject } from "../core/json/json.ts";
import {
  createStreamRenderer,
  isOmittedFromSecretManifest,
  type RenderOptions,
  type ResultView,
  type StreamRenderer,
} from "../core/output/render.ts";
import { type ExitName, errorCode, errorMessage, Problem } from "../core/problem.ts";
import { escapeControls, quote } from "../core/text.ts";
import { StdoutQueue } from "./stdout-queue.ts";

/** How values are rendered, once it is known whether they are a list and whether each is shown at once. */
export type RenderOptionsFactory = (isList: boolean, unbuffered: boolean) => RenderOptions;

/** Characters that may be pending before the next value is asked for. */
const MAX_PENDING_CHARACTERS = 262_144;

/** Characters that are written without waiting for more. */
const LARGE_WRITE = 16_384;

/** Texts that may be pending if the delivery of each value matters. */
const MAX_PENDING_TEXTS = 64;

/**
 * Writes a result as its values come, and reports to the command what was delivered. If the reader of standard output goes
 * away, a command that only reads ends quietly, but with its own exit code; values that must not be lost go back to the
 * command.
 */
export async function writeResult(
  context: Pick<Context, "signal" | "format" | "note"> & { readonly host: Pick<Host, "stdout" | "sleep"> },
  result: CommandResult,
  render: RenderOptionsFactory,
): Promise<ExitName> {
  const { host, signal, note } = context;
  const format = result.format ?? context.format;
  const renderer = createStreamRenderer(format, result.view, render(result.isList, result.unbuffered === true));
  const queue = new StdoutQueue(host, signal, result.delivered);
  const withheld: JsonObject[] = [];
  const item = (each: JsonObject): string => {
    const text = renderer.item(each);
    if (format.kind === "k8s-secret" && isOmittedFromSecretManifest(result.view, each)) withheld.push(each);
    return text;
  };
  try {
    await new ResultWriter(result, { ...renderer, item }, queue).write();
  } catch (error) {
    if (error === READER_GONE_SIGNAL) return result.stopsUnread === true ? "done" : (result.exit?.() ?? "done");
    throw error;
  }
  noteOmittedSecretManifests(withheld, result.view, note);
  return result.exit?.() ?? "done";
}

class ResultWriter {
  readonly #result: CommandResult;
  readonly #renderer: StreamRenderer<JsonObject>;
  readonly #queue: StdoutQueue;
  /** Values whose text is not sent yet: some formats hold values back, and send them with the text of later ones. */
  #held: JsonObject[] = [];
  /** Text that waits for the text of later values: a list of many clients would else need a write for each. */
  #unsent = "";
  #hasSent = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Nobody reads any more, and the rest of the work is only done for its exit code. */
  #isReaderGone = false;

  constructor(result: CommandResult, renderer: StreamRenderer<JsonObject>, queue: StdoutQueue) {
    this.#result = result;
    this.#renderer = renderer;
    this.#queue = queue;
  }

  async write(): Promise<void> {
    const { items, delivered, undelivered, envelope } = this.#result;
    const mustArrive = delivered !== undefined || undelivered !== undefined;
    try {
      for await (const item of items) {
        if (this.#isReaderGone) continue;
        await this.#writeItem(item, !mustArrive && this.#result.unbuffered !== true);
        await this.#settle(this.#mostPendingTexts(mustArrive), MAX_PENDING_CHARACTERS);
      }
    } catch (error) {
      await this.#flush().catch((later: unknown) => {
        if (later !== READER_GONE_SIGNAL) throw later;
      });
      throw error;
    }
    if (this.#isReaderGone) throw READER_GONE_SIGNAL;
    const end = await this.#render(() => this.#renderer.end(envelope?.()));
    if (this.#unsent + end !== "" || this.#held.length > 0) this.#send(this.#unsent + end);
    await this.#settle(0, 0);
  }

  /** How many texts may be pending when the next value is asked for. */
  #mostPendingTexts(mustArrive: boolean): number {
    // The next value comes only after a signal: nobody would learn before that this one could not be written.
    if (this.#result.untilSignal === true) return 0;
    return mustArrive ? MAX_PENDING_TEXTS : Number.POSITIVE_INFINITY;
  }

  /** Writes one value; its text may wait for that of others if it comes soon, but not the first one. */
  async #writeItem(item: JsonObject, mayWait: boolean): Promise<void> {
    this.#held.push(item);
    this.#unsent += await this.#render(() => this.#renderer.item(item));
    if (this.#unsent === "") return;
    if (!mayWait || !this.#hasSent || this.#unsent.length >= LARGE_WRITE) this.#send(this.#unsent);
    else
      this.#timer ??= setTimeout(() => {
        if (this.#unsent !== "") this.#send(this.#unsent);
      });
  }

  /** Writes what the renderer holds back when the command fails. */
  async #flush(): Promise<void> {
    if (this.#queue.hasFailed) return;
    const text = this.#held.length > 0 ? await this.#render(this.#renderer.flush) : "";
    if (this.#unsent + text !== "") this.#send(this.#unsent + text);
    await this.#settle(0, 0);
  }

  #send(text: string): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#unsent = "";
    this.#queue.send(text, this.#held);
    this.#held = [];
    this.#hasSent = true;
  }

  /** Calls the renderer; a value that it cannot write is not delivered. */
  async #render(write: () => string): Promise<string> {
    try {
      return write();
    } catch (error) {
      throw (await this.#returnUndelivered(error)) ?? error;
    }
  }

  async #settle(texts: number, characters: number): Promise<void> {
    await this.#queue.settle(texts, characters);
    if (!this.#queue.hasFailed) return;
    const { reason } = this.#queue;
    const problem = await this.#returnUndelivered(reason);
    if (problem !== undefined) throw problem;
    if (errorCode(reason) !== "EPIPE") throw unwritableStdoutProblem(reason);
    const { exit, delivered, undelivered, stopsUnread } = this.#result;
    if (exit === undefined || delivered !== undefined || undelivered !== undefined || stopsUnread === true)
      throw READER_GONE_SIGNAL;
    this.#isReaderGone = true;
  }

  /** Returns values that were not delivered to the command; undefined if it has nothing that must not be lost. */
  async #returnUndelivered(reason: unknown): Promise<Problem | undefined> {
    await this.#queue.drain();
    const held = this.#held.map((item) => ({ item, partlyWritten: false }));
    // From here on they are the command's, and are not written.
    this.#held = [];
    const lost = [...this.#queue.undelivered, ...held];
    return lost.length === 0 ? undefined : this.#result.undelivered?.(lost, reason);
  }
}

function noteOmittedSecretManifests(
  withheld: readonly JsonObject[],
  view: ResultView<JsonObject>,
  note: (line: string) => void,
): void {
  const [first] = withheld;
  if (first === undefined) return;
  const clients =
    withheld.length === 1
      ? `client ${quote(view.id(first))}`
      : `${withheld.length} clients, the first ${quote(view.id(first))}`;
  note(`No Kubernetes Secret is written to standard output for ${clients}: no secret was delivered there`);
}

/** The reader of standard output stopped reading, as `head` does; that is not a failure. */
const READER_GONE_SIGNAL = new Problem("The reader of standard output is gone", { code: "gone", exit: "done" });

/** Writes a text that is not a result, such as help; its reader may stop reading. */
export async function writeText(host: Pick<Host, "stdout">, text: string): Promise<void> {
  try {
    await host.stdout.write(text);
  } catch (error) {
    if (errorCode(error) !== "EPIPE") throw unwritableStdoutProblem(error);
  }
}

function unwritableStdoutProblem(reason: unknown): Problem {
  return new Problem(`Cannot write the result: ${escapeControls(errorMessage(reason))}`, {
    code: "unwritable",
    hint: "check where standard output goes",
  });
}
