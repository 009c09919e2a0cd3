import { BUILD } from "../core/build.ts";
import { FORMAT, GENERAL_FLAGS, QUIET } from "../core/rows.ts";
import { command, single } from "./command.ts";

/** `version`: what this program is. */
export const version = command({
  name: "version",
  summary: "Print the version of this program",
  flags: [FORMAT, QUIET, ...GENERAL_FLAGS],
  examples: { "1.x": [["version --format json", "As JSON, for a script"]] },
  server: false,
  format: { "1.x": "text", "2.x": "text" },
  async run() {
    return single(
      {
        columns: (["version", "commit", "date"] as const).map((name) => ({
          label: name.toUpperCase(),
          value: (build) => String(build[name]),
        })),
        text: (build) => [
          `Version: ${String(build["version"])}`,
          `Git Hash: ${String(build["commit"])}`,
          `Build Time: ${String(build["date"])}`,
        ],
        id: (build) => String(build["version"]),
      },
      { version: BUILD.version, commit: BUILD.commit, date: BUILD.date },
    );
  },
});
