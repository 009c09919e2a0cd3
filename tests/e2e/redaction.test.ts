/** The promise that no credential leaks: every command, format and mistake, searched for every credential. */

import assert from "node:assert/strict";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { everyCommand } from "../../.ci/docs.ts";
import { isLeaf } from "../../lib/command.ts";
import { FORMAT_USAGES } from "../../lib/core/output/formats.ts";
import { type SandboxVersion, startSandbox } from "../../lib/sandbox/index.ts";
import { isTested, RUNS_EVERYTHING } from "../thorough.ts";
import { BINARY, type Ended, start, temporaryFolder } from "./binary.ts";
import { openReader, type Reader } from "./delivered.ts";
import { type Fault, instead, openFaultProxy, swapped } from "./fault-proxy.ts";
import { runInThisProcess } from "./in-this-process.ts";
import { describeRun } from "./scenario.ts";

const SLOW = { timeout: 300_000 };

/** Credentials that nobody else has, of one run. */
interface Hush {
  readonly token: string;
  readonly header: string;
  readonly user: string;
  readonly password: string;
  readonly secret: string;
  readonly registration: string;
  /** The private part of a key. */
  readonly key: string;
}

function random(): string {
  return randomBytes(18).toString("base64url").replace(/[-_]/g, "x");
}

function hushed(): Hush {
  return {
    token: `tok${random()}`,
    header: `hdr${random()}`,
    user: `usr${random()}`,
    password: `pwd${random()}`,
    // With what JSON, addresses and shells write in another way.
    secret: `sec${random()}"\\%+&/=ü${random()}`,
    registration: `reg${random()}`,
    key: generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ format: "jwk" }).d ?? "",
  };
}

/** A credential in every spelling in which it could get out. */
function spellings(text: string): readonly string[] {
  const base64 = Buffer.from(text).toString("base64").replace(/=+$/, "");
  return [
    ...[text, JSON.stringify(text).slice(1, -1), encodeURIComponent(text), base64],
    ...[base64.replaceAll("+", "-").replaceAll("/", "_"), text.replaceAll("'", "'\\''")],
    // Base64 of it as the tail of more, such as `id:secret`, at each place of a group of three bytes.
    ...[1, 2].map((shift) =>
      Buffer.from(" ".repeat(shift) + text)
        .toString("base64")
        .slice(4, -4),
    ),
    ...text.split(/[^A-Za-z0-9]+/).filter((part) => part.length >= 16),
  ];
}

/** What a run is given, and what it may show. */
interface Case {
  readonly args: (hush: Hush) => readonly string[];
  readonly stdin?: (hush: Hush) => string;
  readonly env?: (hush: Hush) => Readonly<Record<string, string>>;
  /** Whether standard output is where the credentials of a new client were asked for. */
  readonly delivers?: boolean;
  /** Leave out the flags of the server, for a command that has none. */
  readonly alone?: boolean;
}

/** What the server does to every request. */
type Server = "fair" | keyof typeof UNFAIR;

function echo(status: number, type: string): Fault {
  return (exchange) => {
    const said = `${exchange.target} ${JSON.stringify(exchange.headers)} ${exchange.body}`;
    const body =
      type === "application/json"
        ? JSON.stringify({ error: "invalid_request", error_description: said, error_debug: said, message: said })
        : `<html>${said}</html>`;
    exchange.reply({ status, headers: { "content-type": type }, body });
  };
}

/** Servers that repeat what they were sent, in every way that an error has. */
const UNFAIR = {
  "repeats all in a 400": echo(400, "application/json"),
  "repeats all in a 401": echo(401, "application/json"),
  "repeats all in a 409": echo(409, "application/json"),
  "repeats all in a 500": echo(500, "application/json"),
  "repeats all in a web page": echo(403, "text/html"),
  "repeats all in a result": echo(200, "application/json"),
  "redirects to credentials": (exchange) => {
    const { authorization = "" } = exchange.headers;
    const location = `http://${encodeURIComponent(authorization)}@elsewhere.example/x?${encodeURIComponent(exchange.body)}`;
    exchange.reply({ status: 302, headers: { location } });
  },
  "is broken": swapped((reply) => ({ ...reply, body: reply.body.slice(1) })),
  "hangs up": ({ socket }) => {
    socket.destroy();
  },
  "is not authorised": instead({ status: 401, body: '{"error":"no"}' }),
} satisfies Readonly<Record<string, Fault>>;

