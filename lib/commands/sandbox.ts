import { defineLeaf, withoutChecks } from "../command.ts";
import type { ChoiceFlag, TextFlag, WithDefault } from "../core/flags/flag.ts";
import { GENERAL_FLAGS } from "../core/flags/shared-flags.ts";
import type { JsonObject } from "../core/json/json.ts";
import { shellQuoted } from "../core/output/shell-quote.ts";

/** The versions that the sandbox emulates. */
const VERSIONS = ["1.8", "1.11", "2.1", "2.3", "26", "next"] as const;

const LISTEN_FLAG: WithDefault<TextFlag> = {
  kind: "text",
  name: "listen",
  value: "ADDRESS",
  default: "127.0.0.1:4445",
  group: "input",
  help: "Loopback address and port, or unix:///path; port 0 picks a free port",
};

const PUBLIC_LISTEN_FLAG: WithDefault<TextFlag> = {
  kind: "text",
  name: "public-listen",
  value: "ADDRESS",
  default: "127.0.0.1:0",
  group: "input",
  help: "Loopback address and port for tokens and logins; port 0 picks a free port, and none opens no port",
};

const VERSION_FLAG: WithDefault<ChoiceFlag<(typeof VERSIONS)[number]>> = {
  kind: "text",
  name: "as",
  value: "VERSION",
  default: "26",
  choices: VERSIONS,
  group: "input",
  help: "Hydra version to emulate; next = 26 plus secret rotation that keeps old secrets",
};

/** The URLs as lines that a shell can evaluate. */
function environmentLines(item: JsonObject): readonly string[] {
  const { endpoint, public_url: publicUrl } = item;
  return [
    `HYDRA_ADMIN_URL=${shellQuoted(String(endpoint))}`,
    ...(publicUrl === undefined ? [] : [`HYDRA_PUBLIC_URL=${shellQuoted(String(publicUrl))}`]),
  ];
}

/** `sandbox`: an in-memory Hydra, to try the program and to test pipelines without a real server. */
export default defineLeaf({
  name: "sandbox",
  summary: "Run an in-memory Hydra for testing",
  about: [
    "Emulates the chosen Ory Hydra version, for clients, tokens, key sets, logins and consents. Nothing is saved: all clients, tokens and keys are gone when it stops.",
    "The public port issues tokens and accepts every login by itself, after a page that says so. It is a test server, never for real users.",
    "Not emulated: dynamic registration, request objects, pairwise subjects, verifiable credentials, and logging out of other clients.",
  ],
  flags: [LISTEN_FLAG, PUBLIC_LISTEN_FLAG, VERSION_FLAG, ...GENERAL_FLAGS],
  examples: { "1.x": [["sandbox --listen 127.0.0.1:4445 --as 1.8", "Emulate Hydra 1.8"]] },
  server: false,
  format: "text",
  prepare: (context) =>
    withoutChecks(async () => {
      const as = context.values.text(VERSION_FLAG);
      const listen = context.values.text(LISTEN_FLAG);
      const publicListen = context.values.text(PUBLIC_LISTEN_FLAG);
      context.host.enableJit();
      const publicPort = publicListen === "none" ? {} : { publicListen };
      const running = await context.startSandbox({ as, listen, ...publicPort, onRequest: context.detail });
      async function* serve(): AsyncGenerator<Record<string, unknown>> {
        try {
          yield { endpoint: running.url, public_url: running.publicUrl };
          await new Promise<void>((resolve) => {
            if (context.signal.aborted) resolve();
            else context.signal.addEventListener("abort", () => resolve(), { once: true });
          });
        } finally {
          await running.close();
        }
      }
      context.note(`Sandbox emulating Hydra ${as} on ${running.url}: in memory, for testing only`);
      return {
        view: { columns: [], text: environmentLines, id: () => running.url },
        isList: false,
        items: serve(),
        untilSignal: true,
      };
    }),
});
