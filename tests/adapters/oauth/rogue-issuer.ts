import { createSign, generateKeyPairSync } from "node:crypto";
import type { ServerResponse } from "node:http";
import { type Asked, sendJson } from "./support.ts";

const KEYS = generateKeyPairSync("rsa", { modulusLength: 2048 });

const OTHER_KEYS = generateKeyPairSync("rsa", { modulusLength: 2048 });

/** An authorization server that signs whatever ID token a test wants. */
export class RogueIssuer {
  readonly #keys = KEYS;
  readonly #others = OTHER_KEYS;
  algorithm = "RS256";
  claims: Readonly<Record<string, unknown>> = {};
  signsWithOther = false;
  kid = "k1";
  answer: Readonly<Record<string, unknown>> = {};
  challenge: string | undefined;
  status = 200;

  idToken(issuer: string): string {
    const now = Math.floor(Date.now() / 1000);
    const claims = { iss: issuer, aud: "client", sub: "user-1", iat: now, exp: now + 600, ...this.claims };
    const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
    const signed = `${part({ alg: this.algorithm, kid: this.kid })}.${part(claims)}`;
    const { privateKey } = this.signsWithOther ? this.#others : this.#keys;
    return `${signed}.${createSign("RSA-SHA256").update(signed).sign(privateKey).toString("base64url")}`;
  }

  respond({ path }: Asked, response: ServerResponse, url: string): void {
    if (path.startsWith("/.well-known/openid")) {
      const endpoints = Object.fromEntries(
        ["authorization", "token", "revocation", "userinfo", "device_authorization"].map((name) => [
          `${name}_endpoint`,
          `${url}/${name}`,
        ]),
      );
      sendJson(response, 200, { issuer: url, jwks_uri: `${url}/jwks`, ...endpoints });
    } else if (path === "/jwks") {
      const jwk = { ...this.#keys.publicKey.export({ format: "jwk" }), kid: "k1", use: "sig", alg: "RS256" };
      sendJson(response, 200, { keys: [jwk] });
    } else {
      if (this.challenge !== undefined) response.setHeader("www-authenticate", this.challenge);
      const tokens = {
        access_token: "access-token-1",
        token_type: "bearer",
        scope: "openid",
        id_token: this.idToken(url),
      };
      sendJson(response, this.status, this.status === 200 ? { ...tokens, ...this.answer } : this.answer);
    }
  }
}
