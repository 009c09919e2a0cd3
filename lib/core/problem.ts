import type { SyntaxVersion } from "./flags/flag.ts";
import type { ProblemCode } from "./problem-codes.ts";
import { escapeControls } from "./text.ts";

export type { ProblemCode };

/** The exit codes of the program, by name. `hydra help exit-codes` and `docs/` are generated from this table. */
export const EXIT_CODES = {
  done: 0,
  failed: 1,
  usage: 2,
  unauthorised: 3,
  notFound: 4,
  conflict: 5,
  unreachable: 6,
  noUsableKey: 7,
  someFailed: 8,
  differs: 9,
} as const;

/** If signal N ends the program, its exit code is this plus N, as in a shell. */
export const SIGNAL_EXIT_BASE = 128;

/** The number of the signal that Ctrl-C sends, the same on all systems. */
export const SIGINT = 2;

export type ExitName = keyof typeof EXIT_CODES;

/** What a {@link Problem} has in addition to its message. */
interface ProblemDetails {
  /** Stable name of the reason, for scripts. */
  readonly code: ProblemCode;
  /** The exit code that this problem ends the program with, by default that of `failed`. */
  readonly exit?: ExitName | undefined;
  /** One line: the next thing to type or to look at. */
  readonly hint?: string | undefined;
  /** HTTP status of the answer that caused it. */
  readonly status?: number | undefined;
  /** The request that failed; its URL is already without credentials. */
  readonly request?: { readonly method: string; readonly url: string } | undefined;
  /** Whether the server may have processed the request anyway. */
  readonly ambiguous?: boolean | undefined;
  /** What the server said is wrong, without secrets. */
  readonly serverText?: string | undefined;
  /** Further findings of the same kind, one line each. */
  readonly details?: readonly string[];
  readonly cause?: unknown;
}

/**
 * An expected failure: for a person one line and a hint, for a program a code and an exit code.
 *
 * Messages are sentence case without a final period: action, thing, then the reason after a colon.
 * They never contain a secret, a token or the userinfo of a URL.
 */
export class Problem extends Error {
  override readonly name = "Problem";
  readonly code: ProblemCode;
  readonly exit: ExitName;
  readonly hint: string | undefined;
  readonly status: number | undefined;
  readonly request: ProblemDetails["request"];
  readonly serverText: string | undefined;
  readonly details: readonly string[];
  readonly ambiguous: boolean;

  constructor(message: string, details: ProblemDetails) {
    super(message, details.cause === undefined ? {} : { cause: details.cause });
    this.code = details.code;
    this.exit = details.exit ?? "failed";
    this.hint = details.hint;
    this.status = details.status;
    this.request = details.request;
    this.serverText = details.serverText;
    this.details = details.details ?? [];
    this.ambiguous = details.ambiguous ?? false;
  }
}

/** A failure that is no {@link Problem} yet, with a message that is written for people. */
export class ErrorWithUserMessage extends Error {}

/** The same problem with another message, or with more to it. */
export function withMessage(problem: Problem, message: string, more: Partial<ProblemDetails> = {}): Problem {
  return new Problem(message, { ...problem, cause: problem, ...more });
}

/** One problem with the messages of the others among its details; undefined for none. */
export function combineProblems([first, ...others]: readonly Problem[]): Problem | undefined {
  if (first === undefined) return undefined;
  return withMessage(first, first.message, { details: [...first.details, ...others.map(({ message }) => message)] });
}

/** A wrong command line or configuration: exit code 2, nothing was sent. */
export function usageError(message: string, hint?: string, code: ProblemCode = "usage"): Problem {
  return new Problem(message, { code, exit: "usage", hint });
}

/** A {@link usageError} if a condition holds, for a list of checks. */
export function usageErrorIf(condition: boolean, message: string, hint: string, code: ProblemCode): readonly Problem[] {
  return condition ? [usageError(message, hint, code)] : [];
}

/** What some work returns, or the problem that it throws; any other error is thrown. */
export async function resultOrProblem<T>(work: () => Promise<T>): Promise<T | Problem> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
}

/**
 * What some work returns; undefined if it throws a problem, which joins the others. Any other error is thrown, and with an
 * exit code so is a problem with another one.
 */
export async function collectProblem<T>(
  problems: Problem[],
  work: () => T | Promise<T>,
  exit?: ExitName,
): Promise<T | undefined> {
  const result = await resultOrProblem(async () => work());
  if (!(result instanceof Problem)) return result;
  if (exit !== undefined && result.exit !== exit) throw result;
  problems.push(result);
  return undefined;
}

/** A text as the start of a message: in sentence case, even if it begins with the name of a place or of a value. */
export function capitalize(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** The message of anything that was thrown, even if it isn't an Error. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * The `code` of a system or library error (`ENOENT`, `ECONNREFUSED`, …), anywhere in its chain of causes; undefined if
 * there is none.
 */
export function errorCode(error: unknown): string | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 8; at = at.cause, depth++) {
    if ("code" in at && typeof at.code === "string") return at.code;
  }
  return undefined;
}

/**
 * Why something failed, without any value that could be secret: of an error in the program itself only its type is
 * shown.
 */
export function safeErrorReason(error: unknown): string {
  if (isExpectedError(error)) return escapeControls(errorMessage(error));
  return `unexpected failure (${error instanceof Error ? error.name : typeof error})`;
}

/** Whether an error's message comes from this program or the system, and not from the runtime about a bug. */
export function isExpectedError(error: unknown): boolean {
  if (error instanceof Problem || errorCode(error) !== undefined) return true;
  return error instanceof ErrorWithUserMessage || (error instanceof Error && error.name === "Error");
}

/** Whether the server rejected a create because a client with this ID exists. */
export function isConflict(problem: unknown): problem is Problem {
  return problem instanceof Problem && problem.exit === "conflict";
}

/** The problem of a result that could not be written, although something was done that must not be repeated. */
export function unwrittenResultProblem(reason: unknown, done: string, hint: string): Problem {
  return new Problem(`Cannot write the result: ${safeErrorReason(reason)}; ${done}`, {
    code: "unwritable",
    hint,
    cause: reason,
  });
}

/** The words of the 2.x syntax for a command of the 1.x syntax, if they aren't its verb and `oauth2-client` or `jwk`. */
const WORDS_IN_2X: Readonly<Record<string, string>> = {
  "clients diff": "diff",
  "clients apply": "apply",
  "clients export": "export",
  "token client": "perform client-credentials",
  "token user": "perform authorization-code",
  "token device": "perform device-code",
  "token introspect": "introspect token",
  "token revoke": "revoke token",
  "token delete": "delete access-tokens",
};

/** Advice that names commands in the 1.x syntax, with those of the syntax that the user writes. */
export function adviceInSyntax(advice: string, syntax: SyntaxVersion): string {
  if (syntax === "1.x") return advice;
  return advice
    .replace(/\bhydra (?:clients|token) [a-z]+(?![\w-])/g, (line) => {
      const words = WORDS_IN_2X[line.slice("hydra ".length)];
      return words === undefined ? line : `hydra ${words}`;
    })
    .replace(/\bhydra clients ([a-z-]+)/g, "hydra $1 oauth2-client")
    .replace(/\bhydra keys ([a-z]+)/g, "hydra $1 jwk");
}
