import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { type FilesBelowFolder, listFilesBelow } from "../../../lib/adapters/host/list-files-below.ts";
import { temporaryFolder } from "../../e2e/binary.ts";

/** The contents of a folder that is made for the test, with paths inside it. */
function listed(make: (at: (name: string) => string) => void): FilesBelowFolder {
  using root = temporaryFolder();
  const at = (name: string): string => join(root.path, name);
  mkdirSync(at("l/a"), { recursive: true });
  make(at);
  const { files, unreadable } = listFilesBelow(at("l"), (name) => name.endsWith(".yaml")) ?? {
    files: [],
    unreadable: [],
  };
  const inside = (path: string): string => path.slice(at("l").length + 1);
  return { files: files.map(inside), unreadable: unreadable.map((entry) => ({ ...entry, path: inside(entry.path) })) };
}

describe("a folder", () => {
  test("is listed in order, without hidden entries, packages and other files", () => {
    const { files, unreadable } = listed((at) => {
      for (const folder of ["l/.h", "l/node_modules/p"]) mkdirSync(at(folder), { recursive: true });
      for (const name of ["b.yaml", "a/z.yaml", "x.txt", ".h/a.yaml", "node_modules/p/a.yaml", ".a.yaml"])
        writeFileSync(at(`l/${name}`), "");
    });
    assert.deepEqual(files, ["a/z.yaml", "b.yaml"]);
    assert.deepEqual(unreadable, []);
  });

  test("is listed through links to files and folders, each folder once", () => {
    const { files, unreadable } = listed((at) => {
      mkdirSync(at("elsewhere/inner"), { recursive: true });
      for (const name of ["l/a/z.yaml", "elsewhere/e.yaml", "elsewhere/inner/i.yaml"]) writeFileSync(at(name), "");
      symlinkSync("../elsewhere", at("l/0"));
      symlinkSync(at("elsewhere"), at("l/1"));
      symlinkSync("..", at("elsewhere/inner/loop"));
      symlinkSync(".", at("l/self"));
      symlinkSync("a", at("l/0-first"));
      symlinkSync("../elsewhere/e.yaml", at("l/file.yaml"));
    });
    assert.deepEqual(files, ["0/e.yaml", "0/inner/i.yaml", "a/z.yaml", "file.yaml"]);
    assert.deepEqual(unreadable, []);
  });

  test("names what could hold a file but can't be read, and opens nothing", () => {
    const { files, unreadable } = listed((at) => {
      mkdirSync(at("l/folder.yaml"));
      writeFileSync(at("l/folder.yaml/x.yaml"), "");
      execFileSync("mkfifo", [at("l/pipe.yaml"), at("l/pipe")]);
      symlinkSync("/dev/zero", at("l/device.yaml"));
      symlinkSync("nowhere", at("l/gone.yaml"));
      symlinkSync("nowhere", at("l/gone"));
      symlinkSync("loop.yaml", at("l/loop.yaml"));
    });
    assert.deepEqual(files, []);
    assert.deepEqual(unreadable, [
      { path: "device.yaml", why: "special" },
      { path: "folder.yaml", why: "folder" },
      { path: "gone", why: "dangling-link" },
      { path: "gone.yaml", why: "dangling-link" },
      { path: "loop.yaml", why: "dangling-link" },
      { path: "pipe.yaml", why: "special" },
    ]);
  });

  test("is undefined for a file", () => {
    assert.equal(
      listFilesBelow(import.meta.filename, () => true),
      undefined,
    );
  });
});
