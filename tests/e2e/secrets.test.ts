/** Where secrets come from and where they go: files, prompts, descriptors, manifests. */

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { createServer as createTlsServer } from "node:https";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { parse } from "yaml";
import { wkdUrls } from "../../lib/adapters/wkd.ts";
import { SECRET_ALPHABET } from "../../lib/core/secret.ts";
import { type Exported, type Gpg, openGpg } from "../adapters/gpg.ts";
import { BINARY, type Ended, runBinary, start, temporaryFolder } from "./binary.ts";
import { openDisk } from "./disk.ts";
import { mostlyInThisProcess } from "./in-this-process.ts";
import { type KeybaseServer, openKeybase } from "./keybase-server.ts";
import {
  assertExit,
  assertFails,
  describeRun,
  openScenario,
  printed,
  type Scenario,
  SLOW,
  waitForAnswers,
} from "./scenario.ts";
import { openTerminal } from "./terminal.ts";
import { issue } from "./tls.ts";

/** What a pipe holds. */
function readText(fd: number): string {
  const bytes = new Uint8Array(65_536);
  return new TextDecoder().decode(bytes.subarray(0, readSync(fd, bytes)));
}

const program = mostlyInThisProcess(5);

const CREATE = ["clients", "create", "-g", "client_credentials"];

const GIVEN = "given~secret_0123.456789";

/** Asserts that a run was rejected before anything was sent, and left no new file. */
function untouched(scenario: Scenario, ended: Ended, folder: string, files: readonly string[], message: RegExp): void {
  assertFails(ended, 2, message);
  assert.deepEqual(readdirSync(folder).sort(), [...files].sort(), describeRun(ended));
  assert.equal(scenario.proxy.seen.length, 0, describeRun(ended));
  assert.deepEqual(scenario.recoveryCopies(), []);
}

/** Asserts that one client was made with a secret, which no stream shows. */
function holds(scenario: Scenario, ended: Ended, secret: string): void {
  assertExit(ended, 0);
  const [client, ...others] = scenario.sandbox.clients();
  assert.deepEqual(others, []);
  assert.equal(scenario.sandbox.secretOf(String(client?.["client_id"])), secret, describeRun(ended));
  assert.ok(!ended.stdout.includes(secret) && !ended.stderr.includes(secret), describeRun(ended));
}

