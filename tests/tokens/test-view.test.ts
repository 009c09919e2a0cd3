import assert from "node:assert/strict";
import { test } from "node:test";
import { createTestResultView } from "../../lib/tokens/client-test/test-result-view.ts";

test("the lines of a client's test break at words below their values on a terminal, and nowhere else", () => {
  const detail = "redirect_uri https://app.example.com/cb, scope openid offline_access, PKCE S256";
  const steps = [{ name: "authorization", status: "passed", detail, hint: "hydra clients update web" }] as const;
  const lines = (columns: number | undefined) =>
    createTestResultView("web", steps, { isUtf8: true, columns }).text?.({}) ?? [];
  assert.deepEqual(lines(undefined), [
    `✓ authorization  ${detail}`,
    "                 hydra clients update web",
    "1 passed",
  ]);
  assert.deepEqual(lines(60), [
    "✓ authorization  redirect_uri https://app.example.com/cb,",
    "                 scope openid offline_access, PKCE S256",
    "                 hydra clients update web",
    "1 passed",
  ]);
});
