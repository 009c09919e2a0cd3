/** Limits of what the program reads from files and standard input. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { closeSync, constants, openSync, readdirSync, readlinkSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { BINARY, type Running, type RunOptions, runBinary, start, startBinary, temporaryFolder } from "./binary.ts";
import { waitUntilIdle } from "./process-state.ts";
import { assertExit, assertFails, describeRun, SLOW } from "./scenario.ts";

const CREATE = ["clients", "create", "-g", "client_credentials"];

/** A command that reads a file, the file's place at its end. */
interface Reader {
  readonly args: readonly string[];
  readonly name: string;
  readonly limit: string;
  /** What precedes the path of a file. */
  readonly prefix?: string;
}

/** Every way in which the program reads a file that it is given. */
const READERS: readonly Reader[] = [
  { args: ["clients", "import"], name: "import", limit: "256 MiB" },
  { args: ["pgp", "inspect"], name: "pgp inspect", limit: "1 MiB", prefix: "@" },
  { args: [...CREATE, "--secret-file"], name: "--secret-file", limit: "4 KiB" },
  { args: [...CREATE, "--access-token-file"], name: "--access-token-file", limit: "16 KiB" },
  { args: [...CREATE, "--pgp-key"], name: "--pgp-key", limit: "1 MiB", prefix: "@" },
  { args: [...CREATE, "--file"], name: "--file", limit: "1 MiB" },
  { args: [...CREATE, "--jwks"], name: "--jwks", limit: "1 MiB" },
  { args: [...CREATE, "--endpoint", "https://127.0.0.1:1", "--ca-file"], name: "--ca-file", limit: "1 MiB" },
];

const OPTIONS: RunOptions = { env: { HYDRA_ADMIN_URL: "http://127.0.0.1:1" } };

/** Starts the program with a file as its standard input. */
function startWith(file: string, args: readonly string[]): Running {
  return start("/bin/sh", ["-c", 'exec "$0" "$@" <"$INPUT"', BINARY, ...args], {
    env: { ...OPTIONS.env, INPUT: file },
  });
}