describe("a provided secret", () => {
  it("comes from a file, standard input or the environment, and is not shown", SLOW, async () => {
    using folder = temporaryFolder();
    const file = join(folder.path, "secret");
    for (const text of [GIVEN, `${GIVEN}\n`, `${GIVEN}\r\n`]) {
      writeFileSync(file, text);
      for (const format of ["text", "json", "yaml", "env", "k8s-secret", "raw=$"]) {
        await using scenario = await openScenario();
        holds(scenario, await program(scenario)([...CREATE, "--secret-file", file, "--format", format, "-v"]), GIVEN);
      }
      await using scenario = await openScenario();
      const ended = await program(scenario)([...CREATE, "--secret-file", "-"], { stdin: text });
      holds(scenario, ended, GIVEN);
      assert.equal(ended.stderr, "");
    }
    await using scenario = await openScenario();
    const ended = await program(scenario)([...CREATE, "-v"], { env: { HYDRA_CLIENT_SECRET: GIVEN } });
    holds(scenario, ended, GIVEN);
    assert.doesNotMatch(ended.stderr, /Warning/);
  });

  it("on the command line works too, with a warning", async () => {
    await using scenario = await openScenario();
    const ended = await scenario.run([...CREATE, "--secret", GIVEN]);
    holds(scenario, ended, GIVEN);
    assert.match(ended.stderr, /^Warning: --secret is visible to other users .*\n$/);
    const none = await scenario.run([...CREATE, "--id", "app", "--secret", ""]);
    assertExit(none, 0);
    assert.equal(printed(none).secret, scenario.sandbox.secretOf("app"));
  });

  it("by a flag overrides the environment, and only one flag may give it", SLOW, async () => {
    using folder = temporaryFolder();
    writeFileSync(join(folder.path, "secret"), GIVEN);
    const env = { HYDRA_CLIENT_SECRET: "from-the-environment" };
    const file = ["--secret-file", join(folder.path, "secret")];
    for (const way of [file, ["--secret", GIVEN]]) {
      await using scenario = await openScenario();
      holds(scenario, await scenario.run([...CREATE, ...way], { env }), GIVEN);
    }
    await using scenario = await openScenario();
    const two = await scenario.run([...CREATE, ...file, "--secret", "another"]);
    untouched(scenario, two, folder.path, ["secret"], /--secret and --secret-file cannot be used together/);
    assert.doesNotMatch(two.stderr, /another/);
  });

  it("that is too short, empty or not text is rejected before anything is sent", SLOW, async () => {
    using folder = temporaryFolder();
    const file = join(folder.path, "secret");
    await using scenario = await openScenario();
    const cases: readonly (readonly [content: string | Uint8Array, message: RegExp])[] = [
      ["abcde", /The secret in .* is shorter than 6 characters/],
      ["abcde\n", /shorter than 6 characters/],
      ["", /There is no secret in/],
      ["\n", /There is no secret in/],
      [new Uint8Array([0x61, 0x62, 0xff, 0xfe, 0x63, 0x64, 0x65, 0x66]), /is not UTF-8 text/],
    ];
    for (const command of [CREATE, ["clients", "update", "app"], ["clients", "rotate-secret", "app"]]) {
      for (const [content, message] of cases) {
        writeFileSync(file, content);
        untouched(
          scenario,
          await program(scenario)([...command, "--secret-file", file]),
          folder.path,
          ["secret"],
          message,
        );
        const piped = await program(scenario)([...command, "--secret-file", "-"], { stdin: content });
        untouched(scenario, piped, folder.path, ["secret"], message);
      }
      if (command === CREATE) {
        const short = await program(scenario)(command, { env: { HYDRA_CLIENT_SECRET: "abcde" } });
        untouched(scenario, short, folder.path, ["secret"], /HYDRA_CLIENT_SECRET is shorter than 6/);
      }
      const missing = await program(scenario)([...command, "--secret-file", "missing"]);
      untouched(scenario, missing, folder.path, ["secret"], /"missing" for --secret-file: the file does not exist/);
      const directory = await program(scenario)([...command, "--secret-file", folder.path]);
      untouched(scenario, directory, folder.path, ["secret"], /it is a directory/);
    }
  });

  it("that libraries or the server may get wrong is accepted with a warning", SLOW, async () => {
    for (const [secret, warning] of [
      ["a".repeat(73), /longer than 72 bytes \[secret-too-long\]/],
      ["☃".repeat(25), /longer than 72 bytes \[secret-too-long\]/],
      ["with%percent", /characters that need encoding \[secret-characters\]/],
      ["two\nlines", /characters that need encoding/],
      ["ünïcode", /characters that need encoding/],
    ] as const) {
      await using scenario = await openScenario();
      const ended = await program(scenario)([...CREATE, "--secret-file", "-"], { stdin: secret });
      holds(scenario, ended, secret);
      assert.match(ended.stderr, warning);
      await using strict = await openScenario();
      const refused = await program(strict)([...CREATE, "--secret-file", "-", "--strict"], { stdin: secret });
      assertExit(refused, 2);
      assert.equal(strict.proxy.seen.length, 0);
    }
    await using scenario = await openScenario();
    const ended = await program(scenario)([...CREATE, "--secret-file", "-"], { stdin: "a".repeat(72) });
    holds(scenario, ended, "a".repeat(72));
    assert.equal(ended.stderr, "");
  });

  it("cannot be prompted for without a terminal", async () => {
    await using scenario = await openScenario();
    for (const stdin of [undefined, `${GIVEN}\n${GIVEN}\n`]) {
      const ended = await scenario.run([...CREATE, "--secret-prompt"], stdin === undefined ? {} : { stdin });
      assertFails(ended, 2, /--secret-prompt needs a terminal/);
      assert.equal(scenario.proxy.seen.length, 0);
    }
  });

  it("cannot be prompted for if nobody would see the question", SLOW, async () => {
    await using scenario = await openScenario();
    using folder = temporaryFolder();
    const line = `"$HYDRA" ${CREATE.join(" ")} --secret-prompt 2>'${join(folder.path, "errors")}'`;
    await using terminal = await openTerminal([], { env: { HYDRA_ADMIN_URL: scenario.url }, line });
    assert.equal(await terminal.ended(), 2, terminal.screen());
    assert.match(readFileSync(join(folder.path, "errors"), "utf8"), /--secret-prompt needs a terminal/);
    assert.equal(scenario.proxy.seen.length, 0);
  });

  it("is typed on a terminal that shows nothing of it", SLOW, async () => {
    await using scenario = await openScenario();
    const env = { HYDRA_ADMIN_URL: scenario.url };
    const line = `"$HYDRA" ${CREATE.join(" ")} --id typed --secret-prompt; code=$?; stty -a; exit $code`;
    await using terminal = await openTerminal([], { env, line });
    await terminal.seen(/Client secret:/);
    terminal.type("typed-secretX", "BSpace", "-1", "Enter");
    await terminal.seen(/Once more:/);
    terminal.type("typed-secret-1", "Enter");
    assert.equal(await terminal.ended(), 0);
    assert.equal(scenario.sandbox.secretOf("typed"), "typed-secret-1");
    assert.doesNotMatch(terminal.written(), /typed-s|\*/);
    assert.match(terminal.written(), / echo /);
  });

  it(
    "is of what can be seen alone: ^U begins anew, and other keys that are no letters do not count",
    SLOW,
    async () => {
      await using scenario = await openScenario();
      await using terminal = await openTerminal([...CREATE, "--id", "typed", "--secret-prompt"], {
        env: { HYDRA_ADMIN_URL: scenario.url },
      });
      await terminal.seen(/Client secret:/);
      terminal.type("wrong", "C-u", "typed", "Left", "C-a", "F5", "Tab", "Up", "-secret", "C-z", "Enter");
      await terminal.seen(/Once more:/);
      terminal.type("typed-secret", "Enter");
      assert.equal(await terminal.ended(), 0, terminal.screen());
      assert.equal(scenario.sandbox.secretOf("typed"), "typed-secret");
    },
  );

  it("is not requested if the command line is invalid", SLOW, async () => {
    await using scenario = await openScenario();
    for (const more of [
      ["--bogus"],
      ["--secret-length", "5"],
      ["-c", "http://a/#b"],
      ["--encrypted-format", "armor"],
    ]) {
      const args = [...CREATE, "--secret-prompt", ...more];
      await using terminal = await openTerminal(args, { env: { HYDRA_ADMIN_URL: scenario.url }, columns: 200 });
      assert.equal(await terminal.ended(), 2);
      await terminal.seen(/^Error: /m);
      assert.doesNotMatch(terminal.screen(), /Client secret:/);
    }
    assert.equal(scenario.proxy.seen.length, 0);
  });

  it("may be typed ahead or pasted in one go", SLOW, async () => {
    await using scenario = await openScenario();
    await using terminal = await openTerminal([...CREATE, "--id", "pasted", "--secret-prompt"], {
      env: { HYDRA_ADMIN_URL: scenario.url },
    });
    await terminal.seen(/Client secret:/);
    terminal.type("pasted-secret", "Enter", "pasted-secret", "Enter");
    assert.equal(await terminal.ended(), 0);
    assert.equal(scenario.sandbox.secretOf("pasted"), "pasted-secret");
    assert.doesNotMatch(terminal.written(), /pasted-s/);
  });

  it("that was mistyped, empty or canceled creates nothing", SLOW, async () => {
    await using scenario = await openScenario();
    const cases: readonly (readonly [keys: readonly string[], status: number, words: RegExp])[] = [
      [["typed-secret-1", "Enter", "typed-secret-2", "Enter"], 2, /The two secrets differ/],
      [["Enter"], 2, /No secret was entered/],
      [["C-d"], 2, /No secret was entered/],
      [["abc", "Enter", "abc", "Enter"], 2, /shorter than 6 characters/],
      [["typed-secret-1", "C-c"], 130, /Interrupted/],
      [["typed-secret-1", "C-\\"], 131, /Interrupted/],
      [["typed-secret-1".repeat(300)], 2, /The answer is longer than 4096 characters/],
      [["typed-secret-1", "Enter", "C-c"], 130, /Interrupted/],
    ];
    for (const [keys, status, words] of cases) {
      const line = `"$HYDRA" ${CREATE.join(" ")} --secret-prompt; code=$?; stty -a; exit $code`;
      await using terminal = await openTerminal([], { env: { HYDRA_ADMIN_URL: scenario.url }, line });
      await terminal.seen(/Client secret:/);
      terminal.type(...keys);
      assert.equal(await terminal.ended(), status, terminal.screen());
      assert.match(terminal.screen(), words);
      assert.doesNotMatch(terminal.written(), /typed-s/);
      assert.match(terminal.written(), / icanon [\s\S]* echo /);
    }
    assert.equal(scenario.proxy.seen.length, 0);
  });
});

describe("a generated secret", () => {
  it("has the requested length, of characters that need no encoding", SLOW, async () => {
    await using scenario = await openScenario();
    for (const [length, more] of [
      [26, []],
      [26, ["--secret-length", "26"]],
      [40, ["--secret-length", "40"]],
      [72, ["--secret-length=72"]],
    ] as const) {
      const { secret } = printed(await program(scenario)([...CREATE, ...more]));
      assert.equal(secret.length, length);
      assert.ok(
        [...secret].every((letter) => SECRET_ALPHABET.includes(letter)),
        secret,
      );
    }
    const sent = scenario.proxy.seen.length;
    for (const length of ["25", "73", "0", "1e2", "x", "-1"]) {
      assertFails(await program(scenario)([...CREATE, `--secret-length=${length}`]), 2, /--secret-length/);
    }
    assert.equal(scenario.proxy.seen.length, sent);
  });
});

