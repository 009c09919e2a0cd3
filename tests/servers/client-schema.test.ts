import assert from "node:assert/strict";
import { test } from "node:test";
import { FIELD_NAMES } from "../../lib/core/client/fields.ts";
import { fieldSchemasByName } from "../../lib/servers/client-schema.ts";
import { fieldsWithUnexpectedTypes, parseClient, parseClientList } from "../../lib/servers/index.ts";
import { recorded, VERSIONS } from "./recordings.ts";

test("every field of a client has a schema, and there are no others", () => {
  // These two are checked whenever a client is read: without them there is no client.
  const checked = ["client_id", "client_secret"];
  assert.deepEqual([...fieldSchemasByName().keys(), ...checked].sort(), [...FIELD_NAMES].sort());
});

for (const version of VERSIONS) {
  test(`all clients that ${version} returned have the expected types`, () => {
    const clients = recorded(version).flatMap(({ answer }) => {
      const text = answer !== undefined && answer.status < 300 ? answer.text : "";
      return parseClient(text)?.record ?? parseClientList(text)?.records ?? [];
    });
    assert.ok(clients.length > 20);
    for (const client of clients) assert.deepEqual(fieldsWithUnexpectedTypes(client), [], JSON.stringify(client));
  });
}

test("a value of another type is named, and a field that is unknown or null isn't", () => {
  const client = {
    client_id: "a",
    client_name: 1,
    scope: ["a"],
    redirect_uris: "x",
    contacts: [1],
    skip_consent: "yes",
  };
  assert.deepEqual(fieldsWithUnexpectedTypes(client), [
    "client_name",
    "scope",
    "redirect_uris",
    "contacts",
    "skip_consent",
  ]);
  assert.deepEqual(
    fieldsWithUnexpectedTypes({ client_id: "a", client_name: null, contacts: null, later: {}, metadata: 1 }),
    [],
  );
});
