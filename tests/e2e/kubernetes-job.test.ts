/** The Job in docs/kubernetes.md, with the compiled program: its containers are started again until they succeed. */

import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { parseYamlDocuments } from "../../lib/adapters/yaml.ts";
import { isJsonObject, isStringList } from "../../lib/core/json/json.ts";
import { startSandbox } from "../../lib/sandbox/index.ts";
import { objectsIn } from "../objects-in.ts";
import { type Ended, type Running, startBinary, temporaryFolder } from "./binary.ts";
import { openFaultProxy, type Plan } from "./fault-proxy.ts";

const PAGE = readFileSync(join(import.meta.dirname, "../../docs/kubernetes.md"), "utf8");

/** The arguments of the container `apply` of the Job. */
async function jobArguments(): Promise<readonly string[]> {
  const [, text = ""] = /^```yaml file=job\.yaml\n([\s\S]*?)^```/m.exec(PAGE) ?? [];
  const [job] = await parseYamlDocuments(text, "job.yaml");
  const found = objectsIn(job).find(({ name, args }) => name === "apply" && isStringList(args));
  assert.ok(isStringList(found?.["args"]));
  return found["args"];
}

const IDS = Array.from({ length: 12 }, (_, n) => `job-${n}`);

/** What the Job came to: the runs of its container, and the credentials in the Secrets that it gives to the cluster. */
interface Pod {
  readonly runs: readonly Ended[];
  readonly secrets: ReadonlyMap<string, string>;
  readonly secretOf: (id: string) => string | undefined;
}

/** The create that has come in at a server: its number, counted over all runs or from 1 in each run, and the run's. */
interface Create {
  readonly create: number;
  readonly run: number;
  readonly createOfRun: number;
}

/** Runs the Job in front of a server with faults; `fault` gets the create that has come in, and kills the container. */
async function runJob(fault: (create: Create, kill: () => void) => ReturnType<Plan>): Promise<Pod> {
  using folder = temporaryFolder();
  const [clients, out] = [join(folder.path, "clients"), join(folder.path, "out")];
  for (const path of [clients, out]) mkdirSync(path);
  for (const id of IDS)
    writeFileSync(join(clients, `${id}.yaml`), `client_id: ${id}\ngrant_types: [client_credentials]\nscope: a\n`);
  const sandbox = await startSandbox({ as: "26", listen: "127.0.0.1:0" });
  let [create, run, createOfRun] = [0, 0, 0];
  let running: Running | undefined;
  const proxy = await openFaultProxy(sandbox.url, (exchange) =>
    exchange.method === "POST"
      ? fault({ create: ++create, run, createOfRun: ++createOfRun }, () => running?.kill("SIGKILL"))
      : undefined,
  );
  const args = (await jobArguments()).map((word) => word.replace("/clients", clients).replace("/out", out));
  try {
    const runs: Ended[] = [];
    while (runs.at(-1)?.status !== 0 && runs.length < 4) {
      run++;
      createOfRun = 0;
      running = startBinary([...args], {
        env: { HYDRA_ADMIN_URL: proxy.url, HOME: undefined, TMPDIR: undefined },
        cwd: out,
      });
      runs.push(await running.ended);
    }
    // The container "secrets" gives exactly this file to the cluster.
    const documents = await parseYamlDocuments(readFileSync(join(out, "secrets.yaml"), "utf8"), "secrets.yaml");
    const secrets = new Map(documents.map(credentialsOf));
    // No copy is to be delivered any more.
    const copies = readdirSync(out).filter((name) => name.startsWith("hydra-rescue-"));
    for (const name of copies) assert.doesNotMatch(readFileSync(join(out, name), "utf8"), /"delivery": ?"due"/);
    return { runs, secrets, secretOf: sandbox.secretOf };
  } finally {
    await proxy.close();
    await sandbox.close();
  }
}

function credentialsOf(document: unknown): readonly [id: string, secret: string] {
  assert.ok(isJsonObject(document) && document["kind"] === "Secret" && isJsonObject(document["data"]));
  const { CLIENT_ID: id, CLIENT_SECRET: secret } = document["data"];
  const decoded = (value: unknown): string => Buffer.from(String(value), "base64").toString();
  return [decoded(id), decoded(secret)];
}

function assertWhole({ runs, secrets, secretOf }: Pod, statuses: readonly (number | null)[]): void {
  assert.deepEqual(
    runs.map(({ status }) => status),
    statuses,
    runs.map(({ stderr }) => stderr).join("\n---\n"),
  );
  assert.deepEqual([...secrets.keys()].sort(), IDS.toSorted());
  for (const [id, secret] of secrets) assert.equal(secret, secretOf(id), id);
}

describe("the Job of docs/kubernetes.md gives every secret to the cluster", () => {
  test("after a failure of one client", async () => {
    const pod = await runJob(({ create }) =>
      create === 2
        ? (exchange) =>
            exchange.reply({ status: 500, body: '{"error":"server_error","error_description":"out of order"}' })
        : undefined,
    );
    assertWhole(pod, [8, 0]);
  });

  for (const at of [1, 5, 12])
    for (const when of ["before", "after"] as const)
      test(`after SIGKILL ${when} the server sees create ${at}`, async () => {
        const pod = await runJob(({ create }, kill) =>
          create === at
            ? async (exchange) => {
                if (when === "after") await exchange.pass();
                kill();
              }
            : undefined,
        );
        assertWhole(pod, [null, 0]);
      });

  test("after SIGKILL in two runs", async () => {
    // Others may come in before the kill, so each run counts its own.
    const pod = await runJob(({ run, createOfRun }, kill) => {
      if (createOfRun !== 2 || run > 2) return undefined;
      return async (exchange) => {
        await exchange.pass();
        kill();
      };
    });
    assertWhole(pod, [null, null, 0]);
  });
});