let reader: Reader;

before(async () => {
  reader = await openReader();
});

/** Every file below a folder. */
function filesIn(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile());
}

/** What the process list shows of a program that runs, or undefined once it has ended: it shows nothing of it then. */
function listed(pid: number): { readonly line: readonly string[]; readonly children: string } | undefined {
  try {
    const line = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").slice(0, -1);
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
    // A program that ends gives its memory up, and with that its command line, before it is off the list.
    const over = !/^VmSize:/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
    return over ? undefined : { line, children };
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ESRCH"))
      return undefined;
    throw error;
  }
}

/**
 * How many runs reached the server, how many of them were of the compiled program, and of how many of those the process list
 * was read while they waited for an answer.
 */
const runs = { all: 0, compiled: 0, listed: 0 };

/** How many runs have begun. */
let begun = 0;

/** Runs the program once, and looks everywhere for what must not be there. */
async function watch(one: Case, format: string, server: Server, version: SandboxVersion): Promise<Ended> {
  const hush = hushed();
  using place = temporaryFolder();
  const at = (name: string): string => join(place.path, name);
  for (const name of ["home", "cwd", "tmp"]) mkdirSync(at(name));
  const sandbox = await startSandbox({ as: version, listen: "127.0.0.1:0" });
  const path = version.startsWith("1.") ? "/clients" : "/admin/clients";
  const taken = version !== "2.1";
  const old = {
    ...(taken ? { client_id: "old" } : {}),
    client_secret: `old${random()}`,
    grant_types: ["client_credentials"],
  };
  await fetch(`${sandbox.url}${path}`, { method: "POST", body: JSON.stringify(old) });
  writeFileSync(at("cwd/secret"), hush.secret);
  writeFileSync(at("cwd/token"), `${hush.token}\n`);
  writeFileSync(at("cwd/key.asc"), reader.key);
  writeFileSync(at("cwd/client.json"), JSON.stringify({ client_id: "filed", client_secret: hush.secret }));
  writeFileSync(at("cwd/broken.json"), `{"client_id": "x", "client_secret": ${JSON.stringify(hush.secret)}, `);
  writeFileSync(at("cwd/broken.yaml"), `client_id: x\nclient_secret: ${JSON.stringify(hush.secret)}: "x"\n - y\n`);
  const odd = [`endpoint: ${sandbox.url}`, `access_token: ${hush.token}: x`, `headers: ["X-Key: ${hush.header}", ]]`];
  writeFileSync(at("cwd/odd.yaml"), `${odd.join("\n")}\n`);
  writeFileSync(
    at("cwd/wrong.yaml"),
    `endpoint: ${sandbox.url}\naccess_token: [${hush.token}]\nheaders: ["${hush.header}"]\n`,
  );
  const given = filesIn(at("cwd"));
  const seen: NonNullable<ReturnType<typeof listed>>[] = [];
  let pid = 0;
  const proxy = await openFaultProxy(sandbox.url, ({ method }) => {
    // The program waits for the answer meanwhile, unless its own time ran out before this process had its turn.
    const now = pid === 0 ? undefined : listed(pid);
    if (now !== undefined) seen.push(now);
    if (server !== "fair") return UNFAIR[server];
    if (method === "DELETE" || version.startsWith("1.8")) return undefined;
    return swapped((reply) => ({ ...reply, body: withRegistration(reply.body, hush.registration) }));
  });
  try {
    const url = proxy.url.replace("http://", `http://${hush.user}:${hush.password}@`);
    const patience = server === "fair" ? "10s" : "700ms";
    const reach =
      one.alone === true ? [] : ["--endpoint", url, "-H", `X-Api-Key: ${hush.header}`, "--fail-after", patience, "-v"];
    const args = [...one.args(hush), ...reach, ...(format === "" ? [] : ["--format", format])];
    const options = {
      cwd: at("cwd"),
      env: { HOME: at("home"), TMPDIR: at("tmp"), XDG_STATE_HOME: undefined, ...one.env?.(hush) },
      ...(one.stdin === undefined ? {} : { stdin: one.stdin(hush) }),
    };
    const isCompiled = isTested(begun++, 3);
    const running = isCompiled ? start(BINARY, args, options) : undefined;
    pid = running?.pid ?? 0;
    const ended = await (running?.ended ?? runInThisProcess(args, options));
    const story = `${args.join(" ")} (${server}, ${version})\n${describeRun(ended)}`;
    assert.doesNotMatch(ended.stderr, /Unexpected failure/, story);
    // The process list shows what the user typed, and no other process.
    for (const { line, children } of seen)
      assert.deepEqual({ line, children }, { line: [BINARY, ...args], children: "" });
    if (proxy.seen.length > 0) runs.all++;
    if (proxy.seen.length > 0 && isCompiled) runs.compiled++;
    if (seen.length > 0) runs.listed++;
    const made = sandbox.clients().flatMap(({ client_id: id }) => sandbox.secretsOf(String(id)));
    const never = [...Object.values(hush).filter((text) => text !== hush.user), old.client_secret];
    const asked = [
      ...made.filter((secret) => secret !== hush.secret && secret !== old.client_secret),
      hush.registration,
    ];
    const forbidden = (texts: readonly string[]): readonly string[] => [...new Set(texts)].flatMap(spellings);
    for (const text of forbidden([...never, ...made]))
      assert.ok(!ended.stderr.includes(text), `${text} is told: ${story}`);
    const out = one.delivers === true ? never.filter((text) => text !== hush.registration) : [...never, ...asked];
    for (const text of forbidden(out)) assert.ok(!ended.stdout.includes(text), `${text} is shown: ${story}`);
    // Files that existed before, and files that were requested or are named, may hold credentials; nothing else may exist.
    for (const file of filesIn(place.path).filter((file) => !given.includes(file))) {
      const named = ended.stderr.includes(file) || ended.stderr.includes(file.slice(at("cwd/").length));
      assert.ok(named, `${file} was left: ${story}`);
      assert.equal(statSync(file).mode & 0o777, 0o600);
      const text = readFileSync(file, "utf8");
      for (const hidden of forbidden([hush.token, hush.header, hush.password, hush.key, hush.registration])) {
        assert.ok(!text.includes(hidden), `${hidden} is in ${file}: ${story}`);
      }
    }
    return ended;
  } finally {
    await proxy.close();
    await sandbox.close();
  }
}

