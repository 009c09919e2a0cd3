/** `clients show`: a client for people to read. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { openScenario, type Scenario } from "./scenario.ts";

const KEY = {
  kty: "EC",
  kid: "k1",
  crv: "P-256",
  alg: "ES256",
  use: "sig",
  x: "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
  y: "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
};

async function scenario(client: Readonly<Record<string, unknown>>): Promise<Scenario> {
  const opened = await openScenario();
  const answer = await fetch(`${opened.sandbox.url}/admin/clients`, { method: "POST", body: JSON.stringify(client) });
  assert.equal(answer.status, 201);
  return opened;
}

describe("clients show", () => {
  it("shows what isn't usual, and nothing else", async () => {
    await using opened = await scenario({
      client_id: "web",
      client_name: "Web shop",
      token_endpoint_auth_method: "none",
      redirect_uris: ["https://shop.example.com/cb", "https://shop.example.com/cb2"],
      grant_types: ["authorization_code"],
      response_types: ["code"],
      scope: "openid",
    });
    const { status, stdout, stderr } = await opened.run(["clients", "show", "web"]);
    assert.equal(status, 0, stderr);
    assert.equal(stderr, "");
    assert.equal(
      stdout.replace(/just now|\d+ seconds? ago/, "WHEN").replace(/\(\d{4}-[^)]+Z\)/, "(TIME)"),
      `Client
  ID       web
  Name     Web shop
  Created  WHEN (TIME)

Redirects
  After login  https://shop.example.com/cb
               https://shop.example.com/cb2

Tokens
  Grants  authorization_code
  Scopes  openid

Keys
  Authentication  none: a public client, without a secret
`,
    );
    assert.equal((await opened.run(["show", "oauth2-client", "web"])).stdout.split("\n")[1], "  ID       web");
  });

  it("shows a line break in a value as an escape, so that no value looks like another line", async () => {
    await using opened = await scenario({
      client_id: "web",
      client_name: "x\n\nKeys\n  Authentication  private_key_jwt",
      scope: "openid",
      jwks: { keys: [{ ...KEY, kid: "k\nFindings" }] },
    });
    const { stdout } = await opened.run(["clients", "show", "web"]);
    assert.equal(stdout.match(/^Keys$/gm)?.length, 1, stdout);
    assert.equal(stdout.match(/^Findings$/gm)?.length, 1, stdout);
    assert.ok(stdout.includes("x\\n\\nKeys\\n") && stdout.includes("k\\nFindings: EC"), stdout);
  });

  it("shows keys, lifespans and the findings of the rules, but no secret", async () => {
    await using opened = await scenario({
      client_id: "bad",
      client_secret: "never-shown-01234",
      redirect_uris: ["http://shop.example.com/*"],
      grant_types: ["authorization_code", "implicit"],
      response_types: ["code", "token"],
      token_endpoint_auth_method: "private_key_jwt",
      jwks: { keys: [KEY] },
      authorization_code_grant_access_token_lifespan: "1h0m0s",
      metadata: { team: "x" },
    });
    const { status, stdout } = await opened.run(["clients", "show", "bad"]);
    assert.equal(status, 0);
    assert.match(stdout, /^ {2}Metadata +\{"team":"x"\}$/m);
    assert.match(stdout, /^ {2}Response types +code\n +token$/m);
    assert.match(stdout, /^ {2}Lifespans +1h0m0s access token \(authorization_code\)$/m);
    assert.match(stdout, /^ {2}Keys +k1: EC P-256 ES256 sig$/m);
    assert.match(
      stdout,
      /^Findings\n[\s\S]*^ {2}Warning {2}redirect_uris .*wildcards.*\[redirect-uri-wildcard\]\n {11}List/m,
    );
    assert.doesNotMatch(stdout, /never-shown|f83OJ3/);
  });

  it("takes several clients and every format, and reports those that don't exist", async () => {
    await using opened = await scenario({ client_id: "a" });
    const both = await opened.run(["clients", "show", "a", "nosuch"]);
    assert.equal(both.status, 8);
    assert.match(both.stderr, /^Error: .*"nosuch" not found/m);
    assert.match(both.stdout, /^Client\n {2}ID +a\n/);
    assert.equal((await opened.run(["clients", "show", "a", "--format", "raw=client_id"])).stdout, "a\n");
    assert.equal((await opened.run(["clients", "show", "a", "-q"])).stdout, "a\n");
    const missing = await opened.run(["clients", "show"]);
    assert.equal(missing.status, 2);
    assert.match(missing.stderr, /^Error: Missing ID after hydra clients show\n/);
  });
});
