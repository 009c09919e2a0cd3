import type { JsonObject } from "../json/json.ts";
import { redactJson } from "../json/redact-json.ts";
import { countActions, type StackPlan, type StackPlanStep } from "./plan.ts";
import { countNotes, shownChangesOf } from "./plan-text.ts";

/** A plan as JSON; unchanged clients are only counted, unless there is a note about them. */
export function planAsJson(plan: StackPlan, endpoint: string): JsonObject {
  const { create, change, adopt, delete: deleted, refused, unchanged } = countActions(plan);
  return {
    stack: plan.stack,
    endpoint,
    tier: plan.release ?? null,
    summary: { create, change, adopt, delete: deleted, refused, unchanged, notes: countNotes(plan) },
    notes: plan.notes,
    clients: plan.steps.filter(({ action, notes }) => action !== "unchanged" || notes.length > 0).map(stepAsJson),
  };
}

function stepAsJson(step: StackPlanStep): JsonObject {
  const { action, key, clientId, desired, secret, notes, refusal } = step;
  const changes = shownChangesOf(step).map(({ field, before, after, added, removed }) => ({
    field,
    before: redactJson(before) ?? null,
    after: redactJson(after) ?? null,
    ...(added === undefined ? {} : { added, removed }),
  }));
  return {
    action,
    key,
    client_id: clientId ?? null,
    source: desired === undefined ? null : { file: desired.source.file, line: desired.source.line },
    changes,
    secret,
    notes,
    ...(refusal === undefined ? {} : { reason: refusal.reason }),
  };
}
