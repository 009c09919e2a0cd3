/** The servers that the conformance tests run on: the sandbox versions that differ, and real ones in HYDRA_TEST_ENDPOINTS. */

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { request as overHttp } from "node:http";
import { request as overHttps } from "node:https";
import process from "node:process";
import { after, before, describe, test } from "node:test";
import * as v from "valibot";
import type { SandboxVersion } from "../../lib/sandbox/index.ts";
import { type Ended, type RunOptions, runBinary, withSandbox } from "../e2e/binary.ts";
import { type Dependencies, versionsFor } from "../sandbox-versions.ts";

/** A client as JSON. */
export type Json = Record<string, unknown>;

/** An answer over plain http; the body is undefined where it is not JSON. */
export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** An admin API under test, and what the tests need to know about it. Every client made through it is taken away again. */
export interface Server {
  readonly url: string;
  /** Address of the public port, where it is known: the proof that a secret works. */
  readonly publicUrl: string | undefined;
  /** Where the clients live: `/admin/clients` or `/clients`. */
  readonly path: string;
  readonly family: "v1" | "v2";
  /** Whether a client may have a chosen ID. */
  readonly takesIds: boolean;
  /** Whether it keeps the old secrets when it generates a new one, until they are dropped. */
  readonly overlaps: boolean;
  /** Runs the compiled program with this server as its endpoint. */
  run(args: readonly string[], options?: RunOptions): Promise<Ended>;
  /** Runs the compiled program, which must succeed, and returns the credentials that it printed in the 1.x syntax. */
  create(args: readonly string[], options?: RunOptions): Promise<Credentials>;
  /** Asks the admin API without the program. */
  ask(method: string, path: string, body?: Json): Promise<Answer>;
  /** The stored client with this ID, which must exist. */
  stored(id: string): Promise<Json>;
  /** Whether a client with this ID exists. */
  has(id: string): Promise<boolean>;
  /** Registers a client without the program. */
  post(client: Json): Promise<Answer>;
  /** Notes a client that a test made in another way, to be taken away. */
  track(id: string): void;
}

/** What a creation printed. */
export interface Credentials {
  readonly id: string;
  readonly secret: string | undefined;
  readonly ended: Ended;
}

const record = v.record(v.string(), v.unknown());

/** A value as a JSON object. */
export function asJson(value: unknown): Json {
  return v.parse(record, value);
}

/** A member of a JSON object that must be text. */
export function textOf(value: Json, name: string): string {
  return v.parse(v.string(`${name} is no text`), value[name]);
}

