/** The program with the conventions of other operating systems. */

import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type Sandbox, startSandbox } from "../../lib/sandbox/index.ts";
import { dotenvValue } from "../dotenv-value.ts";
import { temporaryFolder } from "../e2e/binary.ts";
import { type Played, play } from "./in-process.ts";

let sandbox: Sandbox;

before(async () => {
  sandbox = await startSandbox({ as: "26", listen: "127.0.0.1:0" });
});
after(() => sandbox.close());

const CREATE = ["clients", "create", "-c", "https://app.example/cb", "--id"];

describe("the default config file", () => {
  const wrong = "endpoint: http://127.0.0.1:1\n";
  const list = async (
    platform: string,
    environment: Readonly<Record<string, string>>,
    files: Readonly<Record<string, string>>,
  ): Promise<Played> => play(["clients", "list", "--fail-after", "0"], { platform, environment, files });

  test("is in the home folder, then in the config folder of Linux", async () => {
    const environment = { HOME: "/h", XDG_CONFIG_HOME: "/x" };
    const right = `endpoint: ${sandbox.url}\n`;
    assert.equal((await list("linux", environment, { "/x/hydra/config.yaml": right })).status, 0);
    assert.equal((await list("linux", { HOME: "/h" }, { "/h/.config/hydra/config.yaml": right })).status, 0);
    const both = { "/h/.hydra.yaml": right, "/x/hydra/config.yaml": wrong };
    assert.equal((await list("linux", environment, both)).status, 0);
    assert.equal((await list("darwin", environment, { "/x/hydra/config.yaml": right })).status, 2);
  });

  test("is not read from the working folder", async () => {
    const files = { "conf/hydra/config.yaml": wrong, "./hydra/config.yaml": wrong };
    for (const XDG_CONFIG_HOME of ["conf", "."])
      assert.equal((await list("linux", { XDG_CONFIG_HOME }, files)).status, 2);
  });

  test("is rejected in the config folder too if others can write to it", async () => {
    const files = { "/x/hydra/config.yaml": wrong };
    const scene = { environment: { XDG_CONFIG_HOME: "/x" }, files, mode: 0o666 };
    const played = await play(["clients", "list"], scene);
    assert.equal(played.status, 2);
    assert.match(played.stderr, /"\/x\/hydra\/config\.yaml" is not used: every user of this machine can write to it/);
  });

  test("is in the profile on Windows, whose permission bits say nothing about other users", async () => {
    const environment = { USERPROFILE: "C:\\Users\\me", LOCALAPPDATA: "C:\\Users\\me\\AppData\\Local", HOME: "/h" };
    const text = `endpoint: ${sandbox.url}\naccess_token: t\n`;
    for (const path of ["C:\\Users\\me\\.hydra.yaml", "C:\\Users\\me\\AppData\\Local\\hydra\\config.yaml"]) {
      const scene = { platform: "win32", environment, files: { [path]: text }, mode: 0o666 };
      const played = await play(["clients", "list"], scene);
      assert.deepEqual([played.status, played.stderr.includes("Warning")], [0, false], played.stderr);
    }
    assert.equal((await list("win32", environment, { "/h/.hydra.yaml": text })).status, 2);
  });
});

/** A Windows folder with stand-ins for the two programs: `icacls` logs its arguments and what the file contains. */
function windowsIn(folder: string, icacls: string): Readonly<Record<string, string>> {
  const system = join(folder, "System32");
  const local = join(folder, "Local");
  for (const made of [system, local]) mkdirSync(made);
  const log = join(folder, "log");
  const script = (name: string, lines: string): void =>
    writeFileSync(join(system, name), `#!/bin/sh\n${lines}\n`, { mode: 0o755 });
  script("whoami.exe", `echo '"corp\\me","S-1-5-21-1-2-3-1001"'`);
  script("icacls.exe", `printf '%s\\n' "$*" "$(wc -c <"$1") bytes" >>'${log}'\n${icacls}`);
  return { SystemRoot: folder, LOCALAPPDATA: local, HYDRA_ADMIN_URL: sandbox.url };
}

