/** HTTP proxies from the environment. */

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { startSandbox } from "../../lib/sandbox/index.ts";
import { type Exported, type Gpg, openGpg } from "../adapters/gpg.ts";
import { runBinary, temporaryFolder } from "./binary.ts";
import { openKeybase } from "./keybase-server.ts";
import {
  assertExit,
  assertFails,
  describeRun,
  isStored,
  openScenario,
  printed,
  printedEncrypted,
  SEED,
  SLOW,
} from "./scenario.ts";
import { openTcpServer, relay, type TcpServer } from "./tcp-server.ts";
import { makeCertificates } from "./tls.ts";

/** A proxy that writes down what it is asked for. */
interface Recorder extends TcpServer {
  /** The first lines of all requests, followed by the value of Proxy-Authorization if there is one. */
  readonly asked: readonly string[];
}

/** Starts a proxy that sends everything to one address, whatever host is asked for. */
async function openRecorder(target: string): Promise<Recorder> {
  const { hostname, port } = new URL(target);
  const asked: string[] = [];
  const server = await openTcpServer((socket) => {
    socket.on("error", () => {});
    let head = Buffer.alloc(0);
    const read = (part: Buffer | string): void => {
      head = Buffer.concat([head, Buffer.from(part)]);
      const end = head.indexOf("\r\n\r\n");
      if (end < 0) return;
      socket.off("data", read);
      const text = head.subarray(0, end).toString("latin1");
      const [first = ""] = text.split("\r\n");
      const authorization = /^proxy-authorization: (.*)$/im.exec(text)?.[1];
      asked.push(authorization === undefined ? first : `${first} ${authorization}`);
      const upstream = connect(Number(port), hostname, () => {
        if (first.startsWith("CONNECT ")) {
          socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
          upstream.write(head.subarray(end + 4));
        } else {
          const own = text
            .replace(/^(\S+) http:\/\/[^/]+/, "$1 ")
            .replace(/^(\S+)\s+/, "$1 ")
            .replace(/\r\n(proxy-)?connection: [^\r]*/gi, "");
          upstream.write(`${own}\r\nConnection: close\r\n\r\n`);
          upstream.write(head.subarray(end + 4));
        }
        relay(socket, upstream);
      });
      upstream.on("error", () => socket.destroy());
      socket.on("close", () => upstream.destroy());
    };
    socket.on("data", read);
  });
  return { ...server, asked };
}

/** An address of this machine that is not loopback. */
const OWN =
  Object.values(networkInterfaces())
    .flat()
    .find((network) => network?.family === "IPv4" && !network.internal)?.address ?? "0.0.0.0";

/** A door to a server on an address that is not loopback. */
function openDoor(target: string): Promise<TcpServer> {
  const { hostname, port } = new URL(target);
  return openTcpServer((socket) => relay(socket, connect(Number(port), hostname)), OWN);
}

