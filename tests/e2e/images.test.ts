/** The program in the root file systems of the container images. */

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import process from "node:process";
import { after, before, describe, test } from "node:test";
import { TARGETS } from "../../.ci/release/targets.ts";
import { type Sandbox, startSandbox } from "../../lib/sandbox/index.ts";
import { copyRoot, NONROOT, openGlibcRoot, place, type Root, type RootOptions } from "./bare-root.ts";
import { runBinary } from "./binary.ts";
import { assertExit, assertFails, describeRun, printed, printedEncrypted, SLOW } from "./scenario.ts";
import { type Certificates, makeCertificates } from "./tls.ts";

const root = join(import.meta.dirname, "../..");

const read = (path: string): string => readFileSync(join(root, path), "utf8");

/**
 * The roots: what the image of `Dockerfile` holds, and what that of `Dockerfile.alpine` holds where TEST_MUSL_ROOT
 * names such a folder.
 */
const ROOTS: readonly { readonly name: string; readonly needsProc: boolean; readonly open: () => Root }[] = [
  { name: "the root of the image", needsProc: true, open: openGlibcRoot },
  ...[process.env["TEST_MUSL_ROOT"] ?? []].flat().map((folder) => ({
    name: "the root of the Alpine image",
    needsProc: false,
    open: () => copyRoot(folder),
  })),
];

const CREATE = ["clients", "create", "-n", "my app", "-c", "http://localhost/cb"];

/** Printed if a secret that cannot be delivered could not be kept anywhere. */
const WARNED = /^Warning: no directory is writable for a recovery copy [^\n]+\n$/;

/** What a container may be started with, and what is then printed in addition to the result. */
const CONDITIONS: readonly (readonly [name: string, options: RootOptions, said: RegExp])[] = [
  ["as it comes", { tmp: 1 << 20 }, /^$/],
  ["as root", { user: 0, tmp: 1 << 20 }, /^$/],
  ["as a user id that nothing knows, without HOME", { user: 12345, tmp: 1 << 20 }, /^$/],
  ["with a HOME that does not exist", { env: { HOME: "/home/nobody" }, tmp: 1 << 20 }, /^$/],
  ["read-only, with a tiny /tmp", { readOnly: true, tmp: 64 << 10 }, /^$/],
  ["read-only, with one page of /tmp", { readOnly: true, tmp: 4096 }, /^$/],
  ["read-only, with nothing to write to, as a user id that nothing knows", { readOnly: true, user: 12345 }, WARNED],
];

