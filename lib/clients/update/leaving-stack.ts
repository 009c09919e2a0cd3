import type { Context } from "../../command.ts";
import type { JsonObject } from "../../core/json/json.ts";
import { readStackMark, STACK_MARK_MEMBER } from "../../core/state/stack-mark.ts";
import { quote } from "../../core/text.ts";

/** Warns if a change removes the mark of a client's stack, with the rest of its metadata. */
export function warnOfLeavingStack(
  { warn }: Pick<Context, "warn">,
  id: string,
  before: JsonObject,
  after: JsonObject,
): void {
  const mark = readStackMark(before);
  if (mark === undefined || readStackMark(after) !== undefined) return;
  warn(
    `client ${quote(id)} leaves stack ${quote(mark.stack)}: the new metadata has no "${STACK_MARK_MEMBER}", so hydra apply no longer manages it`,
  );
}
