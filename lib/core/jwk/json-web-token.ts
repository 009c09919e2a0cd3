import * as v from "valibot";
import { fromBase64 } from "../bytes.ts";
import { isJsonObject, type JsonObject, parseJsonOrUndefined } from "../json/json.ts";

/** The header or the claims of a JSON Web Token (RFC 7519), from its part of the token; undefined if it isn't an object. */
export function parseJwtPart(part: string): JsonObject | undefined {
  const bytes = fromBase64(part);
  const value = bytes === undefined ? undefined : parseJsonOrUndefined(new TextDecoder().decode(bytes))?.value;
  return isJsonObject(value) ? value : undefined;
}

const HeaderWithKeyId = v.object({ kid: v.string() });

/** The key ID in the header of a JSON Web Token; undefined for an opaque token. */
export function keyIdOfToken(token: string): string | undefined {
  const header = v.safeParse(HeaderWithKeyId, parseJwtPart(token.split(".")[0] ?? ""));
  return header.success ? header.output.kid : undefined;
}