describe("a proxy from the environment", () => {
  it("is used for the network", SLOW, async () => {
    for (const name of ["HTTP_PROXY", "http_proxy"]) {
      await using scenario = await openScenario();
      await using recorder = await openRecorder(scenario.url);
      await using door = await openDoor(scenario.url);
      const args = [...SEED, "--endpoint", door.url];
      isStored(scenario, await scenario.run(args, { env: { [name]: recorder.url } }));
      assert.deepEqual(recorder.asked, [`POST ${door.url}/admin/clients HTTP/1.1`]);
    }
  });

  it("resolves the host name", async () => {
    await using scenario = await openScenario();
    await using recorder = await openRecorder(scenario.url);
    const args = [...SEED, "--endpoint", "http://hydra.invalid:4445", "--fail-after", "0"];
    assertFails(await scenario.run(args), 6, /hydra\.invalid:4445: the host name cannot be resolved/);
    isStored(scenario, await scenario.run(args, { env: { HTTP_PROXY: recorder.url } }));
    assert.deepEqual(recorder.asked, ["POST http://hydra.invalid:4445/admin/clients HTTP/1.1"]);
  });

  it("is not used for hosts in NO_PROXY", SLOW, async () => {
    await using scenario = await openScenario();
    await using recorder = await openRecorder(scenario.url);
    await using door = await openDoor(scenario.url);
    const { hostname } = new URL(door.url);
    for (const [n, [name, value]] of [
      ["NO_PROXY", hostname],
      ["no_proxy", `other.example, ${hostname}`],
      ["NO_PROXY", "*"],
    ].entries()) {
      const env = { HTTP_PROXY: recorder.url, [name ?? ""]: value };
      const ended = await scenario.run([...SEED, "--id", `c${n}`, "--endpoint", door.url], { env });
      assertExit(ended, 0);
    }
    assert.deepEqual(recorder.asked, []);
    assertExit(
      await scenario.run([...SEED, "--endpoint", door.url], {
        env: { HTTP_PROXY: recorder.url, NO_PROXY: "a.example" },
      }),
      0,
    );
    assert.equal(recorder.asked.length, 1);
  });

  it("is never used for loopback", SLOW, async () => {
    await using scenario = await openScenario();
    await using recorder = await openRecorder("http://127.0.0.1:1");
    const { port } = new URL(scenario.url);
    const env = {
      HTTP_PROXY: recorder.url,
      http_proxy: recorder.url,
      HTTPS_PROXY: recorder.url,
      https_proxy: recorder.url,
      ALL_PROXY: recorder.url,
      all_proxy: recorder.url,
    };
    for (const [n, host] of ["127.0.0.1", "localhost", "LOCALHOST", "127.1", "0x7f000001"].entries()) {
      const ended = await scenario.run([...SEED, "--id", `c${n}`, "--endpoint", `http://${host}:${port}`], { env });
      assertExit(ended, 0);
    }
    assert.deepEqual(recorder.asked, []);
  });

  it("is never used for a socket", async () => {
    using folder = temporaryFolder();
    await using recorder = await openRecorder("http://127.0.0.1:1");
    const listen = `unix://${join(folder.path, "hydra.sock")}`;
    const sandbox = await startSandbox({ as: "26", listen });
    try {
      const env = { HTTP_PROXY: recorder.url, HTTPS_PROXY: recorder.url, ALL_PROXY: recorder.url };
      assertExit(await runBinary([...SEED, "--endpoint", listen], { env }), 0);
      assert.deepEqual(recorder.asked, []);
    } finally {
      await sandbox.close();
    }
  });

  it("receives its own credentials, which are never shown", async () => {
    await using scenario = await openScenario();
    await using recorder = await openRecorder(scenario.url);
    await using door = await openDoor(scenario.url);
    const env = { HTTP_PROXY: recorder.url.replace("http://", "http://me:hush@") };
    const ended = await scenario.run([...SEED, "-v", "--endpoint", door.url, "--access-token", "tok"], { env });
    isStored(scenario, ended);
    const basic = Buffer.from("me:hush").toString("base64");
    assert.deepEqual(recorder.asked, [`POST ${door.url}/admin/clients HTTP/1.1 Basic ${basic}`]);
    assert.doesNotMatch(ended.stderr, /hush/);
    assert.ok(!ended.stderr.includes(basic));
  });

  it("that doesn't answer is a connection failure, without its credentials shown", async () => {
    await using scenario = await openScenario();
    await using door = await openDoor(scenario.url);
    const env = { HTTP_PROXY: "http://me:hush@127.0.0.1:1" };
    const ended = await scenario.run([...SEED, "--endpoint", door.url, "--fail-after", "0"], { env });
    assertFails(ended, 6, /refused/);
    assert.match(
      ended.stderr,
      /^Hint: the request goes through the proxy of HTTP_PROXY \(http:\/\/127\.0\.0\.1:1\/\): /m,
    );
    assert.doesNotMatch(ended.stderr, /hush/);
    assert.equal(scenario.sandbox.clients().length, 0);
    const own = await scenario.run([...SEED, "--endpoint", "http://127.0.0.1:1", "--fail-after", "0"], { env });
    assertFails(own, 6, /refused/);
    assert.doesNotMatch(own.stderr, /proxy/i);
  });

  it("that is unreachable is named, without its credentials", SLOW, async () => {
    for (const [statuses, said] of [
      [["407 Proxy Authentication Required"], "requires credentials (status 407)"],
      [["403 Forbidden"], "refused the connection (status 403)"],
      [["502 hush"], "refused the connection (status 502) (tried for 1s)"],
      [["502 hush", "403 Forbidden"], "refused the connection (status 403)"],
    ] as const) {
      let asked = 0;
      await using server = await openTcpServer((socket) => {
        const status = statuses[asked++] ?? statuses.at(-1);
        socket.on("error", () => {});
        socket.end(`HTTP/1.1 ${status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
      });
      const proxy = server.url.replace("://", "://me:hush@");
      const args = [...SEED, "--endpoint", "https://hydra.example", "--fail-after", said.endsWith("1s)") ? "1s" : "1m"];
      const ended = await runBinary(args, { env: { HTTPS_PROXY: proxy } });
      assertFails(ended, 6, /no answer from https:\/\/hydra\.example: the proxy /);
      assert.ok(ended.stderr.includes(`the proxy ${said}\n`), describeRun(ended));
      assert.match(ended.stderr, /^Hint: .* proxy of HTTPS_PROXY \(http:\/\/127\.0\.0\.1:\d+\/\): /m);
      assert.doesNotMatch(ended.stderr, /hush/);
      assert.ok(said.endsWith("1s)") || asked === statuses.length, `${asked} tries`);
      if (!statuses[0].startsWith("407")) continue;
      const plain = await runBinary([...SEED, "--endpoint", "http://hydra.example"], { env: { HTTP_PROXY: proxy } });
      assertFails(plain, 6, /the proxy requires credentials \(status 407\)$/);
      assert.match(plain.stderr, /^Hint: .* proxy of HTTP_PROXY /m);
    }
  });

  it("that answers http in place of the server is named", SLOW, async () => {
    for (const [status, line, exit] of [
      ["403 Forbidden", "clients get app", 3],
      ["503 Service Unavailable", "clients get app", 6],
      ["503 Service Unavailable", "wait", 6],
      ["403 Forbidden", "token introspect x", 3],
      ["503 Service Unavailable", "token introspect x", 6],
      ["500 Unable to connect", "token client --client-id app --auth-method none", 1],
    ] as const) {
      await using server = await openTcpServer((socket) => {
        socket.on("error", () => {});
        socket.end(`HTTP/1.1 ${status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
      });
      const env = { HTTP_PROXY: server.url.replace("://", "://me:hush@") };
      const args = [...line.split(" "), "--endpoint", "http://hydra.example", "--fail-after", "0"];
      const ended = await runBinary(args, { env });
      assertFails(ended, exit, new RegExp(`answered ${status.slice(0, 3)}`));
      assert.match(
        ended.stderr,
        /^Hint: .*; the request goes through the proxy of HTTP_PROXY \(http:[^@]*\): check it/m,
      );
    }
  });

  it("is a tunnel for https, in which the certificate is checked for the server's name", SLOW, async () => {
    using folder = temporaryFolder();
    const { authority, elsewhere } = makeCertificates();
    const caFile = join(folder.path, "ca.pem");
    writeFileSync(caFile, authority.cert);
    const tls = { key: elsewhere.key, cert: elsewhere.cert };
    const sandbox = await startSandbox({ as: "26", listen: "127.0.0.1:0", tls });
    try {
      await using recorder = await openRecorder(sandbox.url);
      const env = { HTTPS_PROXY: recorder.url };
      const good = await runBinary([...SEED, "--endpoint", "https://hydra.example", "--ca-file", caFile], { env });
      assertExit(good, 0);
      assert.equal(sandbox.secretOf(printed(good).id), printed(good).secret);
      assert.match(recorder.asked[0] ?? "", /^CONNECT hydra\.example:443 /);
      const wrong = await runBinary([...SEED, "--endpoint", "https://other.example", "--ca-file", caFile], { env });
      assertFails(wrong, 6, /certificate is for another host name/);
      const unknown = await runBinary([...SEED, "--endpoint", "https://hydra.example"], { env });
      assertFails(unknown, 6, /certificate's authority is not trusted/);
      assert.equal(sandbox.clients().length, 1);
      const skipped = await runBinary([...SEED, "--endpoint", "https://other.example", "--skip-tls-verify"], { env });
      assertExit(skipped, 0);
    } finally {
      await sandbox.close();
    }
  });
});

describe("a proxy from the environment, for key downloads", () => {
  let gpg: Gpg;
  let alice: Exported;

  before(() => {
    gpg = openGpg();
    alice = gpg.exported(gpg.quick("alice@example.com", "future-default"));
  });

  after(() => {
    gpg.close();
  });

  it("is used for a Keybase elsewhere, with nothing of the admin API's credentials", async () => {
    await using scenario = await openScenario();
    const keybase = await openKeybase({ username: "alice", key: alice });
    try {
      await using recorder = await openRecorder(keybase.url);
      const ended = await scenario.run(
        [
          ...[...SEED, "--keybase", "alice", "--pgp-fingerprint", alice.fingerprint, "--access-token", "hush"],
          ...["-H", "X-Key: hush", "--fake-tls-termination"],
        ],
        { env: { HTTP_PROXY: recorder.url, HYDRA_KEYBASE_URL: "http://keybase.invalid" } },
      );
      assertExit(ended, 0);
      const { id, message } = printedEncrypted(ended);
      assert.equal(gpg.decrypt(Buffer.from(message, "base64")), scenario.sandbox.secretOf(id));
      assert.equal(recorder.asked.length, 1, describeRun(ended));
      assert.match(recorder.asked[0] ?? "", /^GET http:\/\/keybase\.invalid\/_\/api\/1\.0\/user\/lookup\.json\?/);
      assert.doesNotMatch(JSON.stringify(keybase.asked), /hush|forwarded-proto|authorization/i);
    } finally {
      await keybase.close();
    }
  });
});
