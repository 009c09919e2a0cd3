/** The commands about keys compared with recorded runs of Hydra's own CLI. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { describe, test } from "node:test";
import * as v from "valibot";
import { type Ended, runBinary } from "./binary.ts";

const Key = v.looseObject({ kid: v.string() });

const KeySet = v.looseObject({ keys: v.array(Key) });

const Exchange = v.object({
  request: v.object({ method: v.string(), url: v.string(), body: v.unknown() }),
  response: v.object({ status: v.number(), headers: v.record(v.string(), v.string()), body: v.unknown() }),
});

const Run = v.looseObject({
  name: v.string(),
  args: v.array(v.string()),
  exit: v.number(),
  stdout: v.string(),
  exchanges: v.array(Exchange),
});

type RecordedRun = v.InferOutput<typeof Run>;

interface Sent {
  readonly method: string;
  readonly url: string;
  readonly body: unknown;
}

/** The recorded runs of a version that are about keys. */
function runsOf(version: string): readonly RecordedRun[] {
  const path = new URL(`../contract/cli-${version}.json`, import.meta.url);
  const runs = v.parse(v.array(v.unknown()), JSON.parse(readFileSync(path, "utf8")));
  return runs
    .filter((run) => v.is(Run, run) && run.args.some((word) => /^(?:keys|jwks?)$/.test(word)))
    .map((run) => v.parse(Run, run));
}

/**
 * Where this program differs: before it deletes a set, it looks whether the set exists, since servers report success for any
 * name. The CLI does not look.
 */
function isLookBeforeDeletion({ args }: RecordedRun, { method }: Pick<Sent, "method">): boolean {
  return args.includes("delete") && method === "GET";
}

const LOOK_ANSWER = { status: 200, headers: { "content-type": "application/json" }, body: { keys: [] } };

/** Runs the compiled program against the recorded answers. */
async function replay(run: RecordedRun, api: string): Promise<{ ended: Ended; sent: readonly Sent[] }> {
  const { args, exchanges } = run;
  const sent: Sent[] = [];
  const server = createServer(async (request, response) => {
    let text = "";
    for await (const part of request.setEncoding("utf8")) text += String(part);
    const asked = { method: request.method ?? "", url: request.url ?? "", body: text === "" ? "" : JSON.parse(text) };
    const isLook = isLookBeforeDeletion(run, asked);
    if (!isLook) sent.push(asked);
    const answer = isLook ? LOOK_ANSWER : exchanges[sent.length - 1]?.response;
    response.writeHead(answer?.status ?? 500, { ...answer?.headers, connection: "close" });
    response.end(answer === undefined || answer.status === 204 ? "" : JSON.stringify(answer.body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  try {
    const env = { HYDRA_ADMIN_URL: `http://127.0.0.1:${address.port}` };
    return { ended: await runBinary([...args, "--api", api, "--fail-after", "0"], { env }), sent };
  } finally {
    server.close();
  }
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** A request with the key ID that this program chooses, so that a repeat creates no second key, as the CLI leaves it out. */
function withoutChosenId({ method, url, body }: Sent): Sent {
  if (!v.is(Key, body)) return { method, url, body };
  assert.match(body.kid, UUID);
  return { method, url, body: { ...body, kid: "" } };
}

for (const [version, api] of [
  ["1.8.5", "v1"],
  ["1.11.10", "v1"],
  ["2.1.2", "v2"],
  ["2.3.0", "v2"],
  ["26.2.0", "v2"],
] as const)
  describe(`the commands about keys compared with Hydra's own CLI ${version}`, () => {
    const runs = runsOf(version);

    test("are all checked", () => assert.equal(runs.length, 3));

    for (const run of runs)
      test(`${run.name}: sends the same, and prints the same without private parts`, async () => {
        const { ended, sent } = await replay(run, api);
        assert.equal(ended.status, run.exit, ended.stderr);
        assert.deepEqual(
          sent.map(withoutChosenId),
          run.exchanges.map(({ request }) => request),
        );
        if (run.args.includes("delete")) {
          // The table of the CLI ends each row with a tab.
          assert.equal(ended.stdout.replace(/\s+/g, " "), run.stdout.replace(/\s+/g, " "));
          return;
        }
        const ours = v.parse(KeySet, JSON.parse(ended.stdout));
        const answered = v.parse(KeySet, run.exchanges[0]?.response.body).keys;
        const shown = answered.filter(({ kid }) => !kid.startsWith("private:"));
        assert.deepEqual(
          ours.keys.map(({ kid }) => kid),
          shown.map(({ kid }) => kid),
        );
        for (const name of ["d", "p", "q", "dp", "dq", "qi"])
          assert.ok(
            ours.keys.every((key) => key[name] === undefined),
            name,
          );
        for (const [at, key] of ours.keys.entries()) {
          for (const name of ["kty", "n", "e", "alg", "use"]) assert.equal(key[name], shown[at]?.[name], name);
        }
      });
  });
