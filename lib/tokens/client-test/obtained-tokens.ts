import type { TokenSet } from "../../adapters/oauth/index.ts";
import { getTextField } from "../../core/client/client.ts";
import { formatMilliseconds } from "../../core/duration.ts";
import type { JsonObject } from "../../core/json/json.ts";
import { Problem } from "../../core/problem.ts";
import { parseJwt } from "../jwt.ts";
import type { TestSession } from "./test-session.ts";

/** Remembers new tokens for the later steps. */
export function rememberTokens(session: TestSession, tokens: TokenSet, subject: string): void {
  session.obtained.push({ value: tokens.accessToken, subject });
  session.idToken ??= tokens.idToken;
  if (tokens.refreshToken !== undefined) session.refreshable ??= tokens;
}

/** Checks that an ID token is of the user who logged in. A client with pairwise subjects gets another name for the user. */
export function requireIdTokenSubject(
  { client, subject }: Pick<TestSession, "client" | "subject">,
  claims: JsonObject | undefined,
): void {
  if (claims === undefined || client.registered["subject_type"] === "pairwise" || claims["sub"] === subject) return;
  throw wrongIdTokenProblem("belongs to a different user");
}

/** The problem of an ID token that is not for this login. */
export function wrongIdTokenProblem(reason: string): Problem {
  return new Problem(`Login failed: the ID token ${reason}`, {
    code: "id-token-mismatch",
    hint: "don't use the token",
  });
}

export function requestedScopesDetail(scopes: readonly string[]): readonly string[] {
  return scopes.length === 0 ? [] : [`scope ${scopes.join(" ")}`];
}

/** What a reader should know about an ID token that is verified. */
export function idTokenDetails(idToken: string | undefined): readonly string[] {
  if (idToken === undefined) return [];
  const { header } = parseJwt(idToken);
  const kid = getTextField(header, "kid");
  return [`ID token ${getTextField(header, "alg") ?? ""}${kid === undefined ? "" : ` kid ${kid}`} verified`];
}

/** The kind of an access token and its lifetime, without the token itself. */
export function accessTokenDescription(accessToken: string, seconds: unknown): string {
  const kind = accessToken.split(".").length === 3 ? "JWT" : "opaque";
  const lifetime = typeof seconds === "number" ? `, ${formatMilliseconds(seconds * 1_000)}` : "";
  return `access token (${kind}${lifetime})`;
}

/** What came with an answer of the token endpoint, without the tokens themselves. */
export function tokenSetDetails({ accessToken, refreshToken, idToken, raw, expiresAt }: TokenSet): readonly string[] {
  return [
    accessTokenDescription(accessToken, expiresAt === undefined ? undefined : raw["expires_in"]),
    ...(refreshToken === undefined ? [] : ["refresh token"]),
    ...idTokenDetails(idToken),
  ];
}