for (const { name, needsProc, open } of ROOTS) {
  describe(name, () => {
    let bare: Root;
    let sandbox: Sandbox;
    let certificates: Certificates;
    let secure: Sandbox;
    before(async () => {
      bare = open();
      sandbox = await startSandbox({ as: "26", listen: "127.0.0.1:0" });
      certificates = makeCertificates();
      secure = await startSandbox({ as: "26", listen: "127.0.0.1:0", tls: certificates.good });
    });
    after(async () => {
      bare[Symbol.dispose]();
      await sandbox.close();
      await secure.close();
    });

    for (const [condition, options, said] of CONDITIONS) {
      test(`creates a client ${condition}`, SLOW, async () => {
        const env = { HYDRA_ADMIN_URL: sandbox.url, ...options.env };
        const ended = await bare.start(CREATE, { ...options, env }).ended;
        assertExit(ended, 0);
        const { id, secret } = printed(ended);
        assert.equal(sandbox.secretOf(id), secret);
        assert.match(ended.stderr, said, describeRun(ended));
      });
    }

    test("encrypts a secret without a writable folder", SLOW, async () => {
      const { generateKey, readKey, readMessage, decrypt, readPrivateKey } = await import("openpgp");
      const { publicKey, privateKey } = await generateKey({ userIDs: [{ name: "Ops" }], format: "armored" });
      const key = Buffer.from(publicKey).toString("base64");
      const fingerprint = (await readKey({ armoredKey: publicKey })).getFingerprint();
      const ended = await bare.start([...CREATE, "--pgp-key", key], {
        env: { HYDRA_ADMIN_URL: sandbox.url },
        readOnly: true,
      }).ended;
      assertExit(ended, 0);
      assert.ok(ended.stderr.toLowerCase().replaceAll(" ", "").includes(fingerprint), describeRun(ended));
      const { id, message } = printedEncrypted(ended);
      const { data } = await decrypt({
        message: await readMessage({ binaryMessage: new Uint8Array(Buffer.from(message, "base64")) }),
        decryptionKeys: await readPrivateKey({ armoredKey: privateKey }),
      });
      assert.equal(data, sandbox.secretOf(id));
    });

    test("changes no secret without a writable folder, unless a volume is given", SLOW, async () => {
      const env = { HYDRA_ADMIN_URL: sandbox.url };
      const mine = "a-secret-of-mine.for-a-volume";
      const made = await bare.start(CREATE, { env: { HYDRA_ADMIN_URL: sandbox.url }, tmp: 1 << 20 }).ended;
      const { id, secret } = printed(made);
      const changes = [
        ["clients", "rotate-secret", id, "--secret", mine],
        ["clients", "update", id, "--secret", mine],
      ];
      for (const change of changes) {
        const refused = await bare.start(change, { env, readOnly: true }).ended;
        assertFails(refused, 1, /no directory is writable for a recovery copy/);
        assert.match(refused.stderr, /--rescue-dir/, describeRun(refused));
        assert.equal(sandbox.secretOf(id), secret);
      }
      for (const change of changes) {
        assertExit(
          await bare.start([...change, "--rescue-dir", "/tmp"], { env, readOnly: true, tmp: 1 << 20 }).ended,
          0,
        );
        assert.equal(sandbox.secretOf(id), mine);
      }
      assertExit(
        await bare.start(["clients", "update", id, "--name", "x"], {
          env: { HYDRA_ADMIN_URL: sandbox.url },
          readOnly: true,
        }).ended,
        0,
      );
    });

    test("finds a host by name with no /etc/hosts", SLOW, async () => {
      const { port } = new URL(sandbox.url);
      const ended = await bare.start(CREATE, { env: { HYDRA_ADMIN_URL: `http://localhost:${port}` } }).ended;
      assertExit(ended, 0);
    });

    test("uses TLS without the system's certificates, and trusts a given file", SLOW, async () => {
      const env = { HYDRA_ADMIN_URL: secure.url };
      assertFails(await bare.start([...CREATE, "--fail-after", "0"], { env }).ended, 6, /certificate/i);
      place(bare, "etc/ssl/certs/ca-certificates.crt", certificates.authority.cert);
      const trusting = [...CREATE, "--ca-file", "/etc/ssl/certs/ca-certificates.crt"];
      const ended = await bare.start(trusting, { env, readOnly: true }).ended;
      assertExit(ended, 0);
      const { id, secret } = printed(ended);
      assert.equal(secure.secretOf(id), secret);
    });

    test("ends as the first process on a signal, with the status of the signal", SLOW, async () => {
      for (const [signal, status] of [
        ["SIGTERM", 143],
        ["SIGINT", 130],
      ] as const) {
        const { promise: asked, resolve } = Promise.withResolvers<void>();
        const silent = createServer(() => resolve());
        await new Promise<void>((listening) => silent.listen(0, "127.0.0.1", listening));
        try {
          const address = silent.address();
          assert.ok(address !== null && typeof address === "object");
          const env = { HYDRA_ADMIN_URL: `http://127.0.0.1:${address.port}` };
          await using running = bare.start(["clients", "list"], { env });
          await Promise.race([asked, running.ended.then((ended) => assert.fail(describeRun(ended)))]);
          bare.signal(running, signal);
          assertExit(await running.ended, status);
        } finally {
          silent.closeAllConnections();
          silent.close();
        }
      }
    });

    test("serves the sandbox as the first process until a signal ends it", SLOW, async () => {
      for (const signal of ["SIGTERM", "SIGINT"] as const) {
        await using running = bare.start(["sandbox", "--listen", "127.0.0.1:0"], { readOnly: true });
        const [, url = ""] = /^HYDRA_ADMIN_URL=(\S+)\n/.exec(await running.seen("stdout", "\n")) ?? [];
        const ended = await bare.start(CREATE, { env: { HYDRA_ADMIN_URL: url } }).ended;
        assertExit(ended, 0);
        bare.signal(running, signal);
        assertExit(await running.ended, 0);
        await assert.rejects(fetch(url));
      }
    });

    test(needsProc ? "cannot start without /proc" : "starts without /proc", SLOW, async () => {
      const { status, stdout } = await bare.start(["version"], { proc: false }).ended;
      assert.equal(status === 0, !needsProc);
      assert.equal(stdout.startsWith("Version: "), !needsProc);
    });
  });
}

