import type { CommandResult, Context } from "../command.ts";
import { isPublic, requestedId } from "../core/client/client.ts";
import { DRY_RUN } from "../core/flags/shared-flags.ts";
import type { JsonObject } from "../core/json/json.ts";
import { redactJson } from "../core/json/redact-json.ts";
import { curlLineWithoutSecrets, type PlannedRequest } from "../core/output/curl.ts";
import type { ResultView } from "../core/output/render.ts";

const CURL_VIEW: ResultView<JsonObject> = {
  columns: [],
  text: (request) => [String(request["curl"])],
  id: (request) => String(request["url"]),
};

const REQUEST_VIEW: ResultView<JsonObject> = { columns: [], id: (request) => String(request["url"]) };

/** Placeholder for a secret that a run would generate; {@link redactJson} replaces it before anything is shown. */
export const GENERATED_SECRET_PLACEHOLDER = "generated";

/** The request that would create a client. */
export function plannedCreateRequest(
  { host, plannedFamily }: Pick<Context, "host" | "plannedFamily">,
  client: JsonObject,
  hasSecret = !isPublic(client),
): PlannedRequest {
  const { client_secret: given = GENERATED_SECRET_PLACEHOLDER, ...fields } = client;
  const secret = hasSecret ? { client_secret: given } : {};
  return {
    method: "POST",
    url: plannedFamily.paths.clients,
    body: { ...fields, client_id: requestedId(client) ?? host.uuid(), ...secret },
  };
}

/**
 * The requests that would be sent, as JSON or as curl commands, without a secret. Unless clients had to be `read`, the
 * API version is that of `--api` or the newest, because detecting it would send a request.
 */
export function dryRunResult(
  { connection, format, values, note }: Pick<Context, "connection" | "format" | "values" | "note">,
  plans: readonly PlannedRequest[],
  read?: "client" | "clients",
): CommandResult {
  const guessed = connection.api === "auto" ? ". Paths are for Hydra 2.x; use --api v1 for 1.x" : "";
  note(
    read === undefined
      ? `Dry run, nothing sent${guessed}`
      : `Dry run: the ${read} ${read === "client" ? "was" : "were"} read, nothing was changed`,
  );
  const requests = plans.map((plan) => ({ ...plan, url: `${connection.base}${plan.url}` }));
  if (values.text(DRY_RUN) === "curl") {
    const items = requests.map((request) => ({ url: request.url, curl: curlLineWithoutSecrets(request, connection) }));
    return { view: CURL_VIEW, isList: true, items, format: { kind: "text" } };
  }
  const items = requests.map(({ method, url, body }) => ({
    method,
    url,
    ...(body === undefined ? {} : { body: redactJson(body) }),
  }));
  const isText = format.kind === "text" || format.kind === "table";
  const asJson = isText ? ({ format: { kind: "json-pretty" } } as const) : {};
  return { view: REQUEST_VIEW, isList: items.length !== 1, items, ...asJson };
}
