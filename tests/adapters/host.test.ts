import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import {
  chmodSync,
  closeSync,
  constants as fsConstants,
  mkdtempSync,
  openSync,
  read,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, before, describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { readDescriptorToEnd } from "../../lib/adapters/host/read-to-end.ts";
import { createSystemHost } from "../../lib/adapters/host.ts";
import { InputTooLarge } from "../../lib/core/input-limits.ts";

const HOST = pathToFileURL(join(import.meta.dirname, "../../lib/adapters/host.ts")).href;

const IN_BUN = "Bun" in globalThis;

/** How long a test may take that starts the runtime. */
const SLOW = { timeout: 60_000 };

/** What a script came to. */
interface Ended {
  readonly status: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

describe("the host", () => {
  let folder: string;
  let scripts = 0;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), "hydra-host-"));
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  /** Starts a script of this runtime in a shell; `host` is defined in it, and `$0 $@` in the shell is the script. */
  function start(script: string, shell = '"$0" "$@"', env: Readonly<Record<string, string>> = {}) {
    const file = join(folder, `script-${scripts++}.ts`);
    writeFileSync(
      file,
      `import { createSystemHost } from ${JSON.stringify(HOST)};\nconst host = createSystemHost();\n${script}\n`,
    );
    const run = IN_BUN ? [file] : ["run", "-A", "--no-check", "--no-config", file];
    const child = spawn("/bin/sh", ["-c", shell, process.execPath, ...run], { env: { ...process.env, ...env } });
    const chunks = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const) {
      child[name].setEncoding("utf8").on("data", (text: string) => {
        chunks[name] += text;
      });
    }
    child.stdin.on("error", () => {});
    const ended = new Promise<Ended>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (status, signal) => resolve({ status, signal, ...chunks }));
    });
    return { child, ended };
  }

  function run(script: string, shell?: string): Promise<Ended> {
    const { child, ended } = start(script, shell);
    child.stdin.end();
    return ended;
  }

  const REPORT = `
    .then(() => "written", (error) => error.name + " " + error.written + " " + error.message)
    .then((line) => host.stderr.write(line + "\\n"));`;

  it("writes to a pipe with room immediately, without changing the pipe for other processes", SLOW, async () => {
    // The script is its own reader: what is not in the pipe when a call returns is not there to be read.
    const ended = await run(
      `
      const { constants, openSync, readFileSync, readSync } = await import("node:fs");
      const reader = openSync("/proc/self/fd/1", constants.O_RDONLY | constants.O_NONBLOCK);
      let missed = 0;
      for (let n = 0; n < 100; n++) {
        const writing = host.stdout.write("x");
        try { readSync(reader, new Uint8Array(1)); } catch { missed++; }
        await writing;
      }
      const flags = /flags:\\s*(\\d+)/.exec(readFileSync("/proc/self/fdinfo/1", "latin1"))?.[1];
      await host.stderr.write(JSON.stringify([missed, Number.parseInt(flags ?? "", 8) & 0o4000]));`,
      '"$0" "$@" | true',
    );
    assert.match(ended.stderr, IN_BUN ? /^\[0,0\]$/ : /^\[\d+,0\]$/);
  });

  it("resolves once a large text has reached a slow reader, and keeps the order of texts", SLOW, async () => {
    const ended = await run(
      `
      const big = "é".repeat(700_000);
      const all = ["first\\n", big, "\\nlast\\n"].map((text) => host.stdout.write(text));
      await Promise.all(all)${REPORT}`,
      '"$0" "$@" | (sleep 0.3; cat)',
    );
    assert.equal(ended.stderr, "written\n");
    assert.equal(ended.stdout, `first\n${"é".repeat(700_000)}\nlast\n`);
  });

  it("reports that the reader is gone, and how many bytes were written", SLOW, async () => {
    const ended = await run(
      `
      async function untilGone() {
        for (;;) {
          await host.stdout.write("to nobody");
          await host.sleep(5);
        }
      }
      await untilGone()${REPORT}`,
      '"$0" "$@" | true',
    );
    assert.equal(ended.stderr, "WriteFailure 0 the reader of standard output is gone\n");
  });

  it("reports a full disk and a descriptor that isn't writable", SLOW, async () => {
    const full = await run(`await host.stdout.write("text")${REPORT}`, '"$0" "$@" >/dev/full');
    assert.equal(full.stderr, "WriteFailure 0 the disk is full\n");
    // Deno writes to such a descriptor without a word.
    const reading = await run(`await host.stdout.write("text")${REPORT}`, '"$0" "$@" 1</dev/null');
    assert.equal(reading.stderr, IN_BUN ? "WriteFailure 0 standard output is closed\n" : "written\n");
  });

  it("writes again after a failure", SLOW, async () => {
    const ended = await run(
      `
      await host.stdout.write("text").catch(() => {});
      await Promise.all([host.stdout.write("a").catch(() => {}), host.stderr.write("still here\\n")]);`,
      '"$0" "$@" >/dev/full',
    );
    assert.deepEqual([ended.stderr, ended.status], ["still here\n", 0]);
  });

  it("distinguishes a terminal from everything else", SLOW, async () => {
    const script = `host.stderr.write([host.stdout.isTerminal, host.stdout.columns, host.stdinIsTerminal].join(" "));`;
    for (const shell of ['"$0" "$@" </dev/null', '"$0" "$@" >/dev/null', `"$0" "$@" >"${folder}/out"`]) {
      assert.equal((await run(script, shell)).stderr, "false  false", shell);
    }
  });

  it("detects that standard output was closed before the start, and nothing else", SLOW, async () => {
    const script = `host.stderr.write(String(host.stdoutWasClosed()));`;
    const open = [
      '"$0" "$@"',
      '"$0" "$@" >/dev/null',
      `"$0" "$@" >"${folder}/out"`,
      '"$0" "$@" | cat',
      '"$0" "$@" <&-',
    ];
    for (const shell of open) assert.equal((await run(script, shell)).stderr, "false", shell);
    // Only the compiled program promises to see it; deno opens the descriptor in a way that leaves no trace.
    if (IN_BUN) assert.equal((await run(script, '"$0" "$@" >&-')).stderr, "true");
  });

  it("receives each terminating signal every time", SLOW, async () => {
    const signals = [
      ...(["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGALRM"] as const),
      ...(["SIGVTALRM", "SIGPROF", "SIGXCPU", "SIGIO", "SIGTERM"] as const),
      // Bun has no way to handle this signal, which no system sends by itself.
      ...(IN_BUN ? [] : (["SIGSTKFLT"] as const)),
    ];
    const { child, ended } = start(
      `
      let heard = 0;
      host.onEnding((signal) => {
        const written = host.stdout.write(signal + "\\n");
        if (++heard === ${signals.length}) written.then(() => host.exit(7));
      });
      host.stdout.write("ready\\n");
      setInterval(() => {}, 1000);`,
      'exec "$0" "$@"',
    );
    let text = "";
    let sent = 0;
    // Each is sent once the one before was heard: two of a kind at the same time would be one.
    child.stdout.on("data", (part: string) => {
      text += part;
      const signal = signals[sent];
      if (text.split("\n").length - 1 > sent && signal !== undefined) {
        sent++;
        // Deno's own kill() works but once.
        process.kill(child.pid ?? 0, signal);
      }
    });
    const { status, stdout } = await ended;
    assert.equal(stdout, ["ready", ...signals.map((signal) => constants.signals[signal]), ""].join("\n"));
    assert.equal(status, 7);
  });

  it("reads a line per question, uses type-ahead for the next one, and detects the end of input", SLOW, async () => {
    const { child, ended } = start(`
      const answers = [];
      for (const question of ["one? ", "two? ", "three? ", "four? "]) answers.push(await host.ask(question, false));
      await host.stdout.write(JSON.stringify(answers));
      host.exit(0);`);
    child.stdin.end("first\r\nsecond é\nthird");
    const { stdout, stderr } = await ended;
    assert.equal(stdout, '["first","second é","third",null]');
    assert.equal(stderr, "one? two? three? four? ");
  });

  it("reads standard input, files and the environment", SLOW, async () => {
    const { child, ended } = start(
      `
      const input = await host.readStdin(100);
      await host.stdout.write(Buffer.from(input).toString() + host.environment("HYDRA_HOST_TEST") + host.environment("HYDRA_NOT_SET"));`,
      undefined,
      { HYDRA_HOST_TEST: "value" },
    );
    child.stdin.end("input ");
    assert.equal((await ended).stdout, "input valueundefined");
    const host = createSystemHost();
    assert.equal(host.uid(), process.geteuid?.());
    const file = join(folder, "file");
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    writeFileSync(file, bytes);
    await assert.rejects(host.readFile(join(folder, "missing"), 256), { code: "ENOENT" });
    for (const mode of [0o600, 0o644, 0o400]) {
      chmodSync(file, mode);
      const read = await host.readFile(file, 256);
      assert.deepEqual(Buffer.from(read.bytes), Buffer.from(bytes));
      assert.deepEqual([read.mode, read.uid], [mode, process.getuid?.()]);
    }
    await assert.rejects(host.readFile(folder, 256), { code: "EISDIR" });
    await assert.rejects(host.readFile(file, 255), InputTooLarge);
  });

  it("reads files of every size up to the limit", async () => {
    const host = createSystemHost();
    const file = join(folder, "large");
    for (const size of [0, 1, 65_535, 65_536, 65_537, 3_000_000]) {
      const bytes = new Uint8Array(size).map((_, at) => at % 251);
      writeFileSync(file, bytes);
      for (const limit of [size, size + 1, 100_000_000]) {
        assert.ok(Buffer.from(bytes).equals((await host.readFile(file, limit)).bytes), `${size} of ${limit}`);
      }
      if (size > 0) await assert.rejects(host.readFile(file, size - 1), InputTooLarge);
    }
    await assert.rejects(host.readFile("/dev/zero", 3_000_000), InputTooLarge);
    assert.equal((await host.readFile("/dev/null", 0)).bytes.length, 0);
    assert.match(Buffer.from((await host.readFile("/proc/self/status", 100_000)).bytes).toString(), /^Name:/);
  });

  it("reads any kind of standard input, up to the limit", SLOW, async () => {
    const script = `
      const size = (limit) => host.readStdin(limit).then((bytes) => bytes.length, (error) => error.name);
      await host.stdout.write(String(await size(100_000)));
      host.exit(0);`;
    const cases: readonly (readonly [shell: string, expected: string])[] = [
      ['"$0" "$@" </dev/null', "0"],
      ['"$0" "$@" </dev/zero', "InputTooLarge"],
      ['yes | "$0" "$@"', "InputTooLarge"],
      ['head -c 100000 /dev/zero | "$0" "$@"', "100000"],
      ['head -c 100001 /dev/zero | "$0" "$@"', "InputTooLarge"],
      [`printf 12345 >"${folder}/in"; "$0" "$@" <"${folder}/in"`, "5"],
    ];
    for (const [shell, expected] of cases) assert.equal((await run(script, shell)).stdout, expected, shell);
  });

  it("waits for a pipe that doesn't block", async () => {
    const pipe = join(folder, "pipe");
    execFileSync("mkfifo", [pipe]);
    const fd = openSync(pipe, fsConstants.O_RDWR | fsConstants.O_NONBLOCK);
    try {
      const reading = readDescriptorToEnd(fd, 3);
      // A read that comes later finds the pipe empty, so the one before has too.
      await assert.rejects(promisify(read)(fd, new Uint8Array(1), 0, 1, null), { code: "EAGAIN" });
      writeSync(fd, "12");
      writeSync(fd, "34");
      await assert.rejects(reading, InputTooLarge);
    } finally {
      closeSync(fd);
    }
  });

  it("sleeps for a time, or until the signal aborts", SLOW, async () => {
    const host = createSystemHost();
    const began = host.monotonic();
    await host.sleep(30);
    assert.ok(host.monotonic() - began >= 25);
    const reason = new Error("enough");
    const control = new AbortController();
    const asleep = host.sleep(600_000, control.signal);
    control.abort(reason);
    await assert.rejects(asleep, reason);
    await assert.rejects(host.sleep(0, control.signal), reason);
  });

  it("generates random bytes and UUIDs without repeats", () => {
    const host = createSystemHost();
    assert.deepEqual(
      [0, 1, 1000].map((count) => host.random(count).length),
      [0, 1, 1000],
    );
    const ids = new Set(Array.from({ length: 1000 }, () => host.uuid()));
    assert.equal(ids.size, 1000);
    for (const id of ids) assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    const counts = new Array<number>(256).fill(0);
    for (const byte of host.random(60_000)) counts[byte] = (counts[byte] ?? 0) + 1;
    // 234 of each on average; a byte that never or hardly ever comes would be a fault, and chance does not make one.
    assert.ok(counts.every((count) => count > 100 && count < 400));
    const [before, now, after] = [Date.now(), host.now(), Date.now()];
    assert.ok(before <= now && now <= after, `${before} ${now} ${after}`);
  });
});
