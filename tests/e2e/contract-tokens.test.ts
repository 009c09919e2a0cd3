/** The commands about tokens compared with recorded runs of Hydra's own CLI (tests/contract). */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { describe, test } from "node:test";
import * as v from "valibot";
import { type Ended, runBinary } from "./binary.ts";
import { describeRun } from "./scenario.ts";

type Fields = Readonly<Record<string, unknown>>;

const FieldsSchema = v.record(v.string(), v.unknown());

const ExchangeSchema = v.object({
  request: v.object({
    base: v.optional(v.picklist(["admin", "public"]), "admin"),
    method: v.string(),
    url: v.string(),
    headers: v.record(v.string(), v.string()),
    body: v.union([v.string(), FieldsSchema]),
  }),
  response: v.object({ status: v.number(), headers: v.record(v.string(), v.string()), body: v.unknown() }),
});

const RunSchema = v.object({
  name: v.string(),
  args: v.array(v.string()),
  env: v.optional(v.record(v.string(), v.string()), {}),
  exit: v.number(),
  stdout: v.string(),
  exchanges: v.array(ExchangeSchema),
});

type Exchange = v.InferOutput<typeof ExchangeSchema>;

/** A recorded run of Hydra's own CLI. */
type RecordedRun = v.InferOutput<typeof RunSchema> & { readonly version: string };

type Side = Exchange["request"]["base"];

/** A request as it is compared: without the fields that are empty, and without the headers that every client chooses. */
interface Sent {
  readonly side: Side;
  readonly method: string;
  readonly url: string;
  readonly authorization: string;
  readonly headers: Fields;
  readonly body: Fields;
}

const ABOUT_TOKENS =
  /^(?:token \w+|perform client-credentials|(?:introspect|revoke) token|delete access-tokens)(?: |$)/;

const DISCOVERY = "/.well-known/openid-configuration";

function readRecording(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`../contract/${name}.json`, import.meta.url), "utf8"));
}

/** What was recorded of a version: the runs about tokens, and what its server answers about a client that doesn't exist. */
function readRuns(version: string): { readonly runs: readonly RecordedRun[]; readonly missing: Exchange["response"] } {
  const all = v.parse(v.array(v.looseObject({ args: v.array(v.string()) })), readRecording(`cli-${version}`));
  const select = (pattern: RegExp): readonly RecordedRun[] =>
    all.filter(({ args }) => pattern.test(args.join(" "))).map((run) => ({ ...v.parse(RunSchema, run), version }));
  const [missing] = select(/^(?:clients get|get client) nope$/);
  return { runs: select(ABOUT_TOKENS), missing: missing?.exchanges[0]?.response ?? assert.fail() };
}

/** Client ID and secret of an Authorization header, which clients may encode differently (RFC 6749, appendix B). */
function decodeBasic(header: string | undefined): string {
  if (header === undefined) return "";
  assert.match(header, /^Basic /);
  return decodeURIComponent(atob(header.slice("Basic ".length)));
}

function comparableRequest({ base, method, url, headers, body }: Exchange["request"]): Sent {
  const isForm = headers["content-type"]?.startsWith("application/x-www-form-urlencoded") === true;
  const fields = typeof body === "string" && isForm ? Object.fromEntries(new URLSearchParams(body)) : body;
  return {
    side: base,
    method,
    url,
    authorization: decodeBasic(headers["authorization"]),
    headers: Object.fromEntries(
      Object.entries(headers).filter(([name]) => /^x-(?:forwarded-proto|tenant)$/.test(name)),
    ),
    body: Object.fromEntries(
      Object.entries(fields === "" ? {} : v.parse(FieldsSchema, fields)).filter(([, value]) => value !== ""),
    ),
  };
}

/** A request of this program without a body, beyond those of the reference. */
function getRequest(side: Side, url: string): Sent {
  return { side, method: "GET", url, authorization: "", headers: {}, body: {} };
}

/** What this program does differently on purpose, and why. Applied to what was recorded, in this order. */
interface Difference {
  readonly why: string;
  readonly applies: (run: RecordedRun) => boolean;
  readonly requests?: (reference: readonly Sent[], run: RecordedRun) => readonly Sent[];
  readonly exit?: number;
  readonly stdout?: (reference: string, run: RecordedRun) => string;
}

const isNamed =
  (pattern: RegExp): Difference["applies"] =>
  ({ name }) =>
    pattern.test(name);

