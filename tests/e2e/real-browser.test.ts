/** `token user` with Chromium, if TEST_BROWSER is its path, as in `.ci/run --all`; otherwise with the tests' own browser. */

import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import * as v from "valibot";
import { runBinary, temporaryFolder, withSandbox } from "./binary.ts";
import { visit } from "./browser.ts";

const CHROMIUM = process.env["TEST_BROWSER"];

const LIMIT = 60_000;

const Pages = v.array(v.looseObject({ type: v.string(), url: v.string(), webSocketDebuggerUrl: v.string() }));

type Page = v.InferOutput<typeof Pages>[number];

const History = v.looseObject({ result: v.looseObject({ entries: v.array(v.looseObject({ url: v.string() })) }) });

/** Looks until there is something to see. */
async function until<T>(look: () => Promise<T | undefined>, failed: string): Promise<T> {
  for (const end = performance.now() + LIMIT; performance.now() < end; ) {
    const found = await look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(failed);
}

/** The answer of the browser to one command of its DevTools protocol. */
function ask(page: Page, method: string): Promise<unknown> {
  const socket = new WebSocket(page.webSocketDebuggerUrl);
  return new Promise((resolve, reject) => {
    socket.onerror = () => reject(new Error("the browser doesn't answer"));
    socket.onopen = () => socket.send(JSON.stringify({ id: 1, method }));
    socket.onmessage = ({ data }) => {
      resolve(JSON.parse(String(data)));
      socket.close();
    };
  });
}

/** The URLs in the history of a Chromium that has reached the last page of a login. */
async function historyOf(profile: string): Promise<readonly string[]> {
  const [port = ""] = readFileSync(join(profile, "DevToolsActivePort"), "utf8").split("\n");
  const page = await until(async () => {
    const { text } = await visit(`http://127.0.0.1:${port}/json/list`);
    return v.parse(Pages, JSON.parse(text)).find(({ type, url }) => type === "page" && url.endsWith("/done"));
  }, "the browser isn't at the last page");
  const { result } = v.parse(History, await ask(page, "Page.getNavigationHistory"));
  return result.entries.map(({ url }) => url);
}

/** The script that is started in the place of xdg-open. */
function browserScript(profile: string, pid: string): string {
  const flags = `--headless --no-sandbox --disable-gpu --no-first-run --user-data-dir='${profile}' --remote-debugging-port=0`;
  const command =
    CHROMIUM === undefined
      ? `'${process.execPath}' '${join(import.meta.dirname, "open-url.ts")}'`
      : `'${CHROMIUM}' ${flags}`;
  return `#!/bin/sh\necho $$ > '${pid}'\nexec ${command} "$1"\n`;
}

test("a login in a browser ends at a page without the code, which isn't in the history either", {
  timeout: 3 * LIMIT,
}, async () => {
  using folder = temporaryFolder();
  await using server = await withSandbox("26");
  const at = (name: string): string => join(folder.path, name);
  const login = ["-g", "authorization_code,refresh_token", "-r", "code", "-a", "openid,offline"];
  const more = ["--id", "web", "-c", "http://127.0.0.1/callback", "--secret-out", at("web.env")];
  const env = { HYDRA_ADMIN_URL: server.url };
  assert.equal((await runBinary(["clients", "create", ...login, ...more], { env })).status, 0);
  writeFileSync(at("xdg-open"), browserScript(at("profile"), at("pid")), { mode: 0o755 });
  const path = `${folder.path}:${process.env["PATH"]}`;
  try {
    const { status, stdout, stderr } = await runBinary(["token", "user", "--credentials", at("web.env"), "-q"], {
      env: { HYDRA_PUBLIC_URL: server.publicUrl, HOME: folder.path, PATH: path, DISPLAY: ":99" },
    });
    assert.equal(status, 0, stderr);
    assert.match(stdout, /^ory_at_\S+\n$/);
    if (CHROMIUM === undefined) return;
    const urls = await historyOf(at("profile"));
    assert.ok(urls.some((url) => url.endsWith("/done")));
    for (const url of urls) assert.doesNotMatch(url, /[?&]code=/);
  } finally {
    if (CHROMIUM !== undefined && existsSync(at("pid")))
      process.kill(Number(readFileSync(at("pid"), "utf8")), "SIGKILL");
  }
});
