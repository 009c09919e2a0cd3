import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { startPager } from "../../lib/adapters/pager.ts";

describe("a pager", () => {
  const parts = Array.from({ length: 20 }, (_, i) => `${i}`.repeat(50_000));

  it("that can't be started leaves all of the text, in order, to its replacement", async () => {
    for (const code of [126, 127]) {
      let text = "";
      const pager = startPager(`exit ${code}`, async (more) => {
        text += more;
      });
      // Some are written before it has ended, some afterwards.
      await Promise.all(parts.slice(0, 10).map((part) => pager.write(part)));
      await pager.ended;
      for (const part of parts.slice(10)) await pager.write(part);
      await pager.close();
      assert.ok(text === parts.join(""), `${text.length} characters`);
    }
  });

  it("that has read something, or ends with another exit code, was left by the person", async () => {
    for (const command of ["exit 0", "exit 1", "head -c 900000 >/dev/null; exit 127"]) {
      const pager = startPager(command, async () => assert.fail("written without it"));
      const written = Array.from({ length: 40 }, (_, i) => pager.write(parts[i % 20] ?? ""));
      await assert.rejects(Promise.all(written), { code: "EPIPE" }, command);
      await pager.close();
    }
  });
});
