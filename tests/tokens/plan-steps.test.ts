import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { DEVICE_GRANT } from "../../lib/core/client/fields.ts";
import { findFixCommandLine } from "../../lib/tokens/client-test/fix-hints.ts";
import { planSteps, type ServerAndCredentialFacts } from "../../lib/tokens/client-test/plan-steps.ts";
import { type TestedClient, toTestedClient } from "../../lib/tokens/client-test/tested-client.ts";
import { listFieldAdditionCommandLine } from "../../lib/tokens/client-update-command-line.ts";

const ALL: ServerAndCredentialFacts = { hasDeviceFlow: true, hasLogout: true, canAuthenticate: true };

function client(registered: Readonly<Record<string, unknown>>, scopes: readonly string[] = []): TestedClient {
  return toTestedClient("web", "1.x", registered, { redirectUri: undefined, scopes });
}

/** The plan as text: a step to do, or its name with the status that it gets instead. */
function plan(
  registered: Readonly<Record<string, unknown>>,
  facts: Partial<ServerAndCredentialFacts> = {},
): readonly string[] {
  return planSteps(client(registered), { ...ALL, ...facts }).map(({ name, instead }) =>
    instead === undefined ? name : `${name}: ${instead.status}`,
  );
}

const WEB = {
  grant_types: ["authorization_code", "refresh_token"],
  response_types: ["code"],
  redirect_uris: ["https://app.example.com/cb"],
  post_logout_redirect_uris: ["https://app.example.com/bye"],
  scope: "openid offline_access",
};

const PUBLIC = { ...WEB, token_endpoint_auth_method: "none" };

const TOKENS = ["introspection", "revocation"];

describe("the steps of a client's test", () => {
  test("follow from the grant types of the client", () => {
    assert.deepEqual(plan(WEB), [
      "credentials",
      "authorization",
      "tokens",
      "refresh",
      ...TOKENS,
      "logout",
      "login-page",
    ]);
    assert.deepEqual(plan(PUBLIC).slice(0, 2), ["credentials: skipped", "authorization"]);
    assert.deepEqual(plan({ grant_types: ["client_credentials"], response_types: ["code"] }), [
      "credentials",
      "client-credentials",
      ...TOKENS,
    ]);
    assert.deepEqual(plan({ ...PUBLIC, grant_types: ["implicit"], response_types: ["id_token token"] }), [
      "credentials: skipped",
      "implicit",
      ...TOKENS,
      "logout",
      "login-page",
    ]);
    assert.deepEqual(plan({ ...PUBLIC, grant_types: [DEVICE_GRANT], redirect_uris: [], scope: "openid" }), [
      "credentials: skipped",
      "device",
      "refresh: skipped",
      ...TOKENS,
      "logout",
      "login-page",
    ]);
    assert.deepEqual(plan({ grant_types: ["urn:ietf:params:oauth:grant-type:jwt-bearer"] }), [
      "credentials",
      "introspection: skipped",
      "revocation: skipped",
    ]);
  });

  test("need credentials if the client authenticates", () => {
    const skipped = ["credentials: skipped", "authorization", "tokens: skipped", "refresh: skipped"];
    assert.deepEqual(plan(WEB, { canAuthenticate: false }).slice(0, 4), skipped);
    const implicit = { ...WEB, grant_types: ["implicit"], response_types: ["token"] };
    assert.ok(plan(implicit, { canAuthenticate: false }).includes("implicit: skipped"));
    const without = { ...implicit, response_types: ["id_token"] };
    assert.ok(plan(without, { canAuthenticate: false }).includes("implicit"));
  });

  test("need what the server supports", () => {
    const device = plan({ ...PUBLIC, grant_types: [DEVICE_GRANT], redirect_uris: [] }, { hasDeviceFlow: false });
    assert.deepEqual(device, [
      "credentials: skipped",
      "device: skipped",
      "introspection: skipped",
      "revocation: skipped",
    ]);
    assert.ok(plan(WEB, { hasLogout: false }).includes("logout: skipped"));
  });

  test("include the login of a client with redirect URIs, whatever its grant types", () => {
    assert.ok(plan({ ...WEB, grant_types: ["client_credentials"] }).includes("authorization"));
    const hybrid = plan({ ...WEB, response_types: ["code id_token"] });
    assert.ok(hybrid.includes("authorization: skipped") && hybrid.includes("tokens: skipped"));
  });

  test("leave out the implicit flow of a client that has its grant type for hybrid response types", () => {
    const grant_types = ["authorization_code", "implicit"];
    const steps = (response_types: readonly string[]) => plan({ ...WEB, grant_types, response_types });
    for (const types of [["code id_token"], ["code", "id_token code"]])
      assert.ok(steps(types).includes("implicit: skipped"), types.join());
    for (const types of [["code"], ["code id_token", "id_token"], ["code", "token"]])
      assert.ok(steps(types).includes("implicit"), types.join());
  });

  test("report a refresh token that cannot be issued", () => {
    assert.ok(plan({ ...WEB, scope: "openid" }).includes("refresh: skipped"));
    assert.ok(plan({ ...WEB, grant_types: ["authorization_code"] }).includes("refresh: skipped"));
    assert.ok(plan({ ...WEB, grant_types: ["authorization_code"], scope: "openid" }).includes("refresh: skipped"));
  });

  test("leave out a logout without an ID token", () => {
    assert.ok(plan({ ...WEB, scope: "offline" }).includes("logout: skipped"));
    assert.ok(plan({ ...WEB, post_logout_redirect_uris: null }).includes("logout: skipped"));
  });
});

describe("the suggested command", () => {
  test("is in the user's syntax, with its words quoted", () => {
    const named = { id: "my app", syntax: "2.x" } as const;
    assert.equal(
      listFieldAdditionCommandLine(named, "scope", "a", "b"),
      "hydra update oauth2-client 'my app' --add-scope a,b",
    );
    assert.equal(
      listFieldAdditionCommandLine(named, "redirect_uris", "https://app.example.com/?a=1&b=2,3"),
      `hydra update oauth2-client 'my app' --add-redirect-uri '"https://app.example.com/?a=1&b=2,3"'`,
    );
    assert.throws(() => listFieldAdditionCommandLine(named, "client_name", "x"), TypeError);
  });

  test("is missing for rejected credentials, and if no setting of the client can help", () => {
    const web = client(WEB);
    for (const code of ["invalid-client", "unreachable", "invalid-grant", "invalid-request"] as const)
      assert.equal(findFixCommandLine("tokens", code, web), undefined, code);
    assert.equal(findFixCommandLine("authorization", "invalid-scope", web), undefined);
    assert.equal(findFixCommandLine("authorization", "invalid-request", web), undefined);
  });
});
