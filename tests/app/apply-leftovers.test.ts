/** What `apply` says about the drafts of secret files that a run which was killed has left, and what it removes. */

import assert from "node:assert/strict";
import { existsSync, mkdirSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { type StateSetup, withStateSetup } from "./state-setup.ts";

const RESERVED = "\0".repeat(65_536);

const SECRET = "CLIENT_ID='a'\nCLIENT_SECRET='left-secret-1234567890'\n";

/** In minutes; one is not so old that no run can use its draft any more. */
const OVER_A_DAY = 25 * 60;
const UNDER_A_DAY = 23 * 60;

const HEX = "0123456789abcdef";

interface Files {
  readonly bench: StateSetup;
  /** Writes a file, last changed so many minutes ago. */
  readonly put: (name: string, text: string, minutes?: number) => string;
  /** What the next run says on standard error. */
  readonly warnings: (...flags: readonly string[]) => Promise<string>;
}

/** A stack with the clients `keys`, which exist, and the folder `out` for their secrets. */
async function withClients(keys: readonly string[], work: (files: Files) => Promise<void>): Promise<void> {
  await withStateSetup("26", async (bench) => {
    const out = join(bench.folder, "out");
    mkdirSync(out);
    for (const key of keys) bench.write({ [`clients/${key}.yaml`]: `client_id: ${key}\nscope: a\n` });
    const apply = ["apply", join(bench.folder, "clients"), "--stack", "prod"];
    const first = await bench.run([...apply, "--secret-out", join(bench.folder, "first")]);
    assert.equal(first.status, 0, first.stderr);
    const put = (name: string, text: string, minutes = 0): string => {
      const path = join(out, name);
      writeFileSync(path, text);
      const seconds = Date.now() / 1000 - minutes * 60;
      utimesSync(path, seconds, seconds);
      return path;
    };
    const warnings = async (...flags: readonly string[]): Promise<string> => {
      const played = await bench.run([...apply, "--secret-out", out, ...flags]);
      assert.equal(played.status, 0, played.stderr);
      assert.doesNotMatch(played.stdout + played.stderr, /left-secret/);
      return played.stderr;
    };
    await work({ bench, put, warnings });
  });
}

describe("drafts of secret files", () => {
  test("without a secret are removed silently, unless a run may still use them", () =>
    withClients(["a", "b"], async ({ put, warnings }) => {
      const old = [
        put(`.a.env.${HEX}`, RESERVED, OVER_A_DAY),
        put(`.gone.json.${HEX}`, "", OVER_A_DAY),
        put(`.b.env.${HEX}`, "\0", OVER_A_DAY),
        // As of a run that extends a file.
        put(`.a.json.${HEX}`, `${RESERVED}\0`, OVER_A_DAY),
      ];
      const kept = [
        put(`.b.env.${"0".repeat(16)}`, RESERVED, UNDER_A_DAY),
        put(`.b.env.${HEX}0`, RESERVED, OVER_A_DAY),
        put(`b.env.${HEX}`, RESERVED, OVER_A_DAY),
        put(`.other.env.${HEX}`, SECRET, OVER_A_DAY),
      ];
      assert.doesNotMatch(await warnings("--dry-run"), /earlier run/);
      for (const path of [...old, ...kept]) assert.ok(existsSync(path), path);
      assert.doesNotMatch(await warnings(), /earlier run/);
      for (const path of old) assert.ok(!existsSync(path), path);
      for (const path of kept) assert.ok(existsSync(path), path);
    }));

  test("of one file are removed without touching others in its folder", () =>
    withClients(["a"], async ({ bench, put }) => {
      const [own, other] = [put(`.all.json.${HEX}`, RESERVED, OVER_A_DAY), put(`.a.env.${HEX}`, RESERVED, OVER_A_DAY)];
      const left = put(`.all.json.${"1".repeat(16)}`, `{"a":{"client_secret":"left-secret"}}`, OVER_A_DAY);
      const target = join(bench.folder, "out", "all.json");
      const played = await bench.run([
        "apply",
        join(bench.folder, "clients"),
        "--stack",
        "prod",
        "--secret-out",
        target,
      ]);
      assert.equal(played.status, 0, played.stderr);
      assert.ok(!existsSync(own));
      assert.ok(existsSync(other));
      assert.ok(
        played.stderr.includes(
          `an earlier run left secrets in "${left}", the only copy: "${target}" does not exist; delete it once you have it`,
        ),
        played.stderr,
      );
    }));

  test("with a secret are described by what else there is", () =>
    withClients(["a", "b", "c", "d"], async ({ put, warnings }) => {
      const a = put(`.a.env.${HEX}`, SECRET, OVER_A_DAY);
      const b = put(`.b.json.${HEX}`, SECRET);
      const file = put("b.json", SECRET);
      const c = put(`.c.env.${HEX}`, SECRET + RESERVED.slice(SECRET.length));
      const d = [put(`.d.env.${HEX}`, SECRET), put(`.d.env.${"1".repeat(16)}`, SECRET)];
      const text = await warnings();
      const start = "an earlier run left a secret of client";
      for (const line of [
        `${start} "a" in "${a}", the only copy: "${join(a, "../a.env")}" does not exist; delete it once you have it`,
        `${start} "b" in "${b}", and "${file}" exists too; delete the draft once you know that the file works`,
        `${start} "c" in "${c}" (before the NUL bytes at its end), the only copy: "${join(c, "../c.env")}" does not exist`,
        ...d.map((path) => `${start} "d" in "${path}"; delete it once you have it\n`),
      ])
        assert.ok(text.includes(line), `${line}\n${text}`);
      for (const path of [a, b, c, ...d]) assert.ok(existsSync(path), path);
    }));

  test("with secrets of many clients are counted after the first five", () =>
    withClients(["a", "b", "c", "d", "e", "f", "g"], async ({ bench, put, warnings }) => {
      for (const key of ["a", "b", "c", "d", "e", "f", "g"]) put(`.${key}.env.${HEX}`, SECRET);
      const text = await warnings();
      assert.equal(text.match(/an earlier run left a secret of client/g)?.length, 5);
      assert.ok(
        text.includes(
          `earlier runs have left 2 more secrets, of clients "f" and "g", in "${join(bench.folder, "out")}/"\n`,
        ),
        text,
      );
    }));
});

describe("recovery copies that are not read", () => {
  test("are reported in a line for each reason", () =>
    withClients(["a"], async ({ bench, put, warnings }) => {
      const folder = join(bench.folder, "out");
      const tooLarge = put("hydra-rescue-import-0.ndjson", "");
      truncateSync(tooLarge, 17 * 1024 * 1024);
      const line = `recovery copy "${tooLarge}" was ignored: files over 16 MiB are not read\n`;
      assert.ok((await warnings("--rescue-dir", folder)).includes(line));
      for (const name of ["a", "b", "c", "d"]) truncateSync(put(`hydra-rescue-${name}.json`, ""), 15 * 1024 * 1024);
      const text = await warnings("--rescue-dir", folder, "--dry-run");
      assert.ok(text.includes(line), text);
      const rest = `2 recovery copies in "${folder}/" were ignored: only the newest 10,000 files, up to 32 MiB, are read\n`;
      assert.ok(text.includes(rest), text);
      assert.equal(text.match(/ignored/g)?.length, 2);
    }));
});