describe("contradictory flags about a secret", () => {
  it("are rejected before anything is sent", SLOW, async () => {
    using folder = temporaryFolder();
    const out = ["--secret-out", join(folder.path, "out")];
    await using scenario = await openScenario();
    const endpoint = ["--token-endpoint", "http://127.0.0.1:1/"];
    const update = ["clients", "update", "app", "--secret", GIVEN];
    const cases: readonly (readonly [args: readonly string[], message: RegExp])[] = [
      [[...CREATE, "--encrypted-format", "armor"], /--encrypted-format has no recipient to encrypt to/],
      [[...update, "--encrypted-format", "base64"], /--encrypted-format has no recipient to encrypt to/],
      [["clients", "rotate-secret", "app", "--encrypted-format", "armor"], /--encrypted-format has no recipient/],
      [["clients", "import", "--encrypted-format", "armor"], /--encrypted-format has no recipient to encrypt to/],
      [[...CREATE, "--secret", GIVEN, "--secret-length", "40"], /--secret-length and --secret cannot be used together/],
      [
        [...CREATE, "--secret-file", "-", "--secret-length", "40"],
        /--secret-length and --secret-file cannot be used together/,
      ],
      [
        [
          ...CREATE,
          ...["--token-endpoint-auth-method", "private_key_jwt", "--generate-key", "ES256"],
          ...["--key-out", join(folder.path, "key"), "--secret-length", "40"],
        ],
        /--secret-length and --generate-key cannot be used together/,
      ],
      [[...CREATE, ...endpoint], /--token-endpoint requires --verify/],
      [[...CREATE, "--public-url", "http://127.0.0.1:1"], /--public-url requires --verify/],
      [["clients", "rotate-secret", "app", ...endpoint], /--token-endpoint requires --verify/],
      [[...CREATE, ...out, "--secret-file", "-"], /contains a NUL character/],
      [["clients", "update", "app", ...out, "--secret-file", "-"], /contains a NUL character/],
      [["clients", "rotate-secret", "app", ...out, "--secret-file", "-"], /contains a NUL character/],
      [[...CREATE, ...out, "--set", 'client_secret="abc\\u0000defg"'], /contains a NUL character/],
    ];
    for (const [args, message] of cases) {
      const nul = args.includes(out[1] ?? "") ? "abc\0defg" : args[1] === "import" ? '{"client_name":"a"}' : GIVEN;
      const ended = await program(scenario)(args, { stdin: nul });
      untouched(scenario, ended, folder.path, [], message);
    }
    // A variable may be there for other commands.
    const env = { HYDRA_PUBLIC_URL: "http://127.0.0.1:1" };
    assertExit(await program(scenario)([...CREATE, "--id", "app"], { env }), 0);
    const json = join(folder.path, "out.json");
    assertExit(
      await program(scenario)(["clients", "update", "app", "--secret-file", "-", "--secret-out", json], {
        stdin: "a\0bcdefg",
      }),
      0,
    );
    assert.equal(JSON.parse(readFileSync(json, "utf8")).client_secret, "a\0bcdefg");
  });

  it("are reported together, with the visible part of the target", async () => {
    using folder = temporaryFolder();
    writeFileSync(join(folder.path, "taken"), "mine");
    await using scenario = await openScenario();
    const missing = join(folder.path, "missing");
    const unusable = new RegExp(`Cannot use --rescue-dir "${missing}"`);
    const taken = ["--secret-out", join(folder.path, "taken"), "--rescue-dir", missing, "--secret-length", "5"];
    for (const args of [CREATE, ["clients", "rotate-secret", "app"], ["clients", "update", "app", "--name", "x"]]) {
      const known = args[1] === "update" ? taken.filter((_, n) => n < 4) : taken;
      const ended = await program(scenario)([...args, ...known, "--bogus"]);
      assertExit(ended, 2);
      for (const message of [/Unknown flag --bogus/, /already exists/, unusable]) assert.match(ended.stderr, message);
      if (args[1] !== "update") assert.match(ended.stderr, /--secret-length 5 is not from 26 to 72/);
    }
    assert.equal(scenario.proxy.seen.length, 0);
  });

  it("do not include an empty secret", async () => {
    await using scenario = await openScenario();
    for (const [id, ...more] of [
      ["a", "--set", 'client_secret=""'],
      ["b", "--set", "client_secret=null"],
    ]) {
      const ended = await scenario.run([...CREATE, "--id", id ?? "", ...more]);
      assertExit(ended, 0);
      assert.equal(ended.stderr, "");
      assert.equal(printed(ended).secret, scenario.sandbox.secretOf(id ?? ""));
    }
  });
});

describe("an access token", () => {
  it("comes from a file or standard input, and is not shown", SLOW, async () => {
    using folder = temporaryFolder();
    const file = join(folder.path, "token");
    writeFileSync(file, "token-HUSH\n");
    await using scenario = await openScenario();
    for (const [way, options] of [
      [file, {}],
      ["-", { stdin: "token-HUSH\r\n" }],
    ] as const) {
      const ended = await scenario.run(["clients", "list", "-v", "--access-token-file", way], options);
      assertExit(ended, 0);
      assert.equal(scenario.proxy.seen.at(-1)?.headers["authorization"], "Bearer token-HUSH");
      assert.doesNotMatch(ended.stderr + ended.stdout, /HUSH/);
    }
  });

  it("that is invalid is rejected before anything is sent", SLOW, async () => {
    using folder = temporaryFolder();
    await using scenario = await openScenario();
    const file = join(folder.path, "token");
    for (const [content, message] of [
      ["", /There is no token in/],
      [" \n", /There is no token in/],
      ["Bearer token-HUSH", /has a character that is not allowed in a bearer token/],
      ["token\r\nX-Header: HUSH", /has a character that is not allowed in a bearer token/],
      ["tökenHUSH", /has a character that is not allowed in a bearer token/],
    ] as const) {
      writeFileSync(file, content);
      const ended = await program(scenario)(["clients", "list", "--access-token-file", file]);
      untouched(scenario, ended, folder.path, ["token"], message);
      assert.doesNotMatch(ended.stderr, /HUSH/);
    }
    writeFileSync(file, "token-HUSH");
    const both = await program(scenario)(["clients", "list", "--access-token-file", file, "--access-token", "HUSH"]);
    untouched(scenario, both, folder.path, ["token"], /--access-token and --access-token-file cannot be used together/);
    const missing = await program(scenario)(["clients", "list", "--access-token-file", `${file}x`]);
    untouched(scenario, missing, folder.path, ["token"], /the file does not exist/);
    const twice = await program(scenario)([...CREATE, "--access-token-file", "-", "--secret-file", "-"], {
      stdin: "HUSH",
    });
    untouched(scenario, twice, folder.path, ["token"], /--secret-file - cannot read standard input/);
  });
});

