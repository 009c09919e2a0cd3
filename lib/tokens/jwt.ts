import { fromBase64 } from "../core/bytes.ts";
import { isJsonObject, type JsonObject, parseJsonOrUndefined } from "../core/json.ts";
import { Problem } from "../core/problem.ts";

/** The readable parts of a signed JSON Web Token (RFC 7519). */
interface Jwt {
  readonly header: JsonObject;
  readonly payload: JsonObject;
}

function objectIn(part: string): JsonObject | undefined {
  const bytes = fromBase64(part);
  const value = bytes === undefined ? undefined : parseJsonOrUndefined(new TextDecoder().decode(bytes))?.value;
  return isJsonObject(value) ? value : undefined;
}

/** Reads header and claims of a token without verifying it. */
export function parseJwt(token: string): Jwt {
  const parts = token.split(".");
  const [head = "", body = ""] = parts;
  const header = objectIn(head);
  const payload = parts.length === 3 ? objectIn(body) : undefined;
  if (header !== undefined && payload !== undefined) return { header, payload };
  const isEncrypted = header !== undefined && parts.length === 5;
  throw new Problem(`Cannot decode the token: it is ${isEncrypted ? "encrypted" : "not a signed JSON Web Token"}`, {
    code: "not-a-jwt",
    exit: "failed",
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
