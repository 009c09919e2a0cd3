import { spawn } from "node:child_process";

/** A program that shows text page by page on the terminal. */
interface Pager {
  /** Resolves once the person has left it, or it could not be started, with the signal that ended it. */
  readonly ended: Promise<NodeJS.Signals | null>;
  /** Rejects with EPIPE once the person has left it. */
  write(text: string): Promise<void>;
  /** Ends the text, and waits until the person has left it. */
  close(): Promise<void>;
}

/**
 * Starts a pager by the shell, as git and man do, so that it may have arguments. As with git, less shows colours and ends
 * at once for a text that fits the screen, unless the person has set LESS.
 */
export function startPager(command: string): Pager {
  const env = { ...process.env, LESS: process.env["LESS"] ?? "FRX" };
  const child = spawn("/bin/sh", ["-c", command], { stdio: ["pipe", "inherit", "inherit"], env });
  const ended = new Promise<NodeJS.Signals | null>((resolve) => {
    child.once("close", (_, signal) => resolve(signal));
    child.once("error", () => resolve(null));
  });
  // Each write reports its own error; without a listener the first one would end the program.
  child.stdin.on("error", () => {});
  return {
    ended,
    write: (text) =>
      new Promise((resolve, reject) => {
        const gone = Object.assign(new Error("the pager was left"), { code: "EPIPE" });
        void ended.then(() => reject(gone));
        child.stdin.write(text, (error) => (error ? reject(gone) : resolve()));
      }),
    async close() {
      child.stdin.end();
      await ended;
    },
  };
}
