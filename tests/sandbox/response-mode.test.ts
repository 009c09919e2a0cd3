import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import { SANDBOX_VERSIONS } from "../../lib/sandbox/index.ts";
import { REDIRECT_URI } from "../adapters/oauth/support.ts";
import { submittedForm } from "../e2e/browser.ts";
import { rawServer } from "./raw-login.ts";

/** An error comes back in the same way as a code, and needs no login. */
const REFUSED = { scope: "openid nope", state: 'a "state" & <more>' };

for (const as of SANDBOX_VERSIONS) {
  describe(`response_mode on Hydra ${as}`, () => {
    test(as === "1.8" ? "has no effect" : "decides how an answer reaches the client", async () => {
      await using server = await rawServer(as);
      const answerIn = async (response_mode: string): Promise<Response> =>
        fetch(server.authorizationUrl({ ...REFUSED, response_mode }), { redirect: "manual" });
      const location = async (mode: string) => (await answerIn(mode)).headers.get("location") ?? "";
      assert.ok((await location("query")).startsWith(`${REDIRECT_URI}?error=invalid_scope`));
      const discovery: unknown = await (await fetch(`${server.publicUrl}/.well-known/openid-configuration`)).json();
      const lists = JSON.stringify(discovery).includes('"response_modes_supported":["query","fragment","form_post"]');
      assert.equal(lists, !["1.8", "1.11", "2.1"].includes(as));
      if (as === "1.8") {
        for (const mode of ["fragment", "form_post", "other"])
          assert.ok((await location(mode)).startsWith(`${REDIRECT_URI}?error=invalid_scope`), mode);
        return;
      }
      assert.ok((await location("fragment")).startsWith(`${REDIRECT_URI}#error=invalid_scope`));
      assert.match(await location("other"), /\/oauth2\/fallbacks\/error\?error=unsupported_response_mode&/);
      const page = await answerIn("form_post");
      assert.equal(page.status, 200);
      const text = await page.text();
      const { action, body } = submittedForm(text);
      assert.equal(action, REDIRECT_URI);
      assert.equal(body.get("error"), "invalid_scope");
      assert.equal(body.get("state"), REFUSED.state);
      assert.ok(!text.includes("<more>"));
      const [, script = ""] = /<script>(.*)<\/script>/.exec(text) ?? [];
      const hash = createHash("sha256").update(script).digest("base64");
      assert.ok(page.headers.get("content-security-policy")?.includes(`script-src 'sha256-${hash}'`));
    });
  });
}
