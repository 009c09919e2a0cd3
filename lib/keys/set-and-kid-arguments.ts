import type { Context } from "../command.ts";
import type { TextFlag } from "../core/flags/flag.ts";
import { findKeyIdProblem, findKeySetNameProblem } from "../core/id-problems.ts";
import { type Problem, usageErrorIf } from "../core/problem.ts";
import { quote } from "../core/text.ts";

/** The key sets that the arguments name: one in the 1.x syntax, any number in the 2.x syntax, as in Hydra's own CLI. */
export function readSetOperands({ operands, syntax }: Pick<Context, "operands" | "syntax">): {
  readonly sets: readonly string[];
  readonly problems: readonly Problem[];
} {
  const sets = [...new Set(operands)];
  const [, second] = operands;
  const problems = [
    ...sets.flatMap((set) => findKeySetNameProblem(set) ?? []),
    ...usageErrorIf(
      syntax === "1.x" && second !== undefined,
      `Cannot use ${quote(second ?? "")}: the 1.x syntax takes one key set`,
      `for one key of the set, use --kid ${second}; for several sets, use the 2.x syntax, such as hydra get jwk`,
      "stray-argument",
    ),
  ];
  return { sets, problems };
}

/** The problem of the key ID in a flag. */
export function invalidKidProblems({ values }: Pick<Context, "values">, flag: TextFlag): readonly Problem[] {
  const kid = values.text(flag);
  const problem = kid === undefined ? undefined : findKeyIdProblem(kid);
  return problem === undefined ? [] : [problem];
}

/** The problem of the name of the only set. */
export function setNameOperandProblems({ operands }: Pick<Context, "operands">): readonly Problem[] {
  return operands.slice(0, 1).flatMap((set) => findKeySetNameProblem(set) ?? []);
}