/** An answer whose clients each have a registration access token. */
function withRegistration(body: string, token: string): string {
  if (!/^[[{]/.test(body)) return body;
  const value: unknown = JSON.parse(body);
  const put = (one: unknown): unknown =>
    typeof one === "object" && one !== null && "client_id" in one ? { ...one, registration_access_token: token } : one;
  return JSON.stringify(Array.isArray(value) ? value.map(put) : put(value));
}

const GRANT = ["-g", "client_credentials", "-r", "token"];

const GRANT2 = ["--grant-type", "client_credentials", "--response-type", "token"];

const TO = ["--pgp-key", "@key.asc"];

/** A command about a token that must not be shown, and that the client's secret may be needed for. */
function aboutToken(...words: readonly string[]): readonly Case[] {
  return [
    {
      args: () => [...words, "-"],
      stdin: ({ secret }) => `${secret}\n`,
      env: ({ key }) => ({ OAUTH2_CLIENT_ID: "old", OAUTH2_CLIENT_SECRET: key }),
    },
  ];
}

/** A command that gets a token for a client, with the secret from each source. */
function withClientSecret(...words: readonly string[]): readonly Case[] {
  const client = ["--client-id", "old"];
  return [
    { args: () => [...words, ...client], env: ({ secret }) => ({ OAUTH2_CLIENT_SECRET: secret }) },
    { args: () => [...words, ...client, "--client-secret-file", "secret", "--auth-method", "post"] },
    { args: () => [...words, "--credentials", "client.json"] },
  ];
}

/** A command that reads a key which must not be shown. */
function withKey(...words: readonly string[]): readonly Case[] {
  return [{ args: () => words, stdin: ({ key }) => JSON.stringify({ kty: "oct", kid: "own", k: key }) }];
}

/** A test of a client, whose server has no public side here. */
function testOfClient(...words: readonly string[]): readonly Case[] {
  return [
    { args: () => [...words, "old", "--public-url", "http://127.0.0.1:1", "--client-secret-file", "secret"] },
    {
      args: () => [...words, "old", "--public-url", "http://127.0.0.1:1"],
      env: ({ secret }) => ({ OAUTH2_CLIENT_SECRET: secret }),
    },
  ];
}

/** Every command, in both of its syntaxes, as it is meant to be used. */
const COMMANDS: Readonly<Record<string, readonly Case[]>> = {
  "token client": withClientSecret("token", "client"),
  "perform client-credentials": withClientSecret("perform", "client-credentials"),
  "token user": withClientSecret("token", "user"),
  "perform authorization-code": withClientSecret("perform", "authorization-code"),
  "token device": withClientSecret("token", "device"),
  "perform device-code": withClientSecret("perform", "device-code"),
  "token introspect": aboutToken("token", "introspect"),
  "introspect token": aboutToken("introspect", "token"),
  "token revoke": aboutToken("token", "revoke"),
  "revoke token": aboutToken("revoke", "token"),
  "clients test": testOfClient("clients", "test"),
  "test oauth2-client": testOfClient("test", "oauth2-client"),
  "token decode": [{ args: () => ["token", "decode", "-"], stdin: ({ secret }) => secret, alone: true }],
  "token delete": [{ args: () => ["token", "delete", "--client-id", "old"] }],
  "delete access-tokens": [{ args: () => ["delete", "access-tokens", "old"] }],
  "token flush": [{ args: () => ["token", "flush"] }],
  "clients create": [
    { args: () => ["clients", "create", ...GRANT, "--access-token-file", "token"], delivers: true },
    { args: () => ["clients", "create", ...GRANT, ...TO] },
    { args: () => ["clients", "create", ...GRANT, "--secret-file", "secret"], delivers: true },
    { args: () => ["clients", "create", ...GRANT, "--secret-file", "secret", ...TO] },
    {
      args: () => ["clients", "create", ...GRANT, "--secret-file", "-"],
      stdin: ({ secret }) => secret,
      delivers: true,
    },
    {
      args: () => ["clients", "create", ...GRANT],
      env: ({ secret }) => ({ HYDRA_CLIENT_SECRET: secret }),
      delivers: true,
    },
    { args: ({ secret }) => ["clients", "create", ...GRANT, "--secret", secret], delivers: true },
    { args: () => ["clients", "create", ...GRANT, "--secret-out", "out.env"], delivers: true },
    { args: () => ["clients", "create", "--file", "client.json", ...GRANT], delivers: true },
    {
      args: ({ secret }) => ["clients", "create", ...GRANT, "--set", `client_secret=${JSON.stringify(secret)}`],
      delivers: true,
    },
    { args: () => ["clients", "create", ...GRANT, "--secret-file", "secret", "--dry-run"] },
    {
      args: () => [
        "clients",
        "create",
        ...GRANT,
        "--secret-file",
        "secret",
        "--dry-run=curl",
        "--access-token-file",
        "token",
      ],
    },
    {
      args: () => [
        "clients",
        "create",
        ...GRANT,
        "--id",
        "old",
        "--if-exists",
        "update",
        "--name",
        "x",
        "--secret-file",
        "secret",
      ],
    },
    {
      args: () => [
        ...["clients", "create", ...GRANT, "--token-endpoint-auth-method", "private_key_jwt"],
        ...["--generate-key", "ES256", "--key-out", "key.pem"],
      ],
    },
  ],
  "create oauth2-client": [
    {
      args: () => ["create", "oauth2-client", ...GRANT2],
      env: ({ token }) => ({ OAUTH2_ACCESS_TOKEN: token }),
      delivers: true,
    },
    { args: () => ["create", "oauth2-client", ...GRANT2, ...TO] },
  ],
  "clients get": [
    { args: ({ token }) => ["clients", "get", "old", "--access-token", token] },
    { args: () => ["clients", "get", "nobody", "old"] },
  ],
  "clients show": [
    { args: ({ token }) => ["clients", "show", "old", "--access-token", token] },
    { args: () => ["clients", "show", "nobody", "old"] },
  ],
  "get oauth2-client": [{ args: () => ["get", "oauth2-client", "old"] }],
  "clients list": [
    { args: () => ["clients", "list", "--access-token-file", "token"] },
    { args: () => ["clients", "list", "--limit", "1"] },
  ],
  "show oauth2-client": [{ args: () => ["show", "oauth2-client", "old"] }],
  "list oauth2-client": [{ args: () => ["list", "oauth2-client"] }],
  "clients update": [
    { args: () => ["clients", "update", "old", "--name", "x"] },
    { args: () => ["clients", "update", "old", "--name", "x", "--replace"] },
    { args: () => ["clients", "update", "old", "--secret-file", "secret"] },
    { args: () => ["clients", "update", "old", "--secret-file", "secret", ...TO] },
    { args: () => ["clients", "update", "old", "--secret-file", "secret", "--secret-out", "out.json"] },
    { args: () => ["clients", "update", "old", "--secret-file", "secret", "--dry-run"] },
    { args: () => ["clients", "update", "old", "--file", "client.json"] },
  ],
  "update oauth2-client": [{ args: () => ["update", "oauth2-client", "old", "--secret-file", "secret"] }],
  "clients delete": [
    { args: () => ["clients", "delete", "old", "--access-token-file", "token"] },
    { args: () => ["clients", "delete", "old", "nobody"] },
  ],
  "delete oauth2-client": [{ args: () => ["delete", "oauth2-client", "old"] }],
  "clients import": [
    { args: () => ["clients", "import", "client.json"], delivers: true },
    { args: () => ["clients", "import", "client.json", ...TO] },
    { args: () => ["clients", "import", "client.json", "--dry-run"] },
    {
      args: () => ["clients", "import"],
      stdin: ({ secret }) => JSON.stringify([{ client_id: "old", client_secret: secret }, {}]),
      delivers: true,
    },
    {
      args: () => ["clients", "import", "--if-exists", "update"],
      stdin: ({ secret }) => JSON.stringify({ client_id: "old", client_secret: secret, client_name: "x" }),
    },
  ],
  "import oauth2-client": [{ args: () => ["import", "oauth2-client", "client.json"], delivers: true }],
  "clients rotate-secret": [
    { args: () => ["clients", "rotate-secret", "old", "--access-token-file", "token"], delivers: true },
    { args: () => ["clients", "rotate-secret", "old", ...TO] },
    { args: () => ["clients", "rotate-secret", "old", "--secret-file", "secret"] },
    { args: () => ["clients", "rotate-secret", "old", "--secret-out", "out.yaml"] },
    { args: () => ["clients", "rotate-secret", "old", "--drop-old-secrets"] },
    { args: () => ["clients", "rotate-secret", "old", "--dry-run"] },
  ],
  "rotate-secret oauth2-client": [{ args: () => ["rotate-secret", "oauth2-client", "old"], delivers: true }],
  ...Object.fromEntries(
    [["apply"], ["clients", "apply"]].map((words): readonly [string, readonly Case[]] => [
      words.join(" "),
      [
        {
          args: () => [...words, "-", "--secret-out", "out.json", "--access-token-file", "token"],
          stdin: () => JSON.stringify({ grant_types: ["client_credentials"], "x-hydra": { key: "a" } }),
        },
        {
          args: () => [...words, "-", ...TO],
          stdin: () => JSON.stringify({ grant_types: ["client_credentials"], "x-hydra": { key: "a" } }),
        },
        {
          args: () => [...words, "-"],
          stdin: () => JSON.stringify({ client_id: "new", "x-hydra": { secret: { file: "secret" } } }),
        },
        {
          args: () => [...words, "-"],
          stdin: ({ secret }) => JSON.stringify({ client_id: "x", client_secret: secret }),
        },
        { args: () => [...words, "broken.yaml", "client.json"] },
      ],
    ]),
  ),
  ...Object.fromEntries(
    [["diff"], ["clients", "diff"]].map((words): readonly [string, readonly Case[]] => [
      words.join(" "),
      [
        {
          args: () => [...words, "-", "--access-token-file", "token"],
          stdin: () => JSON.stringify({ client_id: "old", "x-hydra": { secret: { file: "secret" } } }),
        },
        { args: () => [...words, "client.json"] },
      ],
    ]),
  ),
  "clients export": [
    { args: () => ["clients", "export", "old", "--access-token-file", "token"] },
    { args: () => ["clients", "export", "--unmarked", "--format", "json"] },
  ],
  export: [{ args: () => ["export", "old", "--as", "maester"] }],
  "keys create": [{ args: () => ["keys", "create", "own", "--alg", "ES256", "--access-token-file", "token"] }],
  "create jwk": [{ args: () => ["create", "jwk", "own", "--alg", "ES512", "--key-out", "own.pem"] }],
  "keys get": [{ args: () => ["keys", "get", "own", "--private", ...TO] }],
  "get jwk": [{ args: () => ["get", "jwk", "own", "--access-token-file", "token"] }],
  "keys import": withKey("keys", "import", "own", "-"),
  "import jwk": withKey("import", "jwk", "own", "-", "--replace"),
  "keys delete": [{ args: () => ["keys", "delete", "own", "--access-token-file", "token"] }],
  "delete jwk": [{ args: () => ["delete", "jwk", "own", "other"] }],
  "keys rotate": withKey("keys", "rotate", "own", "--activate", "--key", "-"),
  "rotate jwk": [{ args: () => ["rotate", "jwk", "own", "--alg", "ES512"] }],
  wait: [{ args: () => ["wait", "--for", "700ms", "--access-token-file", "token"] }],
  version: [{ args: () => ["version", "--access-token-file", "token"] }],
  "pgp inspect": [{ args: () => ["pgp", "inspect", "@key.asc"], alone: true }],
};

/** Commands that reach no server and take no credential. */
const OTHERS = ["sandbox", "completion"];

async function atOnce<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  const queue = [...items];
  const one = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) {
      try {
        await work(item);
      } catch (error) {
        queue.length = 0;
        throw error;
      }
    }
  };
  // All of them end before a failed one is reported, so that none is cut off and leaves its folder.
  const ends = await Promise.allSettled(Array.from({ length: 6 }, one));
  for (const end of ends) if (end.status === "rejected") throw end.reason;
}

