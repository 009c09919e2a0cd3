import { command, withoutChecks } from "../command.ts";
import { GENERAL_FLAGS } from "../core/flags/flag-table.ts";
import type { ChoiceFlag, TextFlag, WithDefault } from "../core/flags/parse.ts";

/** The versions that the sandbox can be. */
const VERSIONS = ["1.8", "1.11", "2.1", "2.3", "26", "next"] as const;

const LISTEN: WithDefault<TextFlag> = {
  kind: "text",
  name: "listen",
  value: "ADDRESS",
  default: "127.0.0.1:4445",
  group: "input",
  help: "Loopback address and port, or unix:///path; port 0 takes a free one",
};

const AS: WithDefault<ChoiceFlag<(typeof VERSIONS)[number]>> = {
  kind: "text",
  name: "as",
  value: "VERSION",
  default: "26",
  choices: VERSIONS,
  group: "input",
  help: "The version of Hydra to behave as; next also rotates secrets with an overlap",
};

/** `sandbox`: an admin API in memory, to try the program and to test pipelines without a Hydra. */
export const sandbox = command({
  name: "sandbox",
  summary: "Start an admin API in memory, to try things on",
  about: [
    "Answers as an Ory Hydra of the chosen version does, for clients alone. Nothing is kept: all clients are gone when it stops.",
  ],
  flags: [LISTEN, AS, ...GENERAL_FLAGS],
  examples: { "1.x": [["sandbox --listen 127.0.0.1:4445 --as 1.8", "A Hydra 1.8 to try things on"]] },
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
      context.note(`Sandbox as Hydra ${as} on ${running.url}: in memory, for trials and tests, never for real logins`);
      return {
        view: { ...view, text: (item) => [`HYDRA_ADMIN_URL=${String(item["endpoint"])}`] },
        isList: false,
        items: serve(),
        untilSignal: true,
      };
    }),
});
