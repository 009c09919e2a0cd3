import { type Problem, usageError } from "../core/problem.ts";

/** The first problems, and how many more there are. */
export function shortenProblemList(problems: readonly Problem[], most: number): readonly Problem[] {
  if (problems.length <= most) return problems;
  const more = `${problems.length - most} more problems are not shown`;
  return [...problems.slice(0, most), usageError(more, "fix these first", "more")];
}
