import { command, withoutChecks } from "../command.ts";
import type { ChoiceFlag, TextFlag, WithDefault } from "../core/flags/flag.ts";
import { GENERAL_FLAGS } from "../core/flags/flag-table.ts";

/** The versions that the sandbox emulates. */
const VERSIONS = ["1.8", "1.11", "2.1", "2.3", "26", "next"] as const;

const LISTEN: WithDefault<TextFlag> = {
  kind: "text",
  name: "listen",
  value: "ADDRESS",
  default: "127.0.0.1:4445",
  group: "input",
  help: "Loopback address and port, or unix:///path; port 0 picks a free port",
};

const AS: WithDefault<ChoiceFlag<(typeof VERSIONS)[number]>> = {
  kind: "text",
  name: "as",
  value: "VERSION",
  default: "26",
  choices: VERSIONS,
  group: "input",
  help: "Hydra version to emulate; next also keeps old secrets on rotation",
};

/** `sandbox`: an in-memory admin API, to try the program and to test pipelines without a real server. */
export const sandbox = command({
  name: "sandbox",
  summary: "Run an in-memory Hydra for testing",
  about: [
    "Emulates the admin API of the chosen Ory Hydra version, only for clients. Nothing is stored: all clients are gone when it stops.",
  ],
  flags: [LISTEN, AS, ...GENERAL_FLAGS],
  examples: { "1.x": [["sandbox --listen 127.0.0.1:4445 --as 1.8", "Emulate Hydra 1.8"]] },
  server: false,
  format: { "1.x": "text", "2.x": "text" },
  prepare: (context) =>
    withoutChecks(async () => {
      const as = context.values.text(AS);
      const listen = context.values.text(LISTEN);
      context.host.enableJit();
      const running = await context.startSandbox({ as, listen, onRequest: context.detail });
      const view = { columns: [], text: () => [], id: () => running.url };
      async function* serve(): AsyncGenerator<Record<string, unknown>> {
        yield { endpoint: running.url };
        await new Promise<void>((resolve) => {
          if (context.signal.aborted) resolve();
          else context.signal.addEventListener("abort", () => resolve(), { once: true });
        });
        await running.close();
      }
      context.note(`Sandbox emulating Hydra ${as} on ${running.url}: in memory, for testing only`);
      return {
        view: { ...view, text: (item) => [`HYDRA_ADMIN_URL=${String(item["endpoint"])}`] },
        isList: false,
        items: serve(),
        untilSignal: true,
      };
    }),
});