describe("--secret-out", () => {
  /** What a POSIX shell makes of assignments in a file. */
  function sourced(file: string, names: readonly [string, string]): readonly string[] {
    const line = `. "$0"; printf '%s\\n%s' "$${names[0]}" "$${names[1]}"`;
    return spawnSync("/bin/sh", ["-c", line, file], { encoding: "utf8" }).stdout.split("\n");
  }

  /** The data of a Kubernetes Secret, decoded. */
  function manifest(text: string): Record<string, string> {
    const value = parse(text);
    assert.deepEqual([value.apiVersion, value.kind, value.type], ["v1", "Secret", "Opaque"]);
    return Object.fromEntries(
      Object.entries(value.data).map(([name, data]) => [name, Buffer.from(String(data), "base64").toString()]),
    );
  }

  it("writes a new file for the owner only, in the format of its extension or of --secret-format", SLOW, async () => {
    using folder = temporaryFolder();
    await using scenario = await openScenario();
    const id = "it's my app";
    const cases: readonly (readonly [name: string, more: readonly string[], read: (file: string) => unknown])[] = [
      ["a.env", [], (file) => sourced(file, ["CLIENT_ID", "CLIENT_SECRET"])],
      ["plain", [], (file) => sourced(file, ["CLIENT_ID", "CLIENT_SECRET"])],
      ["b.json", ["--secret-format", "dotenv"], (file) => sourced(file, ["CLIENT_ID", "CLIENT_SECRET"])],
      ["c.env", ["--id-field", "A_ID", "--secret-field", "A_SECRET"], (file) => sourced(file, ["A_ID", "A_SECRET"])],
      ["d.json", [], (file) => Object.values(JSON.parse(readFileSync(file, "utf8")))],
      ["e.JSON", [], (file) => Object.values(JSON.parse(readFileSync(file, "utf8")))],
      ["f", ["--secret-format", "json"], (file) => Object.values(JSON.parse(readFileSync(file, "utf8")))],
      ["g.yaml", [], (file) => Object.values(manifest(readFileSync(file, "utf8")))],
      [
        "h.yml",
        ["--id-field", "x.id", "--secret-field", "x-pw"],
        (file) => Object.values(manifest(readFileSync(file, "utf8"))),
      ],
      ["i", ["--secret-format=k8s"], (file) => Object.values(manifest(readFileSync(file, "utf8")))],
    ];
    for (const [n, [name, more, read]] of cases.entries()) {
      const file = join(folder.path, name);
      const args = [...CREATE, "--id", `${id} ${n}`, "--secret-out", file, "--format", "json", ...more];
      const ended = await start("/bin/sh", ["-c", 'umask 0; exec "$0" "$@"', BINARY, ...args], {
        env: { HYDRA_ADMIN_URL: scenario.url, HOME: scenario.home },
      }).ended;
      assertExit(ended, 0);
      const secret = scenario.sandbox.secretOf(`${id} ${n}`) ?? assert.fail("no client");
      assert.deepEqual(read(file), [`${id} ${n}`, secret], describeRun(ended));
      assert.equal(statSync(file).mode & 0o7777, 0o600);
      assert.ok(!ended.stdout.includes(secret) && !ended.stderr.includes(secret), describeRun(ended));
      const shown = JSON.parse(ended.stdout);
      assert.deepEqual([shown.client_id, shown.client_secret], [`${id} ${n}`, undefined]);
      assert.ok(ended.stderr.includes(`The credentials of client "${id} ${n}" are in ${file}\n`), describeRun(ended));
    }
    assert.equal(readFileSync(join(folder.path, "h.yml"), "utf8").includes('"x-pw"'), true);
    assert.deepEqual(readdirSync(folder.path).sort(), cases.map(([name]) => name).sort());
    assert.deepEqual(scenario.recoveryCopies(), []);
  });

  it("writes a given secret too, and that of a rotation", SLOW, async () => {
    using folder = temporaryFolder();
    await using scenario = await openScenario();
    const at = (name: string): string => join(folder.path, name);
    holds(
      scenario,
      await scenario.run([...CREATE, "--id", "app", "--secret-file", "-", "--secret-out", at("a.env")], {
        stdin: GIVEN,
      }),
      GIVEN,
    );
    assert.deepEqual(sourced(at("a.env"), ["CLIENT_ID", "CLIENT_SECRET"]), ["app", GIVEN]);
    assertExit(await scenario.run(["clients", "rotate-secret", "app", "--secret-out", at("b.env")]), 0);
    const rotated = scenario.sandbox.secretOf("app");
    assert.notEqual(rotated, GIVEN);
    assert.deepEqual(sourced(at("b.env"), ["CLIENT_ID", "CLIENT_SECRET"]), ["app", rotated]);
    holds(
      scenario,
      await scenario.run(["clients", "update", "app", "--secret-file", "-", "--secret-out", at("c.env")], {
        stdin: GIVEN,
      }),
      GIVEN,
    );
    assert.deepEqual(sourced(at("c.env"), ["CLIENT_ID", "CLIENT_SECRET"]), ["app", GIVEN]);
    assert.deepEqual(scenario.recoveryCopies(), []);
  });

  it("writes to a descriptor that the caller opened", SLOW, async () => {
    using folder = temporaryFolder();
    const out = join(folder.path, "out");
    for (const [line, target] of [
      ['exec "$0" "$@" 3>"$OUT"', "fd:3"],
      ['exec "$0" "$@" 7>"$OUT"', "fd:7"],
      ['"$0" "$@" 3>&1 >/dev/null | cat >"$OUT"', "fd:3"],
    ] as const) {
      await using scenario = await openScenario();
      const ended = await start("/bin/sh", ["-c", line, BINARY, ...CREATE, "--id", "app", "--secret-out", target], {
        env: { HYDRA_ADMIN_URL: scenario.url, HOME: scenario.home, OUT: out },
      }).ended;
      assertExit(ended, 0);
      assert.deepEqual(sourced(out, ["CLIENT_ID", "CLIENT_SECRET"]), ["app", scenario.sandbox.secretOf("app")]);
      assert.deepEqual(scenario.recoveryCopies(), []);
    }
  });

  it("writes to a socket that the caller opened, and to a pipe that is full for a while", SLOW, async () => {
    for (const fd of [3, 4, 5]) {
      await using scenario = await openScenario();
      const stdio = Array.from({ length: fd + 1 }, (_, n) => (n === 0 ? "ignore" : "pipe"));
      const child = spawn(BINARY, [...CREATE, "--id", "app", "--secret-out", `fd:${fd}`], {
        env: { HYDRA_ADMIN_URL: scenario.url, HOME: scenario.home },
        stdio,
      });
      let text = "";
      child.stdio[fd]?.on("data", (part: unknown) => {
        text += String(part);
      });
      const [status] = await once(child, "close");
      assert.equal(status, 0);
      assert.equal(text.replaceAll("'", ""), `CLIENT_ID=app\nCLIENT_SECRET=${scenario.sandbox.secretOf("app")}\n`);
    }
    using folder = temporaryFolder();
    const pipe = join(folder.path, "pipe");
    spawnSync("mkfifo", [pipe]);
    const full = openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK);
    try {
      writeSync(full, new Uint8Array(65_536));
      await using scenario = await openScenario();
      await using running = start(
        "/bin/sh",
        ["-c", 'exec "$0" "$@" 3>"$PIPE"', BINARY, ...CREATE, "--secret-out", "fd:3"],
        {
          env: { HYDRA_ADMIN_URL: scenario.url, HOME: scenario.home, PIPE: pipe },
        },
      );
      await waitForAnswers(scenario, running, 1);
      readSync(full, new Uint8Array(65_536));
      assertExit(await running.ended, 0);
      assert.match(readText(full), /^CLIENT_ID=\S+\nCLIENT_SECRET=\S+\n$/);
    } finally {
      closeSync(full);
    }
  });

  it("gives up on a descriptor whose reader stalls, and deletes the client or saves its secret", SLOW, async () => {
    using folder = temporaryFolder();
    const pipe = join(folder.path, "pipe");
    spawnSync("mkfifo", [pipe]);
    const full = openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK);
    writeSync(full, new Uint8Array(65_536));
    const giveUp = async (signal: "SIGTERM" | undefined, args: readonly string[]): Promise<void> => {
      await using scenario = await openScenario();
      assertExit(await scenario.run([...CREATE, "--id", "old"]), 0);
      const line = [...args, "--secret-out", "fd:3", "--fail-after", signal === undefined ? "5s" : "30s"];
      await using running = start("/bin/sh", ["-c", 'exec "$0" "$@" 3>"$PIPE"', BINARY, ...line], {
        env: { HYDRA_ADMIN_URL: scenario.url, HOME: scenario.home, PIPE: pipe },
      });
      if (signal !== undefined) {
        await waitForAnswers(scenario, running, 2);
        running.kill(signal);
      }
      const ended = await running.ended;
      assertExit(ended, 1);
      assert.match(ended.stderr, /^Error: Cannot deliver .*: the reader of fd:3 stalled; /m);
      assert.deepEqual(
        scenario.sandbox.clients().map(({ client_id: id }) => id),
        ["old"],
      );
      const [kept, ...others] = scenario.recoveryCopies();
      assert.deepEqual(others, []);
      assert.equal(kept?.record.client_secret, args === CREATE ? undefined : scenario.sandbox.secretOf("old"));
    };
    try {
      const commands = [CREATE, ["clients", "rotate-secret", "old"]];
      await Promise.all(
        (["SIGTERM", undefined] as const).flatMap((signal) => commands.map((args) => giveUp(signal, args))),
      );
    } finally {
      closeSync(full);
    }
  });

  it(
    "detects a full disk of a descriptor before anything is created, and leaves the file unchanged",
    SLOW,
    async () => {
      using disk = openDisk(131_072);
      const out = join(disk.path, "out");
      const run = async (scenario: Scenario, line: string, args: readonly string[]): Promise<Ended> =>
        start("/bin/sh", ["-c", line, BINARY, ...args, "--secret-out", "fd:3"], {
          env: { HYDRA_ADMIN_URL: scenario.url, HOME: scenario.home, OUT: out },
        }).ended;
      for (const redirection of ['3>>"$OUT"', '3<>"$OUT"']) {
        writeFileSync(out, "before\n");
        await using scenario = await openScenario();
        assertExit(await run(scenario, `exec "$0" "$@" ${redirection}`, [...CREATE, "--id", "one"]), 0);
        const written = `CLIENT_ID=one\nCLIENT_SECRET=`;
        const text = readFileSync(out, "utf8");
        assert.ok(text.startsWith(redirection.startsWith("3>>") ? `before\n${written}` : written), text);
        assert.ok(!text.includes("\0"));
        // What follows the written place is kept.
        const behind = 'echo first >&3; "$0" "$@"; echo last >&3';
        assertExit(await run(scenario, `exec 3>"$OUT"; ${behind}`, [...CREATE, "--id", "two"]), 0);
        assert.match(readFileSync(out, "utf8"), /^first\nCLIENT_ID=two\nCLIENT_SECRET=\S+\nlast\n$/);
      }
      disk.fill(4096);
      writeFileSync(out, "before\n");
      await using scenario = await openScenario();
      assertFails(
        await run(scenario, 'exec "$0" "$@" 3>>"$OUT"', CREATE),
        2,
        /^Error: Cannot write --secret-out fd:3: the disk is full$/,
      );
      assert.equal(scenario.proxy.seen.length, 0);
      assert.equal(readFileSync(out, "utf8"), "before\n");
      // A device cannot be tried; where it takes nothing, nothing of the secret has left.
      const device = await run(scenario, 'exec "$0" "$@" 3>/dev/full', CREATE);
      assertFails(device, 1, /the disk of fd:3 is full; client ".*" was deleted again$/);
      assert.deepEqual([scenario.sandbox.clients(), scenario.recoveryCopies()], [[], []]);
    },
  );

  it("gets the given secret of a create that updates, which is kept until then", SLOW, async () => {
    using folder = temporaryFolder();
    const at = (name: string): string => join(folder.path, name);
    let during = 0;
    await using scenario = await openScenario("26", ({ method }) =>
      method === "PATCH"
        ? async (exchange) => {
            during = scenario.recoveryCopies().length;
            exchange.reply(await exchange.pass());
          }
        : undefined,
    );
    assertExit(await scenario.run([...CREATE, "--id", "app"]), 0);
    const update = [...CREATE, "--id", "app", "--if-exists", "update", "--secret-file", "-"];
    const ended = await scenario.run([...update, "--secret-out", at("a.env")], { stdin: GIVEN });
    holds(scenario, ended, GIVEN);
    assert.equal(during, 1);
    assert.deepEqual(sourced(at("a.env"), ["CLIENT_ID", "CLIENT_SECRET"]), ["app", GIVEN]);
    assert.doesNotMatch(ended.stderr, /none was delivered/);
    const next = `${GIVEN}-2`;
    assertFails(await scenario.run([...update, "--secret-out", at("a.env")], { stdin: next }), 2, /already exists/);
    assert.equal(scenario.sandbox.secretOf("app"), GIVEN);
    const key = openGpg();
    try {
      const anna = key.exported(key.quick("Anna <anna@example.com>", "future-default"));
      const more = ["--pgp-key", anna.armored, "--format", "json"];
      const encrypted = await scenario.run([...update, ...more], { stdin: next });
      holds(scenario, encrypted, next);
      const shown = JSON.parse(encrypted.stdout);
      assert.equal(shown.outcome, "updated");
      assert.equal(key.decrypt(Buffer.from(shown.client_secret_encrypted, "base64")), next);
    } finally {
      key.close();
    }
    assert.deepEqual(scenario.recoveryCopies(), []);
  });

  it(
    "is a draft that holds the credentials before the request, and has its name only once they are valid",
    SLOW,
    async () => {
      using folder = temporaryFolder();
      const out = join(folder.path, "out.env");
      let during: readonly string[] = [];
      let sent = "";
      await using scenario = await openScenario("26", ({ method, body }) =>
        method === "POST"
          ? () => {
              during = readdirSync(folder.path);
              sent = JSON.parse(body).client_secret;
              running.kill("SIGKILL");
            }
          : undefined,
      );
      await using running = scenario.start([...CREATE, "--secret-out", out]);
      assert.equal((await running.ended).signal, "SIGKILL");
      const [draft = "", ...others] = during;
      assert.deepEqual(others, []);
      assert.match(draft, /^\.out\.env\.[0-9a-f]{16}$/);
      assert.equal(statSync(join(folder.path, draft)).mode & 0o7777, 0o600);
      assert.match(readFileSync(join(folder.path, draft), "utf8"), /^CLIENT_ID=\S+\nCLIENT_SECRET=\S+\n$/);
      assert.ok(readFileSync(join(folder.path, draft), "utf8").includes(sent) && sent !== "");
      assert.ok(!existsSync(out));
      assert.deepEqual(scenario.recoveryCopies(), []);
    },
  );

  it("that cannot be written creates nothing and leaves no file", SLOW, async () => {
    using folder = temporaryFolder();
    using full = openDisk(65_536);
    using frozen = openDisk(65_536);
    full.fill(8192);
    frozen.freeze();
    const at = (name: string): string => join(folder.path, name);
    writeFileSync(at("taken"), "mine");
    mkdirSync(at("folder"));
    symlinkSync("taken", at("link"));
    symlinkSync("nothing", at("dangling"));
    const files = ["taken", "folder", "link", "dangling"];
    await using scenario = await openScenario();
    const cases: readonly (readonly [target: string, message: RegExp])[] = [
      [at("taken"), /already exists/],
      [at("link"), /already exists/],
      [at("dangling"), /already exists/],
      [at("folder"), /already exists/],
      [at("new/"), /is not a file name/],
      [at("missing/out"), /the directory does not exist/],
      [at("taken/out"), /Cannot write --secret-out/],
      [at("a".repeat(240)), /: its name is too long$/],
      [at("a".repeat(300)), /: its name is too long$/],
      [join(full.path, "out"), /the disk is full/],
      [join(frozen.path, "out"), /the directory is not writable/],
      ["/dev/null", /already exists/],
      ["/dev/full", /already exists/],
      ["", /is not a file name/],
      ["-", /neither a file nor an open descriptor/],
      ["fd:", /neither a file nor an open descriptor/],
      ["fd:x", /neither a file nor an open descriptor/],
      ["/dev/stdout", /neither a file nor an open descriptor/],
      ["/dev/fd/9", /neither a file nor an open descriptor/],
      ["fd:0", /fd:0 is a standard stream/],
      ["fd:1", /fd:1 is a standard stream/],
      ["fd:2", /fd:2 is a standard stream/],
      ["fd:3", /fd:3 is not open/],
      ["fd:9", /fd:9 is not open/],
      ["fd:99999999999", /is not open/],
    ];
    for (const [target, message] of cases) {
      // The descriptors of this process are others.
      const run = target.startsWith("fd:") ? scenario.run : program(scenario);
      untouched(scenario, await run([...CREATE, "--secret-out", target]), folder.path, files, message);
    }
    const readOnly = await start(
      "/bin/sh",
      ["-c", 'exec "$0" "$@" 3</dev/null', BINARY, ...CREATE, "--secret-out", "fd:3"],
      {
        env: { HYDRA_ADMIN_URL: scenario.url },
      },
    ).ended;
    untouched(scenario, readOnly, folder.path, files, /fd:3 is not open/);
    const options: readonly (readonly [more: readonly string[], message: RegExp])[] = [
      [["--secret-format", "json"], /--secret-format has no file to write/],
      [["--secret-out", at("o"), "--secret-format", "xml"], /--secret-format "xml"/],
      [["--secret-out", at("o.env"), "--id-field", "a-b"], /--id-field "a-b"/],
      [["--secret-out", at("o.env"), "--secret-field", "1A"], /--secret-field "1A"/],
      [["--secret-out", at("o.yaml"), "--secret-field", "a b"], /--secret-field "a b"/],
      [["--secret-out", at("o"), "--id-field", "X", "--secret-field", "X"], /cannot both be named "X"/],
      [["--secret-out", at("o"), "--secret-field", "CLIENT_ID"], /cannot both be named "CLIENT_ID"/],
      [
        ["--format", "env", "--keybase", "ann", "--id-field", "CLIENT_SECRET_ENCRYPTED"],
        /cannot both be named "CLIENT_SECRET_ENCRYPTED"/,
      ],
    ];
    for (const [more, message] of options) {
      untouched(scenario, await program(scenario)([...CREATE, ...more]), folder.path, files, message);
    }
    assert.equal(readFileSync(at("taken"), "utf8"), "mine");
    assert.deepEqual([readdirSync(full.path), readdirSync(frozen.path)], [["ballast"], []]);
    // The same target stops a change before it is made.
    assertExit(await scenario.run([...CREATE, "--id", "app"]), 0);
    const secret = scenario.sandbox.secretOf("app");
    for (const args of [
      ["rotate-secret", "app"],
      ["update", "app", "--secret-file", "-"],
    ]) {
      for (const target of [at("taken"), at("missing/out"), join(full.path, "out"), "fd:3"]) {
        const run = target.startsWith("fd:") ? scenario.run : program(scenario);
        const ended = await run(["clients", ...args, "--secret-out", target], { stdin: GIVEN });
        assertFails(ended, 2, /--secret-out/);
        assert.equal(scenario.sandbox.secretOf("app"), secret);
      }
    }
    assert.deepEqual(readdirSync(folder.path).sort(), [...files].sort());
    assert.ok(scenario.proxy.seen.every(({ method }) => method === "GET" || method === "POST"));
    assert.deepEqual(scenario.recoveryCopies(), []);
  });

  it("may exist for a second run with --if-exists update if it has the given secret already", SLOW, async () => {
    using folder = temporaryFolder();
    const file = join(folder.path, "app.env");
    await using scenario = await openScenario();
    const run = (name: string, secret: string): Promise<Ended> =>
      scenario.run(
        [
          ...["create", "oauth2-client", "--grant-type", "client_credentials", "--id", "app", "--name", name],
          ...["--if-exists", "update", "--secret-out", file, "--secret", secret, "--format", "json"],
        ],
        {},
      );
    assertExit(await run("one", GIVEN), 0);
    const written = statSync(file).mtimeMs;
    const second = await run("two", GIVEN);
    assertExit(second, 0);
    assert.match(
      second.stderr,
      /^Client "app" already exists .*; its secret is the one given, already in "\S+app\.env"$/m,
    );
    assert.ok(!second.stdout.includes(GIVEN), describeRun(second));
    assert.equal(scenario.sandbox.clients()[0]?.["client_name"], "two");
    assert.equal(statSync(file).mtimeMs, written);
    const other = await run("three", `${GIVEN}-new`);
    assertExit(other, 2);
    assert.match(other.stderr, /already exists and is not overwritten/);
    assert.equal(scenario.sandbox.secretOf("app"), GIVEN);
    assert.deepEqual(scenario.recoveryCopies(), []);
  });

  it("without a secret to write is reported to stay empty", SLOW, async () => {
    using folder = temporaryFolder();
    const out = ["--secret-out", join(folder.path, "out")];
    await using scenario = await openScenario();
    const open = await scenario.run([...CREATE, "--id", "open", "--token-endpoint-auth-method", "none", ...out]);
    assertExit(open, 0);
    assert.match(open.stderr, /^Warning: --secret-out is not written/m);
    assertFails(
      await scenario.run(["clients", "update", "open", "--name", "x", ...out]),
      2,
      /There is no new secret to write/,
    );
    const again = await scenario.run([...CREATE, "--id", "open", "--if-exists", "skip", ...out]);
    assertExit(again, 0);
    assert.match(again.stderr, /no secret was delivered/);
    assert.deepEqual(readdirSync(folder.path), []);
  });

  it("replaces what --format k8s-secret prints", SLOW, async () => {
    await using scenario = await openScenario();
    const args = [
      ...CREATE,
      "--id",
      "app",
      "--format",
      "k8s-secret",
      "--id-field",
      "the.id",
      "--secret-field",
      "the-secret",
    ];
    const ended = await program(scenario)(args);
    assertExit(ended, 0);
    assert.deepEqual(manifest(ended.stdout), { "the.id": "app", "the-secret": scenario.sandbox.secretOf("app") });
    // A manifest without the secret would take it out of the cluster.
    const out = ["--secret-out", join(scenario.home, "app.env")];
    for (const args of [
      [...CREATE, "--id", "app", "--if-exists", "skip"],
      [...CREATE, "--id", "app", "--if-exists", "update"],
      [...CREATE, "--id", "app", "--if-exists", "update", "--owner", "me"],
      ["clients", "update", "app", "--name", "x"],
      ["clients", "update", "app", "--name", "x"],
      ["clients", "update", "app", "--secret", GIVEN],
      ["clients", "rotate-secret", "app", ...out],
      ["clients", "import", "--if-exists", "skip"],
      ["clients", "import", "--if-exists", "update"],
    ]) {
      const none = await program(scenario)([...args, "--format", "k8s-secret"], {
        stdin: '{"client_id":"app","grant_types":["client_credentials"]}',
      });
      assertExit(none, 0);
      assert.equal(none.stdout, "", args.join(" "));
      assert.match(
        none.stderr,
        /^No Kubernetes Secret is written to standard output for client "app": no secret was delivered there$/m,
      );
    }
    // A client without a secret is complete with its ID, also if it existed before.
    const open = [...CREATE, "--id", "open", "--token-endpoint-auth-method", "none", "--format", "k8s-secret"];
    for (const args of [open, [...open, "--if-exists", "skip"]]) {
      const id = await program(scenario)(args);
      assertExit(id, 0);
      assert.deepEqual(manifest(id.stdout), { CLIENT_ID: "open" });
    }
    const some = await program(scenario)(["clients", "import", "--if-exists", "skip", "--format", "k8s-secret"], {
      stdin: '[{"client_id":"app"},{"client_id":"new"},{"client_id":"open"}]',
    });
    assertExit(some, 0);
    assert.deepEqual(manifest(some.stdout), { CLIENT_ID: "new", CLIENT_SECRET: scenario.sandbox.secretOf("new") });
    assert.match(some.stderr, /^No Kubernetes Secret is written to standard output for 2 clients, the first "app": /m);
    const rotated = await program(scenario)(["clients", "rotate-secret", "app", "--format", "k8s-secret"]);
    assertExit(rotated, 0);
    assert.deepEqual(manifest(rotated.stdout), { CLIENT_ID: "app", CLIENT_SECRET: scenario.sandbox.secretOf("app") });
  });
});

