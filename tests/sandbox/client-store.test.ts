import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { createClientStore, type StoredClient } from "../../lib/sandbox/client-store.ts";

function client(id: string, name = ""): StoredClient {
  return { id, view: { client_name: name }, secrets: [] };
}

const ids = fc.constantFrom("a", "b", "c", "d", "e", "f", "g");

const steps = fc.array(
  fc.oneof(
    fc.record({ what: fc.constant("put" as const), id: ids, name: fc.string() }),
    fc.record({ what: fc.constant("remove" as const), id: ids }),
    fc.record({ what: fc.constant("list" as const) }),
  ),
);

describe("createClientStore()", () => {
  for (const order of ["id", "insertion"] as const) {
    test(`keeps clients by ${order} as a plain map would`, () => {
      fc.assert(
        fc.property(steps, (all) => {
          const store = createClientStore(order);
          const model = new Map<string, string>();
          const expected = () => (order === "id" ? [...model].sort(([a], [b]) => (a < b ? -1 : 1)) : [...model]);
          for (const step of all) {
            if (step.what === "put") {
              store.put(client(step.id, step.name));
              model.set(step.id, step.name);
            } else if (step.what === "remove") assert.equal(store.remove(step.id), model.delete(step.id));
            else
              assert.deepEqual(
                store.all().map(({ id, view }) => [id, view["client_name"]]),
                expected(),
              );
          }
          assert.equal(store.size(), model.size);
          assert.deepEqual(
            store.slice(1, 4).map(({ id }) => id),
            expected()
              .slice(1, 4)
              .map(([id]) => id),
          );
        }),
      );
    });
  }

  test("finds the place after an ID, whether or not it exists", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string()), fc.string(), (all, wanted) => {
        const store = createClientStore("id");
        for (const id of all) store.put(client(id));
        assert.equal(store.after(wanted), all.filter((id) => id <= wanted).length);
      }),
    );
  });
});
