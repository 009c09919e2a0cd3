import { defineLeaf, singleResult, unwrittenResultHandler, withoutChecks } from "../../command.ts";
import type { DurationFlag } from "../../core/flags/flag.ts";
import { SERVER_COMMAND_FLAGS } from "../../core/flags/shared-flags.ts";

const MIN_AGE_FLAG: DurationFlag = {
  kind: "duration",
  name: "min-age",
  value: "DURATION",
  group: "input",
  help: "Keep tokens that were issued more recently than this",
};

/** `token flush`: deletes expired tokens from the database of a Hydra 1.x. */
export default defineLeaf({
  name: "flush",
  summary: "Delete expired access tokens from the database (Hydra 1.x)",
  about: ["From Hydra 2.0 on, this is hydra janitor, which runs on the server."],
  flags: [MIN_AGE_FLAG, ...SERVER_COMMAND_FLAGS],
  examples: { "1.x": [["token flush --min-age 24h", "Keep the tokens of the last day"]] },
  server: true,
  format: "text",
  prepare: ({ oauth, values, host, endpoint }) =>
    withoutChecks(async () => {
      const minAge = values.number(MIN_AGE_FLAG);
      const notAfter = minAge === undefined ? undefined : new Date(host.now() - minAge).toISOString();
      await (await oauth.admin()).flush(notAfter);
      const view = {
        columns: [{ label: "ENDPOINT", value: () => endpoint }],
        text: () => ["Successfully flushed inactive access tokens"],
        id: () => endpoint,
      };
      const unwritten = unwrittenResultHandler("the tokens were deleted anyway", "check where standard output goes");
      return singleResult(view, { endpoint, status: "flushed" }, unwritten);
    }),
});
