/** The archives of a release: unpacked by tar and unzip, the same bytes for the same content. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { describe, test } from "node:test";
import { type Entry, tarGz, zip } from "../../.ci/release/archive.ts";

const SECONDS = 1_700_000_001;

function bytes(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 31 + (index >> 8)) & 0xff);
}

/** Sizes around the blocks of a tar archive, and more than what is written in one go. */
const ENTRIES: readonly Entry[] = [
  { path: "top/z-program", content: bytes(1_000_003), executable: true },
  { path: "top/empty", content: bytes(0) },
  { path: "top/folder/511", content: bytes(511) },
  { path: "top/folder/512", content: bytes(512) },
  { path: "top/folder/513", content: bytes(513) },
  { path: `top/${"n".repeat(96)}`, content: bytes(7) },
];

const FORMATS = [
  { name: "tarGz()", pack: tarGz, command: (file: string) => ["tar", "-xzf", file] },
  { name: "zip()", pack: zip, command: (file: string) => ["unzip", "-q", file] },
] as const;

function scratchFolder(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), "hydra-archive-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

function unpack(path: string, pack: typeof tarGz, command: (file: string) => readonly string[]): void {
  const archive = join(path, "archive");
  writeFileSync(archive, pack(ENTRIES, SECONDS));
  const [program = "", ...args] = command(archive);
  execFileSync(program, args, { cwd: path, env: { ...process.env, TZ: "Asia/Kolkata" } });
  rmSync(archive);
}

for (const { name, pack, command } of FORMATS) {
  describe(name, () => {
    test("is unpacked by the usual program, with content, mode and time", () => {
      using folder = scratchFolder();
      unpack(folder.path, pack, command);
      const files = readdirSync(folder.path, { recursive: true, encoding: "utf8" })
        .filter((file) => statSync(join(folder.path, file)).isFile())
        .sort();
      assert.deepEqual(files, ENTRIES.map(({ path }) => path).sort());
      for (const { path, content, executable } of ENTRIES) {
        const { mode, mtimeMs } = statSync(join(folder.path, path));
        assert.deepEqual(new Uint8Array(readFileSync(join(folder.path, path))), content, path);
        assert.equal((mode & 0o111) !== 0, executable === true, path);
        assert.equal(mtimeMs, SECONDS * 1000, path);
      }
    });

    test("has the same bytes for the same files in any order", () => {
      assert.deepEqual(pack(ENTRIES.toReversed(), SECONDS), pack(ENTRIES, SECONDS));
    });

    test("has other bytes for another time, mode or content", () => {
      const plain = pack(ENTRIES, SECONDS);
      const [first, ...others] = ENTRIES;
      assert.ok(first !== undefined);
      for (const other of [
        pack(ENTRIES, SECONDS + 1),
        pack([{ ...first, executable: false }, ...others], SECONDS),
        pack([{ ...first, content: bytes(1_000_002) }, ...others], SECONDS),
      ]) {
        assert.notDeepEqual(other, plain);
      }
    });
  });
}

describe("tarGz()", () => {
  test("has root as the owner and nothing of this machine", () => {
    const listing = execFileSync("tar", ["-tvzf", "-", "--full-time", "--utc"], {
      input: tarGz([{ path: "program", content: bytes(3), executable: true }], SECONDS),
      encoding: "utf8",
    });
    assert.match(listing, /^-rwxr-xr-x root\/root +3 2023-11-14 22:13:21 program\n$/);
    const header = tarGz([], SECONDS).subarray(0, 10);
    assert.deepEqual([...header.subarray(0, 8), header[9]], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 255]);
  });

  test("rejects a path that its format cannot hold", () => {
    assert.throws(() => tarGz([{ path: "n".repeat(101), content: bytes(1) }], SECONDS), RangeError);
  });
});

describe("zip()", () => {
  test("passes a strict reader", () => {
    using folder = scratchFolder();
    const archive = join(folder.path, "archive.zip");
    writeFileSync(archive, zip(ENTRIES, SECONDS));
    assert.match(execFileSync("unzip", ["-t", archive], { encoding: "utf8" }), /No errors detected/);
  });
});
