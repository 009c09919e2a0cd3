/** The part of the certified OpenID provider that the tests use; the package brings no types. */
declare module "oidc-provider" {
  import type { IncomingMessage, ServerResponse } from "node:http";

  /** Where the provider keeps one kind of things. */
  export interface Adapter {
    upsert(id: string, payload: Readonly<Record<string, unknown>>, expiresIn: number): Promise<void>;
    find(id: string): Promise<Readonly<Record<string, unknown>> | undefined>;
    consume(id: string): Promise<void>;
    destroy(id: string): Promise<void>;
    revokeByGrantId(grantId: string): Promise<void>;
    findByUid(uid: string): Promise<undefined>;
    findByUserCode(userCode: string): Promise<undefined>;
  }

  export interface Configuration {
    /** In memory without one. */
    readonly adapter?: (kind: string) => Adapter;
    readonly clients?: readonly Readonly<Record<string, unknown>>[];
    readonly findAccount?: (context: unknown, id: string) => Promise<Account>;
    readonly interactions?: { readonly url: (context: unknown, interaction: { readonly uid: string }) => string };
    readonly scopes?: readonly string[];
    readonly features?: Readonly<Record<string, { readonly enabled: boolean }>>;
    readonly jwks?: unknown;
    readonly ttl?: Readonly<Record<string, number>>;
  }

  /** A user. */
  export interface Account {
    readonly accountId: string;
    claims(): Promise<Readonly<Record<string, unknown>>>;
  }

  /** What a user grants to a client. */
  export interface Grant {
    addOIDCScope(scope: string): void;
    save(): Promise<string>;
  }

  export class Provider {
    constructor(issuer: string, configuration: Configuration);
    readonly Grant: new (of: {
      readonly accountId: string;
      readonly clientId: string;
    }) => Grant;
    interactionDetails(
      request: IncomingMessage,
      response: ServerResponse,
    ): Promise<{ readonly params: Readonly<Record<string, unknown>> }>;
    interactionFinished(request: IncomingMessage, response: ServerResponse, result: unknown): Promise<void>;
    callback(): (request: IncomingMessage, response: ServerResponse) => Promise<void>;
  }
}
