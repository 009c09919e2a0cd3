/** A reader of standard output that is gone: what was found or done keeps its exit code, and no token is lost unnoticed. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import { type Sandbox, startSandbox } from "../../lib/sandbox/index.ts";
import { temporaryFolder } from "../e2e/binary.ts";
import { dropBefore, openFaultProxy } from "../e2e/fault-proxy.ts";
import { type Played, play, type Scene } from "./in-process.ts";
import { jsonLines, jsonObject } from "./state-setup.ts";

const GONE = Object.assign(new Error("the reader of standard output is gone"), { code: "EPIPE" });

const SECRET = "a-secret_of.the~client";

describe("without a reader", () => {
  let server: Sandbox;
  /** Method, path and status of each request. */
  const requests: string[] = [];
  const seen = (what: RegExp): number => requests.filter((line) => what.test(line)).length;

  before(async () => {
    const onRequest = (line: string): void => void requests.push(line);
    server = await startSandbox({ as: "26", listen: "127.0.0.1:0", publicListen: "127.0.0.1:0", onRequest });
  });

  after(() => server.close());

  function hydra(line: string, scene: Scene = {}): Promise<Played> {
    return play(line.split(" "), {
      ...scene,
      environment: {
        HYDRA_ADMIN_URL: server.url,
        HYDRA_PUBLIC_URL: server.publicUrl ?? "",
        OAUTH2_CLIENT_SECRET: SECRET,
        ...scene.environment,
      },
    });
  }

  const unread = (line: string, scene: Scene = {}): Promise<Played> => hydra(line, { ...scene, stdoutFails: GONE });

  async function create(id: string, flags = "-g client_credentials"): Promise<void> {
    const { status, stderr } = await hydra(`clients create --id ${id} --if-exists skip --secret ${SECRET} ${flags}`);
    assert.equal(status, 0, stderr);
  }

  beforeEach(async () => {
    await create("app");
    requests.length = 0;
  });

  for (const [line, exit] of [
    ["clients test app --scope nope", 1],
    ["clients test app --scope nope --format json", 1],
    ["token introspect --active garbage", 4],
    ["clients get app nope", 8],
    ["clients get app app app nope --format id", 8],
    ["clients get nope", 4],
    ["clients delete nope app", 8],
    ["delete access-tokens nope app", 8],
    ["keys delete nope", 4],
    ["clients list", 0],
    ["clients get app", 0],
    ["token introspect garbage", 0],
  ] as const)
    test(`${line} exits with ${exit}`, async () => {
      const { status, stderr } = await unread(line);
      assert.equal(status, exit, stderr);
      if (exit === 0) assert.equal(stderr, "");
    });

  test("a token is revoked again", async () => {
    for (const line of ["token client --client-id app", "perform client-credentials --client-id app --format json"]) {
      requests.length = 0;
      // Even if its time was over when the token came.
      const late = (): number => (seen(/^POST \/oauth2\/token /) > 0 ? 60_000 : 0);
      const { status, stderr } = await unread(line, { late });
      assert.equal(status, 1);
      assert.match(stderr, /Cannot deliver the token: the reader of standard output is gone; it was revoked again/);
      assert.equal(seen(/^POST \/oauth2\/token .*200/), 1, requests.join("\n"));
      assert.equal(seen(/^POST \/oauth2\/revoke .*200/), 1, requests.join("\n"));
    }
  });

  test("what was done is reported", async () => {
    const key = '{"kty":"oct","kid":"k","alg":"HS256","k":"c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA"}';
    for (const [line, done] of [
      ["token revoke --client-id app some-token", "the token was revoked anyway"],
      ["token delete app", 'deleted anyway: the tokens of client "app"'],
      ["keys import my-set /key.json --yes", 'the keys are in key set "my-set"'],
      ["keys delete my-set --kid k --yes", 'deleted anyway: key "k" of key set "my-set"'],
      ["clients delete app", 'deleted anyway: "app"'],
    ] as const) {
      const { status, stderr } = await unread(line, { files: { "/key.json": key } });
      assert.equal(status, 1, line);
      assert.ok(stderr.includes(`Cannot write the result: the reader of standard output is gone; ${done}`), stderr);
    }
  });

  test("clients of an import are deleted again within one time limit for all; the secrets of the others are kept", async () => {
    const proxy = await openFaultProxy(server.url, ({ method }) => (method === "DELETE" ? dropBefore : undefined));
    using folder = temporaryFolder();
    try {
      const ids = Array.from({ length: 8 }, (_, at) => `deleted-again-${at}`);
      const played = await unread(`clients import - --concurrency 2 --rescue-dir ${folder.path} --format json`, {
        realFiles: true,
        environment: { HYDRA_ADMIN_URL: proxy.url },
        stdin: ids.map((id) => `{"client_id": "${id}"}\n`).join(""),
      });
      assert.equal(played.status, 1, played.stderr);
      const deleted = proxy.seen.filter(({ method }) => method === "DELETE").map(({ target }) => target);
      assert.ok(new Set(deleted).size <= 2, deleted.join("\n"));
      const [copies = ""] = readdirSync(folder.path);
      const kept = jsonLines(readFileSync(join(folder.path, copies), "utf8"));
      const created = proxy.posts().map(({ body }) => jsonObject(body)["client_id"]);
      assert.ok(created.length > 2);
      assert.match(
        played.stderr,
        /then delete only this client's line, because the file may hold the secrets of others/,
      );
      assert.deepEqual(kept.map((record) => record["client_id"]).sort(), created.sort());
    } finally {
      await proxy.close();
    }
  });
});
