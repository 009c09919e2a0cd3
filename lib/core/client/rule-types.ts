import type { JsonObject } from "../json/json.ts";
import type { ProblemCode } from "../problem.ts";
import type { FieldLabeler } from "./client.ts";

/** A URL of a client, and the field that it is in. */
export interface ClientUrl {
  readonly field: string;
  readonly url: string;
}

/** A rule that clients are checked by. */
export interface ClientRule {
  /** Stable name, for scripts and for looking it up. */
  readonly name: ProblemCode;
  readonly severity: "error" | "warning";
  /** The general advice, for the manual, and for findings without advice of their own. */
  readonly hint: string;
  /** Which servers reject what the rule finds, for the manual. */
  readonly servers: string;
  readonly find: (client: JsonObject, label: FieldLabeler, urls: readonly ClientUrl[]) => RuleFindingOrList;
}

/** A rule in a table; a missing severity is that of the table, and missing servers are the usual ones for the severity. */
export type RuleRow = Omit<ClientRule, "severity" | "servers"> & Partial<Pick<ClientRule, "severity" | "servers">>;

/** One thing that a rule found. */
export interface RuleFinding {
  /** The field that shows the mistake; undefined if the text speaks of the whole client. */
  readonly field?: string;
  /** The message, after the label of the field. */
  readonly text: string;
  /** Advice for this client, with the corrected value if there is one. */
  readonly hint?: string;
  /** Given if it differs from that of the rule, because it depends on the server. */
  readonly severity?: ClientRule["severity"];
}

/** What a rule found: nothing, one thing, or several. */
export type RuleFindingOrList = RuleFinding | readonly RuleFinding[];

/** What a rule found in a client, as messages show it. */
export interface LintFinding {
  readonly rule: ProblemCode;
  readonly severity: ClientRule["severity"];
  readonly field: string | undefined;
  readonly message: string;
  readonly hint: string;
}
