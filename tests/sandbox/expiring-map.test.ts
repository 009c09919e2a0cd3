import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ExpiringMap } from "../../lib/sandbox/public/expiring-map.ts";
import { createTokenStore, type Grant, type Token } from "../../lib/sandbox/public/token-store.ts";

describe("what a sandbox remembers", () => {
  test("is forgotten after it has expired", () => {
    let now = 0;
    const gone: number[] = [];
    const map = new ExpiringMap<number>({ now: () => now, onGone: (value) => gone.push(value) });
    for (let i = 0; i < 1_000; i++) {
      now = i;
      map.set(`${i}`, i, i + 10);
    }
    assert.ok(map.size <= 200, `${map.size} entries`);
    assert.equal(map.get("999"), 999);
    assert.equal(map.size + gone.length, 1_000);
  });

  test("is bounded where nothing expires; the oldest goes first", () => {
    const map = new ExpiringMap<number>({ now: () => 0, limit: 500 });
    for (let i = 0; i < 10_000; i++) map.set(`${i}`, i, Number.POSITIVE_INFINITY);
    assert.equal(map.size, 500);
    assert.equal(map.has("9499"), false);
    assert.equal(map.has("9500"), true);
  });

  test("ends by grant without a look at the tokens of others", () => {
    let seen = 0;
    const store = createTokenStore(() => 0);
    const grantOf = (id: string): Grant => ({
      id,
      clientId: "app",
      subject: "",
      scopes: [],
      audience: [],
      user: undefined,
    });
    for (let i = 0; i < 1_000; i++) {
      const token: Token = {
        value: `${i}`,
        use: "access_token",
        get grant() {
          seen++;
          return grantOf(`${i}`);
        },
        issuedAt: 0,
        expiresAt: 10,
      };
      store.add(token);
    }
    seen = 0;
    store.endGrant("7");
    assert.equal(store.active("7"), undefined);
    assert.equal(store.active("8")?.value, "8");
    assert.ok(seen < 10, `${seen} grants were looked at`);
  });
});
