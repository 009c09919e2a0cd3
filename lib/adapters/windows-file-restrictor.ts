import { dirname, resolve } from "node:path";
import { errorMessage } from "../core/problem.ts";
import { escapeControls } from "../core/text.ts";

/** Milliseconds that one of the system's programs may take. */
const LIMIT_MS = 10_000;

/**
 * Limits the access to files on Windows, where a new file has the access list of its folder and permission bits mean
 * nothing. The file must still be empty. A failure is reported once for each folder.
 *
 * The user is named by SID, because names depend on the domain. The programs are started by their full paths, so that no
 * program of the same name in the working folder or the PATH is run.
 */
export function createWindowsFileRestrictor(
  environment: (name: string) => string | undefined,
  onFailure: (folder: string, reason: string) => void,
): (path: string) => void {
  const system = `${environment("SystemRoot") ?? "C:\\Windows"}${SEPARATOR}System32${SEPARATOR}`;
  const failed = new Set<string>();
  let user: string | undefined;
  return (path) => {
    try {
      user ??= readCurrentUserSid(`${system}whoami.exe`);
      runProgram(`${system}icacls.exe`, [resolve(path), "/inheritance:r", "/grant:r", `*${user}:F`, "/q"]);
    } catch (error) {
      const folder = dirname(path);
      if (!failed.has(folder)) onFailure(folder, escapeControls(errorMessage(error)));
      failed.add(folder);
    }
  };
}

const SEPARATOR = process.platform === "win32" ? "\\" : "/";

function readCurrentUserSid(whoami: string): string {
  const printed = runProgram(whoami, ["/user", "/fo", "csv", "/nh"]);
  const [, user] = /"(S-1-[\d-]+)"/.exec(printed) ?? [];
  if (user === undefined) throw new Error("whoami printed no SID");
  return user;
}

function runProgram(file: string, args: readonly string[]): string {
  // Looked up late, since the module costs start-up time and only Windows needs it.
  const { spawnSync } = process.getBuiltinModule("node:child_process");
  const { status, stdout, error } = spawnSync(file, args, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
    timeout: LIMIT_MS,
    windowsHide: true,
  });
  if (error !== undefined) throw error;
  const [name] = file.split(SEPARATOR).slice(-1);
  if (status !== 0) throw new Error(`${name} failed with exit code ${status ?? "none"}`);
  return stdout;
}
