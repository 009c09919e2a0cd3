import assert from "node:assert/strict";
import {
  chownSync,
  closeSync,
  fstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import process from "node:process";
import { afterEach, beforeEach, describe, it } from "node:test";
import { createLeftoverCopyStore, type LeftoverRecoveryCopy } from "../../lib/adapters/leftover-recovery-copies.ts";
import { createRecoveryStore, type RecoveryStore } from "../../lib/adapters/recovery-store.ts";
import { RecordSaveFailure } from "../../lib/core/recovery-record.ts";

const RECORD = { state: "unverified", reason: "r", time: "t", endpoint: "e" } as const;

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hydra-recovery-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

let made = 0;

/** A store over folders below the test's own, each with a name that differs from all others. */
function storeIn(...folders: readonly string[]): RecoveryStore {
  const random = (count: number): Uint8Array => new Uint8Array(count).fill(++made);
  return createRecoveryStore({ folders: folders.map((name) => join(folder, name)), random });
}

function linesOf(path: string): readonly string[] {
  return readFileSync(path, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line).client_id);
}

describe("a recovery copy", () => {
  it("can be read by its owner under any umask", () => {
    const before = process.umask(0o777);
    try {
      const store = storeIn("");
      const copy = store.saveDurably(RECORD, "any directory");
      const modeOf = (path = ""): number => statSync(path).mode & 0o777;
      for (const { path = "" } of [store.save(RECORD) ?? {}, copy, store.openSharedFile() ?? {}])
        assert.equal(modeOf(path), 0o600);
      copy.replace({ ...RECORD, state: "made" });
      assert.equal(modeOf(copy.path), 0o600);
    } finally {
      process.umask(before);
    }
  });

  it("goes to the first folder that takes it", () => {
    mkdirSync(join(folder, "second"));
    const copy = storeIn("missing", "second").save(RECORD) ?? assert.fail("no folder took it");
    assert.deepEqual(readdirSync(join(folder, "second")), [copy.path.slice(join(folder, "second").length + 1)]);
  });

  it("is refused, with the first folder's name, where no folder takes it", () => {
    const store = storeIn("missing", "missing/too");
    assert.equal(store.save(RECORD), undefined);
    assert.equal(store.openSharedFile(), undefined);
    assert.equal(store.probe(), undefined);
    assert.throws(
      () => store.saveDurably(RECORD, "any directory"),
      (error) => error instanceof RecordSaveFailure && error.folder === join(folder, "missing"),
    );
  });

  it("keeps the old record where a new one can't be written", () => {
    const copy = storeIn("").save({ ...RECORD, client_id: "a" }) ?? assert.fail("no folder took it");
    mkdirSync(`${copy.path}.new`);
    assert.throws(() => copy.replace({ ...RECORD, client_id: "b" }));
    assert.equal(JSON.parse(readFileSync(copy.path, "utf8")).client_id, "a");
  });

  it("escapes what a terminal would take for a command", () => {
    const copy = storeIn("").save({ ...RECORD, reason: "\u009b2J\u202e" }) ?? assert.fail("no folder took it");
    assert.doesNotMatch(readFileSync(copy.path, "utf8"), /[\u0080-\u009f\u202a-\u202e]/);
    assert.equal(JSON.parse(readFileSync(copy.path, "utf8")).reason, "\u009b2J\u202e");
  });
});

