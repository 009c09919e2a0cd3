import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseOAuthError } from "../../lib/servers/oauth-error.ts";
import { answersAsAdminPort, answersAsPublicPort, isOpenIdConfiguration } from "../../lib/servers/port-checks.ts";

describe("the port of a server", () => {
  const configuration = { status: 200, text: '{"issuer":"http://localhost/"}' };
  const missing = { status: 404, text: "404 page not found" };

  test("is the public one if it has an OpenID configuration and no path of any admin API", async () => {
    const asked: string[] = [];
    const isPublic = await answersAsPublicPort(async (path) => {
      asked.push(path);
      return path.startsWith("/.well-known/") ? configuration : missing;
    });
    assert.equal(isPublic, true);
    assert.deepEqual(asked, ["/.well-known/openid-configuration", "/admin/clients", "/clients"]);
  });

  test("is not certain to be the public one with a path of an admin API, without an answer, or with another document", async () => {
    for (const admin of [{ status: 401, text: "" }, { status: 200, text: "[]" }, undefined])
      assert.equal(
        await answersAsPublicPort(async (path) =>
          path === "/clients" ? admin : path.startsWith("/.well-known/") ? configuration : missing,
        ),
        false,
      );
    for (const found of [undefined, missing, { status: 200, text: '{"issuer":1}' }, { status: 200, text: "<html>" }])
      assert.equal(
        await answersAsPublicPort(async (path) => (path.startsWith("/.well-known/") ? found : missing)),
        false,
      );
  });

  test("is recognized by its documents only with status 200", async () => {
    const isAdmin = (status: number, text: string): Promise<boolean> =>
      answersAsAdminPort(async () => ({ status, text }));
    assert.equal(await isAdmin(200, '{"status":"ok"}'), true);
    assert.equal(await isAdmin(503, '{"status":"ok"}'), false);
    for (const text of ['{"status":"no"}', "[]", "null", "ok"]) assert.equal(await isAdmin(200, text), false);
    assert.equal(isOpenIdConfiguration({ ...configuration, status: 500 }), false);
  });
});

test("an OAuth 2.0 error has a name that is not empty, and a description if that is a text", () => {
  assert.deepEqual(parseOAuthError('{"error":"invalid_client","error_description":"why","more":1}'), {
    error: "invalid_client",
    description: "why",
  });
  for (const description of ["", ',"error_description":null', ',"error_description":{}'])
    assert.deepEqual(parseOAuthError(`{"error":"e"${description}}`), { error: "e", description: undefined });
  for (const text of ["", "[]", "{}", '{"error":""}', '{"error":{"message":"m"}}'])
    assert.equal(parseOAuthError(text), undefined, text);
});
