import * as v from "valibot";
import { parseJsonBody } from "./classify-error-answer.ts";

const OAuthErrorBody = v.object({
  error: v.pipe(v.string(), v.nonEmpty()),
  error_description: v.fallback(v.optional(v.string()), undefined),
});

/** An OAuth 2.0 error as a server sends it (RFC 6749, 4.1.2.1 and 5.2). */
export interface OAuthError {
  readonly error: string;
  readonly description: string | undefined;
}

/** The OAuth 2.0 error in the body of a response; undefined for any other body. */
export function parseOAuthError(text: string): OAuthError | undefined {
  const body = v.safeParse(OAuthErrorBody, parseJsonBody(text));
  return body.success ? { error: body.output.error, description: body.output.error_description } : undefined;
}
