import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { type Sandbox, type SandboxVersion, startSandbox } from "../../lib/sandbox/index.ts";
import { isRecord, settled, settledHeader } from "./settled.ts";

interface Recording {
  readonly file: string;
  /** The version that the sandbox answers as. */
  readonly as: SandboxVersion;
  /** How many of the exchanges are replayed. */
  readonly replayed: number;
  /** The exchange that this version answers otherwise than the recorded one, and why. */
  readonly changed?: { readonly note: string; readonly reason: string };
}

/** The runs of Hydra's own CLI, and how many requests for clients and keys it sent in all, not counting lists of clients. */
const RUNS: readonly Omit<Recording, "changed">[] = [
  { file: "cli-1.8.5.json", as: "1.8", replayed: 43 },
  { file: "cli-1.11.10.json", as: "1.11", replayed: 43 },
  { file: "cli-2.1.2.json", as: "2.1", replayed: 25 },
  { file: "cli-2.3.0.json", as: "2.3", replayed: 31 },
  { file: "cli-26.2.0.json", as: "26", replayed: 31 },
  { file: "cli-26.2.0.json", as: "next", replayed: 31 },
];

const RECORDINGS: readonly Recording[] = [
  { file: "api-1.8.5.json", as: "1.8", replayed: 54 },
  { file: "api-1.11.10.json", as: "1.11", replayed: 53 },
  { file: "api-2.1.2.json", as: "2.1", replayed: 52 },
  { file: "api-2.3.0.json", as: "2.3", replayed: 51 },
  { file: "api-26.2.0.json", as: "26", replayed: 51 },
  {
    file: "api-26.2.0.json",
    as: "next",
    replayed: 50,
    changed: { note: "list, a bad token", reason: "a later server tells what 26.2 ended the connection for" },
  },
];

interface Exchange {
  readonly note: string;
  readonly request: {
    readonly base: string;
    readonly method: string;
    readonly url: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: unknown;
  };
  readonly response:
    | string
    | { readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly body: unknown };
}

type Told = { readonly status: number; readonly headers: Record<string, string>; readonly body: unknown } | "no answer";

function isExchange(value: unknown): value is Exchange {
  return isRecord(value) && isRecord(value["request"]) && typeof value["note"] === "string" && "response" in value;
}

function recording(file: string): readonly Exchange[] {
  const all: unknown = JSON.parse(readFileSync(new URL(`../contract/${file}`, import.meta.url), "utf8"));
  assert.ok(Array.isArray(all));
  return all.filter(isExchange);
}

/** The requests of Hydra's own CLI for clients and keys, in its order; its lists also had clients that it did not create. */
function runs(file: string): readonly Exchange[] {
  const all: unknown = JSON.parse(readFileSync(new URL(`../contract/${file}`, import.meta.url), "utf8"));
  assert.ok(Array.isArray(all));
  return all.flatMap((run: unknown) => {
    assert.ok(isRecord(run) && Array.isArray(run["exchanges"]));
    return run["exchanges"]
      .map((exchange: unknown) => (isRecord(exchange) ? { note: String(run["name"]), ...exchange } : undefined))
      .filter(isExchange)
      .filter(
        ({ request: { method, url } }) =>
          /\/(?:clients|keys)\b/.test(url) && !(method === "GET" && /clients(?:\?|$)/.test(url)),
      )
      .map(({ request: { body, ...request }, ...rest }) => ({
        ...rest,
        request: body === "" ? request : { ...request, body },
      }));
  });
}

/** Why an exchange is not replayed, or undefined when it is. */
function leftOut({ note, request, response }: Exchange, { changed }: Recording): string | undefined {
  if (note === changed?.note) return changed.reason;
  const isMissing = typeof response !== "string" && response.status === 404;
  if (request.url.startsWith("/oauth2/register") && !isMissing) return "dynamic registration is not emulated";
  return undefined;
}

