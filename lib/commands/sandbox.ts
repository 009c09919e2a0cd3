import { command, withoutChecks } from "../command.ts";
import { GENERAL_FLAGS } from "../core/flags/flag-table.ts";
import type { TextFlag } from "../core/flags/parse.ts";
import { usageError } from "../core/problem.ts";

/** The versions that the sandbox can be. */
const VERSIONS = ["1.8", "1.11", "2.1", "2.3", "26", "next"] as const;

const LISTEN: TextFlag = {
  kind: "text",
  name: "listen",
  value: "ADDRESS",
  default: "127.0.0.1:4445",
  group: "input",
  help: "Loopback address and port, or unix:///path; port 0 takes a free one",
};

const PUBLIC_LISTEN: TextFlag = {
  kind: "text",
  name: "public-listen",
  value: "ADDRESS",
  default: "127.0.0.1:0",
  group: "input",
  help: "Loopback address and port for tokens and logins; port 0 uses a free one",
};

const AS: TextFlag = {
  kind: "text",
  name: "as",
  value: "VERSION",
  default: "26",
  choices: VERSIONS,
  group: "input",
  help: "The version of Hydra to behave as; next also rotates secrets with an overlap",
};

/** The URLs as lines that a shell can evaluate. */
function environmentLines(item: Readonly<Record<string, unknown>>): readonly string[] {
  return [`HYDRA_ADMIN_URL=${String(item["endpoint"])}`, `HYDRA_PUBLIC_URL=${String(item["public_url"])}`];
}

/** `sandbox`: an in-memory Hydra, to try the program and to test pipelines without a Hydra. */
export const sandbox = command({
  name: "sandbox",
  summary: "Start an admin API in memory, to try things on",
  about: [
    "Behaves like the chosen version of Ory Hydra, for clients, tokens, logins and consents. Nothing is stored: all clients and tokens are gone when it stops.",
    "The public port issues tokens and accepts every login by itself, after a page that says so. It is a test server, never for real users.",
  ],
  flags: [LISTEN, PUBLIC_LISTEN, AS, ...GENERAL_FLAGS],
  examples: { "1.x": [["sandbox --listen 127.0.0.1:4445 --as 1.8", "A Hydra 1.8 to try things on"]] },
  server: false,
  format: { "1.x": "text", "2.x": "text" },
  prepare: (context) =>
    withoutChecks(async () => {
      const as = VERSIONS.find((known) => known === context.values.text(AS));
      const listen = context.values.text(LISTEN);
      const publicListen = context.values.text(PUBLIC_LISTEN);
      if (as === undefined || listen === undefined || publicListen === undefined)
        throw usageError("Cannot start the sandbox: no version or no address is given");
      context.host.enableJit();
      const running = await context.startSandbox({ as, listen, publicListen, onRequest: context.detail });
      const view = { columns: [], text: () => [], id: () => running.url };
      async function* serve(): AsyncGenerator<Record<string, unknown>> {
        yield { endpoint: running.url, public_url: running.publicUrl };
        await new Promise<void>((resolve) => {
          if (context.signal.aborted) resolve();
          else context.signal.addEventListener("abort", () => resolve(), { once: true });
        });
        await running.close();
      }
      context.note(`Sandbox as Hydra ${as} on ${running.url}: in memory, for trials and tests, never for real logins`);
      return {
        view: { ...view, text: environmentLines },
        isList: false,
        items: serve(),
        untilSignal: true,
      };
    }),
});
