import type { Host } from "../adapters/host.ts";
import { toJson } from "../core/json.ts";
import { Problem } from "../core/problem.ts";
import { escapeControls } from "../core/text.ts";
import type { Run } from "./run-state.ts";

/** Several things that are wrong at once, told together. */
export class Problems extends Error {
  override readonly name = "Problems";
  readonly all: readonly Problem[];

  constructor(all: readonly Problem[]) {
    super(all.map((problem) => problem.message).join("; "));
    this.all = all;
  }
}

export function problemsText(run: Run, all: readonly Problem[]): string {
  return run.json
    ? `${toJson(asJson(all))}\n`
    : all
        .flatMap(({ message, hint, details }) => [
          `Error: ${message}`,
          ...details.map((line) => `  ${line}`),
          ...(hint === undefined ? [] : [`Hint: ${hint}`]),
        ])
        .map((line) => `${escapeControls(line)}\n`)
        .join("");
}

function asJson(all: readonly Problem[]): Record<string, unknown> {
  const [first, ...others] = all.map(({ code, message, hint, status, request, details }) => ({
    error: code,
    message,
    ...(hint === undefined ? {} : { hint }),
    ...(status === undefined ? {} : { status }),
    ...(request === undefined ? {} : { request }),
    ...(details.length === 0 ? {} : { also: details }),
  }));
  return { ...first, ...(others.length === 0 ? {} : { more: others }) };
}

/** A fault of the program itself: told without a stack, which could hold anything; the trace is for `HYDRA_DEBUG`. */
export function unexpected(host: Host, error: unknown): Problem {
  const kind = error instanceof Error ? error.name : typeof error;
  const trace =
    (host.environment("HYDRA_DEBUG") ?? "") !== "" && error instanceof Error ? `\n${error.stack ?? ""}` : "";
  return new Problem(`Unexpected failure (${kind})${trace}`, {
    code: "unexpected",
    exit: "failed",
    hint: "run it again with HYDRA_DEBUG=1 and report what it prints, after a look for secrets in it",
    cause: error,
  });
}
