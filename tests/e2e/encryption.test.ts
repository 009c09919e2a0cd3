/** Encryption of secrets to OpenPGP and Keybase recipients, and the pins of their keys. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { FORMAT_USAGES } from "../../lib/core/output/formats.ts";
import { startSandbox } from "../../lib/sandbox/index.ts";
import { type Exported, type Gpg, openGpg } from "../adapters/gpg.ts";
import { type Ended, runBinary, temporaryFolder } from "./binary.ts";
import { always, inOrder, swapped } from "./fault-proxy.ts";
import { mostlyInThisProcess } from "./in-this-process.ts";
import { type KeybaseServer, openKeybase } from "./keybase-server.ts";
import {
  assertExit,
  assertFails,
  describeRun,
  isStored,
  openScenario,
  printed,
  printedEncrypted,
  type Scenario,
  SEED,
  SLOW,
} from "./scenario.ts";
import { makeCertificates } from "./tls.ts";

const program = mostlyInThisProcess(5);

function base64(data: string | Uint8Array): string {
  return Buffer.from(data).toString("base64");
}

type KeyAnswer = { status?: number; headers?: Record<string, string>; body?: string | Uint8Array } | undefined;

/** What a key server answers to each request, and the requests that came. */
interface KeyHost extends AsyncDisposable {
  readonly url: string;
  readonly asked: string[];
  reply: (target: string) => KeyAnswer | Promise<KeyAnswer>;
}

