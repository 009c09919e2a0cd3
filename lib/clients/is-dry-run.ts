import type { Context } from "../command.ts";
import { DRY_RUN } from "../core/flags/shared-flags.ts";

/** Whether `--dry-run` asks to send nothing. */
export function isDryRun({ values }: Pick<Context, "values">): boolean {
  return values.isSet(DRY_RUN);
}
