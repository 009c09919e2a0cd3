import assert from "node:assert/strict";
import { test } from "node:test";
import { Problem } from "../../lib/core/problem.ts";
import { runWithClientUpdateHint } from "../../lib/tokens/client-update-hint.ts";

/** The hint of a problem with this message, and with these words of a server. */
async function hintOf(message: string, serverText?: string): Promise<string | undefined> {
  const request = {
    login: { clientId: "web", authentication: { method: "client_secret_basic", secret: "s" } },
    syntax: "1.x",
    grantType: "client_credentials",
    scopes: [],
    audience: ["https://a", "https://b"],
  } as const;
  const more = serverText === undefined ? {} : { serverText };
  const failure = new Problem(message, { code: "invalid-request", exit: "failed", ...more });
  const work = (): Promise<never> => Promise.reject(failure);
  const problem = await runWithClientUpdateHint(request, work).catch((error: unknown) => error);
  assert.ok(problem instanceof Problem);
  assert.equal(problem.message, message);
  return problem.hint;
}

test("the hint follows the words of the server, and not those around them", async () => {
  const message = "Cannot get a token for the audience 'https://b': Unknown audience 'https://a'";
  assert.equal(
    await hintOf(message, "Unknown audience 'https://a'"),
    "allow the audience for the client: hydra clients update web --add-audience https://a",
  );
  assert.equal(await hintOf(message, "Malformed"), undefined);
  assert.equal(await hintOf(message), undefined);
});
