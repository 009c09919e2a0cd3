import type { ProblemCode } from "../../core/problem.ts";

export type TestStepName =
  | "discovery"
  | "credentials"
  | "client-credentials"
  | "authorization"
  | "tokens"
  | "device"
  | "implicit"
  | "refresh"
  | "introspection"
  | "revocation"
  | "logout"
  | "login-page";

/** How a step ended: what it found, or why it failed or was skipped. */
export interface StepOutcome {
  readonly status: "passed" | "failed" | "skipped" | "warning";
  readonly detail: string;
  /** The next thing to type or to look at. */
  readonly hint?: string;
  /** The code of the problem that it failed with. */
  readonly error?: ProblemCode;
}

export interface StepResult extends StepOutcome {
  readonly name: TestStepName;
}

export function passedOutcome(detail: string): StepOutcome {
  return { status: "passed", detail };
}

export function skippedOutcome(detail: string, hint?: string): StepOutcome {
  return { status: "skipped", detail, ...(hint === undefined ? {} : { hint }) };
}

export function warningOutcome(detail: string, hint?: string): StepOutcome {
  return { status: "warning", detail, ...(hint === undefined ? {} : { hint }) };
}
