/** The config file: precedence, permissions, and untrusted working folders. */

import assert from "node:assert/strict";
import { chmodSync, chownSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { startSandbox } from "../../lib/sandbox/index.ts";
import { BINARY, runBinary, start, temporaryFolder, withSandbox } from "./binary.ts";
import { always, dropBefore } from "./fault-proxy.ts";
import {
  assertExit,
  assertFails,
  describeRun,
  isStored,
  openScenario,
  printed,
  type Scenario,
  SEED,
  SLOW,
} from "./scenario.ts";
import { makeCertificates } from "./tls.ts";

/** Writes a config file into the home folder of a scenario, readable only by its owner. */
function configure(scenario: Scenario, text: string, mode = 0o600, name = ".hydra.yaml"): string {
  const path = join(scenario.home, name);
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

const NO_ENDPOINT = { env: { HYDRA_ADMIN_URL: undefined } };

it("reads a config file and a token file in UTF-16, as PowerShell writes them", async () => {
  await using scenario = await openScenario();
  const utf16 = (text: string): Buffer => Buffer.from(`\ufeff${text}\r\n`, "utf16le");
  const config = join(scenario.home, "config.yaml");
  const token = join(scenario.home, "token.txt");
  writeFileSync(config, utf16(`endpoint: ${scenario.sandbox.url}`));
  writeFileSync(token, utf16("a-token"));
  const files = ["--config", config, "--access-token-file", token];
  assertExit(await scenario.run(["clients", "list", ...files], NO_ENDPOINT), 0);
});

describe("the config file", () => {
  it(
    "has both URLs of a server: for the admin API, for tokens, for --verify and for a test of a client",
    SLOW,
    async () => {
      await using sandbox = await withSandbox("26");
      using folder = temporaryFolder();
      const config = join(folder.path, "config.yaml");
      writeFileSync(config, `endpoint: ${sandbox.url}\npublic_url: ${sandbox.publicUrl}\n`);
      const run = (...words: readonly string[]): ReturnType<typeof runBinary> =>
        runBinary([...words, "--config", config], { cwd: folder.path });
      const created = await run(
        ...["clients", "create", "--id", "app", "-g", "client_credentials", "--secret-out", "app.env", "--verify"],
      );
      assertExit(created, 0);
      assert.match(created.stderr, /^Verified: /m);
      const token = await run("token", "client", "--credentials", "app.env", "-q");
      assertExit(token, 0);
      assert.match(token.stdout, /^ory_at_\S+\n$/);
      assertExit(await run("clients", "test", "app", "--credentials", "app.env"), 0);
      // A flag and the environment come first.
      const other = [
        "token",
        "client",
        "--credentials",
        "app.env",
        "--public-url",
        "http://127.0.0.1:1",
        "--fail-after",
        "0",
      ];
      assert.equal((await run(...other)).status, 6);
    },
  );

  it("can contain every setting", SLOW, async () => {
    using folder = temporaryFolder();
    const { authority, good } = makeCertificates();
    const ca = join(folder.path, "ca.pem");
    writeFileSync(ca, authority.cert);
    const sandbox = await startSandbox({ as: "1.8", listen: "127.0.0.1:0", tls: { key: good.key, cert: good.cert } });
    try {
      const file = join(folder.path, "hydra.yaml");
      writeFileSync(
        file,
        [
          "# settings of one server",
          `endpoint: ${sandbox.url}`,
          "access_token: from-the-file",
          "headers:",
          "  X-Url: http://a:1",
          "  X-Number: 7",
          "fail_after: 20s",
          "api: v1",
          `ca_file: ${ca}`,
          "skip_tls_verify: false",
          "fake_tls_termination: true",
          "format: json",
        ].join("\n"),
        { mode: 0o600 },
      );
      const ended = await runBinary([...SEED, "-v", "--config", file]);
      assertExit(ended, 0);
      const shown = JSON.parse(ended.stdout);
      assert.equal(sandbox.secretOf(shown.client_id), shown.client_secret);
      assert.match(ended.stderr, /^> POST https:\/\/127\.0\.0\.1:\d+\/clients$/m);
      assert.doesNotMatch(ended.stderr, /\/admin\/clients|from-the-file|Warning/);
      assert.match(ended.stderr, /^> x-number: \(redacted\)$/m);
      assert.match(ended.stderr, /^> x-forwarded-proto: https$/m);
    } finally {
      await sandbox.close();
    }
  });

  it("sends its headers and its token, written as a list too", async () => {
    await using scenario = await openScenario();
    configure(scenario, `endpoint: ${scenario.url}\naccess_token: tok\nheaders: ['X-Url: http://a:1', "X-B: c, d"]\n`);
    isStored(scenario, await scenario.run(SEED, NO_ENDPOINT));
    const [{ headers } = assert.fail("nothing came")] = scenario.proxy.posts();
    assert.equal(headers["authorization"], "Bearer tok");
    assert.equal(headers["x-url"], "http://a:1");
    assert.equal(headers["x-b"], "c, d");
  });

  it("has lower precedence than the flag and the environment", SLOW, async () => {
    await using scenario = await openScenario();
    configure(scenario, "endpoint: http://127.0.0.1:1\nfail_after: 0s\n");
    isStored(scenario, await scenario.run(SEED));
    assertExit(
      await scenario.run([...SEED, "--endpoint", scenario.url], { env: { HYDRA_ADMIN_URL: "http://127.0.0.1:2" } }),
      0,
    );
    assertFails(await scenario.run(SEED, NO_ENDPOINT), 6, /127\.0\.0\.1:1: connection refused/);
    assert.equal(scenario.sandbox.clients().length, 2);
  });

  it("limits the time of the whole command", async () => {
    await using scenario = await openScenario("26", always(dropBefore));
    configure(scenario, "fail_after: 500ms\n");
    const ended = await scenario.run(SEED);
    assertFails(ended, 6, /tried for 500ms/);
  });

  it("is named in problems with its values", SLOW, async () => {
    await using scenario = await openScenario();
    const cases = [
      ["endpoint: localhost:4445", /"endpoint" in .*\.hydra\.yaml "localhost:4445" is not a valid URL/],
      ["fail_after: soon", /"fail_after" in .*\.hydra\.yaml.*"soon"/],
      ["api: v3", /"api" in .*\.hydra\.yaml "v3"/],
      ["format: xml", /"format" in .*\.hydra\.yaml "xml"/],
      ["skip_tls_verify: 7", /"skip_tls_verify" in .*\.hydra\.yaml/],
      [`endpoint: ${scenario.url}\nheaders: [no colon]`, /"headers" in .*\.hydra\.yaml/],
      [`endpoint: ${scenario.url}\nheaders: 7`, /"headers" in .*\.hydra\.yaml/],
      ["endpoint: [a, b]", /"endpoint" has a value of the wrong type/],
      ["just text", /has no keys with values/],
      ["- a\n- list", /has no keys with values/],
    ] as const;
    for (const [text, message] of cases) {
      configure(scenario, `${text}\n`);
      const ended = await scenario.run(SEED, text.startsWith("endpoint") ? NO_ENDPOINT : {});
      assertFails(ended, 2, message);
    }
    assert.equal(scenario.proxy.seen.length, 0);
  });

  it("is reported with its line if it is invalid", SLOW, async () => {
    await using scenario = await openScenario();
    const cases = [
      ["endpoint: http://a\naccess_token: [hush\nformat: json\n", /line [23]/],
      ["endpoint: http://a\n\tformat: json\n", /line 2/],
      ["a: 1\nb: 2\na: 3\n", /line 3/],
    ] as const;
    for (const [text, line] of cases) {
      configure(scenario, text);
      const ended = await scenario.run(SEED);
      assertFails(ended, 2, /\.hydra\.yaml/);
      assert.match(ended.stderr, line, describeRun(ended));
      assert.doesNotMatch(ended.stderr, /hush/, describeRun(ended));
    }
    assert.equal(scenario.proxy.seen.length, 0);
  });

  it("must exist when it is given, and need not when it is the default", async () => {
    await using scenario = await openScenario();
    const missing = await scenario.run([...SEED, "--config", join(scenario.home, "missing.yaml")]);
    assertFails(missing, 2, /missing\.yaml": the file does not exist/);
    assertFails(await scenario.run([...SEED, "--config", scenario.home]), 2, /it is a directory/);
    assert.equal(scenario.proxy.seen.length, 0);
    isStored(scenario, await scenario.run(SEED));
    isStored(await cleared(scenario), await scenario.run(SEED, { env: { HOME: join(scenario.home, "nowhere") } }));
  });

  it("is not looked for without HOME", async () => {
    await using scenario = await openScenario();
    using folder = temporaryFolder();
    writeFileSync(join(folder.path, ".hydra.yaml"), "endpoint: http://127.0.0.1:1\nformat: json\n");
    isStored(scenario, await scenario.run(SEED, { cwd: folder.path, env: { HOME: undefined } }));
    isStored(await cleared(scenario), await scenario.run(SEED, { cwd: folder.path, env: { HOME: "" } }));
  });

  it("may be in the config folder of the user, if the home folder has none", async () => {
    await using scenario = await openScenario();
    mkdirSync(join(scenario.home, "conf/hydra"), { recursive: true });
    const env = { ...NO_ENDPOINT.env, XDG_CONFIG_HOME: join(scenario.home, "conf") };
    configure(scenario, `endpoint: ${scenario.url}\n`, 0o600, "conf/hydra/config.yaml");
    isStored(scenario, await scenario.run(SEED, { env }));
    const relative = await scenario.run(SEED, { cwd: scenario.home, env: { ...env, XDG_CONFIG_HOME: "conf" } });
    assertFails(relative, 2, /endpoint/);
    configure(scenario, "endpoint: http://127.0.0.1:1\nfail_after: 0s\n");
    assertFails(await scenario.run(SEED, { env }), 6, /127\.0\.0\.1:1: connection refused/);
  });

  it("may be empty, and may be that of a server", async () => {
    await using scenario = await openScenario();
    configure(scenario, "");
    isStored(scenario, await scenario.run(SEED));
    configure(scenario, "serve: {admin: {port: 4445}}\ndsn: memory\n");
    const quiet = await scenario.run(SEED);
    assertExit(quiet, 0);
    assert.equal(quiet.stderr, "");
    const ended = await scenario.run([...SEED, "-v"]);
    assertExit(ended, 0);
    assert.match(ended.stderr, /unknown key "serve" is ignored\n.*unknown key "dsn" is ignored/);
  });

  it("causes a warning if others can read its credentials", SLOW, async () => {
    await using scenario = await openScenario();
    for (const text of ["access_token: hush", "headers: {X-Key: hush}"]) {
      const path = configure(scenario, `endpoint: ${scenario.url}\n${text}\n`, 0o644);
      const ended = await scenario.run(SEED, NO_ENDPOINT);
      assertExit(ended, 0);
      assert.equal(ended.stderr, `Warning: ${path} contains credentials and others can read it: chmod 600 ${path}\n`);
    }
    configure(scenario, `endpoint: ${scenario.url}\n`, 0o644);
    assert.equal((await scenario.run(SEED, NO_ENDPOINT)).stderr, "");
  });

  it("is rejected if someone else could have written it, unless it is given explicitly", SLOW, async () => {
    await using scenario = await openScenario();
    const path = configure(scenario, `endpoint: ${scenario.url}\n`);
    const env = { ...NO_ENDPOINT.env, OAUTH2_ACCESS_TOKEN: "hush" };
    const cases = [
      [() => chmodSync(path, 0o602), "every user of this machine can write to it", "chmod 600"],
      [() => chmodSync(path, 0o666), "every user of this machine can write to it", "chmod 600"],
      // Only root can give a file away.
      ...(process.getuid?.() === 0
        ? ([[() => chownSync(path, 12_345, 0), "it belongs to another user \\(UID 12345\\)", "chown 0"]] as const)
        : []),
    ] as const;
    for (const [change, reason, remedy] of cases) {
      chmodSync(path, 0o600);
      change();
      const before = scenario.proxy.seen.length;
      const ended = await scenario.run(SEED, { env });
      assertFails(ended, 2, new RegExp(`^Error: Config file ".*\\.hydra\\.yaml" is not used: ${reason}$`));
      assert.ok(ended.stderr.includes(`${remedy} ${path}, or name it with --config`), describeRun(ended));
      assert.equal(scenario.proxy.seen.length, before);
      const named = await scenario.run([...SEED, "--config", path], { env });
      assertExit(named, 0);
      assert.match(named.stderr, new RegExp(`^Warning: Config file .* written by someone else: ${reason}\n$`));
      assert.equal(scenario.proxy.seen.at(-1)?.headers["authorization"], "Bearer hush");
    }
  });

  it("is rejected unread, also by commands that only take a format from it", SLOW, async () => {
    await using scenario = await openScenario();
    configure(scenario, "access_token: [hush\n", 0o666);
    for (const args of [SEED, ["token", "decode", "x"]]) {
      const ended = await scenario.run(args);
      assertFails(ended, 2, /is not used/);
      assert.doesNotMatch(ended.stderr, /hush|line 1/);
    }
  });

  it("causes a warning if its group can write to it", async () => {
    await using scenario = await openScenario();
    const path = configure(scenario, `endpoint: ${scenario.url}\n`, 0o660);
    const ended = await scenario.run(SEED, NO_ENDPOINT);
    assertExit(ended, 0);
    const warning = `Warning: Config file ${path} may have been written by someone else: its group can write to it\n`;
    assert.equal(ended.stderr, warning);
  });

  it("causes a warning if it skips the certificate check", async () => {
    using home = temporaryFolder();
    const { selfSigned: tls } = makeCertificates();
    const sandbox = await startSandbox({ as: "26", listen: "127.0.0.1:0", tls: { key: tls.key, cert: tls.cert } });
    try {
      writeFileSync(join(home.path, ".hydra.yaml"), `endpoint: ${sandbox.url}\nskip_tls_verify: true\n`);
      const ended = await runBinary(SEED, { env: { HOME: home.path } });
      assertExit(ended, 0);
      assert.match(ended.stderr, /^Warning: .*not verified \("skip_tls_verify" in .*\.hydra\.yaml\)/);
      const off = await runBinary([...SEED, "--skip-tls-verify=false"], { env: { HOME: home.path } });
      assertFails(off, 6, /certificate/);
    } finally {
      await sandbox.close();
    }
  });

  it("never sends its credentials to another endpoint", SLOW, async () => {
    await using scenario = await openScenario();
    for (const text of ["access_token: hush", "headers: ['X-Key: hush']"]) {
      configure(scenario, `endpoint: http://hydra.example:4445\n${text}\n`);
      const ended = await scenario.run(SEED);
      assertFails(ended, 2, /hydra\.example:4445.*HYDRA_ADMIN_URL.*127\.0\.0\.1/);
      assert.match(ended.stderr, /"(access_token|headers)" in .*\.hydra\.yaml/);
      assertFails(await scenario.run([...SEED, "--endpoint", scenario.url]), 2, /--endpoint/);
      configure(scenario, `${text}\n`);
      assertFails(await scenario.run(SEED), 2, /without an endpoint/);
      assert.equal(scenario.proxy.seen.length, 0);
      assert.doesNotMatch(ended.stderr, /hush/);
    }
    configure(scenario, `endpoint: ${scenario.url}/path\naccess_token: tok\n`);
    isStored(scenario, await scenario.run([...SEED, "--endpoint", scenario.url]));
    assert.equal(scenario.proxy.seen.at(-1)?.headers["authorization"], "Bearer tok");
    configure(scenario, "endpoint: http://hydra.example:4445\naccess_token: hush\n");
    assertExit(await scenario.run([...SEED, "--access-token", "mine"]), 0);
    assert.equal(scenario.proxy.seen.at(-1)?.headers["authorization"], "Bearer mine");
  });

  it("is reported when it is unreadable", async () => {
    await using scenario = await openScenario();
    configure(scenario, `endpoint: ${scenario.url}\n`, 0o000);
    const options = { env: { HOME: scenario.home, HYDRA_ADMIN_URL: scenario.url } };
    // Root reads everything, unless it gives that up.
    const caps = "-dac_override,-dac_read_search";
    const ended =
      process.getuid?.() === 0
        ? await start("setpriv", [`--inh-caps=${caps}`, `--bounding-set=${caps}`, BINARY, ...SEED], options).ended
        : await runBinary(SEED, options);
    assertFails(ended, 2, /\.hydra\.yaml": .*permission/i);
    assert.equal(scenario.proxy.seen.length, 0);
  });
});

/** The scenario with its clients removed. */
async function cleared(scenario: Scenario): Promise<Scenario> {
  for (const { client_id: id } of scenario.sandbox.clients()) {
    await fetch(`${scenario.sandbox.url}/admin/clients/${String(id)}`, { method: "DELETE" });
  }
  return scenario;
}

describe("a hostile working folder", () => {
  it("changes nothing", SLOW, async () => {
    await using scenario = await openScenario();
    using folder = temporaryFolder();
    const at = (name: string): string => join(folder.path, name);
    const mark = at("ran");
    const code = `require("node:fs").writeFileSync(${JSON.stringify(mark)}, "ran"); process.exit(99);`;
    writeFileSync(at("evil.js"), code);
    writeFileSync(
      at(".env"),
      `HYDRA_ADMIN_URL=http://127.0.0.1:1\nOAUTH2_ACCESS_TOKEN=evil\nHTTP_PROXY=http://127.0.0.1:1\nNODE_OPTIONS=--require=./evil.js\n`,
    );
    for (const name of [".env.local", ".env.production", ".env.development"]) {
      writeFileSync(at(name), "OAUTH2_ACCESS_TOKEN=evil\nHYDRA_KEYBASE_URL=http://127.0.0.1:1\n");
    }
    writeFileSync(at("bunfig.toml"), 'preload = ["./evil.js"]\n[run]\npreload = ["./evil.js"]\n');
    writeFileSync(at(".bunfig.toml"), 'preload = ["./evil.js"]\n');
    writeFileSync(at("deno.json"), '{"imports": {"valibot": "./evil.js"}}');
    writeFileSync(at("tsconfig.json"), '{"compilerOptions": {"paths": {"*": ["./evil.js"]}}}');
    writeFileSync(at("package.json"), '{"type": "commonjs", "main": "evil.js", "imports": {"#*": "./evil.js"}}');
    writeFileSync(at(".npmrc"), "node-options=--require=./evil.js\n");
    for (const name of ["valibot", "citty", "ofetch", "openpgp", "yaml", "node:fs", "process"]) {
      const path = join(folder.path, "node_modules", name);
      mkdirSync(path, { recursive: true });
      writeFileSync(join(path, "index.js"), code);
      writeFileSync(join(path, "package.json"), '{"main": "index.js"}');
    }
    mkdirSync(at("lib/app"), { recursive: true });
    writeFileSync(at("cli.ts"), code);
    writeFileSync(at("lib/app/main.ts"), code);
    writeFileSync(join(scenario.home, ".hydra.yaml"), "format: json\n");
    const ended = await scenario.run(SEED, { cwd: folder.path });
    assertExit(ended, 0);
    const { client_id: id, client_secret: secret } = JSON.parse(ended.stdout);
    assert.equal(scenario.sandbox.secretOf(id), secret);
    assert.equal(ended.stderr, "");
    assert.equal(scenario.proxy.seen[0]?.headers["authorization"], undefined);
    const bare = await scenario.run(SEED, { cwd: folder.path, ...NO_ENDPOINT });
    assertExit(bare, 2);
    assert.throws(() => chmodSync(mark, 0o600), /ENOENT/);
    assert.equal(scenario.sandbox.clients().length, 1);
  });

  it("contains no file that the program would treat as its own", async () => {
    await using scenario = await openScenario();
    using folder = temporaryFolder();
    writeFileSync(join(folder.path, ".hydra.yaml"), "endpoint: http://127.0.0.1:1\nformat: json\n");
    writeFileSync(join(folder.path, "hydra.yaml"), "endpoint: http://127.0.0.1:1\nformat: json\n");
    const ended = await scenario.run(SEED, { cwd: folder.path });
    isStored(scenario, ended);
    assert.equal(scenario.sandbox.secretOf(printed(ended).id), printed(ended).secret);
  });
});
