import { spawn } from "node:child_process";
import process from "node:process";

/** How a program ended. */
interface ProcessEnd {
  readonly status: number | null;
  readonly output: string;
}

interface Limits {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** Milliseconds after which the program counts as hanging. */
  readonly limit: number;
  /** Milliseconds that its output may stay open after its end. */
  readonly closeLimit: number;
}

const groups = new Set<number>();

function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // The whole group has ended already.
  }
}

/** Ends every program that {@link execute} runs, with what it started. */
export function killGroups(): void {
  for (const pid of groups) killGroup(pid);
}

/** Runs a program in a process group of its own, and kills what is left of the group when the program has ended. */
export function execute(command: readonly string[], { cwd, env, limit, closeLimit }: Limits): Promise<ProcessEnd> {
  const [file = "", ...args] = command;
  return new Promise((settle) => {
    const child = spawn(file, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"], detached: true });
    const { pid } = child;
    if (pid !== undefined) groups.add(pid);
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        output += text;
      });
    }
    const clear = (): void => {
      clearTimeout(timer);
      if (pid === undefined) return;
      killGroup(pid);
      groups.delete(pid);
    };
    const timer = setTimeout(() => {
      output += `\nDid not end within ${limit / 60_000} minutes\n`;
      clear();
    }, limit);
    // What a test leaves running holds the pipes open, so it goes as soon as its runner has ended.
    child.once("exit", () => {
      clear();
      // A process that left the group can still hold them; then the runner's own end has to do.
      const open = setTimeout(() => {
        child.stdout.destroy();
        child.stderr.destroy();
      }, closeLimit);
      child.once("close", () => clearTimeout(open));
    });
    child.once("error", (error) => {
      clear();
      settle({ status: null, output: `${output}${error.message}\n` });
    });
    child.once("close", (status) => settle({ status, output }));
  });
}
