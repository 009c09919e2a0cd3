import { type CheckedCommand, defineLeaf, singleResult } from "../command.ts";
import { BUILD_INFO } from "../core/environment/build-info.ts";
import { ENDPOINT } from "../core/flags/connection-flags.ts";
import type { BoolFlag } from "../core/flags/flag.ts";
import { CONFIG, SERVER_COMMAND_FLAGS } from "../core/flags/shared-flags.ts";
import type { JsonObject } from "../core/json/json.ts";
import type { Column } from "../core/output/render.ts";
import { usageError } from "../core/problem.ts";

const ASK_SERVER_FLAG: BoolFlag = {
  kind: "switch",
  name: "server",
  group: "input",
  help: "Also show the server's version",
};

function column(label: string, name: string): Column<JsonObject> {
  return { label, value: (build) => String(build[name] ?? "") };
}

/** `version`: the version of this program, and with `--server` that of the server. */
export default defineLeaf({
  name: "version",
  summary: "Print the version of this program, and of the server",
  flags: [ASK_SERVER_FLAG, ...SERVER_COMMAND_FLAGS],
  examples: {
    "1.x": [
      ["version --format json", "As JSON, for a script"],
      ["version --server", "With the server's version and API"],
    ],
  },
  server: "if-asked",
  usesOnlyFlags: (flags) => !flags.bool(ASK_SERVER_FLAG) && !flags.isSet(CONFIG),
  format: "text",
  prepare(context): CheckedCommand {
    const asks = context.values.bool(ASK_SERVER_FLAG);
    const missing = asks && !context.values.isSet(ENDPOINT);
    return {
      problems: missing
        ? [
            usageError(
              "--server needs the URL of a server",
              "add --endpoint http://127.0.0.1:4445 or set HYDRA_ADMIN_URL",
              "no-endpoint",
            ),
          ]
        : [],
      async run() {
        const server = asks ? { server: await context.admin.version(), api: (await context.admin.family()).api } : {};
        const columns = [column("VERSION", "version"), column("COMMIT", "commit"), column("DATE", "date")];
        return singleResult(
          {
            columns: asks ? [...columns, column("SERVER", "server"), column("API", "api")] : columns,
            text: (build) => [
              `Version: ${String(build["version"])}`,
              `Git Hash: ${String(build["commit"])}`,
              `Build Time: ${String(build["date"])}`,
              ...(asks ? [`Server: ${String(build["server"])} (API ${String(build["api"])})`] : []),
            ],
            id: (build) => String(build["version"]),
          },
          { version: BUILD_INFO.version, commit: BUILD_INFO.commit, date: BUILD_INFO.date, ...server },
        );
      },
    };
  },
});
