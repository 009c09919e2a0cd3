import type { SyntaxVersion } from "../flags/flag.ts";

/** The words of the 2.x syntax for a command of the 1.x syntax, if they aren't its verb and `oauth2-client` or `jwk`. */
const WORDS_IN_2X: Readonly<Record<string, string>> = {
  "clients diff": "diff",
  "clients apply": "apply",
  "clients export": "export",
  "token client": "perform client-credentials",
  "token user": "perform authorization-code",
  "token device": "perform device-code",
  "token introspect": "introspect token",
  "token revoke": "revoke token",
  "token delete": "delete access-tokens",
};

/** Advice that names commands in the 1.x syntax, with those of the syntax that the user writes. */
export function adviceInSyntax(advice: string, syntax: SyntaxVersion): string {
  if (syntax === "1.x") return advice;
  return advice
    .replace(/\bhydra (?:clients|token) [a-z]+(?![\w-])/g, (line) => {
      const words = WORDS_IN_2X[line.slice("hydra ".length)];
      return words === undefined ? line : `hydra ${words}`;
    })
    .replace(/\bhydra clients ([a-z-]+)/g, "hydra $1 oauth2-client")
    .replace(/\bhydra keys ([a-z]+)/g, "hydra $1 jwk");
}