/** Members of the discovery document that differ on purpose, and why. */
const DISCOVERY_DIFFERENCES: Readonly<Record<string, string>> = {
  issuer: "the recorded servers were configured with one that ends with a slash",
  subject_types_supported: "the recorded servers were configured with pairwise subjects too",
  credentials_endpoint_draft_00: "verifiable credentials are not emulated",
  credentials_supported_draft_00: "verifiable credentials are not emulated",
  request_parameter_supported: "request objects are not emulated",
  request_uri_parameter_supported: "request objects are not emulated",
  backchannel_logout_supported: "logging out of other clients is not emulated",
  backchannel_logout_session_supported: "logging out of other clients is not emulated",
  frontchannel_logout_supported: "logging out of other clients is not emulated",
  frontchannel_logout_session_supported: "logging out of other clients is not emulated",
};

/** What the recorded servers say of their own errors, because they were configured to; the sandbox doesn't. */
const DEBUG = /\s+(?:crypto\/bcrypt: hashedPassword is not the hash of the given password|passwords do not match)$/;

/** Answers of the public port and about tokens, with a name in the place of what differs from run to run. */
function settledTokens(body: unknown, publicUrl: string): unknown {
  if (!isRecord(body)) return body;
  const isDiscovery = "authorization_endpoint" in body;
  const isCompared = ([name, value]: readonly [string, unknown]): boolean =>
    !(isDiscovery && Object.hasOwn(DISCOVERY_DIFFERENCES, name)) &&
    !(name === "error_debug" && DEBUG.test(` ${String(value)}`));
  const members = Object.entries(body)
    .filter(isCompared)
    .map(([name, value]) => {
      if (name === "error_description") return [name, String(value).replace(DEBUG, "")];
      if (name === "iss") return [name, String(value).replace(publicUrl, "{PUBLIC}").replace(/\/$/, "")];
      if (name === "access_token")
        return [name, String(value).replace(/[A-Za-z0-9_-]{43}\.[A-Za-z0-9_-]{43}$/, "{SIGNED TOKEN}")];
      if (["exp", "iat", "nbf"].includes(name) && typeof value === "number") return [name, "{SECONDS}"];
      // The servers round the time of expiry and not the time of the answer.
      if (name === "expires_in" && value === 3_599) return [name, 3_600];
      return [name, JSON.parse(JSON.stringify(value).replaceAll(publicUrl, "{PUBLIC}"))];
    });
  return Object.fromEntries(members);
}

const HEADERS = ["allow", "cache-control", "content-type", "link", "location", "x-total-count"];

/** The members of a JSON Web Key that hold key material. */
const KEY_MATERIAL = ["n", "x", "y", "d", "p", "q", "dp", "dq", "qi", "k"];

/** A key set with a name in the place of its key material. */
function settledKeys(body: unknown): unknown {
  if (!isRecord(body) || !Array.isArray(body["keys"])) return body;
  const keys = body["keys"].map((key: unknown) =>
    isRecord(key)
      ? Object.fromEntries(
          Object.entries(key).map(([name, value]) => [name, KEY_MATERIAL.includes(name) ? "{KEY}" : value]),
        )
      : key,
  );
  return { ...body, keys };
}

function comparable(answer: Told, publicUrl = "{PUBLIC}"): unknown {
  if (answer === "no answer") return answer;
  const headers = HEADERS.flatMap((name) => {
    const value = answer.headers[name];
    return value === undefined ? [] : [[name, settledHeader(name, value)]];
  });
  return {
    status: answer.status,
    headers: Object.fromEntries(headers),
    body: settled(settledTokens(settledKeys(answer.body), publicUrl)),
  };
}

function recorded({ response }: Exchange): Told {
  return typeof response === "string" ? "no answer" : { ...response, headers: { ...response.headers } };
}

/** A page of a list ordered by generated IDs has other clients in each run: how many, and with which fields. */
function shapes(told: Told): Told {
  if (told === "no answer" || !Array.isArray(told.body)) return told;
  const fields = new Set(told.body.flatMap((client) => (isRecord(client) ? Object.keys(client) : [])));
  return { ...told, body: { count: told.body.length, fields: [...fields].sort() } };
}

