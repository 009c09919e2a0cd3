import assert from "node:assert/strict";
import { test } from "node:test";
import { DEVICE_GRANT } from "../../lib/core/client/fields.ts";
import { findDeviceLoginCommandLine } from "../../lib/tokens/registered-client.ts";

test("a device login is suggested with what the client needs for it, unless it lacks the grant type", () => {
  const login = (method: "none" | "client_secret_basic") => ({
    clientId: "web",
    authentication: method === "none" ? ({ method } as const) : { method, secret: "a-secret" },
  });
  const client = (grant: string) => ({ client_id: "web", grant_types: [grant] });
  assert.equal(findDeviceLoginCommandLine(client("authorization_code"), login("none")), undefined);
  const keyed = { clientId: "web", authentication: { method: "private_key_jwt", key: { text: "" } } } as const;
  assert.match(findDeviceLoginCommandLine(undefined, keyed) ?? "", / --client-key FILE$/);
  for (const known of [undefined, client(DEVICE_GRANT)]) {
    assert.equal(
      findDeviceLoginCommandLine(known, login("none")),
      "hydra token device --client-id web --auth-method none",
    );
    assert.equal(
      findDeviceLoginCommandLine(known, login("client_secret_basic")),
      "hydra token device --client-id web --credentials FILE",
    );
  }
});
