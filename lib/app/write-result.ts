import { type Host, WriteFailure } from "../adapters/host.ts";
import type { Result, UndeliveredItem } from "../command.ts";
import type { JsonObject } from "../core/json.ts";
import { STALLED_READER_MS } from "../core/network.ts";
import type { Format } from "../core/output/formats.ts";
import { createRenderer, type RenderOptions, withholds } from "../core/output/render.ts";
import { type ExitName, errorCode, errorMessage, Problem } from "../core/problem.ts";
import { escapeControls, quote } from "../core/text.ts";

/** How a result's values are rendered, once it is known whether they are many and whether each shows at once. */
export type Render = (many: boolean, live: boolean) => RenderOptions;

/** Characters that may be on their way to standard output before the next value is asked for. */
const ON_THE_WAY = 262_144;

/** Values that may be on their way where each must be known to have arrived. */
const VALUES_ON_THE_WAY = 64;

/** A text on its way, and the values that are delivered with it. */
interface Piece {
  readonly items: readonly JsonObject[];
  readonly length: number;
  /** Why it did not leave, and whether part of it had. */
  failure: { readonly reason: unknown; readonly partlyWritten: boolean } | undefined;
  /** Resolves when the text has left or failed. */
  readonly settled: Promise<void>;
}

/**
 * Writes a result as it comes and tells the command what was delivered. A reader that goes away ends a reading command
 * quietly; what must not be lost goes back to the command.
 *
 * Texts follow each other without waiting, so that many values cost few writes; how many are on their way is bounded.
 */
export async function writeResult(
  host: Host,
  signal: AbortSignal,
  format: Format,
  result: Result,
  render: Render,
  note: (line: string) => void,
): Promise<ExitName> {
  const renderer = createRenderer(format, result.view, render(result.isList, result.unbuffered === true));
  const most = result.delivered !== undefined || result.undelivered !== undefined ? VALUES_ON_THE_WAY : Infinity;
  const way: Piece[] = [];
  const failed: Piece[] = [];
  // Some formats hold values back, so a value counts as delivered only with the text that comes after it.
  let held: JsonObject[] = [];
  let length = 0;
  const withheld: JsonObject[] = [];

  function send(text: string): void {
    const items = held;
    held = [];
    length += text.length;
    const fail = (reason: unknown, partlyWritten: boolean): void => {
      if (piece.failure !== undefined) return;
      piece.failure = { reason, partlyWritten };
      failed.push(piece);
    };
    const piece: Piece = {
      items,
      length: text.length,
      failure: undefined,
      settled: host.stdout
        .write(text)
        .then(
          async () => {
            for (const item of items) await result.delivered?.(item);
          },
          (reason: unknown) => fail(reason, reason instanceof WriteFailure && reason.written > 0),
        )
        // The text has left then, and the command could not take note of it.
        .catch((reason: unknown) => fail(reason, true))
        .finally(() => leave(piece)),
    };
    way.push(piece);
  }

  function leave(piece: Piece): void {
    const at = way.indexOf(piece);
    if (at < 0) return;
    way.splice(at, 1);
    length -= piece.length;
  }

  /** Gives up on all that is on its way; how much of it has left cannot be known, so it counts as begun. */
  function giveUp(): void {
    const reason = new Error("the reader of standard output stands still");
    for (const piece of [...way]) {
      piece.failure = { reason, partlyWritten: true };
      failed.push(piece);
      leave(piece);
    }
  }

  /** Waits until at most so many texts are on their way, and throws what became of one that failed. */
  async function settle(pieces: number, characters: number): Promise<void> {
    while (failed.length === 0 && way.length > 0 && (way.length > pieces || length > characters)) {
      if (await standsStill(host, signal, way[0]?.settled)) giveUp();
    }
    if (failed.length > 0) throw await failure();
  }

  /** Hands what was not delivered back to the command; undefined where there is nothing of it that it must not lose. */
  async function handBack(reason?: unknown): Promise<Problem | undefined> {
    while (way.length > 0) if (await standsStill(host, signal, way[0]?.settled)) giveUp();
    const unsent = held;
    // From here on they are the command's, and are not written any more.
    held = [];
    const lost: UndeliveredItem[] = [
      ...failed.flatMap(({ items, failure: why }) =>
        items.map((item) => ({ item, partlyWritten: why?.partlyWritten === true })),
      ),
      ...unsent.map((item) => ({ item, partlyWritten: false })),
    ];
    return lost.length === 0 ? undefined : result.undelivered?.(lost, reason ?? failed[0]?.failure?.reason);
  }

  async function failure(): Promise<Problem> {
    const problem = await handBack();
    if (problem !== undefined) return problem;
    const reason = failed[0]?.failure?.reason;
    return errorCode(reason) === "EPIPE" ? GONE : unwritable(reason);
  }

  /** A text of the renderer; a value that it cannot write is as little delivered as one that does not leave. */
  async function rendered(write: () => string): Promise<string> {
    try {
      return write();
    } catch (error) {
      throw (await handBack(error)) ?? error;
    }
  }

  try {
    try {
      for await (const item of result.items) {
        held.push(item);
        const text = await rendered(() => renderer.item(item));
        if (format.kind === "k8s-secret" && withholds(result.view, item)) withheld.push(item);
        if (text !== "") send(text);
        await settle(most, ON_THE_WAY);
      }
    } catch (error) {
      const rest = failed.length === 0 && held.length > 0 ? await rendered(renderer.flush) : "";
      if (rest !== "") send(rest);
      if (failed.length === 0) await settle(0, 0);
      throw error;
    }
    const end = await rendered(() => renderer.end(result.envelope?.()));
    if (end !== "" || held.length > 0) send(end);
    await settle(0, 0);
    const [first, ...others] = withheld.map((item) => quote(result.view.id(item)));
    if (first !== undefined)
      note(
        `No Kubernetes Secret is written for ${others.length === 0 ? `client ${first}` : `${withheld.length} clients, the first ${first}`}: no secret was delivered here`,
      );
  } catch (error) {
    if (error === GONE) return "done";
    throw error;
  }
  return result.exit?.() ?? "done";
}

/** The reader of a reading command has gone away, which is its right. */
const GONE = new Problem("The reader of standard output is gone", { code: "gone", exit: "done" });

/** Waits for a text to leave, after a signal only for a while; gives whether its reader stands still. */
async function standsStill(host: Host, signal: AbortSignal, settled: Promise<void> | undefined): Promise<boolean> {
  const over = new AbortController();
  const still = new Promise<true>((resolve) => {
    const wait = (): void => {
      host.sleep(STALLED_READER_MS, over.signal).then(
        () => resolve(true),
        () => {},
      );
    };
    if (signal.aborted) wait();
    else signal.addEventListener("abort", wait, { once: true, signal: over.signal });
  });
  try {
    return await Promise.race([settled?.then(() => false) ?? false, still]);
  } finally {
    over.abort();
  }
}

/** Writes a text that is no result, such as help; its reader may go away. */
export async function writeText(host: Host, text: string): Promise<void> {
  try {
    await host.stdout.write(text);
  } catch (error) {
    if (errorCode(error) !== "EPIPE") throw unwritable(error);
  }
}

function unwritable(reason: unknown): Problem {
  return new Problem(`Cannot write the result: ${escapeControls(errorMessage(reason))}`, {
    code: "unwritable",
    exit: "failed",
    hint: "check where standard output goes",
  });
}