/** A proxy that leads every https address to a server of the test, as names that only it knows. */
async function openDirectory(files: ReadonlyMap<string, Uint8Array>) {
  const authority = issue({ name: "Test authority", authority: true });
  const { cert, key } = issue({
    name: "directory",
    hosts: ["openpgpkey.example.org", "example.net"],
    issuer: authority,
  });
  const server = createTlsServer({ cert, key }, (request, response) => {
    const file = files.get(`https://${request.headers.host}${request.url}`);
    response.writeHead(file === undefined ? 404 : 200).end(file ?? "");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const behind = server.address();
  if (behind === null || typeof behind === "string") throw new Error("the server has no port");
  const hosts: string[] = [];
  const proxy = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", (first) => {
      const host = /^CONNECT (\S+):443 /.exec(String(first))?.[1] ?? "";
      hosts.push(host);
      if (host.startsWith("openpgpkey.") && host !== "openpgpkey.example.org") {
        socket.end("HTTP/1.1 502 Bad Gateway\r\n\r\n");
        return;
      }
      const upstream = connect(behind.port, "127.0.0.1", () => {
        socket.write("HTTP/1.1 200 OK\r\n\r\n");
        socket.pipe(upstream).pipe(socket);
      });
      upstream.on("error", () => socket.destroy());
    });
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  const front = proxy.address();
  if (front === null || typeof front === "string") throw new Error("the proxy has no port");
  return {
    url: `http://127.0.0.1:${front.port}`,
    authority: authority.cert,
    hosts,
    close: () => {
      proxy.close();
      server.close();
      server.closeAllConnections();
    },
  };
}

