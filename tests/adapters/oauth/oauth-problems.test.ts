import assert from "node:assert/strict";
import { test } from "node:test";
import { toOAuthProblem } from "../../../lib/adapters/oauth/oauth-problems.ts";
import {
  INVALID_RESPONSE,
  JWT_CLAIM_COMPARISON,
  OperationProcessingError,
  UnsupportedOperationError,
} from "../../../lib/adapters/oauth/oauth4webapi.ts";
import { Problem } from "../../../lib/core/problem.ts";

function messageOf(error: Error): string {
  const step = { action: "Cannot get a token", hidden: [] };
  const problem = toOAuthProblem(step, error, "https://hydra.example/oauth2/token", undefined);
  assert.ok(problem instanceof Problem);
  return problem.message;
}

const unsupported = (cause: unknown): string => messageOf(new UnsupportedOperationError("x", { cause }));

const processing = (code: string, cause: unknown): string =>
  messageOf(new OperationProcessingError("x", { code, cause }));

test("what the library adds to an error is shown only where it has the expected type", () => {
  assert.match(unsupported({ body: { token_type: "mac" } }), /unsupported type "mac"$/);
  for (const cause of [undefined, null, "mac", { body: "mac" }, { body: { token_type: 5 } }, { body: ["mac"] }])
    assert.doesNotMatch(unsupported(cause), /unsupported type/, JSON.stringify(cause));

  assert.match(processing(JWT_CLAIM_COMPARISON, { claim: "nonce" }), /unexpected nonce$/);
  for (const cause of [undefined, null, "nonce", {}, { claim: 5 }, { claim: ["nonce"] }])
    assert.match(processing(JWT_CLAIM_COMPARISON, cause), /unexpected $/, JSON.stringify(cause));

  assert.match(processing(INVALID_RESPONSE, { header: { alg: "none" } }), /signed with "none"/);
  for (const header of [{}, { alg: 5 }, { alg: ["none"] }])
    assert.match(processing(INVALID_RESPONSE, { header }), /signed with ""/, JSON.stringify(header));
  for (const cause of [undefined, null, {}, { header: "none" }, { header: null }])
    assert.doesNotMatch(processing(INVALID_RESPONSE, cause), /signed with|lacks a claim/, JSON.stringify(cause));
  assert.match(processing(INVALID_RESPONSE, { claims: {} }), /lacks a claim, or has one of the wrong type$/);
});