describe("secrets on Windows", () => {
  const windows = { platform: "win32" } as const;

  test("are written to files that are limited to the user before they have content", async () => {
    using folder = temporaryFolder();
    const environment = windowsIn(folder.path, "");
    const out = join(folder.path, "out.env");
    const played = await play([...CREATE, "limited", "--secret-out", out], { ...windows, environment });
    assert.deepEqual([played.status, played.stderr.includes("Warning")], [0, false], played.stderr);
    assert.equal(dotenvValue(out, "CLIENT_SECRET"), sandbox.secretOf("limited"));
    const [call = "", size, ...more] = readFileSync(join(folder.path, "log"), "utf8").trimEnd().split("\n");
    assert.match(call, /\/\.out\.env\.[0-9a-f]{16} \/inheritance:r \/grant:r \*S-1-5-21-1-2-3-1001:F \/q$/);
    assert.deepEqual([size, more], ["0 bytes", []]);
  });

  test("cause a warning if the access cannot be limited, once per folder", async () => {
    using folder = temporaryFolder();
    const environment = windowsIn(folder.path, "exit 5");
    const warnings = async (system: string, ids: readonly string[]): Promise<string> => {
      const clients = ids.map((id) => `{"client_id":"${id}","grant_types":["client_credentials"]}\n`).join("");
      const out = join(folder.path, "{id}.env");
      const played = await play(["clients", "import", "-", "--secret-out", out], {
        ...windows,
        environment: { ...environment, SystemRoot: system },
        stdin: clients,
      });
      assert.equal(played.status, 0, played.stderr);
      for (const id of ids) assert.ok(readFileSync(join(folder.path, `${id}.env`), "utf8").includes("CLIENT_SECRET="));
      return played.stderr.replaceAll(/\s+/g, " ").replaceAll(folder.path, "DIR");
    };
    const warning = 'Warning: cannot limit the access to new files in "DIR" to you, so others may read them: ';
    const refused = await warnings(folder.path, ["one", "two"]);
    assert.equal(refused.split(warning).length, 2, refused);
    assert.ok(refused.includes(`${warning}icacls.exe failed with exit code 5 `), refused);
    assert.ok((await warnings(join(folder.path, "missing"), ["three"])).includes(warning));
  });

  test("that could not be delivered are kept in the profile, and limited to the user in a named folder", async () => {
    using folder = temporaryFolder();
    const environment = windowsIn(folder.path, "");
    const stdoutFails = new Error("the disk is full");
    const lost = { ...windows, environment, stdoutFails };
    const saved = async (...args: readonly string[]): Promise<readonly string[]> => {
      await play(["clients", "rotate-secret", "limited", ...args], lost);
      return readdirSync(folder.path, { recursive: true, encoding: "utf8" }).filter((name) => name.includes("rescue-"));
    };
    assert.match((await saved()).join(), /^Local\/hydra-rescue-limited-[0-9a-f]{16}\.json$/);
    assert.deepEqual(readdirSync(folder.path).includes("log"), false);
    const named = join(folder.path, "named");
    mkdirSync(named);
    assert.match((await saved("--rescue-dir", named)).join(), /named\/hydra-rescue-limited-[0-9a-f]{16}\.json/);
    const lines = readFileSync(join(folder.path, "log"), "utf8").trimEnd().split("\n");
    const sizes = lines.filter((_, i) => i % 2 === 1);
    assert.ok(sizes.length > 0);
    assert.deepEqual(new Set(sizes), new Set(["0 bytes"]));
    for (const line of lines.filter((_, i) => i % 2 === 0))
      assert.match(line, /\/named\/\S*hydra-rescue-\S+ \/inheritance:r/);
  });
});
