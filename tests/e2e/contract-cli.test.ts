/** Compares the requests and results of every command with recordings of Hydra's own CLI (tests/contract). */

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import * as v from "valibot";
import { isAbsentOrEmpty } from "../../lib/core/client/client.ts";
import { isSameJson } from "../../lib/core/json/json.ts";
import { SECRET_ALPHABET } from "../../lib/core/secret.ts";
import { type Ended, runBinary, temporaryFolder } from "./binary.ts";
import { assertFails, describeRun } from "./scenario.ts";

type Json = Readonly<Record<string, unknown>>;

const Client = v.record(v.string(), v.unknown());

const Body = v.union([v.record(v.string(), v.unknown()), v.literal(""), v.array(v.unknown())]);

const Recorded = v.object({
  name: v.string(),
  args: v.array(v.string()),
  files: v.optional(v.record(v.string(), v.unknown()), {}),
  exit: v.number(),
  stdout: v.string(),
  exchanges: v.array(
    v.object({
      request: v.object({ method: v.string(), url: v.string(), body: Body }),
      response: v.object({ status: v.number(), headers: v.record(v.string(), v.string()), body: v.unknown() }),
    }),
  ),
});

type Case = v.InferOutput<typeof Recorded>;

type Exchange = Case["exchanges"][number];

/** A request as it is compared. */
interface Sent {
  readonly method: string;
  readonly path: string;
  readonly query: Json;
  readonly body: unknown;
}

const ABOUT_CLIENTS = /^(clients (get|list|update|import|delete)|(get|list|update|import|delete) clients?)( |$)/;

/** The recorded runs of a reference that have to do with clients, creation apart. */
function casesOf(version: string): readonly Case[] {
  const text = readFileSync(join(import.meta.dirname, `../contract/cli-${version}.json`), "utf8");
  return v
    .parse(v.array(v.looseObject({ args: v.array(v.string()) })), JSON.parse(text))
    .filter(({ args }) => ABOUT_CLIENTS.test(args.join(" ")))
    .map((recorded) => v.parse(Recorded, recorded));
}

function sentOf(method: string, url: string, body: unknown): Sent {
  const { pathname, searchParams } = new URL(url, "http://any");
  const query = Object.fromEntries([...searchParams].filter(([, value]) => value !== ""));
  return { method, path: decodeURIComponent(pathname), query, body: body === "" ? undefined : body };
}

/** A body without dates, and with nothing in any spelling left out. */
function comparable(body: Json): Json {
  return Object.fromEntries(
    Object.entries(body).filter(
      ([field, value]) => !["created_at", "updated_at"].includes(field) && !isAbsentOrEmpty(value),
    ),
  );
}