async function openKeyHost(): Promise<KeyHost> {
  const server = createServer(async (request, response) => {
    host.asked.push(`${request.url} ${JSON.stringify(request.headers)}`);
    const answer = await host.reply(request.url ?? "");
    if (answer === undefined) return;
    response.writeHead(answer.status ?? 200, answer.headers ?? {});
    response.end(answer.body ?? "");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the host has no port");
  const host: KeyHost = {
    url: `http://127.0.0.1:${address.port}`,
    asked: [],
    reply: () => undefined,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return host;
}

/** Asserts that nothing was sent, made, shown or kept. */
function nothing(scenario: Scenario, ended: Ended, status: number, message: RegExp): void {
  assertFails(ended, status, message);
  assert.equal(scenario.proxy.seen.length, 0, describeRun(ended));
  assert.equal(scenario.sandbox.clients().length, 0);
  assert.deepEqual(scenario.recoveryCopies(), []);
  assert.doesNotMatch(ended.stderr, /Secret|Encrypted to/);
}

describe("recipients", () => {
  let gpg: Gpg;
  let alice: Exported;
  let bob: Exported;
  let keybase: KeybaseServer;

  before(async () => {
    gpg = openGpg();
    alice = gpg.exported(gpg.quick("Alice <alice@example.com>", "future-default"));
    bob = gpg.exported(gpg.quick("Bob <bob@example.com>", "future-default"));
    keybase = await openKeybase(
      { username: "alice", key: alice },
      { username: "bob", key: bob },
      { username: "nokey" },
    );
  });

  after(async () => {
    await keybase.close();
    gpg.close();
  });

  /** Asserts that what was printed decrypts to what the server has, and gives it. */
  function decrypts(scenario: Scenario, ended: Ended): string {
    assertExit(ended, 0);
    const { id, message } = printedEncrypted(ended);
    const secret = scenario.sandbox.secretOf(id) ?? assert.fail(describeRun(ended));
    assert.equal(gpg.decrypt(Buffer.from(message, "base64")), secret);
    assert.ok(!ended.stdout.includes(secret) && !ended.stderr.includes(secret));
    return secret;
  }

  /** A command line for a secret that is encrypted to a key. */
  function to(key: string | Uint8Array, ...more: readonly string[]): string[] {
    return [...SEED, "--pgp-key", typeof key === "string" ? key : base64(key), ...more];
  }

  describe("usable recipients", () => {
    it("are read by gpg for RSA, Curve25519 and NIST keys, in every form of a key", SLOW, async () => {
      const rsa = gpg.quick("Rita <rita@example.com>", "rsa2048", "sign");
      gpg.addSubkey(rsa, "rsa2048", "encr");
      const nist = gpg.quick("Nina <nina@example.com>", "nistp256", "sign");
      gpg.addSubkey(nist, "nistp256", "encr");
      await using scenario = await openScenario();
      const file = join(scenario.home, "key.asc");
      for (const key of [alice, gpg.exported(rsa), gpg.exported(nist)]) {
        writeFileSync(file, key.armored);
        for (const form of [base64(key.armored), base64(key.binary), key.armored, `@${file}`]) {
          const ended = await program(scenario)(to(form));
          decrypts(scenario, ended);
          assert.ok(ended.stderr.includes(`Encrypted to ${key.fingerprint}`), describeRun(ended));
        }
      }
    });

    it("are decrypted from each message format, by the command that is documented", SLOW, async () => {
      for (const form of ["base64", "armor", "base64-armor"]) {
        await using scenario = await openScenario();
        const ended = await scenario.run(to(alice.binary, "--encrypted-format", form));
        assertExit(ended, 0);
        const [client] = scenario.sandbox.clients();
        const secret = scenario.sandbox.secretOf(String(client?.["client_id"])) ?? assert.fail("no client");
        const message = /^OAuth 2\.0 Encrypted Client Secret: ([\s\S]+)\n$/m.exec(ended.stdout)?.[1] ?? "";
        const line = /^Decrypt with: (.*)$/m.exec(ended.stderr)?.[1] ?? assert.fail(describeRun(ended));
        const command = line.replace("ENCRYPTED", message).replace("gpg ", 'gpg --quiet --homedir "$0" --batch ');
        const done = spawnSync("/bin/sh", ["-c", command, gpg.home], { encoding: "utf8" });
        assert.equal(done.stdout, secret, done.stderr);
      }
    });

    it("can each decrypt the same message if there are several", SLOW, async () => {
      const alone = [alice, bob].map((key) => {
        const own = openGpg();
        own.run(["--import"], { input: gpg.secret(key.fingerprint) });
        return own;
      });
      try {
        await using scenario = await openScenario();
        const ended = await scenario.run(to(alice.binary, "--pgp-key", base64(bob.binary)));
        decrypts(scenario, ended);
        const { message, id } = printedEncrypted(ended);
        for (const own of alone) {
          assert.equal(own.decrypt(Buffer.from(message, "base64")), scenario.sandbox.secretOf(id));
        }
        assert.match(ended.stderr, new RegExp(`^Encrypted to ${alice.fingerprint}.*\nEncrypted to ${bob.fingerprint}`));
        const mixed = await scenario.run(to(alice.binary, "--keybase", "bob"), {
          env: { HYDRA_KEYBASE_URL: keybase.url },
        });
        decrypts(scenario, mixed);
        const found = alone.map((own) => own.decrypt(Buffer.from(printedEncrypted(mixed).message, "base64")));
        assert.equal(new Set(found).size, 1);
      } finally {
        for (const own of alone) own.close();
      }
    });

    it("also receive a given secret, which is not shown", async () => {
      await using scenario = await openScenario();
      const given = "given-secret-0123456789";
      assert.equal(decrypts(scenario, await scenario.run(to(alice.binary, "--secret", given))), given);
    });

    it("hide the plain secret and all other credentials in every format", SLOW, async () => {
      const tokens: string[] = [];
      await using scenario = await openScenario(
        "26",
        always(
          swapped((reply) => {
            const token = `registration-${tokens.length}-hush`;
            tokens.push(token);
            return { ...reply, body: JSON.stringify({ ...JSON.parse(reply.body), registration_access_token: token }) };
          }),
        ),
      );
      const queries = ["jsonpath=$", "jsonpath=$.registration_access_token", "jsonpointer=/client_secret", "raw=$"];
      const formats = [...FORMAT_USAGES.filter((format) => !/=|pem/.test(format)), ...queries];
      assert.ok(formats.length >= 10);
      for (const [n, format] of formats.entries()) {
        const ended = await program(scenario)(to(alice.binary, "-v", "--id", `c${n}`, "--format", format));
        const secret = scenario.sandbox.secretOf(`c${n}`) ?? assert.fail(describeRun(ended));
        for (const text of [secret, base64(secret), tokens[n] ?? assert.fail("no token")]) {
          assert.ok(!ended.stdout.includes(text) && !ended.stderr.includes(text), describeRun(ended));
        }
        if (/^(json|json-pretty|ndjson)$/.test(format)) {
          const shown = JSON.parse(ended.stdout);
          assert.equal(gpg.decrypt(Buffer.from(shown.client_secret_encrypted, "base64")), secret);
          assert.deepEqual(shown.client_secret_recipients, [
            { fingerprint: alice.fingerprint, user_id: "Alice <alice@example.com>" },
          ]);
          assert.equal(shown.client_secret, undefined);
        }
      }
      assert.equal(tokens.length, formats.length);
      for (const { record } of scenario.recoveryCopies()) assert.equal(record.client_secret, undefined);
    });

    it("receive the server's secret if it returns another one", async () => {
      const own = "made-by-the-server-012345";
      await using scenario = await openScenario(
        "26",
        inOrder(
          swapped((reply) => ({ ...reply, body: JSON.stringify({ ...JSON.parse(reply.body), client_secret: own }) })),
        ),
      );
      const ended = await scenario.run(to(alice.binary, "-v"));
      assertExit(ended, 0);
      assert.equal(gpg.decrypt(Buffer.from(printedEncrypted(ended).message, "base64")), own);
      assert.ok(!ended.stdout.includes(own) && !ended.stderr.includes(own));
    });

    it("have one usable subkey among others, which -v names", async () => {
      const name = gpg.quick("Mina <mina@example.com>", "ed25519", "sign", "never", "20200101T000000");
      const expired = gpg.addSubkey(name, "cv25519", "encr", "20200301T000000", "20200101T000000");
      const good = gpg.addSubkey(name, "cv25519", "encr", "never", "20210101T000000");
      await using scenario = await openScenario();
      const ended = await scenario.run(to(gpg.exported(name).binary, "-v"));
      decrypts(scenario, ended);
      assert.match(ended.stderr, new RegExp(`^Not encrypted to subkey ${expired} .*2020-03-01`, "m"));
      assert.ok(!ended.stderr.includes(`subkey ${good}`));
    });
  });

  describe("unusable recipients", () => {
    it("create nothing, each with its own code that names the key", SLOW, async () => {
      const past = "20200101T000000";
      const expired = gpg.quick("Expired <expired@example.com>", "ed25519", "sign", "20200301T000000", past);
      gpg.addSubkey(expired, "cv25519", "encr", "never", past);
      const signer = gpg.quick("Signer <signer@example.com>", "ed25519", "sign");
      const weak = gpg.quick("Weak <weak@example.com>", "rsa1024", "sign,encr");
      const revoked = gpg.quick("Revoked <revoked@example.com>", "future-default");
      const certificate = readFileSync(join(gpg.home, "openpgp-revocs.d", `${revoked}.rev`), "utf8");
      gpg.run(["--import"], { input: certificate.replace(/^:-----/m, "-----") });
      const late = gpg.quick("Late <late@example.com>", "ed25519", "sign", "never", "20400101T000000");
      gpg.addSubkey(late, "cv25519", "encr", "never", "20400101T000000");
      const future = gpg.run(["--faked-system-time", "20400102T000000", "--export", late]).stdout;
      const cases: readonly (readonly [code: string, key: string | Uint8Array, message: RegExp])[] = [
        ["pgp-key-expired", gpg.exported(expired).binary, new RegExp(`${expired} "Expired .*2020-03-01`)],
        ["pgp-key-revoked", gpg.exported(revoked).binary, new RegExp(`${revoked} "Revoked .*revoked`)],
        ["pgp-key-sign-only", gpg.exported(signer).binary, new RegExp(`${signer} "Signer `)],
        ["pgp-key-private", base64(gpg.secret(alice.fingerprint)), new RegExp(`${alice.fingerprint} "Alice .*private`)],
        ["pgp-key-private", gpg.secret(alice.fingerprint), /private/],
        ["pgp-key-weak", gpg.exported(weak).binary, new RegExp(`${weak} "Weak .*RSA 1024`)],
        ["pgp-key-not-yet-valid", new Uint8Array(future), new RegExp(`${late} "Late .*2040-01-01`)],
        ["pgp-several-keys", base64(alice.armored + bob.armored), /./],
        ["pgp-not-a-key", "not a key", /--pgp-key/],
        ["pgp-not-a-key", base64("not a key"), /--pgp-key/],
        ["pgp-not-a-key", alice.binary.slice(0, 100), /--pgp-key/],
        ["pgp-not-a-key", alice.fingerprint, /--pgp-key/],
      ];
      await using scenario = await openScenario();
      for (const [code, key, message] of cases) {
        nothing(scenario, await program(scenario)(to(key)), 7, message);
        const ended = await program(scenario)(to(key, "--format", "json"));
        assertExit(ended, 7);
        assert.equal(JSON.parse(ended.stderr).error, code, describeRun(ended));
        assert.doesNotMatch(ended.stderr, /BEGIN PGP|PRIVATE KEY/);
      }
      const both = await scenario.run(to(alice.binary, "--pgp-key", base64(gpg.exported(expired).binary)));
      nothing(scenario, both, 7, new RegExp(expired));
    });

    it("in a file that cannot be read are a usage error", async () => {
      await using scenario = await openScenario();
      nothing(scenario, await scenario.run(to("@/nothing/there.asc")), 2, /\/nothing\/there\.asc/);
      nothing(scenario, await scenario.run(to(`@${scenario.home}`)), 2, /directory/);
    });

    it("for a public client are a usage error", async () => {
      await using scenario = await openScenario();
      const args = to(alice.binary, "--token-endpoint-auth-method", "none");
      nothing(scenario, await scenario.run(args), 2, /--token-endpoint-auth-method "none" .*nothing to encrypt/);
    });
  });

  describe("fingerprints", () => {
    it("accept a matching key, in any notation", SLOW, async () => {
      const [, subkey = ""] = gpg.fingerprints(alice.fingerprint);
      const spaced = alice.fingerprint.replace(/.{4}/g, "$& ");
      for (const pin of [
        alice.fingerprint,
        alice.fingerprint.toLowerCase(),
        spaced,
        `0x${alice.fingerprint}`,
        subkey,
      ]) {
        await using scenario = await openScenario();
        decrypts(scenario, await program(scenario)(to(alice.binary, "--pgp-fingerprint", pin)));
      }
      await using scenario = await openScenario();
      const keys = ["--pgp-key", base64(bob.binary), "--pgp-fingerprint", `${bob.fingerprint},${alice.fingerprint}`];
      decrypts(scenario, await program(scenario)(to(alice.binary, ...keys)));
    });

    it("that are wrong, missing or too short create nothing", SLOW, async () => {
      await using scenario = await openScenario();
      const pin = (text: string): string[] => to(alice.binary, "--pgp-fingerprint", text);
      nothing(
        scenario,
        await program(scenario)(pin(bob.fingerprint)),
        7,
        new RegExp(`${alice.fingerprint}.*${bob.fingerprint}`),
      );
      nothing(
        scenario,
        await program(scenario)(pin(`${alice.fingerprint},${bob.fingerprint}`)),
        7,
        new RegExp(bob.fingerprint),
      );
      const two = [...pin(alice.fingerprint), "--pgp-key", base64(bob.binary)];
      nothing(scenario, await program(scenario)(two), 7, new RegExp(bob.fingerprint));
      nothing(scenario, await program(scenario)(pin(alice.fingerprint.slice(-16))), 2, /key ID/);
      nothing(scenario, await program(scenario)(pin("xyz")), 2, /--pgp-fingerprint "xyz"/);
      nothing(
        scenario,
        await program(scenario)([...SEED, "--pgp-fingerprint", alice.fingerprint]),
        2,
        /--pgp-fingerprint/,
      );
    });
  });

  describe("a key URL", () => {
    it("serves a key in every format, and receives none of the admin API's credentials", SLOW, async () => {
      await using host = await openKeyHost();
      for (const body of [alice.armored, alice.binary, base64(alice.binary), base64(alice.armored)]) {
        host.reply = () => ({ body });
        await using scenario = await openScenario();
        const more = ["--access-token", "hush", "-H", "X-Key: hush", "--fake-tls-termination"];
        decrypts(scenario, await program(scenario)([...SEED, "--pgp-key-url", `${host.url}/key.asc`, ...more]));
      }
      assert.equal(host.asked.length, 4);
      assert.doesNotMatch(host.asked.join(), /hush|forwarded|authorization/i);
    });

    it("may answer slowly: what is changed of an existing client meanwhile stays", SLOW, async () => {
      await using host = await openKeyHost();
      await using scenario = await openScenario("1.11");
      const put = async (owner: string): Promise<void> => {
        const method = owner === "before" ? "POST" : "PUT";
        const url = `${scenario.sandbox.url}/clients${method === "PUT" ? "/web" : ""}`;
        const body = JSON.stringify({ client_id: "web", owner, client_secret: "old-secret-0123456789" });
        assert.ok((await fetch(url, { method, body })).ok);
      };
      await put("before");
      host.reply = async () => {
        await put("meanwhile");
        return { body: alice.binary };
      };
      const given = ["--id", "web", "--if-exists", "update", "--secret", "given-secret-0123456789", "-n", "new"];
      assertExit(await scenario.run([...SEED, ...given, "--pgp-key-url", `${host.url}/key`]), 0);
      const [client] = scenario.sandbox.clients();
      assert.deepEqual([client?.["owner"], client?.["client_name"]], ["meanwhile", "new"]);
    });

    it("may redirect five times, and no more", SLOW, async () => {
      await using host = await openKeyHost();
      host.reply = (target) => {
        const left = Number(target.slice(1));
        return left === 0 ? { body: alice.armored } : { status: 302, headers: { location: `/${left - 1}` } };
      };
      await using scenario = await openScenario();
      nothing(scenario, await scenario.run([...SEED, "--pgp-key-url", `${host.url}/6`]), 6, /more than 5 redirects/);
      decrypts(scenario, await scenario.run([...SEED, "--pgp-key-url", `${host.url}/5`]));
    });

    it("that returns no key creates nothing", SLOW, async () => {
      await using host = await openKeyHost();
      await using scenario = await openScenario();
      const cases: readonly (readonly [reply: ReturnType<KeyHost["reply"]>, status: number, message: RegExp])[] = [
        [{ status: 404, body: "not here" }, 7, /answered 404/],
        [{ status: 403, body: alice.armored }, 7, /answered 403/],
        [{ status: 204 }, 7, /answered 204/],
        [{ status: 304, headers: { location: "/x" } }, 7, /answered 304/],
        [{ status: 302 }, 7, /answered 302/],
        [{ status: 429 }, 6, /answered 429/],
        [{ status: 503 }, 6, /answered 503/],
        [{ body: "<!doctype html><html></html>" }, 7, /web page/],
        [{ body: "" }, 7, /empty/],
        [{ body: "\n".repeat(1024 * 1024 + 1) }, 6, /larger than 1 MiB/],
        [{ status: 302, headers: { location: "ftp://a.example/k" } }, 6, /not an http or https URL/],
        [{ status: 302, headers: { location: "http://a.example/k" } }, 2, /plain http/],
        [{ status: 302, headers: { location: "file:///etc/passwd" } }, 6, /not an http or https URL/],
      ];
      for (const [reply, status, message] of cases) {
        host.reply = () => reply;
        nothing(
          scenario,
          await program(scenario)([...SEED, "--pgp-key-url", `${host.url}/k?token=hush`]),
          status,
          message,
        );
      }
      assert.doesNotMatch(
        (await program(scenario)([...SEED, "--pgp-key-url", `${host.url}/k?token=hush`])).stderr,
        /hush/,
      );
      const dead = await program(scenario)([...SEED, "--pgp-key-url", "http://127.0.0.1:1/k"]);
      nothing(scenario, dead, 6, /connection refused/);
    });

    it("that does not answer is given up at the deadline", SLOW, async () => {
      await using host = await openKeyHost();
      await using scenario = await openScenario();
      const args = [...SEED, "--pgp-key-url", `${host.url}/k`, "--fail-after", "4s"];
      nothing(scenario, await scenario.run(args), 6, /no complete response in time/);
      assert.equal(host.asked.length, 1);
    });

    it("over plain http is for this machine only, or for a pinned key", async () => {
      await using scenario = await openScenario();
      const args = [...SEED, "--pgp-key-url", "http://keys.invalid/k", "--fail-after", "5s"];
      nothing(scenario, await scenario.run(args), 2, /plain http/);
      nothing(scenario, await scenario.run([...args, "--pgp-fingerprint", alice.fingerprint]), 6, /cannot be resolved/);
      nothing(
        scenario,
        await scenario.run([...SEED, "--pgp-key-url", "key.asc"]),
        2,
        /--pgp-key-url "key\.asc": it is not an http/,
      );
    });

    it("does not lead from https to http, and its certificate must be trusted", SLOW, async () => {
      using folder = temporaryFolder();
      const { authority, good } = makeCertificates();
      const roots = join(folder.path, "roots.pem");
      writeFileSync(roots, authority.cert);
      const { createServer: createTlsServer } = await import("node:https");
      let location = "";
      const server = createTlsServer({ key: good.key, cert: good.cert }, (_, response) => {
        if (location === "") response.end(alice.armored);
        else response.writeHead(302, { location }).end();
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      try {
        const address = server.address();
        if (address === null || typeof address === "string") throw new Error("the server has no port");
        const url = `https://127.0.0.1:${address.port}/k`;
        await using scenario = await openScenario();
        nothing(scenario, await scenario.run([...SEED, "--pgp-key-url", url]), 6, /authority is not trusted/);
        const own = await scenario.run([...SEED, "--pgp-key-url", url, "--ca-file", roots, "--skip-tls-verify"]);
        nothing(scenario, own, 6, /authority is not trusted/);
        assert.match(own.stderr, /^Hint: trust its CA with SSL_CERT_FILE=FILE: --ca-file is not used to fetch keys/m);
        const env = { SSL_CERT_FILE: roots };
        location = "http://127.0.0.1:1/k";
        nothing(
          scenario,
          await scenario.run([...SEED, "--pgp-key-url", url], { env }),
          6,
          /redirects from https to http/,
        );
        location = "";
        decrypts(scenario, await scenario.run([...SEED, "--pgp-key-url", url], { env }));
      } finally {
        server.close();
        server.closeAllConnections();
      }
    });
  });

  describe("a GitHub user", () => {
    const note =
      "-----BEGIN PGP PUBLIC KEY BLOCK-----\nNote: This user hasn't uploaded any GPG keys.\n\n\n=twTO\n-----END PGP PUBLIC KEY BLOCK-----\n";

    it("is requested below the base URL, and nothing is created if there is no key", SLOW, async () => {
      await using host = await openKeyHost();
      host.reply = (target) => {
        if (target === "/alice.gpg") return { body: alice.armored };
        return target === "/nokey.gpg" ? { body: note } : { status: 404, body: "Not Found" };
      };
      const at = { env: { HYDRA_GITHUB_URL: host.url } };
      const pin = ["--pgp-fingerprint", alice.fingerprint];
      for (const flag of ["--pgp-key", "--pgp-key-url"]) {
        await using scenario = await openScenario();
        nothing(
          scenario,
          await program(scenario)([...SEED, flag, "github:nokey", ...pin], at),
          7,
          /this user has no OpenPGP key there/,
        );
        nothing(scenario, await program(scenario)([...SEED, flag, "github:nobody", ...pin], at), 7, /answered 404/);
        nothing(
          scenario,
          await program(scenario)([...SEED, flag, "github:a b", ...pin], at),
          2,
          /not a GitHub user name/,
        );
        nothing(
          scenario,
          await program(scenario)([...SEED, flag, "github:alice", "--require-pin"], at),
          2,
          /requires a fingerprint/,
        );
        decrypts(scenario, await program(scenario)([...SEED, flag, "github:alice", ...pin], at));
      }
      await using wrong = await openScenario();
      for (const url of ["github.example.com", "http://github.example.com"]) {
        const ended = await program(wrong)([...SEED, "--pgp-key", "github:alice"], { env: { HYDRA_GITHUB_URL: url } });
        nothing(wrong, ended, 2, /--pgp-key github:alice at HYDRA_GITHUB_URL "/);
      }
      const file = temporaryFolder();
      writeFileSync(join(file.path, "nokey.gpg"), note);
      const inspected = await runBinary(["pgp", "inspect", `@${join(file.path, "nokey.gpg")}`]);
      assertFails(inspected, 7, /this user has no OpenPGP key there/);
      file[Symbol.dispose]();
    });
  });

  describe("armor without its BEGIN and END lines", () => {
    it("is read, with its headers and its checksum", SLOW, async () => {
      const lines = alice.armored.split("\n").filter((line) => !line.startsWith("-----") && line !== "");
      for (const text of [
        lines.join("\n"),
        ["Version: GnuPG v2", "", ...lines].join("\n"),
        lines.filter((line) => !line.startsWith("=")).join("\n"),
        lines.join(" "),
        ["-----BEGIN PGP PUBLIC KEY BLOCK", ...lines].join("\n"),
      ]) {
        await using scenario = await openScenario();
        decrypts(scenario, await program(scenario)([...SEED, "--pgp-key", text]));
      }
    });
  });

  describe("a Keybase user", () => {
    const env = (): { env: Record<string, string> } => ({ env: { HYDRA_KEYBASE_URL: keybase.url } });

    it(
      "who doesn't exist, has no key, or cannot be looked up gets one of three errors, and nothing is created",
      SLOW,
      async () => {
        await using scenario = await openScenario();
        nothing(
          scenario,
          await program(scenario)([...SEED, "--keybase", "nobody"], env()),
          7,
          /Keybase user "nobody" not found/,
        );
        nothing(scenario, await program(scenario)([...SEED, "--keybase", "nokey"], env()), 7, /has no PGP key/);
        const dead = { env: { HYDRA_KEYBASE_URL: "http://127.0.0.1:1" } };
        nothing(scenario, await program(scenario)([...SEED, "--keybase", "alice"], dead), 6, /connection refused/);
        nothing(scenario, await program(scenario)([...SEED, "--keybase", "a b"], env()), 2, /--keybase "a b"/);
        const plain = { env: { HYDRA_KEYBASE_URL: "http://keybase.invalid" } };
        nothing(scenario, await program(scenario)([...SEED, "--keybase", "alice"], plain), 2, /plain http/);
        const codes = [];
        for (const name of ["nobody", "nokey"]) {
          const ended = await program(scenario)([...SEED, "--keybase", name, "--format", "json"], env());
          codes.push(JSON.parse(ended.stderr).error);
        }
        assert.deepEqual(codes, ["keybase-no-user", "keybase-no-key"]);
      },
    );

    it("whose key isn't the stated one, or is someone else's, creates nothing", async () => {
      const lying = await openKeybase({ username: "alice", key: bob, states: alice.fingerprint });
      try {
        await using scenario = await openScenario();
        const at = { env: { HYDRA_KEYBASE_URL: lying.url } };
        nothing(scenario, await program(scenario)([...SEED, "--keybase", "alice"], at), 7, new RegExp(bob.fingerprint));
        lying.reply = {
          status: 200,
          body: JSON.stringify({ status: { code: 0 }, them: [{ basics: { username: "bob" } }] }),
        };
        nothing(scenario, await program(scenario)([...SEED, "--keybase", "alice"], at), 7, /about "bob"/);
        lying.reply = { status: 500, body: "oops" };
        nothing(scenario, await program(scenario)([...SEED, "--keybase", "alice"], at), 6, /500/);
        lying.reply = { status: 200, body: "<html>" };
        nothing(scenario, await program(scenario)([...SEED, "--keybase", "alice"], at), 7, /Keybase/);
      } finally {
        await lying.close();
      }
    });

    it("is found in every spelling of the name, by each flag that takes a key", SLOW, async () => {
      for (const flags of [
        ["--keybase", "keybase:alice"],
        ["--keybase", "@alice"],
        ["--keybase", "https://keybase.io/alice"],
        ["--pgp-key", "keybase:alice"],
        ["--pgp-key-url", "keybase:@alice"],
      ]) {
        await using scenario = await openScenario();
        decrypts(scenario, await program(scenario)([...SEED, ...flags], env()));
        const unpinned = await program(scenario)([...SEED, ...flags, "--require-pin"], env());
        assertFails(unpinned, 2, /requires a fingerprint/);
      }
      await using scenario = await openScenario();
      nothing(scenario, await program(scenario)([...SEED, "--keybase", "@a b"], env()), 2, /--keybase "a b"/);
    });

    it("is found whatever the case of the name, and pinned", async () => {
      await using scenario = await openScenario();
      const pin = ["--pgp-fingerprint", alice.fingerprint];
      decrypts(scenario, await scenario.run([...SEED, "--keybase", "ALICE", ...pin], env()));
      const wrong = await scenario.run([...SEED, "--keybase", "bob", ...pin], env());
      assertFails(wrong, 7, new RegExp(bob.fingerprint));
      assert.equal(scenario.sandbox.clients().length, 1);
    });
  });

  describe("--require-pin", () => {
    it("rejects every key to be fetched without a fingerprint, before the fetch", SLOW, async () => {
      await using scenario = await openScenario();
      await using host = await openKeyHost();
      const config = join(scenario.home, ".hydra.yaml");
      const env = { HYDRA_KEYBASE_URL: keybase.url };
      const before = keybase.asked.length;
      for (const recipient of [
        ["--pgp-key-url", `${host.url}/key`],
        ["--pgp-key-url", "wkd:alice@example.com"],
        ["--pgp-key", "wkd:alice@example.com"],
        ["--keybase", "alice"],
        ["--pgp-key", base64(alice.binary), "--keybase", "alice"],
      ]) {
        const required = /requires a fingerprint$/;
        nothing(scenario, await program(scenario)([...SEED, ...recipient, "--require-pin"], { env }), 2, required);
        writeFileSync(config, "require_pin: true\n");
        const configured = await program(scenario)([...SEED, ...recipient], { env });
        nothing(scenario, configured, 2, /"require_pin" in .*\.hydra\.yaml requires a fingerprint$/);
        writeFileSync(config, "");
      }
      const told = await program(scenario)([...SEED, "--keybase", "alice", "--require-pin", "--format", "json"], {
        env,
      });
      assert.equal(JSON.parse(told.stderr).error, "pin-required");
      assert.deepEqual(host.asked, []);
      assert.equal(keybase.asked.length, before);
    });

    it("accepts a pinned key, and a key given as a value", SLOW, async () => {
      for (const recipient of [
        ["--keybase", "alice", "--pgp-fingerprint", alice.fingerprint],
        ["--pgp-key", base64(alice.binary)],
      ]) {
        await using scenario = await openScenario();
        const env = { HYDRA_KEYBASE_URL: keybase.url };
        decrypts(scenario, await program(scenario)([...SEED, ...recipient, "--require-pin"], { env }));
      }
      await using scenario = await openScenario();
      writeFileSync(join(scenario.home, ".hydra.yaml"), "require_pin: true\n");
      isStored(scenario, await scenario.run(SEED));
    });

    it("of a config file doesn't conflict with a rotation's --drop-old-secrets", async () => {
      await using scenario = await openScenario();
      const made = await scenario.run(SEED);
      writeFileSync(join(scenario.home, ".hydra.yaml"), "require_pin: true\n");
      const finished = await scenario.run(["clients", "rotate-secret", printed(made).id, "--drop-old-secrets"]);
      assert.doesNotMatch(finished.stderr, /require_pin|excludes/);
    });
  });

  it("are checked after the command line and before any request", async () => {
    await using scenario = await openScenario();
    const already = keybase.asked.length;
    const args = [...SEED, "--keybase", "alice", "--nmae", "x"];
    nothing(scenario, await scenario.run(args, { env: { HYDRA_KEYBASE_URL: keybase.url } }), 2, /--nmae/);
    assert.equal(keybase.asked.length, already);
  });

  it("are served over TLS and a socket too", async () => {
    using folder = temporaryFolder();
    const listen = `unix://${join(folder.path, "hydra.sock")}`;
    const sandbox = await startSandbox({ as: "1.11", listen });
    try {
      const ended = await runBinary(to(alice.binary, "--endpoint", listen));
      assertExit(ended, 0);
      const { id, message } = printedEncrypted(ended);
      assert.equal(gpg.decrypt(Buffer.from(message, "base64")), sandbox.secretOf(id));
    } finally {
      await sandbox.close();
    }
  });
});
