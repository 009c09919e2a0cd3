// Loaded before the tests under deno, whose runner counts a file with an uncaught error as passed.

import { appendFileSync } from "node:fs";
import process from "node:process";

const file = process.env["TEST_UNCAUGHT"];

const listen: unknown = Reflect.get(globalThis, "addEventListener");

function keep(error: unknown): void {
  if (file !== undefined) appendFileSync(file, `${error instanceof Error ? (error.stack ?? error) : error}\n`);
}

if (typeof listen === "function") {
  listen.call(globalThis, "error", (event: unknown) => keep(Reflect.get(Object(event), "error")));
  listen.call(globalThis, "unhandledrejection", (event: unknown) => keep(Reflect.get(Object(event), "reason")));
}