/** A whole list in an order of its own, so that only what it holds is compared. */
function sorted(told: Told): Told {
  if (told === "no answer" || !Array.isArray(told.body)) return told;
  const texts = told.body.map((client) => JSON.stringify(Object.entries(Object(settled(client))).sort()));
  return { ...told, body: texts.sort() };
}

/** Compares a list by what stays the same in every run; anything else as it is. */
function viewOf(as: SandboxVersion, { note, response }: Exchange): (told: Told) => Told {
  if (as === "1.8" || typeof response === "string" || !Array.isArray(response.body)) return (told) => told;
  const cut = /rel="(?:next|prev)"/.test(response.headers["link"] ?? "") || note.startsWith("list, following");
  return cut ? shapes : sorted;
}

function clientIdOf(body: unknown): string | undefined {
  return isRecord(body) && typeof body["client_id"] === "string" ? body["client_id"] : undefined;
}

function accessTokenOf(body: unknown): string | undefined {
  return isRecord(body) && typeof body["access_token"] === "string" ? body["access_token"] : undefined;
}

function tokensOf(told: Told): ReadonlyMap<string, string> {
  const link = told === "no answer" ? "" : (told.headers["link"] ?? "");
  return new Map(
    [...link.matchAll(/page_token=([^>&]*)>; rel="(\w+)"/g)].map(([, token = "", rel = ""]) => [rel, token]),
  );
}

/** Sends what was recorded, with the IDs and tokens of this run in place of the recorded ones. */
class Replay {
  private readonly sandbox: Sandbox;
  private readonly names = new Map<string, string>();

  constructor(sandbox: Sandbox) {
    this.sandbox = sandbox;
  }

  private translated(text: string): string {
    let translated = text;
    for (const [then, now] of this.names) translated = translated.replaceAll(then, now);
    return translated;
  }

  /** Basic credentials hold the ID of a client too. */
  private authorization(recorded: string): string {
    const basic = /^Basic (.*)$/.exec(recorded)?.[1];
    return basic === undefined ? this.translated(recorded) : `Basic ${btoa(this.translated(atob(basic)))}`;
  }

  private async send(
    method: string,
    url: string,
    body: unknown,
    more: Partial<Exchange["request"]> = {},
  ): Promise<Told> {
    const { base = "admin", headers: { authorization } = {} } = more;
    const isForm = typeof body === "string" && /^(?:\/admin)?\/oauth2\//.test(url);
    const sent = isForm ? String(body) : JSON.stringify(body);
    const origin = base === "public" ? (this.sandbox.publicUrl ?? assert.fail("no public port")) : this.sandbox.url;
    const response = await fetch(origin + this.translated(url), {
      method,
      redirect: "manual",
      headers: {
        accept: "application/json",
        connection: "close",
        ...(isForm ? { "content-type": "application/x-www-form-urlencoded" } : {}),
        ...(authorization === undefined ? {} : { authorization: this.authorization(authorization) }),
      },
      ...(body === undefined ? {} : { body: this.translated(sent) }),
    }).catch(() => undefined);
    if (response === undefined) return "no answer";
    const text = await response.text();
    const headers = Object.fromEntries(response.headers);
    let parsed: unknown = text;
    try {
      parsed = JSON.parse(text);
    } catch {
      // A body that is not JSON is compared as text.
    }
    return { status: response.status, headers, body: parsed };
  }

