/** A sandbox with clients in it, in a process of its own so that its memory and time are not the program's. */
import process from "node:process";
import { startSandbox } from "../../lib/sandbox/index.ts";

const seed = Number(process.argv[2] ?? 0);

const sandbox = await startSandbox({ as: "26", listen: "127.0.0.1:0", seed });

process.stdout.write(`${sandbox.url}\n`);

process.stdin.on("end", () => process.exit(0)).resume();
