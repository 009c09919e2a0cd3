import type { Context } from "../../command.ts";
import type { JsonObject } from "../../core/json/json.ts";
import { MARK_MEMBER, readMark } from "../../core/state/mark.ts";
import { quote } from "../../core/text.ts";

/** Warns if a change removes the mark of a client's stack, with the rest of its metadata. */
export function warnOfLeavingStack(
  { warn }: Pick<Context, "warn">,
  id: string,
  before: JsonObject,
  after: JsonObject,
): void {
  const mark = readMark(before);
  if (mark === undefined || readMark(after) !== undefined) return;
  warn(
    `client ${quote(id)} leaves stack ${quote(mark.stack)}: the new metadata has no "${MARK_MEMBER}", so hydra apply no longer manages it`,
  );
}
