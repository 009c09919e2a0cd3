import { spawn } from "node:child_process";

/** How a pager ended. */
interface PagerEnd {
  readonly signal: NodeJS.Signals | null;
  /** Whether it could not be started; then the text was written without it. */
  readonly isMissing: boolean;
}

/** The exit codes of a shell that can't start a command: it may not be executed, or isn't found. */
const NOT_STARTED: readonly (number | null)[] = [126, 127];

/** What no pipe holds: once more characters are written, the pager has read some of them. */
const MORE_THAN_A_PIPE = 1024 * 1024;

/**
 * Starts a pager by the shell, as git and man do, so that it may have arguments. As with git, less shows colors and ends
 * at once for a text that fits the screen, unless the person has set LESS. If it can't be started, `writeWithoutPager` gets
 * the text.
 */
export function startPager(command: string, writeWithoutPager: (text: string) => Promise<void>) {
  const env = { ...process.env, LESS: process.env["LESS"] ?? "FRX" };
  const child = spawn("/bin/sh", ["-c", command], { stdio: ["pipe", "inherit", "inherit"], env });
  /** What the pager may not have read; undefined once it has read something. */
  let unread: string | undefined = "";
  const ended = new Promise<PagerEnd>((resolve) => {
    child.once("close", (code, signal) =>
      resolve({ signal, isMissing: unread !== undefined && NOT_STARTED.includes(code) }),
    );
    child.once("error", () => resolve({ signal: null, isMissing: true }));
  });
  // Each write reports its own error; without a listener the first one would end the program.
  child.stdin.on("error", () => {});
  let isOver = false;
  const instead = ended.then(({ isMissing }) => {
    isOver = true;
    return isMissing ? writeWithoutPager(unread ?? "") : undefined;
  });
  // Writing and closing report its error.
  instead.catch(() => {});
  const afterEnd = async (text: string, isKept: boolean): Promise<void> => {
    const { isMissing } = await ended;
    await instead;
    if (!isMissing) throw Object.assign(new Error("the pager was left"), { code: "EPIPE" });
    if (!isKept) await writeWithoutPager(text);
  };
  return {
    /** Resolves once the person has left it, or it could not be started. */
    ended,
    /** Rejects with EPIPE once the person has left it. */
    write(text: string): Promise<void> {
      if (isOver) return afterEnd(text, false);
      if (unread !== undefined) unread = unread.length > MORE_THAN_A_PIPE ? undefined : unread + text;
      return new Promise((resolve, reject) => {
        // Not the text itself: this is kept until the pager ends.
        void ended.then(() => afterEnd("", true).then(resolve, reject));
        child.stdin.write(text, (error) => {
          if (!error) resolve();
        });
      });
    },
    /** Ends the text, and waits until the person has left it. */
    async close(): Promise<void> {
      child.stdin.end();
      await ended;
      await instead;
    },
  };
}
