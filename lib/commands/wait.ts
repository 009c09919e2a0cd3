import { type Context, defineLeaf, singleResult, withoutChecks } from "../command.ts";
import { FAIL_AFTER } from "../core/flags/connection-flags.ts";
import type { DurationFlag, WithDefault } from "../core/flags/flag.ts";
import { SERVER_COMMAND_FLAGS } from "../core/flags/shared-flags.ts";

const WAIT_TIME_FLAG: WithDefault<DurationFlag> = {
  kind: "duration",
  name: "for",
  value: "DURATION",
  default: 60_000,
  group: "input",
  help: "Maximum time to wait; --fail-after sets it too",
};

/** The time limit, in milliseconds. One of the config file is for requests, and servers take longer to start. */
function waitingTime({ values }: Pick<Context, "values">): number {
  const isGeneral = !values.isSet(WAIT_TIME_FLAG) && values.origin(FAIL_AFTER).from === "flag";
  return values.number(isGeneral ? FAIL_AFTER : WAIT_TIME_FLAG);
}

/** `wait`: until the server is ready. */
export default defineLeaf({
  name: "wait",
  summary: "Wait until the server is ready",
  about: [
    "Polls /health/ready until the server is ready, for init containers and startup scripts. Keeps waiting on 404, which a gateway may return while the server starts.",
    "Fails immediately on the public port of Hydra, which is ready too but has no admin API.",
  ],
  flags: [WAIT_TIME_FLAG, ...SERVER_COMMAND_FLAGS],
  examples: { "1.x": [["wait --for 2m", "Before the first create in an init container"]] },
  server: true,
  format: "text",
  prepare: (context) =>
    withoutChecks(async () => {
      await context.admin.withDeadline(waitingTime(context), context.signal).ready();
      const { endpoint } = context;
      const view = {
        columns: [{ label: "ENDPOINT", value: () => endpoint }],
        text: () => [`Ready: ${endpoint}`],
        id: () => endpoint,
      };
      return singleResult(view, { endpoint, status: "ready" });
    }),
});
