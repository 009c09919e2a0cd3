/** Values of dotenv files that the program writes. */

import { execFileSync } from "node:child_process";

/** A value as a shell reads it: a secret with a tilde at its start is quoted in the file. */
export function dotenvValue(path: string, name: string): string {
  return execFileSync("/bin/sh", ["-euc", '. "$1"; eval "printf %s \\"\\$$2\\""', "sh", path, name], {
    encoding: "utf8",
    env: {},
  });
}
