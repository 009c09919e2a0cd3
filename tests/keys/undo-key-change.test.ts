import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { KeySetsApi } from "../../lib/adapters/admin/key-sets.ts";
import type { JsonWebKey } from "../../lib/core/jwk/json-web-key.ts";
import { isKeyChangeUndone, undoKeyChange } from "../../lib/keys/undo-key-change.ts";

const half = (kid: string, isPrivate: boolean, x = kid): JsonWebKey => ({
  ...{ kty: "EC", crv: "P-256", kid, x, y: x },
  ...(isPrivate ? { d: `d-${x}` } : {}),
});

const [aPrivate, nPublic, nPrivate] = [half("a", true), half("n", false), half("n", true)];
const [bPublic, bPrivate] = [half("b", false), half("b", true)];

/** What a set holds, the newest first, after the change of the key `n` was undone. */
async function restored(before: readonly JsonWebKey[], now: readonly JsonWebKey[]): Promise<readonly JsonWebKey[]> {
  let stored = now;
  const unused = (): never => assert.fail("not needed");
  const api: KeySetsApi = {
    ...{ family: unused, get: unused, create: unused, put: unused, remove: unused },
    find: async () => stored,
    // The last key of a list becomes the newest.
    replace: async (_, keys) => {
      stored = keys.toReversed();
    },
  };
  await undoKeyChange(api, "set", before, "n");
  assert.ok(isKeyChangeUndone(before, stored, "n"));
  return stored;
}

describe("undoing the change of a key", () => {
  test("puts it back into its place", async () => {
    assert.deepEqual(await restored([nPublic, aPrivate], [nPrivate, aPrivate]), [nPublic, aPrivate]);
    assert.deepEqual(await restored([aPrivate, nPublic], [nPrivate, aPrivate]), [aPrivate, nPublic]);
    assert.deepEqual(await restored([aPrivate, nPrivate], [aPrivate]), [aPrivate, nPrivate]);
  });

  test("keeps what others have added, changed and removed meanwhile", async () => {
    const added = half("c", true);
    assert.deepEqual(await restored([nPublic, aPrivate], [added, nPrivate, aPrivate]), [added, nPublic, aPrivate]);
    const before = [bPublic, nPublic, aPrivate];
    assert.deepEqual(await restored(before, [bPrivate, nPrivate, aPrivate]), [bPrivate, nPublic, aPrivate]);
    const other = half("b", false, "other");
    assert.deepEqual(await restored(before, [nPrivate, other, aPrivate]), [other, nPublic, aPrivate]);
  });

  test("is unnecessary while the key is as it was changed", () => {
    assert.ok(!isKeyChangeUndone([nPublic, aPrivate], [nPrivate, aPrivate], "n"));
    assert.ok(!isKeyChangeUndone([aPrivate], [nPrivate, aPrivate], "n"));
    assert.ok(!isKeyChangeUndone([aPrivate, nPrivate], [aPrivate], "n"));
    assert.ok(isKeyChangeUndone([bPublic, nPublic, aPrivate], [bPrivate, nPublic, aPrivate], "n"));
  });
});
