import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { FIELD_NAMES } from "../../../lib/core/client/fields.ts";
import { classifyFieldName } from "../../../lib/core/client/misnamed-fields.ts";

describe("classifyFieldName()", () => {
  test("knows every field", () => {
    for (const name of FIELD_NAMES) assert.deepEqual(classifyFieldName(name), { kind: "field" }, name);
  });

  test("reports no name registered by RFC 7591 or OpenID Connect as misspelled", () => {
    for (const name of [
      "application_type",
      "id_token_signed_response_alg",
      "id_token_encrypted_response_enc",
      "userinfo_encrypted_response_alg",
      "request_object_encryption_alg",
      "default_max_age",
      "require_auth_time",
      "initiate_login_uri",
      "software_id",
      "client_id_issued_at",
      "tls_client_auth_subject_dn",
      "dpop_bound_access_tokens",
      "require_pushed_authorization_requests",
      "backchannel_token_delivery_mode",
      "authorization_signed_response_alg",
      "introspection_signed_response_alg",
    ])
      for (const spelling of [name, name.replaceAll("_", "-")])
        assert.deepEqual(classifyFieldName(spelling), { kind: "registered" }, spelling);
  });

  for (const [key, field] of [
    ["grant_typs", "grant_types"],
    ["grant_type", "grant_types"],
    ["grantTypes", "grant_types"],
    ["grant-types", "grant_types"],
    ["granttypes", "grant_types"],
    ["redirect_uri", "redirect_uris"],
    ["redirct_uris", "redirect_uris"],
    ["redirectURIs", "redirect_uris"],
    ["response:types", "response_types"],
    ["reponse_types", "response_types"],
    ["scop", "scope"],
    ["Scope", "scope"],
    ["clientId", "client_id"],
    ["clientID", "client_id"],
    ["client_ids", "client_id"],
    ["clientSecret", "client_secret"],
    ["client_nmae", "client_name"],
    ["token_endpoint_auth", "token_endpoint_auth_method"],
    ["post_logout_redirect_uri", "post_logout_redirect_uris"],
    ["allowed_cors_origin", "allowed_cors_origins"],
    ["policy_url", "policy_uri"],
    ["jwksUri", "jwks_uri"],
    ["subjectType", "subject_type"],
    ["metdata", "metadata"],
    ["userinfo_signed_response_algs", "userinfo_signed_response_alg"],
    ["client_credentials_grant_acces_token_lifespan", "client_credentials_grant_access_token_lifespan"],
  ] as const)
    test(`${key} is a misspelled ${field}`, () => {
      assert.deepEqual(classifyFieldName(key), { kind: "misspelled", field });
    });

  for (const [key, field] of [
    ["id", "client_id"],
    ["name", "client_name"],
    ["appName", "client_name"],
    ["secret", "client_secret"],
    ["scopes", "scope"],
    ["allowed_scopes", "scope"],
    ["allowed-scopes", "scope"],
    ["granted_scopes", "scope"],
    ["scopeArray", "scope"],
    ["redirect_url", "redirect_uris"],
    ["redirect_urls", "redirect_uris"],
    ["callbacks", "redirect_uris"],
    ["callback_urls", "redirect_uris"],
    ["authorized_grant_types", "grant_types"],
    ["audiences", "audience"],
    ["auth_method", "token_endpoint_auth_method"],
    ["web_origins", "allowed_cors_origins"],
    ["autoapprove", "skip_consent"],
    ["public_keys", "jwks"],
  ] as const)
    test(`${key} is another name for ${field}`, () => {
      assert.deepEqual(classifyFieldName(key), { kind: "wrong-name", hint: `write ${field}` });
    });

  test("explains what to write instead of names that no field replaces one to one", () => {
    for (const key of ["public", "is_public", "publicClient", "confidential", "client_type"])
      assert.deepEqual(classifyFieldName(key), {
        kind: "wrong-name",
        hint: "token_endpoint_auth_method none makes a client public, any other method makes it confidential",
      });
    for (const key of ["pkce", "pkce-enforced", "require_pkce"])
      assert.deepEqual(classifyFieldName(key), {
        kind: "wrong-name",
        hint: "PKCE is a setting of the server (oauth2.pkce), not of a client",
      });
    const lifespan = classifyFieldName("access_token_ttl");
    assert.ok(lifespan.kind === "wrong-name");
    assert.match(lifespan.hint, /client_credentials_grant_access_token_lifespan/);
  });

  for (const key of [
    "x_team",
    "of_a_newer_server",
    "foo",
    "tags",
    "labels",
    "client",
    "client_description",
    "implicit_grant_refresh_token_lifespan",
    "device_code_grant_access_token_lifespan",
    "kind",
    "apiVersion",
    "spec",
    "data",
    "",
    "_",
    "__proto__",
    "constructor",
    "toString",
  ])
    test(`${JSON.stringify(key)} is unknown, and similar to no field`, () => {
      assert.deepEqual(classifyFieldName(key), { kind: "unknown" });
    });

  test("no field counts as misnamed", () => {
    for (const name of FIELD_NAMES) assert.notEqual(classifyFieldName(name).kind, "wrong-name", name);
  });

  test("handles keys of any length", () => {
    for (const key of ["x".repeat(1_000_000), "a_".repeat(500_000), "aA".repeat(500_000), "scope ".repeat(200_000)])
      assert.deepEqual(classifyFieldName(key), { kind: "unknown" });
  });
});
