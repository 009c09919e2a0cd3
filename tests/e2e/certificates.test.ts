/** TLS certificates are always verified unless `--skip-tls-verify` is given, whatever the environment says. */

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { createServer, type Server } from "node:https";
import { connect } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type Ended, runBinary, start, temporaryFolder } from "./binary.ts";
import { assertExit, describeRun, openScenario, SEED, SLOW } from "./scenario.ts";
import { openTcpServer, relay, type TcpServer } from "./tcp-server.ts";
import { type Certificates, type Identity, makeCertificates } from "./tls.ts";

const ROOT = join(import.meta.dirname, "../..");

const DENO = join(ROOT, "node_modules/.bin/deno");

/** What switches certificate checks off in Node.js, Bun and Deno. */
const UNCHECKED = { NODE_TLS_REJECT_UNAUTHORIZED: "0" };

/** An https server that must never be believed. */
interface Impostor extends AsyncDisposable {
  readonly port: number;
  /** The requests that it got to see. */
  readonly seen: readonly string[];
}

async function openImpostor({ key, cert }: Identity, socket?: string): Promise<Impostor> {
  const seen: string[] = [];
  const server: Server = createServer({ key, cert }, (request, response) => {
    seen.push(`${request.method} ${request.url} ${request.headers.authorization ?? ""}`);
    response.writeHead(404, { "content-type": "application/json" }).end("{}");
  });
  // A handshake that the client breaks off is what these tests want.
  server.on("tlsClientError", () => {});
  await new Promise<void>((resolve) => {
    if (socket === undefined) server.listen(0, "127.0.0.1", resolve);
    else server.listen(socket, resolve);
  });
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    seen,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** A proxy that tunnels every host to one port of this machine. */
async function openTunnel(port: number): Promise<TcpServer & { readonly asked: readonly string[] }> {
  const asked: string[] = [];
  const server = await openTcpServer((socket) => {
    const upstream = connect(port, "127.0.0.1");
    upstream.on("error", () => socket.destroy());
    socket.on("error", () => upstream.destroy());
    socket.once("data", (head) => {
      asked.push(String(head).split(" ")[1] ?? "");
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
      relay(socket, upstream);
    });
  });
  return { ...server, asked };
}

describe("with NODE_TLS_REJECT_UNAUTHORIZED=0, certificates are still verified", () => {
  let made: Certificates;
  let folder: ReturnType<typeof temporaryFolder>;
  let caFile: string;

  before(() => {
    made = makeCertificates();
    folder = temporaryFolder();
    caFile = join(folder.path, "ca.pem");
    writeFileSync(caFile, made.authority.cert);
  });

  after(() => folder[Symbol.dispose]());

  /** Asserts that a run ended because of the certificate, and that the server got no request. */
  function distrusts(ended: Ended, impostor: Impostor): void {
    assertExit(ended, 6);
    assert.match(ended.stderr, /certificate/, describeRun(ended));
    assert.equal(ended.stdout, "", describeRun(ended));
    assert.deepEqual(impostor.seen, []);
  }

  const list = (port: number, ...more: readonly string[]): readonly string[] => [
    ...["clients", "list", "--endpoint", `https://127.0.0.1:${port}`, "--access-token", "hush", "--fail-after", "5s"],
    ...more,
  ];

  it("of the admin API: self-signed, for another host, expired, without and with --ca-file", SLOW, async () => {
    for (const name of ["selfSigned", "elsewhere", "expired", "early", "good"] as const) {
      await using impostor = await openImpostor(made[name]);
      distrusts(await runBinary(list(impostor.port), { env: UNCHECKED }), impostor);
      if (name === "good") continue;
      distrusts(await runBinary(list(impostor.port, "--ca-file", caFile), { env: UNCHECKED }), impostor);
    }
  });

  it("of the admin API through a proxy", SLOW, async () => {
    await using impostor = await openImpostor(made.elsewhere);
    await using tunnel = await openTunnel(impostor.port);
    const args = ["clients", "list", "--endpoint", "https://admin.example", "--access-token", "hush"];
    for (const trust of [[], ["--ca-file", caFile]]) {
      const env = { ...UNCHECKED, HTTPS_PROXY: tunnel.url };
      distrusts(await runBinary([...args, "--fail-after", "5s", ...trust], { env }), impostor);
    }
    assert.ok(tunnel.asked.includes("admin.example:443"));
  });

  it("of a proxy that speaks TLS itself", SLOW, async () => {
    await using impostor = await openImpostor(made.selfSigned);
    const env = { ...UNCHECKED, HTTPS_PROXY: `https://127.0.0.1:${impostor.port}` };
    const ended = await runBinary(["clients", "list", "--endpoint", "https://admin.example", "--fail-after", "5s"], {
      env,
    });
    assertExit(ended, 6);
    assert.deepEqual(impostor.seen, []);
  });

  it("of every place that keys come from", SLOW, async () => {
    await using scenario = await openScenario();
    await using impostor = await openImpostor(made.selfSigned);
    await using tunnel = await openTunnel(impostor.port);
    const address = `https://127.0.0.1:${impostor.port}`;
    const env = { ...UNCHECKED, HTTPS_PROXY: tunnel.url, HYDRA_KEYBASE_URL: address };
    for (const recipient of [
      ["--pgp-key-url", `${address}/key.asc`],
      ["--pgp-key-url", `${address}/key.asc`, "--ca-file", caFile, "--skip-tls-verify"],
      ["--pgp-key-url", "wkd:alice@keys.example"],
      ["--pgp-key", "wkd:alice@keys.example"],
      ["--keybase", "alice"],
    ]) {
      distrusts(await scenario.run([...SEED, ...recipient], { env }), impostor);
    }
    distrusts(await runBinary(["pgp", "inspect", `${address}/key.asc`], { env }), impostor);
    assert.deepEqual(scenario.sandbox.clients(), []);
    assert.ok(tunnel.asked.includes("openpgpkey.keys.example:443"), String(tunnel.asked));
    assert.ok(tunnel.asked.includes("keys.example:443"), String(tunnel.asked));
  });

  it("of the public side, with the way to trust its authority", SLOW, async () => {
    await using impostor = await openImpostor(made.selfSigned);
    const token = ["token", "client", "--client-id", "app", "--endpoint", `https://127.0.0.1:${impostor.port}`];
    const ended = await runBinary(token, { env: { ...UNCHECKED, OAUTH2_CLIENT_SECRET: "hush-hush-hush" } });
    distrusts(ended, impostor);
    assert.match(ended.stderr, /^Hint: trust the server's CA with --ca-file FILE or SSL_CERT_FILE=FILE/m);
  });

  it("of the server that --verify asks", SLOW, async () => {
    await using scenario = await openScenario();
    await using impostor = await openImpostor(made.selfSigned);
    const address = `https://127.0.0.1:${impostor.port}`;
    const discovered = await scenario.run([...SEED, "--verify", "--public-url", address], { env: UNCHECKED });
    distrusts(discovered, impostor);
    const direct = await scenario.run([...SEED, "--verify", "--token-endpoint", `${address}/oauth2/token`], {
      env: UNCHECKED,
    });
    assertExit(direct, 1);
    assert.match(direct.stderr, /certificate/, describeRun(direct));
    assert.deepEqual(impostor.seen, []);
  });

  it("under Deno", SLOW, async () => {
    const env = { ...UNCHECKED, DENO_DIR: join(folder.path, "deno"), DENO_NO_UPDATE_CHECK: "1" };
    const run = (args: readonly string[]): Promise<Ended> =>
      start(DENO, ["run", "-A", "--no-prompt", join(ROOT, "cli.ts"), ...args], { env }).ended;
    for (const name of ["selfSigned", "elsewhere"] as const) {
      await using impostor = await openImpostor(made[name]);
      distrusts(await run(list(impostor.port)), impostor);
      distrusts(await run(list(impostor.port, "--ca-file", caFile)), impostor);
      assertExit(await run(["pgp", "inspect", `https://127.0.0.1:${impostor.port}/key`]), 6);
      assert.deepEqual(impostor.seen, []);
    }
  });

  it("and NODE_EXTRA_CA_CERTS adds no authority", SLOW, async () => {
    await using impostor = await openImpostor(made.good);
    distrusts(await runBinary(list(impostor.port), { env: { NODE_EXTRA_CA_CERTS: caFile } }), impostor);
  });

  it("unless --skip-tls-verify says otherwise", SLOW, async () => {
    await using impostor = await openImpostor(made.selfSigned);
    const ended = await runBinary(list(impostor.port, "--skip-tls-verify"), { env: UNCHECKED });
    assert.notEqual(ended.status, 6, describeRun(ended));
    assert.match(impostor.seen[0] ?? "", /^GET \/.*Bearer hush$/);
  });
});