describe("recipients of one message", () => {
  let gpg: Gpg;
  let people: readonly Exported[];
  let keybase: KeybaseServer;
  let directory: Awaited<ReturnType<typeof openDirectory>>;
  const folder = temporaryFolder();

  before(async () => {
    gpg = openGpg();
    people = [
      "Anna <anna@example.com>",
      "Bert <bert@example.com>",
      "Carl <carl@example.com>",
      "Dora <dora@example.org>",
      "Emil <emil@example.net>",
    ].map((name) => gpg.exported(gpg.quick(name, "future-default")));
    const [, , carl, dora, emil] = people;
    keybase = await openKeybase({ username: "carl", ...(carl === undefined ? {} : { key: carl }) });
    directory = await openDirectory(
      new Map([
        [(await wkdUrls("dora@example.org")).advanced, dora?.binary ?? new Uint8Array()],
        [(await wkdUrls("emil@example.net")).direct, emil?.binary ?? new Uint8Array()],
        [(await wkdUrls("other@example.org")).advanced, dora?.binary ?? new Uint8Array()],
      ]),
    );
    writeFileSync(join(folder.path, "roots.pem"), directory.authority);
    writeFileSync(join(folder.path, "anna.asc"), people[0]?.armored ?? "");
  });

  after(async () => {
    directory.close();
    await keybase.close();
    gpg.close();
    folder[Symbol.dispose]();
  });

  const env = (): Record<string, string> => ({
    HYDRA_KEYBASE_URL: keybase.url,
    HTTPS_PROXY: directory.url,
    SSL_CERT_FILE: join(folder.path, "roots.pem"),
  });

  function everyone(): readonly string[] {
    return [
      ...["--pgp-key", `@${join(folder.path, "anna.asc")}`],
      ...["--pgp-key", Buffer.from(people[1]?.binary ?? []).toString("base64")],
      ...["--keybase", "carl"],
      ...["--pgp-key", "wkd:dora@example.org"],
      ...["--pgp-key-url", "wkd:emil@example.net"],
    ];
  }

  /** What each of them reads from a message, using only its own key. */
  function readBy(message: string): readonly string[] {
    return people.map(({ fingerprint }) => {
      const alone = openGpg();
      try {
        alone.run(["--import"], { input: gpg.secret(fingerprint) });
        return alone.decrypt(Buffer.from(message, "base64"));
      } finally {
        alone.close();
      }
    });
  }

  it("come from every source at once, each pinned, and each can read it with only its own key", SLOW, async () => {
    await using scenario = await openScenario();
    const pins = ["--pgp-fingerprint", people.map(({ fingerprint }) => fingerprint).join(",")];
    const ended = await scenario.run([...CREATE, "--id", "app", ...everyone(), ...pins, "--format", "json"], {
      env: env(),
    });
    assertExit(ended, 0);
    const shown = JSON.parse(ended.stdout);
    const secret = scenario.sandbox.secretOf("app") ?? assert.fail("no client");
    assert.deepEqual(
      readBy(shown.client_secret_encrypted),
      people.map(() => secret),
    );
    assert.deepEqual(
      shown.client_secret_recipients.map((one: { fingerprint: string }) => one.fingerprint).sort(),
      people.map(({ fingerprint }) => fingerprint).sort(),
    );
    for (const { fingerprint } of people) assert.match(ended.stderr, new RegExp(`^Encrypted to ${fingerprint} `, "m"));
    assert.ok(!`${ended.stdout}${ended.stderr}`.includes(secret));
    // The advanced method if its host exists, otherwise the direct one.
    assert.deepEqual(directory.hosts, ["openpgpkey.example.org", "openpgpkey.example.net", "example.net"]);
  });

  it("are all unusable when one is, and nothing is created or left over", SLOW, async () => {
    const signer = gpg.exported(gpg.quick("Sign <sign@example.com>", "ed25519", "sign"));
    await using scenario = await openScenario();
    using place = temporaryFolder();
    const out = ["--secret-out", join(place.path, "out.env")];
    const pins = people.map(({ fingerprint }) => fingerprint);
    const cases: readonly (readonly [more: readonly string[], status: number, message: RegExp])[] = [
      [["--pgp-key", Buffer.from(signer.binary).toString("base64")], 7, new RegExp(`${signer.fingerprint} "Sign `)],
      [["--pgp-key", "wkd:nobody@example.org"], 7, /nobody@example\.org/],
      [["--pgp-key", "wkd:nobody"], 2, /it is not an email address/],
      [["--keybase", "nobody"], 7, /Keybase user "nobody" not found/],
      [["--pgp-key", "@/nothing/there"], 2, /the file does not exist/],
      [["--pgp-fingerprint", pins.slice(1).join(",")], 7, new RegExp(`${pins[0]}.*its fingerprint is not`)],
      [["--pgp-fingerprint", [...pins, signer.fingerprint].join(",")], 7, new RegExp(signer.fingerprint)],
    ];
    for (const [more, status, message] of cases) {
      const ended = await scenario.run([...CREATE, ...everyone(), ...more, ...out], { env: env() });
      assertFails(ended, status, message);
      assert.deepEqual(
        [scenario.proxy.seen.length, readdirSync(place.path), scenario.recoveryCopies()],
        [0, [], []],
        describeRun(ended),
      );
    }
  });

  it("receive it in each format, also in a file, a manifest and an import", SLOW, async () => {
    const [anna] = people;
    const to = ["--pgp-key", anna?.armored ?? ""];
    await using scenario = await openScenario();
    using place = temporaryFolder();
    const forms: readonly (readonly [form: string, binary: (text: string) => string | Uint8Array])[] = [
      ["base64", (text) => Buffer.from(text, "base64")],
      ["armor", (text) => text],
      ["base64-armor", (text) => Buffer.from(text, "base64").toString()],
    ];
    for (const [form, message] of forms) {
      const more = [...to, "--encrypted-format", form];
      const file = join(place.path, `${form}.json`);
      const written = await program(scenario)([...CREATE, "--id", form, ...more, "--secret-out", file]);
      assertExit(written, 0);
      const { client_id: id, client_secret_encrypted: encrypted, ...rest } = JSON.parse(readFileSync(file, "utf8"));
      assert.deepEqual([id, rest], [form, {}]);
      assert.equal(gpg.decrypt(message(encrypted)), scenario.sandbox.secretOf(form));
      assert.match(message(encrypted).toString(), form === "base64" ? /./s : /^-----BEGIN PGP MESSAGE-----/);
      const env = await program(scenario)([...CREATE, "--id", `${form}-env`, ...more, "--format", "env"]);
      assertExit(env, 0);
      const sourced = spawnSync("/bin/sh", ["-c", 'eval "$0"; printf %s "$CLIENT_SECRET_ENCRYPTED"', env.stdout], {
        encoding: "utf8",
      });
      assert.equal(gpg.decrypt(message(sourced.stdout)), scenario.sandbox.secretOf(`${form}-env`));
      const imported = await program(scenario)(["clients", "import", ...more, "--format", "json"], {
        stdin: JSON.stringify([{ client_id: `${form}-import`, grant_types: ["client_credentials"] }]),
      });
      assertExit(imported, 0);
      const [one] = JSON.parse(imported.stdout);
      assert.equal(gpg.decrypt(message(one.client_secret_encrypted)), scenario.sandbox.secretOf(`${form}-import`));
      for (const { stdout, stderr } of [written, env, imported]) {
        for (const name of [form, `${form}-env`, `${form}-import`]) {
          assert.ok(!`${stdout}${stderr}`.includes(scenario.sandbox.secretOf(name) ?? ""));
        }
      }
    }
    assertFails(
      await program(scenario)([...CREATE, ...to, "--encrypted-format", "hex"]),
      2,
      /--encrypted-format "hex"/,
    );
  });

  it("are shown by pgp inspect, with their properties and whether they are usable", SLOW, async () => {
    const name = gpg.quick("Mina <mina@example.com>", "ed25519", "sign", "never", "20200101T000000");
    const old = gpg.addSubkey(name, "cv25519", "encr", "20200301T000000", "20200101T000000");
    const good = gpg.addSubkey(name, "cv25519", "encr", "never", "20210101T000000");
    const newest = gpg.addSubkey(name, "cv25519", "encr", "never", "20220101T000000");
    const signer = gpg.exported(gpg.quick("Sign <only@example.com>", "ed25519", "sign"));
    const mina = gpg.exported(name);
    writeFileSync(join(folder.path, "mina.asc"), mina.armored);
    const inspect = (...args: readonly string[]): Promise<Ended> =>
      runBinary(["pgp", "inspect", ...args], { env: env() });
    const shown = await inspect(`@${join(folder.path, "mina.asc")}`);
    assertExit(shown, 0);
    assert.match(shown.stdout, new RegExp(`^Key: +${mina.fingerprint} \\(Ed`));
    assert.match(shown.stdout, /^User ID: +Mina <mina@example.com>$/m);
    assert.match(shown.stdout, new RegExp(`^Subkey: +${old} .*not used: .*2020-03-01`, "m"));
    assert.match(shown.stdout, new RegExp(`^Subkey: +${good} .*not used: a newer one is used`, "m"));
    assert.match(shown.stdout, new RegExp(`^Subkey: +${newest} .*, used$`, "m"));
    assert.match(shown.stdout, new RegExp(`^Usable: +yes, encrypts to .*${newest}`, "m"));
    // What would be used is what is used.
    await using scenario = await openScenario();
    const created = await scenario.run([...CREATE, "--id", "app", "--pgp-key", mina.armored, "-v", "--format", "json"]);
    const packets = gpg.run(["--list-packets"], {
      input: Buffer.from(JSON.parse(created.stdout).client_secret_encrypted, "base64"),
    });
    assert.match(packets.stdout.toString(), new RegExp(`keyid ${newest.slice(-16)}`, "i"));
    assert.match(created.stderr, new RegExp(`^Not encrypted to subkey ${old} .*2020-03-01`, "m"));
    const useless = await inspect(Buffer.from(signer.binary).toString("base64"));
    assertExit(useless, 7);
    assert.match(useless.stdout, /^Usable: +no: /m);
    assert.match(useless.stdout, /^Hint: +\S/m);
    const several = await inspect("keybase:carl", "wkd:dora@example.org", "--format", "json");
    assertExit(several, 0);
    assert.deepEqual(
      JSON.parse(several.stdout).map((one: { fingerprint: string; usable: boolean }) => [one.fingerprint, one.usable]),
      [people[2], people[3]].map((person) => [person?.fingerprint, true]),
    );
    const quiet = await inspect("keybase:carl", "-q");
    assert.equal(quiet.stdout, `${people[2]?.fingerprint}\n`);
    // A key that a create would reject for where it is from is rejected here too.
    const [, , carl, dora] = people;
    assert.ok(carl !== undefined && dora !== undefined);
    keybase.users.push({ username: "lying", key: carl, states: dora.fingerprint });
    for (const key of ["keybase:lying", "wkd:other@example.org"]) {
      const rejected = /Keybase claims the fingerprint|no key from .*wkd:other@example\.org has this email address/;
      const created = await scenario.run([...CREATE, "--pgp-key", key], { env: env() });
      assertFails(created, 7, rejected);
      assertFails(await inspect(key), 7, rejected);
    }
    assertFails(await inspect("not a key"), 7, /from the given key: .*not/i);
    assertFails(await inspect(), 2, /Missing KEY/);
    // No subkey is spare where the key itself is of no use.
    const expired = gpg.quick("Old <old@example.com>", "ed25519", "sign", "20200301T000000", "20200101T000000");
    const lasting = gpg.addSubkey(expired, "cv25519", "encr", "never", "20200101T000000");
    const past = await inspect(Buffer.from(gpg.exported(expired).binary).toString("base64"));
    assertExit(past, 7);
    assert.match(past.stdout, new RegExp(`^Subkey: +${lasting} .*, not used: the key itself is not usable$`, "m"));
    // Names are those of the command's own words, and what create refuses to fetch is not fetched here either.
    for (const [word, status, message] of [
      ["alice.asc", 2, /^Error: Cannot read "alice\.asc" for pgp inspect: the file does not exist$/],
      ["@/nowhere/a.asc", 2, /^Error: Cannot read "\/nowhere\/a\.asc" for pgp inspect: /],
      ["http://keys.example/a.asc", 2, /^Error: Cannot fetch the key of address "http:.* uses plain http/],
      ["keybase:a-b", 2, /^Error: Invalid Keybase user "a-b"/],
    ] as const) {
      const refused = await inspect(word);
      assertFails(refused, status, message);
      assert.doesNotMatch(refused.stderr, /--pgp|--keybase/);
    }
    const secret = await inspect(gpg.secret(mina.fingerprint));
    assert.doesNotMatch(secret.stdout + secret.stderr, /BEGIN PGP/);
    assertExit(secret, 7);
  });
});