const isVersion1 = ({ version }: RecordedRun): boolean => version.startsWith("1.");

const isJson = ({ args }: RecordedRun): boolean => args.includes("json");

const callsPublicSide = ({ exchanges }: RecordedRun): boolean => exchanges[0]?.request.base === "public";

const deletesTokens = ({ args }: RecordedRun): boolean => /^(?:token delete|delete access-tokens)/.test(args.join(" "));

const revokes = ({ args }: RecordedRun): boolean => args.includes("revoke");

/** The client whose tokens a run deletes. */
function deletedClient({ exchanges }: RecordedRun): string {
  return new URL(exchanges[0]?.request.url ?? "", "http://any").searchParams.get("client_id") ?? assert.fail();
}

const DIFFERENCES: readonly Difference[] = [
  {
    why: "the reference repeats a failed request with the secret in the body; here only if the server asks for that",
    applies: isNamed(/^(?:token client|perform client-credentials) with (?:a wrong secret|an unknown scope)$/),
    requests: ([first]) => [first ?? assert.fail()],
  },
  {
    why: "the secret is also sent in the body for a revocation, where servers don't say which method they expect",
    applies: (run) => revokes(run) && /wrong secret/.test(run.name),
    requests: ([first = assert.fail()]) => {
      const [client_id = "", client_secret = ""] = first.authorization.split(":");
      return [first, { ...first, authorization: "", body: { ...first.body, client_id, client_secret } }];
    },
  },
  {
    why: "the CLI of 2.1.2 and 2.3.0 ignores --http-header for this command",
    applies: ({ args, version }) => args.includes("-H") && version !== "26.2.0",
    requests: (reference) => reference.map((request) => ({ ...request, headers: { "x-tenant": "blue" } })),
  },
  {
    why: "the endpoints come from the discovery document",
    applies: callsPublicSide,
    requests: (reference) => [getRequest("public", DISCOVERY), ...reference],
  },
  {
    why: "headers of the command line are sent with every request",
    applies: (run) => callsPublicSide(run) && run.args.some((word) => /^(?:-H|--fake-tls-termination)$/.test(word)),
    requests: (reference) => reference.map((request) => ({ ...request, headers: reference[1]?.headers ?? {} })),
  },
  {
    why: "the time that tokens are flushed up to depends on when the run started",
    applies: isNamed(/^token flush with a minimum age$/),
    requests: (reference) => reference.map((request) => ({ ...request, body: { notAfter: "{TIME}" } })),
  },
  {
    why: "the server decides what the time is if --min-age doesn't",
    applies: isNamed(/^token flush$/),
    requests: (reference) => reference.map((request) => ({ ...request, body: {} })),
  },
  {
    why: "servers report success for an unknown client too, so that it is read first",
    applies: deletesTokens,
    requests: (reference, run) => [
      getRequest("admin", `${isVersion1(run) ? "" : "/admin"}/clients/${deletedClient(run)}`),
      ...reference,
    ],
  },
  {
    why: "an unknown client is exit code 4, and nothing is deleted",
    applies: (run) => deletesTokens(run) && /unknown client/.test(run.name),
    requests: ([first]) => [first ?? assert.fail()],
    exit: 4,
    stdout: () => "",
  },
  {
    why: "the first request tries out which of the two paths a server has, that of 2.x first; only 1.x has one to flush",
    applies: (run) => isVersion1(run) && run.exchanges[0]?.request.base === "admin" && !/^token flush/.test(run.name),
    requests: ([first = assert.fail(), ...others]) => [{ ...first, url: `/admin${first.url}` }, first, ...others],
  },
  { why: "rejected credentials are exit code 3", applies: isNamed(/wrong secret/), exit: 3 },
  {
    why: "every other failure is exit code 1 in all versions",
    applies: (run) => /unknown scope/.test(run.name) && run.exit !== 1,
    exit: 1,
  },
  { why: "missing credentials are wrong usage", applies: isNamed(/without credentials/), exit: 2 },
  {
    why: "nothing is on stdout when a command fails",
    applies: (run) => /wrong secret|unknown scope|without credentials/.test(run.name) && run.stdout !== "",
    stdout: () => "",
  },
  {
    why: "--verbose shows the requests on stderr, and stdout stays the bare token",
    applies: isNamed(/verbose/),
    stdout: (reference) => `${/AccessToken:(\S+)/.exec(reference)?.[1] ?? assert.fail()}\n`,
  },
  {
    why: "dates are RFC 3339, and what is absent is empty",
    applies: ({ stdout }) => /<empty>| UTC\b.*\t/.test(stdout),
    stdout: (reference) =>
      reference
        .replace(/1970-01-01 \S+ \S+ UTC|<empty>/g, "")
        .replace(/(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d) \+0000 UTC/, "$1T$2Z"),
  },
  {
    why: "a revoked token isn't printed, only its first characters",
    applies: (run) => revokes(run) && run.exit === 0,
    stdout: (reference) =>
      reference.replace(/[\w.-]{20,}/, (token) => `${token.slice(0, 10)}…`).replace("nonsense", "no…"),
  },
  {
    why: "JSON is an object with named members in every version",
    applies: (run) => isJson(run) && (revokes(run) || deletesTokens(run)) && !/unknown/.test(run.name),
    stdout: (reference, run) => {
      const id: unknown = JSON.parse(reference);
      return JSON.stringify(revokes(run) ? { token: id } : { client_id: id });
    },
  },
  {
    why: "the JSON of a token or an introspection is the server's whole answer, and nothing else is null",
    applies: ({ stdout }) => stdout.startsWith("{"),
    stdout: (reference, { exchanges }) => {
      const { aud, ...theirs } = v.parse(FieldsSchema, JSON.parse(reference));
      const body = v.parse(FieldsSchema, exchanges.at(-1)?.response.body);
      const times = theirs["expiry"] === undefined ? {} : { expires_at: "{TIME}", expiry: "{TIME}" };
      const whole: Fields = { ...body, ...times };
      // Nothing that Hydra's own CLI prints may be missing.
      const printed: Fields = { ...theirs, ...times, ...(aud === null ? {} : { aud }) };
      for (const [name, value] of Object.entries(printed)) assert.deepEqual(whole[name], value, name);
      return JSON.stringify(whole);
    },
  },
];

