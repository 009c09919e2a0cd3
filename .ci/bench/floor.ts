/** The least that a program of this runtime can do: what a start costs that no code of ours can save. */

import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { COMPILE_OPTIONS } from "../release/compile.ts";
import { compiler } from "../release/runtimes.ts";

/** Programs that are compiled as this one is. */
export interface FloorPrograms {
  /** Sends one POST to the endpoint in its argument, and writes the answer. */
  readonly post: string;
  /** Writes one line. */
  readonly print: string;
}

const PRINT = `import { writeSync } from "node:fs";
writeSync(1, "0.0.0\\n");
`;

const POST = `import { writeSync } from "node:fs";
const body = JSON.stringify({
  client_id: crypto.randomUUID(),
  client_name: "my app",
  client_secret: crypto.randomUUID(),
  grant_types: ["authorization_code"],
  redirect_uris: ["http://localhost/cb"],
});
const url = process.argv[2] + "/admin/clients";
const answer = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body });
if (answer.status !== 201) throw new Error(String(answer.status));
writeSync(1, await answer.text());
`;

/** Compiles the floor programs into a folder. */
export function buildFloor(root: string, folder: string): FloorPrograms {
  const build = (name: string, source: string): string => {
    const file = join(folder, `${name}.ts`);
    writeFileSync(file, source);
    const program = join(folder, name);
    execFileSync(compiler(root), ["build", file, ...COMPILE_OPTIONS, `--outfile=${program}`], { stdio: "ignore" });
    return program;
  };
  return { post: build("floor-post", POST), print: build("floor-print", PRINT) };
}