/** Sets what would act before the first line of the program to nothing. */
const UNSET = "ENV BUN_BE_BUN= BUN_INSPECT= BUN_INSPECT_PRELOAD= BUN_OPTIONS= LD_PRELOAD=";

describe("the images", () => {
  const files = ["Dockerfile", "Dockerfile.alpine"].map((name) => ({
    name,
    text: read(name),
  }));

  test("run the program, as a user that is not root, by number", () => {
    for (const { name, text } of files) {
      const lines = text.split("\n");
      assert.deepEqual(
        lines.filter((line) => /^(USER|ENTRYPOINT|CMD|ENV)\b/.test(line)),
        [UNSET, `USER ${NONROOT}:${NONROOT}`, 'ENTRYPOINT ["/usr/local/bin/hydra"]'],
        name,
      );
    }
  });

  test("set variables that the program treats as unset", async () => {
    const env = Object.fromEntries(
      UNSET.split(" ")
        .slice(1)
        .map((pair) => [pair.slice(0, -1), ""]),
    );
    const ended = await runBinary(["version"], { env });
    assertExit(ended, 0);
    assert.match(ended.stdout, /^Version: /);
  });

  test("have the directory for recovery copies that the documentation mounts a volume on", () => {
    const [, target = ""] = /type=volume,source=\w+,target=(\S+) … --rescue-dir \1/.exec(read("docs/install.md")) ?? [];
    assert.equal(target, "/rescue");
    const copy = `COPY --chown=${NONROOT}:${NONROOT} dist/images/rescue/ ${target}/`;
    for (const { name, text } of files) assert.ok(text.split("\n").includes(copy), name);
  });

  test("contain the licenses next to the program", () => {
    for (const { name, text } of files) {
      assert.match(text, /^COPY LICENSE THIRD-PARTY\.md \S+\/doc\/hydra\/$/m, name);
      assert.match(text, /^COPY dist\/images\/licenses\/ \S+\/doc\/hydra\/licenses\/$/m, name);
    }
  });

  test("contain the program for their C library, and run nothing in the base without a shell", () => {
    for (const { name, text } of files) {
      const [, place = ""] =
        /^COPY --chmod=0755 dist\/images\/(\S+)\/hydra \/usr\/local\/bin\/hydra$/m.exec(text) ?? [];
      const places = ["amd64", "arm64"].map((processor) => place.replace(/\$\{TARGETARCH\}/, processor));
      const musl = name === "Dockerfile.alpine";
      const wanted = TARGETS.filter((target) => target.image?.endsWith("-musl") === musl);
      assert.deepEqual(
        places,
        wanted.map(({ image }) => image),
      );
      assert.equal(/^RUN /m.test(text), name === "Dockerfile.alpine");
    }
  });

  test("use no build argument before the first FROM that the builder would have to set", () => {
    for (const { name, text } of files) {
      const [before = "", stage = ""] = text.split(/^FROM .*$/m);
      assert.deepEqual(before.match(/^(?!#).+$/gm), [text.match(/^ARG BASE=.*$/m)?.[0]], name);
      assert.match(stage, /^ARG TARGETARCH$/m, name);
    }
  });

  test("have the labels that do not depend on the build", () => {
    for (const { name, text } of files) {
      const labels = [...text.matchAll(/org\.opencontainers\.image\.(\w+)="([^"]+)"/g)].map(([, key, value]) => [
        key,
        value,
      ]);
      assert.deepEqual(
        Object.fromEntries(labels),
        {
          title: "hydra-clients",
          description: "Manage OAuth 2.0 clients on an Ory Hydra server",
          licenses: "Apache-2.0",
        },
        name,
      );
    }
  });

  test("are sent only what they copy, which exists or is made by the build", () => {
    const [everything, ...allowed] = readFileSync(join(root, ".dockerignore"), "utf8")
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"));
    assert.equal(everything, "*");
    const copied = files.flatMap(({ text }) =>
      [...text.matchAll(/^COPY (?!--from)(?:--\S+ )*(.+) \S+$/gm)].flatMap(([, sources = ""]) => sources.split(" ")),
    );
    assert.ok(copied.length > 0);
    for (const source of copied) {
      assert.ok(source.startsWith("dist/images/") || existsSync(join(root, source)), source);
      assert.ok(
        allowed.some((line) => `${source}/`.replace("//", "/").startsWith(`${line.slice(1)}/`)),
        `${source} is kept back`,
      );
    }
  });
});