/** A server that answers a request as it was recorded. */
class Replay {
  readonly seen: Sent[] = [];
  readonly #fallback: readonly Exchange[];
  #exchanges: readonly Exchange[] = [];
  readonly #server = createServer((request, response) => {
    this.#serve(request, response).catch(() => request.socket.destroy());
  });

  /** @param fallback exchanges of other runs, for requests that Hydra's own CLI doesn't send. */
  constructor(fallback: readonly Exchange[]) {
    this.#fallback = fallback;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = "";
    for await (const part of request.setEncoding("utf8")) text += String(part);
    const sent = sentOf(request.method ?? "", request.url ?? "", text === "" ? "" : JSON.parse(text));
    this.seen.push(sent);
    // A patch gets the response that the replacement of Hydra's own CLI got.
    const methods = sent.method === "PATCH" ? ["PATCH", "PUT"] : [sent.method];
    const fits = ({ request: { method, url } }: Exchange): boolean =>
      methods.includes(method) &&
      sentOf(method, url, "").path === sent.path &&
      (sent.query["offset"] === undefined ||
        new URL(url, "http://any").searchParams.get("offset") === sent.query["offset"]);
    const id = (body: unknown): unknown =>
      typeof body === "object" && body !== null && "client_id" in body ? body.client_id : "";
    const known =
      this.#exchanges.find(
        (each) => fits(each) && (sent.method !== "POST" || id(each.request.body) === id(sent.body)),
      ) ?? this.#fallback.find(fits);
    const behind = sent.query["page_token"] !== undefined || known === undefined;
    const list = /\/clients$/.test(sent.path) && sent.method === "GET";
    if (list && behind) response.writeHead(200, { "content-type": "application/json" }).end("[]");
    else if (known === undefined) response.writeHead(500).end(`no such recording: ${sent.method} ${request.url}`);
    else {
      const { status, headers, body } = known.response;
      response.writeHead(status, { ...headers, connection: "close" });
      response.end(status === 204 ? "" : JSON.stringify(body));
    }
  }

  expect(exchanges: readonly Exchange[]): void {
    this.seen.length = 0;
    this.#exchanges = exchanges;
  }

  async open(): Promise<string> {
    await new Promise<void>((done) => this.#server.listen(0, "127.0.0.1", done));
    const address = this.#server.address();
    assert.ok(address !== null && typeof address === "object");
    return `http://127.0.0.1:${address.port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
  }
}

interface Contract {
  readonly version: string;
  readonly api: "v1" | "v2";
  /** The members of a replacement that the reference sends without being asked, with their values: these are left out. */
  readonly unasked: Json;
  /** How many runs there are, so that none is passed over. */
  readonly cases: number;
}

const UNASKED = {
  backchannel_logout_session_required: false,
  frontchannel_logout_session_required: false,
  metadata: {},
  skip_consent: false,
  skip_logout_consent: false,
};

const CONTRACTS: readonly Contract[] = [
  { version: "1.8.5", api: "v1", unasked: {}, cases: 16 },
  { version: "1.11.10", api: "v1", unasked: {}, cases: 16 },
  { version: "2.1.2", api: "v2", unasked: UNASKED, cases: 11 },
  { version: "2.3.0", api: "v2", unasked: UNASKED, cases: 11 },
  { version: "26.2.0", api: "v2", unasked: UNASKED, cases: 11 },
];

/** What a run of this program does otherwise than the reference, and why. */
interface Difference {
  readonly why: string;
  /** The requests that are sent in place of the reference's. */
  readonly sends?: (reference: readonly Sent[]) => readonly Sent[];
  /** The exit code; without it, 0 if Hydra's own CLI has 0, and another one otherwise. */
  readonly status?: number;
}

function differenceOf({ name, args, exchanges }: Case, contract: Contract): Difference | undefined {
  const verb = args[0] === "clients" ? args[1] : args[0];
  if (name === "get without an id") return { why: "a missing id is wrong usage, not a success", status: 2 };
  if (verb === "list" && !args.includes("--limit") && !args.includes("--page-size")) {
    const ask = contract.api === "v1" ? { limit: "200" } : { page_size: "200" };
    return {
      why: "lists all clients, page by page, not the first twenty or hundred of them",
      sends: ([first]) => {
        assert.ok(first !== undefined);
        const query = contract.api === "v1" ? { ...ask, offset: "0" } : ask;
        const link = exchanges[0]?.response.headers["link"] ?? "";
        const [, next = ""] = /<([^>]*)>; ?rel="next"/.exec(link) ?? [];
        if (next === "") return [{ ...first, query }];
        const { searchParams } = new URL(next, "http://any");
        const place = contract.api === "v1" ? "offset" : "page_token";
        return [
          { ...first, query },
          { ...first, query: { ...ask, [place]: searchParams.get(place) ?? "" } },
        ];
      },
    };
  }
  if (verb === "get" && exchanges.length === 1 && args.includes("pub")) {
    return {
      why: "goes on after a client that is not there",
      sends: ([first]) => {
        assert.ok(first !== undefined);
        return [first, { ...first, path: "/admin/clients/pub" }];
      },
    };
  }
  return undefined;
}

/** The members that the flags of a run name. */
const NAMED: Readonly<Record<Contract["api"], Readonly<Record<string, Json>>>> = {
  v1: {
    update: { client_name: "Renamed", redirect_uris: ["https://c.example/cb"], scope: "openid" },
    "update a secret": { client_secret: "another-long-secret" },
  },
  v2: { update: { client_name: "Renamed" } },
};

for (const contract of CONTRACTS) {
  const { version, api, unasked } = contract;
  const cases = casesOf(version);

  describe(`the client commands compared with Hydra's own CLI ${version}`, () => {
    const server = new Replay(cases.filter(({ name }) => /^get/.test(name)).flatMap(({ exchanges }) => exchanges));
    let endpoint = "";
    before(async () => {
      endpoint = await server.open();
    });
    after(() => server.close());

    test("are all checked", () => {
      assert.equal(cases.length, contract.cases, cases.map(({ name }) => name).join(", "));
    });

    async function run(each: Case, more: readonly string[] = []): Promise<Ended> {
      using folder = temporaryFolder();
      for (const [name, content] of Object.entries(each.files))
        writeFileSync(join(folder.path, name), typeof content === "string" ? content : JSON.stringify(content));
      server.expect(each.exchanges);
      const args = each.args.map((word) => word.replaceAll("{DIR}", folder.path));
      const ended = await runBinary([...args, "--api", api, "--fail-after", "0", ...more], {
        env: { HYDRA_ADMIN_URL: endpoint },
        cwd: folder.path,
      });
      return { ...ended, stdout: ended.stdout.replaceAll(folder.path, "{DIR}") };
    }

    /** The requests of a run; imports send several at once, so their order is that of the IDs. */
    function sent(): readonly Sent[] {
      return server.seen.toSorted((a, b) =>
        a.method === "POST" && b.method === "POST" ? JSON.stringify(a.body).localeCompare(JSON.stringify(b.body)) : 0,
      );
    }

    function assertExit(ended: Ended, each: Case, difference: Difference | undefined): void {
      if (difference?.status !== undefined) assert.equal(ended.status, difference.status, describeRun(ended));
      else assert.equal(ended.status === 0, each.exit === 0, describeRun(ended));
    }

    for (const each of cases.filter(({ args }) => !args.includes("update") && !args.includes("import"))) {
      const difference = differenceOf(each, contract);
      test(`${each.name}: ${difference?.why ?? "sends the same"}`, async () => {
        const ended = await run(each);
        assertExit(ended, each, difference);
        const reference = each.exchanges.map(({ request: { method, url } }) => sentOf(method, url, ""));
        assert.deepEqual(sent(), difference?.sends?.(reference) ?? reference);
      });
    }

    for (const each of cases.filter(({ args }) => args.includes("import"))) {
      test(`${each.name}: sends the same, and a secret if the reference lets the server generate one`, async () => {
        const ended = await run(each);
        assertExit(ended, each, undefined);
        const ours = sent();
        assert.equal(ours.length, each.exchanges.length, describeRun(ended));
        for (const [n, { request }] of each.exchanges.entries()) {
          const { method, path, body } = ours[n] ?? assert.fail();
          assert.deepEqual({ method, path }, { method: request.method, path: request.url });
          const theirs = comparable(v.parse(Client, request.body));
          const { client_secret: secret, ...rest } = comparable(v.parse(Client, body));
          if (theirs["client_secret"] === undefined) {
            assert.ok(typeof secret === "string" && secret.length >= 26);
            assert.ok([...secret].every((letter) => SECRET_ALPHABET.includes(letter)));
          } else assert.equal(secret, theirs["client_secret"]);
          const { client_secret: _, ...others } = theirs;
          assert.ok(isSameJson(rest, others), `${JSON.stringify(rest)} is not ${JSON.stringify(others)}`);
        }
      });
    }

    for (const each of cases.filter(({ args }) => args.includes("update"))) {
      const reference = each.exchanges[0]?.request ?? assert.fail();
      const theirs = comparable(v.parse(Client, reference.body));
      const { path } = sentOf("PUT", reference.url, "");

      test(`${each.name}: reads the client and changes only the given fields`, async () => {
        // The reference wipes the addresses that no longer fit the redirect URI; here they stay unless they are named.
        const misfit = api === "v1" && each.name === "update";
        if (misfit) {
          const refused = await run(each);
          assertFails(
            refused,
            2,
            /^Error: The client's post_logout_redirect_uris "https:\/\/a\.example\/bye" does not share its origin with any redirect URI/,
          );
          assert.deepEqual(sent(), [{ method: "GET", path, query: {}, body: undefined }]);
        }
        const ended = await run(each, misfit ? ["--unset", "post-logout-callbacks"] : []);
        assertExit(ended, each, undefined);
        const [got, changed, ...others] = sent();
        assert.deepEqual(got, { method: "GET", path, query: {}, body: undefined });
        assert.equal(others.length, 0);
        if (each.exit !== 0) {
          assert.equal(changed, undefined);
          assert.equal(ended.status, 4, describeRun(ended));
          return;
        }
        const named = NAMED[api][each.name] ?? assert.fail(each.name);
        if (api === "v2") {
          assert.equal(changed?.method, "PATCH");
          const steps = v.parse(v.array(v.looseObject({ path: v.string(), value: v.unknown() })), changed.body);
          // The key set that a server returns as {} prevents any patch of a client with a key set URL.
          const meant = steps.filter((step) => step.path !== "/jwks");
          assert.deepEqual(Object.fromEntries(meant.map((step) => [step.path.slice(1), step.value])), named);
          return;
        }
        assert.equal(changed?.method, "PUT");
        const stored = cases.find(({ name }) => name === "get")?.exchanges[0]?.response.body;
        const { client_secret_expires_at: _, ...before } = comparable(v.parse(Client, stored));
        const { jwks: __, post_logout_redirect_uris: unset, ...rest } = before;
        const ours = comparable(v.parse(Client, changed.body));
        const wanted = comparable({ ...rest, post_logout_redirect_uris: misfit ? [] : unset, ...named });
        assert.ok(isSameJson(ours, wanted), `${JSON.stringify(ours)} is not ${JSON.stringify(wanted)}`);
      });

      test(`${each.name}: with --replace sends the reference's request`, async () => {
        const ended = await run(each, ["--replace"]);
        assertExit(ended, each, undefined);
        const put = sent().filter(({ method }) => method !== "GET");
        if (each.exit !== 0) {
          assert.deepEqual(put, []);
          return;
        }
        assert.equal(put.length, 1);
        const [{ method, path: at, body } = assert.fail()] = put;
        assert.deepEqual({ method, at }, { method: "PUT", at: path });
        const { client_id: id, ...ours } = comparable(v.parse(Client, body));
        assert.equal(id, "every-flag");
        const { client_id: _, ...rest } = theirs;
        const asked = Object.fromEntries(
          Object.entries(rest).filter(
            ([field, value]) => !(Object.hasOwn(unasked, field) && isSameJson(value, unasked[field])),
          ),
        );
        assert.ok(isSameJson(ours, asked), `${JSON.stringify(ours)} is not ${JSON.stringify(asked)}`);
      });
    }

    if (api === "v1") {
      test("writes the same tables and lines as Hydra's own CLI", async () => {
        for (const each of cases.filter(({ name }) => name.startsWith("list"))) {
          assert.equal((await run(each)).stdout, each.stdout, each.name);
        }
        const line = (text: string): string => text.replace(/:\S+ from: /, ":… from: ");
        for (const each of cases.filter(({ name }) => /^(import (one|with)|update$)/.test(name))) {
          const more = each.name === "update" ? ["--replace"] : [];
          assert.equal(line((await run(each, more)).stdout), line(each.stdout), each.name);
        }
      });
    } else {
      test("writes the same JSON as Hydra's own CLI", async () => {
        for (const each of cases.filter(({ args, exit }) => exit === 0 && /get|list/.test(args[0] ?? ""))) {
          const parts = (text: string): readonly Json[] => {
            const value: unknown = JSON.parse(text);
            const { items } = v.parse(v.looseObject({ items: v.array(v.unknown()) }), {
              items: Array.isArray(value) ? value : [value],
              ...(typeof value === "object" ? value : {}),
            });
            return items.map((item) => v.parse(Client, item));
          };
          const ours = parts((await run(each)).stdout);
          const theirs = parts(each.stdout);
          assert.equal(ours.length, theirs.length, each.name);
          for (const [n, client] of theirs.entries()) {
            // The reference leaves out what it does not know, and null; the server's answer is shown whole here.
            for (const [field, value] of Object.entries(client))
              assert.ok(isSameJson(ours[n]?.[field], value), `${each.name}: ${field}`);
          }
        }
      });
    }
  });
}
