import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import { SANDBOX_VERSIONS } from "../../lib/sandbox/index.ts";
import { rawServer, WEB_CLIENT } from "./raw-login.ts";

/** Versions where a test may choose the client and where each way to read PKCE occurs. */
const PKCE_VERSIONS = SANDBOX_VERSIONS.filter((as) => as !== "next");

function challengeOf(verifier: string): string {
  return createHash("sha256").update(verifier).digest("base64url");
}

/** The reason in an error, whichever way its version words one. */
function reasonIn(body: Readonly<Record<string, unknown>>): string {
  return `${body["error"]}: ${body["error_hint"] ?? body["error_description"]}`;
}

for (const as of PKCE_VERSIONS) {
  describe(`PKCE on Hydra ${as}`, () => {
    test("is refused after the consent with another method than S256", async () => {
      await using server = await rawServer(as);
      for (const method of [{ code_challenge_method: "plain" }, {}]) {
        const ended = await server.loggedIn({ code_challenge: "c".repeat(43), ...method });
        assert.equal(ended.get("error"), "invalid_request");
        assert.match(
          ended.get("error_description") ?? "",
          /Clients must use code_challenge_method=S256, plain is not allowed\./,
        );
        assert.equal(ended.get("code"), null);
      }
      const unknown = await server.loggedIn({ code_challenge: "c".repeat(43), code_challenge_method: "S512" });
      assert.match(unknown.get("error_description") ?? "", /The code_challenge_method is not supported, use S256/);
      // Without a code there is nothing to prove.
      const implicit = await server.loggedIn({ response_type: "token", code_challenge: "c".repeat(43) });
      assert.equal(implicit.get("error"), null);
    });

    test("refuses a verifier that isn't one, or that nobody asked for", async () => {
      await using server = await rawServer(as);
      const verifier = "v".repeat(128);
      const answerTo = async (code_verifier: string, challenged: boolean): Promise<string> => {
        const challenge = { code_challenge: challengeOf(code_verifier), code_challenge_method: "S256" };
        const ended = await server.loggedIn(challenged ? challenge : {});
        const { status, body } = await server.exchanged(ended.get("code") ?? "", { code_verifier });
        return status === 200 ? "accepted" : reasonIn(body);
      };
      assert.equal(await answerTo(verifier, true), "accepted");
      assert.match(await answerTo("v".repeat(42), true), /invalid_grant: .*must be at least 43 characters/s);
      assert.match(await answerTo("v".repeat(129), true), /invalid_grant: .*can not be longer than 128 characters/s);
      assert.match(await answerTo(`${"v".repeat(42)}!`, true), /invalid_grant: .*must only contain/s);
      const unasked = ["2.3", "26"].includes(as)
        ? /invalid_grant: .*Unable to find initial PKCE data tied to this request/s
        : /invalid_grant: .*The PKCE code challenge did not match the code verifier/s;
      assert.match(await answerTo(verifier, false), unasked);
    });
  });
}

for (const [as, isAllowed] of [
  ["1.8", { "[::1]": false, "127.0.0.2": false, "app.example": false }],
  ["1.11", { "[::1]": true, "127.0.0.2": false, "app.example": false }],
  ["2.1", { "[::1]": true, "127.0.0.2": true, "app.example": true }],
  ["26", { "[::1]": true, "127.0.0.2": true, "app.example": true }],
] as const) {
  test(`a code reaches a redirect URI with plain http on Hydra ${as} only if its host is allowed`, async () => {
    const hosts = { ...isAllowed, localhost: true, "my.localhost": true, "127.0.0.1": true };
    const uris = Object.keys(hosts).map((host) => `http://${host}/cb`);
    await using server = await rawServer(as, { ...WEB_CLIENT, redirect_uris: [...uris, "https://app.example/cb"] });
    for (const [host, allowed] of [...Object.entries(hosts), ["https://app.example/cb", true] as const]) {
      const redirect_uri = host.startsWith("https:") ? host : `http://${host}/cb`;
      const ended = await server.loggedIn({ redirect_uri });
      assert.equal(ended.get("code") !== null, allowed, redirect_uri);
      if (!allowed) assert.match(ended.get("error_description") ?? "", /insecure protocol/);
    }
  });
}