describe("a recovery log", () => {
  it("holds each record from before its client is created", () => {
    const log = storeIn("").openSharedFile() ?? assert.fail("no folder took it");
    log.save({ ...RECORD, client_id: "a" });
    log.save({ ...RECORD, client_id: "b" });
    assert.deepEqual(linesOf(log.path), ["a", "b"]);
  });

  it("is gone when every record was removed", () => {
    const log = storeIn("").openSharedFile() ?? assert.fail("no folder took it");
    for (const id of ["a", "b"]) log.save({ ...RECORD, client_id: id }).remove();
    log.close();
    assert.deepEqual(readdirSync(folder), []);
  });

  it("is left with the newest record of each client that was not delivered", () => {
    const log = storeIn("").openSharedFile() ?? assert.fail("no folder took it");
    log.save({ ...RECORD, client_id: "a" }).remove();
    log.save({ ...RECORD, client_id: "b" }).replace({ ...RECORD, state: "made", client_id: "server-chosen" });
    log.close();
    assert.deepEqual(linesOf(log.path), ["server-chosen"]);
    assert.equal(statSync(log.path).mode & 0o777, 0o600);
  });

  it("keeps nothing of a removed record, even before it is closed", () => {
    const log = storeIn("").openSharedFile() ?? assert.fail("no folder took it");
    const removed = log.save({ ...RECORD, client_id: "a", client_secret: "rejected-secret" });
    log.save({ ...RECORD, client_id: "b", client_secret: "due-secret" });
    removed.replace({ ...RECORD, state: "made", client_id: "a", client_secret: "rejected-secret" });
    removed.remove();
    log.save({ ...RECORD, client_id: "c" });
    assert.doesNotMatch(readFileSync(log.path, "utf8"), /rejected/);
    const left = createLeftoverCopyStore([folder]).find(RECORD.endpoint).copies;
    assert.deepEqual(
      left.map(({ clientId }) => clientId),
      ["b", "c"],
    );
  });

  it("is created again if another run removes it with all that is in it", () => {
    const log = storeIn("").openSharedFile() ?? assert.fail("no folder took it");
    const leftovers = createLeftoverCopyStore([folder]);
    const first = log.save({ ...RECORD, client_id: "a" });
    leftovers.find(RECORD.endpoint).copies.forEach(leftovers.remove);
    assert.deepEqual(readdirSync(folder), []);
    log.save({ ...RECORD, client_id: "b" });
    assert.deepEqual([first.exists(), linesOf(log.path)], [false, ["b"]]);
    assert.equal(statSync(log.path).mode & 0o777, 0o600);
    first.remove();
    log.close();
    assert.deepEqual(linesOf(log.path), ["b"]);
  });

  it("keeps all that it has, without a word, where it can't be rewritten at its end", () => {
    const log = storeIn("").openSharedFile() ?? assert.fail("no folder took it");
    log.save({ ...RECORD, client_id: "a", client_secret: "rejected-secret" }).remove();
    log.save({ ...RECORD, client_id: "b" }).replace({ ...RECORD, state: "made", client_id: "b" });
    log.save({ ...RECORD, client_id: "c" });
    mkdirSync(`${log.path}.new`);
    log.close();
    assert.doesNotMatch(readFileSync(log.path, "utf8"), /rejected/);
    const left = createLeftoverCopyStore([folder]).find(RECORD.endpoint).copies;
    assert.deepEqual([...new Set(left.map(({ clientId }) => clientId))], ["b", "c"]);
  });

  it("says so where nothing is left of it and it can't be written again", () => {
    const log = storeIn("").openSharedFile() ?? assert.fail("no folder took it");
    log.save({ ...RECORD, client_id: "a" });
    rmSync(log.path);
    mkdirSync(`${log.path}.new`);
    assert.throws(() => log.close());
  });

  it("is not written once it is closed", () => {
    const log = storeIn("").openSharedFile() ?? assert.fail("no folder took it");
    const copy = log.save({ ...RECORD, client_id: "a" });
    log.close();
    const other = openSync(join(folder, "other"), "w");
    copy.remove();
    assert.equal(fstatSync(other).size, 0);
    closeSync(other);
    assert.deepEqual(linesOf(log.path), ["a"]);
  });
});