/** One request over plain http, past any proxy. */
export function exchange(
  method: string,
  url: string,
  headers: Readonly<Record<string, string>> = {},
  body?: string,
): Promise<Answer> {
  const target = new URL(url);
  return new Promise((resolve, reject) => {
    const sent = (target.protocol === "https:" ? overHttps : overHttp)(target, { method, headers }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => {
        text += part;
      });
      response.on("error", reject);
      response.on("end", () => {
        let parsed: unknown;
        try {
          parsed = JSON.parse(text);
        } catch {
          parsed = undefined;
        }
        resolve({ status: response.statusCode ?? 0, body: parsed });
      });
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

/** The IDs of the clients that some output mentions. */
function idsIn(stdout: string): readonly string[] {
  return [...stdout.matchAll(/(?:^OAuth 2\.0 Client ID: |"client_id": ?")([^\s"]+)/gm)].flatMap(([, id]) =>
    id === undefined ? [] : [id],
  );
}

interface Opened {
  readonly server: Server;
  /** Deletes every client that was created, and returns those that still exist. */
  clean(): Promise<readonly string[]>;
  /** Takes away the server itself, where it was started here. */
  close(): Promise<void>;
}

async function openServer(
  url: string,
  publicUrl: string | undefined,
  close: () => Promise<void> = async () => {},
): Promise<Opened> {
  const made = new Set<string>();
  const headers = { accept: "application/json", "content-type": "application/json" };
  const ask = (method: string, path: string, body?: Json): Promise<Answer> =>
    exchange(method, `${url}${path}`, headers, body === undefined ? undefined : JSON.stringify(body));
  const family = (await ask("GET", "/admin/clients")).status === 200 ? "v2" : "v1";
  const path = family === "v2" ? "/admin/clients" : "/clients";
  assert.equal((await ask("GET", path)).status, 200, `${url} is no admin API`);
  const at = (id: string): string => `${path}/${encodeURIComponent(id)}`;
  const post = async (client: Json): Promise<Answer> => {
    const answer = await ask("POST", path, client);
    if (answer.status === 201) made.add(textOf(asJson(answer.body), "client_id"));
    return answer;
  };
  const run = async (args: readonly string[], options: RunOptions = {}): Promise<Ended> => {
    const given = args.indexOf("--id");
    if (given >= 0) made.add(args[given + 1] ?? "");
    const ended = await runBinary(args, { ...options, env: { HYDRA_ADMIN_URL: url, ...options.env } });
    for (const id of idsIn(ended.stdout)) made.add(id);
    return ended;
  };
  const has = async (id: string): Promise<boolean> => {
    const { status } = await ask("GET", at(id));
    assert.ok([200, 401, 404].includes(status), `GET ${at(id)} answered ${status}`);
    return status === 200;
  };
  const probe = await post({ client_id: randomUUID() });
  const known = probe.status === 201 ? probe : await post({});
  const rotation = await ask("POST", `${at(textOf(asJson(known.body), "client_id"))}/secrets/rotate`);
  const server: Server = {
    url,
    publicUrl,
    path,
    family,
    takesIds: probe.status === 201,
    overlaps: rotation.status === 200,
    ask,
    post,
    run,
    has,
    track: (id) => {
      made.add(id);
    },
    create: async (args, options) => {
      const ended = await run(args, options);
      assert.equal(ended.status, 0, ended.stderr);
      const [, id, , secret] =
        /^OAuth 2\.0 Client ID: (\S+)\n(OAuth 2\.0 Client Secret: (\S+)\n|This OAuth 2\.0 Client has no secret\n)?$/.exec(
          ended.stdout,
        ) ?? [];
      assert.ok(id !== undefined, `stdout is ${JSON.stringify(ended.stdout)}`);
      return { id, secret, ended };
    },
    stored: async (id) => {
      const { status, body } = await ask("GET", at(id));
      assert.equal(status, 200, `GET ${at(id)}`);
      return asJson(body);
    },
  };
  return {
    server,
    close,
    clean: async () => {
      const left: string[] = [];
      for (const id of made) {
        if (id === "") continue;
        // A server refuses a deletion for the moment while another test writes to the same database.
        for (let tries = 0; tries < 20; tries++) {
          const { status } = await ask("DELETE", at(id));
          if (status < 300 || status === 401 || status === 404) break;
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
        if (await has(id)) left.push(id);
      }
      return left;
    },
  };
}

interface Place {
  readonly name: string;
  /** Undefined for a real server. */
  readonly version?: SandboxVersion;
  open(): Promise<Opened>;
}

function sandboxPlace(as: SandboxVersion): Place {
  return {
    name: `a sandbox as ${as}`,
    version: as,
    open: async () => {
      const sandbox = await withSandbox(as);
      return openServer(sandbox.url, sandbox.publicUrl, async () => {
        const clients = await exchange("GET", `${sandbox.url}/${as.startsWith("1.") ? "" : "admin/"}clients`);
        await sandbox.stop();
        assert.deepEqual(clients, { status: 200, body: [] }, "clients were left behind");
      });
    },
  };
}

const ENDPOINTS: readonly Place[] = (process.env["HYDRA_TEST_ENDPOINTS"] ?? "")
  .split(",")
  .map((entry) => entry.trim())
  .filter((entry) => entry !== "")
  .map((entry) => {
    const [admin = "", publicUrl] = entry.split("=").map((url) => url.replace(/\/+$/, ""));
    return { name: admin, open: () => openServer(admin, publicUrl) };
  });

/** Defines a test. */
type DefineTest = (title: string, body: () => Promise<void>) => void;

/**
 * Defines the tests that depend on less than their suite, each with `test` or with nothing: they run on every real server,
 * but only on the sandbox versions that differ in what they depend on.
 */
type TestsFor = (dependencies: Dependencies) => DefineTest;

/**
 * Runs a suite on every server: the sandbox versions that differ in what the suite depends on, and each URL in
 * `HYDRA_TEST_ENDPOINTS`, comma-separated, written `ADMIN` or `ADMIN=PUBLIC`. Inside a test, the first argument of the
 * suite returns the server.
 */
export function onEveryServer(
  title: string,
  dependencies: Dependencies,
  suite: (server: () => Server, testsFor: TestsFor) => void,
): void {
  for (const place of [...versionsFor(dependencies).map(sandboxPlace), ...ENDPOINTS]) {
    describe(`${title} on ${place.name}`, () => {
      let opened: Opened | undefined;
      const there = (): Opened => {
        assert.ok(opened !== undefined, "the server did not open");
        return opened;
      };
      before(async () => {
        opened = await place.open();
      });
      const isNeeded = (narrower: Dependencies): boolean =>
        place.version === undefined || versionsFor(narrower).includes(place.version);
      suite(
        () => there().server,
        (narrower) => (isNeeded(narrower) ? test : () => {}),
      );
      test("leaves no client on the server", async () => {
        assert.deepEqual(await there().clean(), []);
      });
      after(async () => {
        await opened?.close();
      });
    });
  }
}

const VOLATILE = new Set([
  "client_id",
  "client_secret",
  "created_at",
  "updated_at",
  "registration_access_token",
  "registration_client_uri",
]);

function isNothing(value: unknown): boolean {
  return (
    value === null ||
    value === undefined ||
    value === "" ||
    (typeof value === "object" && Object.keys(value).length === 0)
  );
}

/** A client without what differs from one to the next, and with absent, null and empty taken as equal. */
export function comparable(client: Json): Json {
  return Object.fromEntries(Object.entries(client).filter(([name, value]) => !VOLATILE.has(name) && !isNothing(value)));
}

/**
 * Asks the public port for a token with the client_credentials grant (RFC 6749, 4.4) and Basic credentials, or with
 * those in the form.
 */
export function askToken(server: Server, basic: Credentials | undefined, form: Json = {}): Promise<Answer> {
  assert.ok(server.publicUrl !== undefined);
  const fields = new URLSearchParams({ grant_type: "client_credentials" });
  for (const [name, value] of Object.entries(form)) fields.set(name, String(value));
  const encoded = [basic?.id, basic?.secret].map((part) => encodeURIComponent(part ?? "")).join(":");
  return exchange(
    "POST",
    `${server.publicUrl}/oauth2/token`,
    {
      accept: "application/json",
      "content-type": "application/x-www-form-urlencoded",
      ...(basic === undefined ? {} : { authorization: `Basic ${Buffer.from(encoded).toString("base64")}` }),
    },
    fields.toString(),
  );
}

/** Proves on the public port, where there is one, that the credentials work, and that others do not. */
export async function proveSecret(server: Server, credentials: Credentials): Promise<void> {
  if (server.publicUrl === undefined) return;
  const good = await askToken(server, credentials);
  assert.equal(good.status, 200, JSON.stringify(good.body));
  assert.notEqual(textOf(asJson(good.body), "access_token"), "");
  const bad = await askToken(server, { ...credentials, secret: `${credentials.secret}x` });
  assert.equal(bad.status, 401);
}
