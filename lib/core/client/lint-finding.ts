import type { ProblemCode } from "../problem.ts";

/** What a rule found in a client. */
export interface LintFinding {
  /** Stable name of the rule, for scripts and for looking it up. */
  readonly rule: ProblemCode;
  readonly severity: "error" | "warning";
  readonly message: string;
  readonly hint: string;
}