const VERSIONS = ["26", "next", "1.8", "1.11"] as const;

/** Of the combinations of two things that have nothing to do with each other, one in so many is tested. */
const EVERY = RUNS_EVERYTHING
  ? { mistake: 1, format: 2, server: 3, otherCase: 8 }
  : { mistake: 2, format: 5, server: 9, otherCase: 20 };

describe("a credential is shown or stored only if it was requested", () => {
  it("by any command of the tree", async () => {
    const leaves = (await everyCommand())
      .filter(({ command }) => isLeaf(command))
      .map(({ path }) => path.slice(1).join(" "));
    assert.deepEqual([...Object.keys(COMMANDS), ...OTHERS].sort(), leaves.sort());
  });

  it("in any format", SLOW, async () => {
    const formats = [
      ...FORMAT_USAGES.filter((format) => !format.includes("=")),
      "raw=$",
      "jsonpath=$..*",
      "jsonpointer=/client_id",
      "",
    ];
    assert.ok(formats.length >= 10);
    const cases = Object.entries(COMMANDS).flatMap(([name, some], n) =>
      some.flatMap((one, m) =>
        formats
          // Every command meets some of the formats and versions, and every format and version some of the commands.
          .filter((_, f) => (f + m + n) % (m === 0 ? EVERY.format : EVERY.otherCase) === 0)
          .filter((format) => format === "" || !/^(delete|wait)$/.test(name))
          .map((format, f) => ({ one, format, version: VERSIONS[(n + m + f) % VERSIONS.length] ?? ("26" as const) })),
      ),
    );
    const done: (number | null)[] = [];
    await atOnce(cases, async ({ one, format, version }) => {
      done.push((await watch(one, format, "fair", version)).status);
    });
    assert.ok(done.length >= 150, `${done.length} runs`);
    // Most of them succeed, or it would be no proof.
    assert.ok(done.filter((status) => status === 0).length > done.length / 2, done.join());
  });

  it("with any server", SLOW, async () => {
    const servers = Object.keys(UNFAIR).filter((name): name is keyof typeof UNFAIR => name in UNFAIR);
    const cases = Object.entries(COMMANDS)
      .filter(([name]) => name !== "pgp inspect")
      .flatMap(([, some]) => some)
      .flatMap((one, n) =>
        servers.filter((_, s) => (s + n) % EVERY.server === 0 || n < 2).map((server) => ({ one, server })),
      );
    let count = 0;
    await atOnce(cases, async ({ one, server }) => {
      await watch(one, count++ % 2 === 0 ? "json" : "text", server, "26");
    });
    assert.ok(count >= 100, `${count} runs`);
  });

  it("after a mistake on the command line, in a file or in the environment", SLOW, async () => {
    const create = ["clients", "create", ...GRANT];
    const alone = true;
    const mistakes: readonly Case[] = [
      { args: ({ secret }) => [...create, "--secret", `${secret} more`, "stray", "--bogus"] },
      { args: ({ secret }) => [...create, "--secret", "a", secret] },
      { args: ({ secret }) => [...create, `--secret=${secret}`, secret] },
      { args: ({ secret }) => [...create, "--secrt", secret] },
      { args: ({ secret }) => [...create, `--secrt=${secret}`] },
      { args: ({ secret }) => ["--secret", secret, ...create] },
      { args: ({ secret }) => ["clients", "--secret", secret, "create"] },
      { args: ({ token }) => [...create, "--access-tokn", token] },
      { args: ({ token }) => ["--access-token", token, "clients", "crate"] },
      { args: ({ token }) => [...create, "--access-token", `${token} x`] },
      { args: ({ token }) => [...create, "--access-token", token, "--access-token-file", "token"] },
      { args: ({ token }) => [...create, "--access-token", token, "-H", `Authorization: Bearer ${token}`] },
      { args: ({ header }) => [...create, "-H", header] },
      { args: ({ header }) => [...create, "-H", `X Key: ${header}`] },
      { args: ({ header }) => [...create, "-H", `X-Key: ${header}\nX-Other: y`] },
      { args: ({ header }) => [...create, `-HX-Key ${header}`] },
      { args: ({ password }) => [...create, "-e", `http://me:${password}@ bad`], alone },
      { args: ({ password }) => [...create, "-e", `me:${password}@host`], alone },
      { args: ({ password }) => [...create, "-e", `htp://me:${password}@host`], alone },
      { args: ({ password }) => [...create, "-e", `unix://me:${password}@host`], alone },
      { args: ({ password }) => [...create, "-e", `http://me:${password}@127.0.0.1:1`, "--fail-after", "0"], alone },
      {
        args: ({ password }) => [...create, "-e", `https://me:${password}@127.0.0.1:1`, "--fail-after", "1s", "-v"],
        alone,
      },
      { args: () => create, env: ({ password }) => ({ HYDRA_ADMIN_URL: `http://me:${password}@:1:1` }), alone },
      {
        args: () => [...create, "-e", "http://hydra.invalid", "--fail-after", "1s", "-v"],
        env: ({ password }) => ({ HTTP_PROXY: `http://me:${password}@127.0.0.1:1` }),
        alone,
      },
      {
        args: () => [...create, "-e", "https://hydra.invalid", "--fail-after", "1s", "-v"],
        env: ({ password }) => ({ HTTPS_PROXY: `ht tp://me:${password}@x` }),
        alone,
      },
      { args: ({ password }) => [...create, "--verify", "--token-endpoint", `ftp://me:${password}@x`] },
      {
        args: ({ password }) => [...create, "--verify", "--token-endpoint", `http://me:${password}@127.0.0.1:1/t`],
        delivers: true,
      },
      { args: ({ password }) => [...create, "--verify", "--public-url", `http://me:${password}@127.0.0.1:1`] },
      { args: ({ password }) => [...create, "--verify", "--public-url", `me:${password}@x`] },
      { args: ({ password }) => [...create, "--pgp-key-url", `http://me:${password}@127.0.0.1:1/k?${password}`] },
      { args: ({ password }) => [...create, "--pgp-key-url", `me:${password}@x/k`] },
      {
        args: () => [...create, "--keybase", "a"],
        env: ({ password }) => ({ HYDRA_KEYBASE_URL: `http://me:${password}@127.0.0.1:1` }),
      },
      { args: () => [...create, "--keybase", "a"], env: ({ password }) => ({ HYDRA_KEYBASE_URL: `me:${password}@x` }) },
      { args: ({ key }) => [...create, "--jwks", `{"keys":[{"kty":"EC","d":"${key}"`] },
      { args: ({ key }) => [...create, "--jwks", `{"keys":[{"kty":"EC","crv":"P-256","d":"${key}"}]}`] },
      { args: ({ key }) => [...create, "--metadata", `{"key":"${key}"`] },
      { args: ({ secret }) => [...create, "--set", `client_secret=${secret}`] },
      { args: ({ secret }) => [...create, "--set", `client_secret=[${JSON.stringify(secret)}]`] },
      { args: ({ secret }) => [...create, "--set", `=${JSON.stringify(secret)}`] },
      { args: () => [...create, "--file", "broken.json"] },
      { args: () => [...create, "--file", "broken.yaml"] },
      { args: () => ["clients", "import", "broken.json", "broken.yaml"] },
      {
        args: () => ["clients", "import"],
        stdin: ({ secret }) => `{"client_id":"x","client_secret":${JSON.stringify(secret)}`,
      },
      {
        args: () => ["clients", "import"],
        stdin: ({ secret }) => JSON.stringify([{ client_id: 5, client_secret: secret, secret }, secret]),
      },
      { args: () => ["clients", "update", "old", "--file", "broken.yaml"] },
      { args: () => ["clients", "update", "old", "--secret-prompt"], stdin: ({ secret }) => secret },
      {
        args: () => [...create, "--secret-file", "secret", "--secret-file", "-", "--secret", "x"],
        stdin: ({ secret }) => secret,
      },
      { args: () => [...create, "--secret-file", "secret", "--strict"] },
      { args: () => [...create, "--secret-file", "secret", "--secret-out", "missing/x"] },
      { args: () => [...create, "--secret-file", "secret", "--pgp-key", "broken"] },
      { args: () => [...create, "--secret-file", "secret", "--token-endpoint-auth-method", "none"], delivers: true },
      { args: () => ["clients", "list", "--config", "odd.yaml", "-v"], alone },
      { args: () => ["clients", "list", "--config", "wrong.yaml", "-v"], alone },
      { args: () => ["clients", "list", "--config", "secret", "-v"], alone },
      { args: ({ secret }) => ["clients", "get", "--secret", secret] },
      { args: ({ secret }) => ["clients", "rotate-secret", "old", "--drop-old-secrets", "--secret", secret] },
      { args: ({ secret }) => ["__complete", "clients", "create", "--secret", secret, "--"], alone },
      { args: ({ token }) => ["__complete", "clients", "get", "--access-token", token, ""], alone },
    ];
    const formats = ["json", ""];
    const cases = mistakes.flatMap((one, n) =>
      formats.filter((_, f) => (f + n) % EVERY.mistake === 0).map((format) => ({ one, format })),
    );
    await atOnce(cases, ({ one, format }) =>
      watch(one, one.args(hushed())[0] === "__complete" ? "" : format, "fair", "26"),
    );
  });

  it("and in the process list, which most runs were seen in while it waited for an answer", () => {
    assert.ok(runs.all >= 280, `${runs.all} runs reached the server`);
    assert.ok(runs.compiled >= 80, `${runs.compiled} of them were of the compiled program`);
    assert.ok(runs.listed > runs.compiled / 2, `${runs.listed} of ${runs.compiled} runs were seen`);
  });
});

