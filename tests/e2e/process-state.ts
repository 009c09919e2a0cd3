/** Waits until a process has nothing left to do, as the system reports it. */

import { readdirSync, readFileSync } from "node:fs";

/** Milliseconds between two looks at a process; they only spare the processor. */
const LOOK = 5;

const nextLook = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, LOOK));

/**
 * Which threads a process has and how often each went to sleep, or undefined while one of them doesn't sleep. Two equal
 * answers mean that the whole process slept in between, because a thread that runs must go to sleep once more.
 */
function asleep(pid: number): string | undefined {
  const threads: string[] = [];
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const status = statusOf(`${pid}/task/${thread}`);
    // A thread that has ended meanwhile counts as one that runs.
    if (status === undefined || !/^State:\s+S /m.test(status)) return undefined;
    threads.push(`${thread}: ${/^voluntary_ctxt_switches:\s+(\d+)$/m.exec(status)?.[1]}`);
  }
  return threads.join();
}

/** What the system says about a process or a thread; undefined when it has ended. */
function statusOf(process: string): string | undefined {
  try {
    return readFileSync(`/proc/${process}/status`, "latin1");
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ESRCH"))
      return undefined;
    throw error;
  }
}

/** Whether a process handles a signal itself, by the signal's number. */
function handles(pid: number, signal: number): boolean {
  const status = statusOf(String(pid));
  if (status === undefined) throw new Error(`process ${pid} has ended`);
  const mask = /^SigCgt:\s+([0-9a-f]+)$/m.exec(status)?.[1] ?? "0";
  return (BigInt(`0x${mask}`) & (1n << BigInt(signal - 1))) !== 0n;
}

const SIGINT = 2;

/** Resolves once the program handles SIGINT itself; rejects when it ends before. */
async function listens(pid: number): Promise<void> {
  while (!handles(pid, SIGINT)) await nextLook();
}

/**
 * Resolves once the program has started and has nothing left to do: all its threads sleep until something happens outside,
 * such as an answer, a signal, or a reader who makes room. Rejects when it ends before.
 *
 * @param also what else must be true meanwhile. It may ask what only this process can change, such as the answers of a
 * proxy: between the sleep that was seen and the question, nothing here runs.
 */
export async function waitUntilIdle(pid: number, also: () => boolean = () => true): Promise<void> {
  await listens(pid);
  for (;;) {
    const before = asleep(pid);
    if (before !== undefined && asleep(pid) === before && also()) return;
    await nextLook();
  }
}

/** Whether any process has a connection to a port of loopback, open or half closed. */
export function hasConnectionTo(url: string): boolean {
  const port = Number(new URL(url).port).toString(16).toUpperCase().padStart(4, "0");
  // The columns are number, local address, remote address and state; 06 is TIME_WAIT, which no process holds any more.
  const connection = new RegExp(`^ *\\d+: \\S+ 0100007F:${port} (?!06)`, "m");
  return connection.test(readFileSync("/proc/net/tcp", "latin1"));
}