/** A named pipe that holds nothing and never ends, as the test has it open too. */
function silentPipe(folder: string): { readonly path: string } & Disposable {
  const path = join(folder, "pipe");
  execFileSync("mkfifo", [path]);
  const fd = openSync(path, constants.O_RDWR);
  return { path, [Symbol.dispose]: () => closeSync(fd) };
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** Resolves once the program has opened a file. */
function opens({ pid }: Running, path: string): Promise<void> {
  const folder = `/proc/${pid}/fd`;
  return until(() =>
    readdirSync(folder).some((fd) => {
      try {
        return readlinkSync(join(folder, fd)) === path;
      } catch {
        return false;
      }
    }),
  );
}

describe("input", () => {
  it("that is too large is a usage error, from a file and from standard input", SLOW, async () => {
    for (const { args, name, limit, prefix = "" } of READERS) {
      const file = await runBinary([...args, `${prefix}/dev/zero`], OPTIONS);
      assertFails(
        file,
        2,
        new RegExp(`^Error: Cannot read "/dev/zero" for ${name}: the input is larger than ${limit}$`),
      );
      const ended = await startWith("/dev/zero", [...args, "-"]).ended;
      assertFails(
        ended,
        2,
        new RegExp(`^Error: Cannot read standard input for ${name}: the input is larger than ${limit}$`),
      );
    }
    const ids = await startWith("/dev/zero", ["clients", "delete", "-"]).ended;
    assertFails(ids, 2, /^Error: Cannot read standard input for delete: the input is larger than 256 MiB$/);
  });

  it("without an end stops at the limit in a pipe too", SLOW, async () => {
    for (const { args, name, limit } of READERS) {
      const ended = await start("/bin/sh", ["-c", 'yes | "$0" "$@"', BINARY, ...args, "-"], OPTIONS).ended;
      assertFails(
        ended,
        2,
        new RegExp(`^Error: Cannot read standard input for ${name}: the input is larger than ${limit}$`),
      );
    }
  });

  it("counts all files of an import", SLOW, async () => {
    using folder = temporaryFolder();
    const files = ["one", "two", "three"].map((name) => join(folder.path, `${name}.ndjson`));
    for (const file of files) execFileSync("truncate", ["-s", "100M", file]);
    const ended = await runBinary(["clients", "import", ...files], OPTIONS);
    assertExit(ended, 2);
    assert.match(ended.stderr, /three\.ndjson" for import: the input is larger than 256 MiB/, describeRun(ended));
    assert.doesNotMatch(ended.stderr, /(?:one|two)\.ndjson" for import: the input is larger/, describeRun(ended));
  });

  it("as large as the limit is read", SLOW, async () => {
    using folder = temporaryFolder();
    const file = join(folder.path, "secret");
    execFileSync("/bin/sh", ["-c", `head -c 4096 /dev/zero | tr '\\0' a >"$0"`, file]);
    const args = [...CREATE, "--dry-run", "--endpoint", "http://127.0.0.1:1", "--secret-file"];
    assertExit(await runBinary([...args, file]), 0);
    assertExit(await startWith(file, [...args, "-"]).ended, 0);
    execFileSync("/bin/sh", ["-c", 'printf a >>"$0"', file]);
    assertFails(await runBinary([...args, file]), 2, /for --secret-file: the input is larger than 4 KiB/);
  });

  it("that is a folder is a usage error, and so is an empty file", SLOW, async () => {
    for (const { args } of READERS) {
      assertFails(await startWith("/proc", [...args, "-"]).ended, 2, /standard input for .*: it is a directory$/);
    }
    assertFails(
      await startWith("/dev/null", [...CREATE, "--secret-file", "-"]).ended,
      2,
      /no secret in standard input/,
    );
  });

  it("that never comes ends at a signal", SLOW, async () => {
    using folder = temporaryFolder();
    using pipe = silentPipe(folder.path);
    // All at once: each waits for a while before it gives up.
    const endedEach = READERS.map(async ({ args, prefix = "" }) => {
      await using named = startBinary([...args, `${prefix}${pipe.path}`], OPTIONS);
      await opens(named, pipe.path);
      named.kill("SIGTERM");
      assertExit(await named.ended, 143);
      await using waiting = startWith(pipe.path, [...args, "-"]);
      await waitUntilIdle(waiting.pid);
      waiting.kill("SIGINT");
      assertExit(await waiting.ended, 130);
    });
    await Promise.all(endedEach);
  });

  it("whose writer never comes ends at a signal", SLOW, async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "pipe");
    execFileSync("mkfifo", [path]);
    const endedEach = READERS.map(async ({ args, prefix = "" }) => {
      await using running = startBinary([...args, `${prefix}${path}`], OPTIONS);
      await waitUntilIdle(running.pid);
      running.kill("SIGTERM");
      assertExit(await running.ended, 143);
    });
    await Promise.all(endedEach);
  });

  it("of the config file is bounded, given or default, and ends at a signal", SLOW, async () => {
    using home = temporaryFolder();
    const env = { ...OPTIONS.env, HOME: home.path };
    const named = await runBinary(["clients", "list", "--config", "/dev/zero"], { env });
    assertFails(named, 2, /^Error: Cannot read the config file "\/dev\/zero": it is larger than 1 MiB$/);
    symlinkSync("/dev/zero", join(home.path, ".hydra.yaml"));
    assertFails(await runBinary(["clients", "list"], { env }), 2, /\.hydra\.yaml": it is larger than 1 MiB$/);
    using pipe = silentPipe(home.path);
    await using running = startBinary(["clients", "list", "--config", pipe.path], { env });
    await opens(running, pipe.path);
    running.kill("SIGTERM");
    assertExit(await running.ended, 143);
  });
});