describe("a key server", () => {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(JSON.stringify([request.url, request.headers]));
    response.writeHead(404).end("not here");
  });
  let url = "";

  before(async () => {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("the server has no port");
    url = `http://127.0.0.1:${address.port}`;
  });
  after(() => {
    server.close();
  });

  it("and a token endpoint get no credential of the admin API", async () => {
    const hidden: string[] = [];
    const recipient: Case = {
      args: ({ token, header, password, secret }) => {
        hidden.push(token, header, password, secret);
        return [
          "clients",
          "create",
          ...GRANT,
          "--secret",
          secret,
          "--access-token",
          token,
          "--pgp-key-url",
          `${url}/k`,
        ];
      },
    };
    const proof: Case = {
      args: ({ token, header, password }) => {
        hidden.push(token, header, password);
        return ["clients", "create", ...GRANT, "--access-token", token, "--verify", "--token-endpoint", `${url}/t`];
      },
      delivers: true,
    };
    const keybase: Case = {
      args: ({ token }) => {
        hidden.push(token);
        return ["clients", "create", ...GRANT, "--access-token", token, "--keybase", "a"];
      },
      env: () => ({ HYDRA_KEYBASE_URL: url }),
    };
    for (const one of [recipient, proof, keybase]) await watch(one, "", "fair", "26");
    assert.equal(asked.length, 3);
    for (const text of hidden.flatMap(spellings)) assert.ok(!asked.join().includes(text), text);
  });
});
