import type { Context, Result } from "../command.ts";
import { DRY_RUN } from "../core/flags/flag-table.ts";
import type { JsonObject } from "../core/json.ts";
import { curlLine, type PlannedRequest, redacted } from "../core/output/curl.ts";
import type { View } from "../core/output/render.ts";

const CURL_VIEW: View<JsonObject> = {
  columns: [],
  text: (request) => [String(request["curl"])],
  id: (request) => String(request["url"]),
};

/** Whether `--dry-run` asks to send nothing. */
export function isDryRun(context: Context): boolean {
  return context.values.isSet(DRY_RUN);
}

/**
 * The requests that would be sent, as JSON or as lines for curl, without a secret. Unless the client had to be `read`, the
 * family of the server is the one of `--api`, or the newest, because finding it out would send a request.
 */
export function dryRun(context: Context, plans: readonly PlannedRequest[], read?: "read"): Result {
  const guessed = context.connection.api === "auto" ? "; the paths are those of Hydra 2.x (--api v1 shows 1.x)" : "";
  context.note(
    read === undefined
      ? `Dry run: nothing was sent${guessed}`
      : "Dry run: the client was read, and nothing was changed",
  );
  const { base } = context.connection;
  const requests = plans.map((plan) => ({ ...plan, url: `${base}${plan.url}` }));
  if (context.values.text(DRY_RUN) === "curl") {
    const items = requests.map((request) => ({
      url: request.url,
      curl: curlLine(request, context.connection),
    }));
    return { view: CURL_VIEW, isList: true, items, format: { kind: "text" } };
  }
  const items = requests.map((request) => ({
    method: request.method,
    url: request.url,
    ...(request.body === undefined ? {} : { body: redacted(request.body) }),
  }));
  const view: View<JsonObject> = { columns: [], id: (request) => String(request["url"]) };
  const json = context.format.kind === "text" || context.format.kind === "table";
  return { view, isList: items.length !== 1, items, ...(json ? { format: { kind: "json-pretty" } as const } : {}) };
}
