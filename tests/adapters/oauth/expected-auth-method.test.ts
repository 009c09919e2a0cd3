import assert from "node:assert/strict";
import { test } from "node:test";
import { withGuessedAuthMethod } from "../../../lib/adapters/oauth/expected-auth-method.ts";
import type { ClientAuthentication } from "../../../lib/adapters/oauth/index.ts";
import { retryWithExpectedAuthMethod } from "../../../lib/adapters/oauth/index.ts";
import { ServerExpectsAuthMethodError } from "../../../lib/adapters/oauth/oauth-problems.ts";
import { Problem } from "../../../lib/core/problem.ts";
import { failsWith, SECRET } from "./support.ts";

const BASIC: ClientAuthentication = { method: "client_secret_basic", secret: SECRET };

/** Runs work whose first attempt fails because the server expects the other method. */
function afterwards(second: Problem | string): Promise<string> {
  return retryWithExpectedAuthMethod(BASIC, async ({ method }) => {
    if (method === "client_secret_basic") {
      const cause = new ServerExpectsAuthMethodError("client_secret_post");
      throw new Problem("Basic", { code: "invalid-client", exit: "unauthorised", cause });
    }
    if (typeof second === "string") return second;
    throw second;
  });
}

test("work is repeated with the method that the server expects, and what goes wrong then is reported", async () => {
  assert.equal(await afterwards("token"), "token");
  const scope = new Problem("Scope", { code: "invalid-scope", exit: "failed" });
  await failsWith(afterwards(scope), { code: "invalid-scope", message: /^Scope$/ });
  const credentials = new Problem("Post", { code: "invalid-client", exit: "unauthorised" });
  await failsWith(afterwards(credentials), { code: "invalid-client", message: /^Post$/ });
});

test("a way that the server didn't name is tried, and any problem with it is left out", async () => {
  const failing = (second: Problem) =>
    retryWithExpectedAuthMethod(BASIC, async ({ method }) => {
      if (method !== "client_secret_basic") throw second;
      throw withGuessedAuthMethod(BASIC, new Problem("Basic", { code: "invalid-client", exit: "unauthorised" }));
    });
  for (const code of ["invalid-client", "unreadable-answer"] as const)
    await failsWith(failing(new Problem("Post", { code, exit: "failed" })), {
      code: "invalid-client",
      message: /^Basic$/,
    });
  const interrupted = new Problem("Interrupted", { code: "interrupted", exit: "failed" });
  await failsWith(failing(interrupted), { code: "interrupted", message: /^Interrupted$/ });
});

test("the first problem is reported if the server then asks for another method again", async () => {
  const cause = new ServerExpectsAuthMethodError("client_secret_basic");
  const again = new Problem("Post", { code: "invalid-client", exit: "unauthorised", cause });
  await failsWith(afterwards(again), { code: "invalid-client", message: /^Basic$/ });
});
