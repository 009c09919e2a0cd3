import { randomBytes } from "node:crypto";
import { trimCharactersAtEnd } from "../../core/text.ts";
import type { StoredClient } from "../client-store.ts";
import type { Behaviour } from "../versions.ts";
import type { ExpiringMap } from "./expiring-map.ts";
import type { PublicBehaviour } from "./public-behaviours.ts";
import type { TokenSigner } from "./signing.ts";
import type { TokenStore } from "./token-store.ts";

/** What all endpoints of the public side share. */
export interface PublicContext {
  readonly behaviour: Behaviour;
  readonly traits: PublicBehaviour;
  readonly client: (id: string) => StoredClient | undefined;
  /** URL of the public port, without a slash at its end; a free port is known only once it is taken. */
  readonly publicUrl: () => string;
  /** Where a browser is sent to log in and to consent; the built-in pages when undefined. */
  readonly loginUrl: string | undefined;
  readonly consentUrl: string | undefined;
  readonly keys: TokenSigner;
  readonly tokens: TokenStore;
  /** Identifiers of assertions that were used before. */
  readonly assertionIds: ExpiringMap<string>;
  /** Seconds since 1970. */
  readonly now: () => number;
}

export function issuerOf({ traits, publicUrl }: PublicContext): string {
  return traits.issuerSlash ? `${trimCharactersAtEnd(publicUrl(), "/")}/` : publicUrl();
}

/** A challenge or verifier that nobody can guess. Since 2.3 it has the whole flow in it, encrypted. */
export function newFlowChallenge({ traits }: PublicContext): string {
  return traits.handles === "hex" ? randomBytes(16).toString("hex") : `${randomBytes(1_000).toString("base64url")}==`;
}
