import type { JsonObject } from "../core/json/json.ts";
import { parseJwtPart } from "../core/jwk/json-web-token.ts";
import { Problem } from "../core/problem.ts";

/** The readable parts of a signed JSON Web Token (RFC 7519). */
interface Jwt {
  readonly header: JsonObject;
  readonly payload: JsonObject;
}

/** Reads header and claims of a token without verifying it. */
export function parseJwt(token: string): Jwt {
  const parts = token.split(".");
  const [head = "", body = ""] = parts;
  const header = parseJwtPart(head);
  const payload = parts.length === 3 ? parseJwtPart(body) : undefined;
  if (header !== undefined && payload !== undefined) return { header, payload };
  const isEncrypted = header !== undefined && parts.length === 5;
  throw new Problem(`Cannot decode the token: it is ${isEncrypted ? "encrypted" : "not a signed JSON Web Token"}`, {
    code: "not-a-jwt",
    hint: isEncrypted
      ? "only its recipient can decrypt it"
      : "most access tokens are opaque: hydra token introspect shows what they are for",
  });
}

/** What a reader should know about a token that decodes well. */
export function jwtCautions({ header, payload }: Jwt, now: number): readonly string[] {
  const { exp, nbf } = payload;
  const seconds = now / 1000;
  return [
    ...(header["alg"] === "none" ? ["The token is not signed (alg none): anyone could have written it"] : []),
    ...(typeof exp === "number" && exp <= seconds ? ["The token has expired"] : []),
    ...(typeof nbf === "number" && nbf > seconds ? ["The token is not valid yet"] : []),
  ];
}