/** What is printed as it is compared: JSON by its values, tables without their alignment. */
function comparableOutput(text: string, { args }: RecordedRun): unknown {
  // The time when a new token expires differs from run to run.
  const timeless = args.includes("perform") ? text.replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "{TIME}") : text;
  if (/^[{"]/.test(timeless)) return JSON.parse(timeless);
  return timeless.replace(/\t+/g, "\t").replace(/\t$/gm, "");
}

/** Both sides of a server that answer as it was recorded. */
class Replay implements AsyncDisposable {
  readonly sent: Sent[] = [];
  readonly #run: RecordedRun;
  readonly #missing: Exchange["response"];
  readonly #left: Exchange[];
  readonly #servers: Server[] = [];
  readonly #urls = new Map<Side, string>();

  /** @param missing what the server answers about a client that doesn't exist. */
  constructor(run: RecordedRun, missing: Exchange["response"]) {
    this.#run = run;
    this.#missing = missing;
    this.#left = [...run.exchanges];
  }

  #answerOf({ side, method, url }: Sent): Exchange["response"] {
    const at = this.#left.findIndex(
      ({ request }) => request.base === side && request.method === method && request.url === url,
    );
    const [found] = at === -1 ? [] : this.#left.splice(at, 1);
    if (found !== undefined) return found.response;
    if (side === "public" && url === DISCOVERY) return discoveryOf(this.#run.version);
    const [, prefix, id] = /^(\/admin)?\/clients\/(.*)$/.exec(url) ?? [];
    if (side === "admin" && id !== undefined && isVersion1(this.#run) === (prefix === undefined))
      return /unknown/.test(this.#run.name) ? this.#missing : { status: 200, headers: {}, body: { client_id: id } };
    return { status: 404, headers: {}, body: {} };
  }

  async #serve(side: Side, request: IncomingMessage): Promise<Exchange["response"]> {
    let text = "";
    for await (const part of request.setEncoding("utf8")) text += String(part);
    const isObject = request.headers["content-type"] === "application/json";
    const { method = "", url = "" } = request;
    const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
    const body = isObject ? v.parse(FieldsSchema, JSON.parse(text)) : text;
    const sent = comparableRequest({ base: side, method, url, headers, body });
    this.sent.push(sent);
    return this.#answerOf(sent);
  }

  async open(): Promise<void> {
    for (const side of ["admin", "public"] as const) {
      const server = createServer(async (request, response) => {
        const { status, headers, body } = await this.#serve(side, request);
        response.writeHead(status, { "content-type": "application/json", ...headers, connection: "close" });
        response.end(body === "" ? "" : this.fill(JSON.stringify(body)));
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const address = server.address();
      assert.ok(address !== null && typeof address === "object");
      this.#servers.push(server);
      this.#urls.set(side, `http://127.0.0.1:${address.port}`);
    }
  }

  /** A recorded text with the URLs of this server. */
  fill(text: string): string {
    return text
      .replaceAll("{PUBLIC}", this.#urls.get("public") ?? assert.fail())
      .replaceAll("{ENDPOINT}", this.#urls.get("admin") ?? assert.fail());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.#servers) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  }
}

function discoveryOf(version: string): Exchange["response"] {
  const api = v.parse(
    v.array(v.looseObject({ request: v.looseObject({ url: v.string() }), response: v.unknown() })),
    readRecording(`api-${version}`),
  );
  return v.parse(ExchangeSchema.entries.response, api.find(({ request }) => request.url === DISCOVERY)?.response);
}

/** A request without the time that it was sent at. The runs keep the tokens of one hour. */
function withoutTime(sent: Sent, started: number): Sent {
  const { notAfter } = sent.body;
  if (notAfter === undefined) return sent;
  const time = Date.parse(v.parse(v.string(), notAfter)) + 3_600_000;
  assert.ok(started <= time && time <= Date.now(), String(notAfter));
  return { ...sent, body: { ...sent.body, notAfter: "{TIME}" } };
}

/** Runs this program with a recorded command line, environment and answers. */
async function replay(
  run: RecordedRun,
  missing: Exchange["response"],
): Promise<{ readonly ended: Ended; readonly sent: readonly Sent[]; readonly fill: (text: string) => string }> {
  await using server = new Replay(run, missing);
  await server.open();
  // Runs without variables of their own were recorded with the admin URL in the environment.
  const env = Object.entries({ HYDRA_ADMIN_URL: "{ENDPOINT}", ...run.env }).map(([name, text]) => [
    name,
    server.fill(text),
  ]);
  const ended = await runBinary(
    run.args.map((word) => server.fill(word)),
    { env: Object.fromEntries(env) },
  );
  return { ended, sent: server.sent, fill: (text) => server.fill(text) };
}

/** What a run sends and prints. */
interface Expected {
  readonly requests: readonly Sent[];
  readonly stdout: string;
  readonly exit: number;
}

/** What is expected of this program: what was recorded, with all differences that apply, each of which must change something. */
function expectedOf(run: RecordedRun): Expected {
  const { stdout: printed, exit: status, exchanges } = run;
  const sent = exchanges.map(({ request }) => comparableRequest(request));
  let expected: Expected = { requests: sent, stdout: printed, exit: status };
  for (const { why, applies, requests, stdout, exit } of DIFFERENCES) {
    if (!applies(run)) continue;
    const changed: Expected = {
      requests: requests?.(expected.requests, run) ?? expected.requests,
      stdout: stdout?.(expected.stdout, run) ?? expected.stdout,
      exit: exit ?? expected.exit,
    };
    assert.notDeepEqual(changed, expected, why);
    expected = changed;
  }
  return expected;
}

const COUNTS = { "1.8.5": 21, "1.11.10": 21, "2.1.2": 17, "2.3.0": 17, "26.2.0": 17 };

const RECORDINGS = Object.entries(COUNTS).map(([version, count]) => ({ version, count, ...readRuns(version) }));

for (const { version, count, runs, missing } of RECORDINGS)
  describe(`the commands about tokens compared with Hydra's own CLI ${version}`, () => {
    test("are all checked", () => assert.equal(runs.length, count));

    for (const run of runs)
      test(`${run.name}: sends and prints the same, except for the listed differences`, async () => {
        const started = Date.now();
        const { ended, sent, fill } = await replay(run, missing);
        const { requests, stdout, exit } = expectedOf(run);
        assert.deepEqual(
          sent.map((request) => withoutTime(request, started)),
          requests,
          describeRun(ended),
        );
        assert.equal(ended.status, exit, describeRun(ended));
        assert.deepEqual(comparableOutput(ended.stdout, run), comparableOutput(fill(stdout), run));
      });
  });

test("every difference to Hydra's own CLI about tokens appears in a recorded run", () => {
  const all = RECORDINGS.flatMap(({ runs }) => runs);
  for (const { why, applies } of DIFFERENCES) assert.ok(all.some(applies), why);
});
