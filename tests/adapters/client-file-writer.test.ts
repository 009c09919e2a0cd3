import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { createClientFileWriter } from "../../lib/adapters/client-file-writer.ts";
import { Problem } from "../../lib/core/problem.ts";

describe("the files of clients", () => {
  const store = createClientFileWriter((count) => randomBytes(count));
  let root = "";

  before(() => {
    root = mkdtempSync(join(tmpdir(), "hydra-files-"));
  });

  after(() => rmSync(root, { recursive: true, force: true }));

  const at = (name: string): string => join(root, name);

  const inLinks = (name: string): string => at(`links/${name}`);

  const fails = (work: Promise<unknown>, message: RegExp): Promise<void> =>
    assert.rejects(work, (error) => error instanceof Problem && message.test(error.message));

  test("are written into folders that don't exist yet", async () => {
    await store.write(at("a/b/c.yaml"), undefined, "x: ä\n");
    assert.equal(readFileSync(at("a/b/c.yaml"), "utf8"), "x: ä\n");
    assert.deepEqual(readdirSync(at("a/b")), ["c.yaml"]);
  });

  test("keep their permissions, and links to them", async () => {
    writeFileSync(at("mode.yaml"), "old");
    chmodSync(at("mode.yaml"), 0o604);
    symlinkSync("mode.yaml", at("link.yaml"));
    await store.write(at("link.yaml"), "old", "new");
    assert.equal(statSync(at("mode.yaml")).mode & 0o777, 0o604);
    assert.ok(lstatSync(at("link.yaml")).isSymbolicLink());
    assert.equal(readFileSync(at("mode.yaml"), "utf8"), "new");
  });

  test("are not overwritten if another program has changed or created them", async () => {
    mkdirSync(at("m"));
    writeFileSync(at("m/x.yaml"), "theirs");
    await fails(store.write(at("m/x.yaml"), "ours", "new"), /another program changed it meanwhile/);
    await fails(store.write(at("m/x.yaml"), undefined, "new"), /another program changed it meanwhile/);
    symlinkSync("nowhere", at("m/dangling.yaml"));
    await fails(store.write(at("m/dangling.yaml"), undefined, "new"), /another program changed it meanwhile/);
    rmSync(at("m/dangling.yaml"));
    assert.equal(readFileSync(at("m/x.yaml"), "utf8"), "theirs");
    assert.deepEqual(readdirSync(at("m")), ["x.yaml"]);
  });

  test("are published once where the file system has no hard links, however many programs try", async () => {
    const noLinks = (): Promise<void> => Promise.reject(Object.assign(new Error("no links"), { code: "EPERM" }));
    const writer = createClientFileWriter((count) => randomBytes(count), noLinks);
    const tries = Array.from({ length: 20 }, (_, at) => writer.write(inLinks("x.yaml"), undefined, `text ${at}`));
    const done = (await Promise.allSettled(tries)).flatMap(({ status }, at) => (status === "fulfilled" ? [at] : []));
    assert.equal(done.length, 1);
    assert.equal(readFileSync(inLinks("x.yaml"), "utf8"), `text ${done[0]}`);
    assert.deepEqual(readdirSync(at("links")), ["x.yaml"]);
    await fails(writer.write(inLinks("x.yaml"), undefined, "new"), /another program changed it meanwhile/);
  });

  test("may have a long name in any script", async () => {
    const name = `${"長".repeat(80)}.yaml`;
    await store.write(at(`long/${name}`), undefined, "x");
    await store.write(at(`long/${name}`), "x", "y");
    assert.deepEqual(readdirSync(at("long")), [name]);
  });

  test("that can't be written are reported, without a draft", async () => {
    writeFileSync(at("file"), "x");
    await fails(store.write(at("file/x.yaml"), undefined, "new"), /^Cannot write ".*x.yaml": /);
    await fails(store.write(at("gone.yaml"), "before", "new"), /^Cannot write ".*gone.yaml": /);
    assert.deepEqual(
      readdirSync(root).filter((name) => name.startsWith(".")),
      [],
    );
  });

  test("have a kind", async () => {
    await store.write(at("l/a.json"), undefined, "");
    assert.equal(await store.kindOf(at("l")), "folder");
    assert.equal(await store.kindOf(at("l/a.json")), "file");
    assert.equal(await store.kindOf(at("nosuch")), undefined);
    assert.equal(await store.kindOf("/dev/null"), "other");
    await fails(store.kindOf(at("l/a.json/x")), /^Cannot read /);
  });
});
