/** The recipes of the README, run as they are written there. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, globSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import * as v from "valibot";
import { formatDotenv } from "../../lib/core/output/credential-formats.ts";
import { type Sandbox, startSandbox } from "../../lib/sandbox/index.ts";
import { type Gpg, openGpg } from "../adapters/gpg.ts";
import { BINARY, start, temporaryFolder } from "./binary.ts";

const README = readFileSync(join(import.meta.dirname, "../../README.md"), "utf8");

/** The recipes of the README, by name. */
const RECIPES = new Map(
  [...README.matchAll(/```sh recipe=(\S+)\n([\s\S]*?)```/g)].map(([, name = "", lines = ""]) => [name, lines]),
);

const Imported = v.looseObject({
  client_id: v.string(),
  outcome: v.picklist(["created", "skipped"]),
  client_secret_encrypted: v.optional(v.string()),
});

test("no command of a page is followed by a remark: interactive shells such as zsh would take it for arguments", () => {
  const root = join(import.meta.dirname, "../..");
  for (const page of ["README.md", "CONTRIBUTING.md", "SECURITY.md", ...globSync("docs/*.md", { cwd: root })]) {
    const text = readFileSync(join(root, page), "utf8");
    for (const [, block = ""] of text.matchAll(/^```(?:sh|powershell)[^\n]*\n([\s\S]*?)^```/gm))
      assert.doesNotMatch(block, /(?:^|\s)#(?:\s|$)/m, page);
  }
});

describe("the recipes of the README", () => {
  const folder = temporaryFolder();
  let server: Sandbox;
  let old: Sandbox;
  let gpg: Gpg;

  before(async () => {
    server = await startSandbox({ as: "26", listen: "127.0.0.1:0" });
    old = await startSandbox({ as: "1.8", listen: "127.0.0.1:0", seed: 6 });
    gpg = openGpg();
    gpg.quick("Team <team@example.com>", "default", "default");
    mkdirSync(join(folder.path, "bin"));
    symlinkSync(BINARY, join(folder.path, "bin/hydra"));
    const browser = `#!/bin/sh\nexec '${process.execPath}' '${join(import.meta.dirname, "open-url.ts")}' "$@"\n`;
    writeFileSync(join(folder.path, "bin/xdg-open"), browser, { mode: 0o755 });
    writeFileSync(join(folder.path, "team.asc"), gpg.exported("team@example.com").armored);
  });

  after(async () => {
    await server.close();
    await old.close();
    gpg.close();
    folder[Symbol.dispose]();
  });

  /**
   * Runs a recipe in a shell, in a folder with nothing but the program on the path and the team's key.
   *
   * @param change what goes wrong on the way, as a change to the lines
   */
  async function cook(name: string, change: (lines: string) => string = (lines) => lines): Promise<string> {
    const recipe = RECIPES.get(name);
    assert.ok(recipe !== undefined, `the README has no recipe ${name}`);
    // A recipe that fails halfway must not leave its sandbox running: it would hold the output open.
    const lines = `trap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n${change(recipe)}`;
    const { status, stdout, stderr } = await start("bash", ["--norc", "-euo", "pipefail", "-c", lines], {
      cwd: folder.path,
      env: {
        PATH: `${join(folder.path, "bin")}:${process.env["PATH"] ?? ""}`,
        HOME: folder.path,
        DISPLAY: ":99",
        GNUPGHOME: gpg.home,
        HYDRA_ADMIN_URL: server.url,
        OLD_HYDRA: old.url,
        NEW_HYDRA: server.url,
      },
      timeout: 600_000,
    }).ended;
    assert.equal(status, 0, `the recipe ${name} failed:\n${stdout}\n${stderr}`);
    return stdout;
  }

  const read = (name: string): string => readFileSync(join(folder.path, name), "utf8");

  test("tokens: a token from the sandbox is active, then revoked, and a client passes its test", async () => {
    const stdout = await cook("tokens");
    assert.match(stdout, /^8 passed, 1 skipped$/m);
    assert.match(stdout, /"active": true/);
    assert.match(stdout, /^Revoked OAuth 2\.0 Access Token: ory_at_\S{3}…$/m);
    const token = read("token.txt").trim();
    assert.match(token, /^ory_at_/);
    assert.ok(!stdout.includes(token));
  });

  test("login: the browser logs the sandbox's user in, and the token is active", async () => {
    const stdout = await cook("login");
    assert.match(stdout, /"active": true/);
    assert.match(stdout, /"sub": "sandbox-user"/);
    assert.match(read("token.txt"), /^ory_at_\S+\n$/);
  });

  /** The keys that sign ID tokens, the newest first. */
  async function signingKeys(endpoint: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
    const { stdout } = await promisify(execFile)(BINARY, [
      ...["keys", "get", "hydra.openid.id-token", "--private", "--format", "json", "--endpoint", endpoint],
    ]);
    return v.parse(v.looseObject({ keys: v.array(v.record(v.string(), v.unknown())) }), JSON.parse(stdout)).keys;
  }

  test("a backup of signing keys that is put back", async () => {
    const before = await signingKeys(server.url);
    await cook("keys-backup");
    assert.deepEqual(await signingKeys(server.url), before);
    assert.match(read("id-token.asc"), /^-----BEGIN PGP MESSAGE-----/);
  });

  test("signing keys moved from Hydra 1.x to 2.x", async () => {
    const [, privateKey] = await signingKeys(old.url);
    await cook("keys-moving");
    const [moved, ...others] = await signingKeys(server.url);
    assert.deepEqual(others, []);
    assert.equal(moved?.["d"], privateKey?.["d"]);
    assert.match(String(moved?.["kid"]), /^public:/);
  });

  test("a rotation of signing keys in two steps", async () => {
    const [before] = await signingKeys(server.url);
    await cook("keys-rotation");
    const [newest, older] = await signingKeys(server.url);
    assert.ok(newest?.["d"] !== undefined && newest["d"] !== before?.["d"]);
    assert.deepEqual(older, before);
  });

  test("are all tested: twelve", () => {
    const names = [
      "tokens",
      "login",
      "pipeline",
      "init-container",
      "encrypted",
      "rotation",
      "state",
      "moving",
      "files",
    ];
    assert.deepEqual([...RECIPES.keys()], [...names, "keys-backup", "keys-moving", "keys-rotation"]);
  });

  test("clients in files, applied twice", async () => {
    await cook("state");
    assert.equal(read("secrets/reports.env"), formatDotenv({ id: "reports", secret: server.secretOf("reports") }));
    const secret = server.secretOf("reports");
    await cook("state");
    assert.equal(server.secretOf("reports"), secret);
  });

  test("a pipeline that runs twice", async () => {
    await cook("pipeline");
    assert.equal(read("billing.env"), formatDotenv({ id: "billing", secret: server.secretOf("billing") }));
    assert.equal(statSync(join(folder.path, "billing.env")).mode & 0o777, 0o600);
    const secret = server.secretOf("billing");
    await cook("pipeline");
    assert.equal(server.secretOf("billing"), secret);
  });

  test("an init container", async () => {
    await cook("init-container");
    const data = Buffer.from(server.secretOf("web") ?? "", "utf8").toString("base64");
    assert.match(read("web-client.yaml"), /^kind: Secret$/m);
    assert.ok(read("web-client.yaml").includes(data));
    await cook("init-container");
  });

  test("encrypted delivery", async () => {
    const decrypted = await cook("encrypted");
    const partner = server.clients().find((client) => client["client_name"] === "Partner");
    assert.equal(decrypted, server.secretOf(String(partner?.["client_id"])));
  });

  test("a rotation", async () => {
    const before = server.secretOf("billing");
    await cook("rotation");
    assert.notEqual(server.secretOf("billing"), before);
    assert.equal(read("billing-new.env"), formatDotenv({ id: "billing", secret: server.secretOf("billing") }));
  });

  test("clients in files", async () => {
    assert.match(await cook("files"), /^Added client billing: clients\/billing.yaml$/m);
    assert.match(read("clients/billing.yaml"), /^client_id: billing\nclient_name: Billing\n/);
    assert.doesNotMatch(await cook("files"), /Added|Changed/);
  });

  /** What the file of the import holds: each client that was made, with its secret. */
  function imported(): readonly { readonly id: string; readonly secret: string }[] {
    const lines = read("imported.ndjson").trimEnd().split("\n");
    return lines.flatMap((line) => {
      const { client_id: id, client_secret_encrypted: encrypted, outcome } = v.parse(Imported, JSON.parse(line));
      assert.equal(encrypted === undefined, outcome === "skipped", line);
      return encrypted === undefined ? [] : [{ id, secret: gpg.decrypt(Buffer.from(encrypted, "base64")) }];
    });
  }

  test("moving from Hydra 1.x to 2.x, again after an import that got half of the way", async () => {
    const here = server.clients().length;
    await cook("moving", (lines) => lines.replace("> clients.ndjson\n", "$&sed -i 3,6d clients.ndjson\n"));
    const half = imported();
    assert.equal(half.length, 2);
    await cook("moving");
    await cook("moving");
    const all = imported();
    assert.deepEqual(all.slice(0, 2), half);
    assert.deepEqual(
      all.map(({ id }) => id).sort(),
      old
        .clients()
        .map((client) => client["client_id"])
        .sort(),
    );
    for (const { id, secret } of all) assert.equal(secret, server.secretOf(id), id);
    assert.equal(server.clients().length, here + 6);
    assert.ok(!existsSync(join(folder.path, "hydra-rescue")));
  });
});