describe("a leftover recovery copy", () => {
  it("is the last record of its client, even if an earlier one was withdrawn", () => {
    const log = storeIn("").openSharedFile() ?? assert.fail("no folder took it");
    const leftovers = createLeftoverCopyStore([folder]);
    const due = { ...RECORD, client_id: "a", stack: "s", key: "a", delivery: "due", client_secret: "x" } as const;
    const copy = log.save(due);
    leftovers.find(RECORD.endpoint).copies.forEach(leftovers.withdraw);
    copy.replace({ ...due, state: "made" });
    const found = leftovers.find(RECORD.endpoint).copies;
    assert.deepEqual(
      found.map(({ due: record, spans }) => [record?.state, spans.length]),
      [["made", 2]],
    );
  });

  const DUE_LINE = JSON.stringify({ ...RECORD, client_id: "a", stack: "s", key: "a", delivery: "due" });

  const unreadIn = (...folders: readonly string[]): readonly string[] =>
    createLeftoverCopyStore(folders)
      .find(RECORD.endpoint)
      .unread.map(({ path, reason }) => `${basename(path)}: ${reason}`);

  const idsIn = (...folders: readonly string[]): readonly unknown[] =>
    createLeftoverCopyStore(folders)
      .find(RECORD.endpoint)
      .copies.map(({ clientId }) => clientId);

  it("is never a file of another user, who may have put it into a shared folder", () => {
    // Only root can give a file to someone else.
    if (process.getuid?.() !== 0) return;
    const path = join(folder, "hydra-rescue-a.ndjson");
    writeFileSync(path, DUE_LINE);
    assert.deepEqual(idsIn(folder), ["a"]);
    assert.deepEqual(unreadIn(folder), []);
    chownSync(path, 65_534, 65_534);
    assert.deepEqual(idsIn(folder), []);
    assert.deepEqual(unreadIn(folder), ["hydra-rescue-a.ndjson: files of other users are not read"]);
  });

  it("is found among the newest files, up to a size in total", () => {
    const path = join(folder, "hydra-rescue-own.ndjson");
    writeFileSync(path, DUE_LINE);
    utimesSync(path, 1000, 1000);
    for (const name of ["a", "b", "z"]) {
      const large = join(folder, `hydra-rescue-${name}.json`);
      writeFileSync(large, "");
      truncateSync(large, 15 * 1024 * 1024);
      utimesSync(large, 10, 10);
    }
    assert.deepEqual(idsIn(folder), ["a"]);
    assert.equal(unreadIn(folder).length, 1);
    for (const name of ["a", "b", "z"]) utimesSync(join(folder, `hydra-rescue-${name}.json`), 2000, 2000);
    assert.deepEqual(idsIn(folder), []);
    assert.ok(
      unreadIn(folder).includes("hydra-rescue-own.ndjson: only the newest 10,000 files, up to 32 MiB, are read"),
    );
  });

  it("is reported if its file is too large", () => {
    const path = join(folder, "hydra-rescue-a.ndjson");
    writeFileSync(path, DUE_LINE);
    truncateSync(path, 16 * 1024 * 1024 + 1);
    assert.deepEqual(
      [idsIn(folder), unreadIn(folder)],
      [[], ["hydra-rescue-a.ndjson: files over 16 MiB are not read"]],
    );
  });

  it("is parsed only once, although others are added to its file or changed there", () => {
    const path = join(folder, "hydra-rescue-a.ndjson");
    const leftovers = createLeftoverCopyStore([folder]);
    const find = (): readonly LeftoverRecoveryCopy[] => leftovers.find(RECORD.endpoint).copies;
    const other = DUE_LINE.replaceAll('"a"', '"b"');
    writeFileSync(path, `${other}\n${DUE_LINE}\n`);
    const [b, a] = find();
    assert.ok(a?.due !== undefined && b !== undefined);
    assert.equal(find()[0], b);
    writeFileSync(path, `${DUE_LINE.replaceAll('"a"', '"c"')}\n${DUE_LINE}\n${other}\n`);
    utimesSync(path, 1000, 1000);
    const after = find();
    assert.deepEqual(
      after.map(({ key }) => key),
      ["c", "a", "b"],
    );
    assert.equal(after[1]?.due, a.due);
    leftovers.withdraw(after[1] ?? assert.fail());
    utimesSync(path, 1000, 1000);
    assert.deepEqual(
      find().map(({ due }) => due !== undefined),
      [true, false, true],
    );
  });

  it("is still there until someone delivers it", () => {
    const path = join(folder, "hydra-rescue-a.ndjson");
    writeFileSync(path, DUE_LINE);
    const leftovers = createLeftoverCopyStore([folder]);
    const [copy = assert.fail()] = leftovers.find(RECORD.endpoint).copies;
    writeFileSync(path, `${DUE_LINE}\n{}`);
    assert.equal(leftovers.isStillThere(copy), true);
    writeFileSync(path, DUE_LINE.replace("due", "off"));
    assert.equal(leftovers.isStillThere(copy), false);
    rmSync(path);
    assert.equal(leftovers.isStillThere(copy), false);
  });

  it("is left as it is if its file has got another record there meanwhile", () => {
    const path = join(folder, "hydra-rescue-a.ndjson");
    const leftovers = createLeftoverCopyStore([folder]);
    for (const change of [leftovers.withdraw, leftovers.remove]) {
      writeFileSync(path, DUE_LINE);
      const found = leftovers.find(RECORD.endpoint).copies;
      const other = DUE_LINE.replace('"client_id":"a"', '"client_id":"b"');
      writeFileSync(path, other);
      found.forEach(change);
      assert.equal(readFileSync(path, "utf8"), other);
    }
  });
});