  async run(exchange: Exchange): Promise<Told> {
    const { method, url, body } = exchange.request;
    const then = recorded(exchange);
    const now = await this.send(method, url, body, exchange.request);
    if (then !== "no answer" && now !== "no answer") {
      const thenId = clientIdOf(then.body);
      const nowId = clientIdOf(now.body);
      if (thenId !== undefined && nowId !== undefined && then.status === 201) this.names.set(thenId, nowId);
      const [thenToken, nowToken] = [accessTokenOf(then.body), accessTokenOf(now.body)];
      if (thenToken !== undefined && nowToken !== undefined) this.names.set(thenToken, nowToken);
    }
    for (const [rel, token] of tokensOf(then)) {
      const mine = tokensOf(now).get(rel);
      if (mine !== undefined && token !== mine) this.names.set(token, mine);
    }
    return now;
  }

  /** Makes the clients that the recorded lists show and no recorded exchange made. */
  async complete(exchanges: readonly Exchange[]): Promise<void> {
    const prefix = exchanges.some(({ request }) => request.url.startsWith("/admin/clients?")) ? "/admin" : "";
    const seen = new Map<string, Readonly<Record<string, unknown>>>();
    for (const { response } of exchanges) {
      if (typeof response === "string" || !Array.isArray(response.body)) continue;
      for (const client of response.body) {
        const id = clientIdOf(client);
        if (isRecord(client) && id !== undefined && /^page \d$/.test(String(client["client_name"])))
          seen.set(id, client);
      }
    }
    const inOrder = [...seen].sort(([, a], [, b]) => String(a["client_name"]).localeCompare(String(b["client_name"])));
    for (const [id, { client_name, redirect_uris, token_endpoint_auth_method }] of inOrder) {
      const made = await this.send("POST", `${prefix}/clients`, {
        client_name,
        redirect_uris,
        token_endpoint_auth_method,
      });
      assert.ok(made !== "no answer" && made.status === 201);
      this.names.set(id, clientIdOf(made.body) ?? "");
    }
  }
}

for (const row of RECORDINGS) {
  const { file, as, replayed } = row;
  describe(`the sandbox as ${as} answers what ${file} holds`, () => {
    const exchanges = recording(file);
    const covered = exchanges.filter((exchange) => leftOut(exchange, row) === undefined);
    const firstList = covered.find(({ note }) => note.startsWith("list,"));
    let sandbox: Sandbox;
    let replay: Replay;

    before(async () => {
      sandbox = await startSandbox({ as, listen: "127.0.0.1:0", publicListen: "127.0.0.1:0" });
      replay = new Replay(sandbox);
      for (const exchange of exchanges) {
        const reason = leftOut(exchange, row);
        if (reason !== undefined) process.stdout.write(`${as} ${exchange.note}: not replayed, ${reason}\n`);
      }
    });
    after(() => sandbox.close());

    for (const [at, exchange] of covered.entries()) {
      test(`${at} ${exchange.note}: ${exchange.request.method} ${exchange.request.url.slice(0, 60)}`, async () => {
        if (exchange === firstList) await replay.complete(exchanges);
        const now = await replay.run(exchange);
        const then = recorded(exchange);
        const view = viewOf(as, exchange);
        assert.deepEqual(comparable(view(now), sandbox.publicUrl), comparable(view(then)));
      });
    }

    test("as many exchanges are replayed as the recording has, registrations aside", () => {
      assert.equal(covered.length, replayed);
    });
  });
}

for (const { file, as, replayed } of RUNS) {
  describe(`the sandbox as ${as} answers Hydra's own CLI as in ${file}`, () => {
    const exchanges = runs(file);
    let sandbox: Sandbox;
    let replay: Replay;

    before(async () => {
      sandbox = await startSandbox({ as, listen: "127.0.0.1:0" });
      replay = new Replay(sandbox);
    });
    after(() => sandbox.close());

    for (const [at, exchange] of exchanges.entries()) {
      test(`${at} ${exchange.note}: ${exchange.request.method} ${exchange.request.url.slice(0, 60)}`, async () => {
        const now = await replay.run(exchange);
        assert.deepEqual(comparable(now), comparable(recorded(exchange)));
      });
    }

    test("with every request that it made for clients and keys, except lists", () =>
      assert.equal(exchanges.length, replayed));
  });
}
