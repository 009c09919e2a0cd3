import type { Context } from "../../command.ts";
import { VAR } from "../../core/flags/state-flags.ts";
import { type Problem, usageError } from "../../core/problem.ts";
import type { VariableLookup } from "../../core/state/placeholder-values.ts";
import { isVariableName } from "../../core/state/placeholders.ts";
import { quote, withoutFinalLineBreak } from "../../core/text.ts";

/** The name before the equals sign; empty if it is not a name. */
function variableNameOfAssignment(assignment: string): string {
  const name = assignment.slice(0, Math.max(assignment.indexOf("="), 0));
  return isVariableName(name) ? name : "";
}

/** The problems of `--var` that are not NAME=VALUE. */
export function varFlagProblems({ values }: Pick<Context, "values">): readonly Problem[] {
  return values
    .list(VAR)
    .filter((assignment) => variableNameOfAssignment(assignment) === "")
    .map((assignment) =>
      // The value may be a credential.
      usageError(
        `--var ${quote(assignment.replace(/=.*/s, "=…"))} is not NAME=VALUE`,
        "names have letters, digits and _: --var domain=example.com",
        "bad-value",
      ),
    );
}

/** The variables of client files: those of `--var`, and the others from the environment. */
export function createVariableLookup({ values, host }: Pick<Context, "values" | "host">): VariableLookup {
  const given = new Map(
    values
      .list(VAR)
      .map(
        (assignment) => [variableNameOfAssignment(assignment), assignment.slice(assignment.indexOf("=") + 1)] as const,
      ),
  );
  return (name) => {
    const text = host.environment(`HYDRA_VAR_${name}`);
    return given.get(name) ?? (text === undefined ? undefined : withoutFinalLineBreak(text));
  };
}
