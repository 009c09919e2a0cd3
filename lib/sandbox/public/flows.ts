import { randomUUID } from "node:crypto";
import type { JsonObject } from "../../core/json/json.ts";
import type { StoredClient } from "../client-store.ts";
import { ExpiringMap } from "./expiring-map.ts";
import { newFlowChallenge, type PublicContext } from "./public-context.ts";

/** A login or consent that the application refused, with the error that the client gets. */
export interface FlowRefusal {
  readonly error: string;
  readonly description: string;
}

export interface AcceptedLogin {
  readonly subject: string;
  readonly acr: string;
  readonly amr: readonly string[];
  readonly context: unknown;
  /** Seconds since 1970. */
  readonly at: number;
}

export interface AcceptedConsent {
  readonly scopes: readonly string[];
  readonly audience: readonly string[];
  readonly accessTokenClaims: JsonObject;
  readonly idTokenClaims: JsonObject;
}

export function isRefusal(decision: object): decision is FlowRefusal {
  return "error" in decision;
}

/** What a flow is about: an authorization request, or a device that waits. */
export interface FlowRequest {
  readonly client: StoredClient;
  readonly scopes: readonly string[];
  readonly audience: readonly string[];
  /** The whole URL that started it. */
  readonly url: string;
  /** The URL, without a query, that the browser returns to between login and consent. */
  readonly resumeUrl: string;
  /** Parameters of that URL. */
  readonly params: URLSearchParams;
}

/** One step that an application decides, under a challenge, and confirms with a verifier. */
export interface FlowStep<Decision> {
  readonly challenge: string;
  /** Ties the step to the browser that it began in. */
  readonly csrf: string;
  decision: Decision | FlowRefusal | undefined;
  isUsed: boolean;
  /** Records a decision and gives the URL at which the browser goes on. */
  readonly decide: (decision: Decision | FlowRefusal) => string;
}

/** A login and a consent on their way. */
export interface Flow<Request extends FlowRequest = FlowRequest> {
  readonly request: Request;
  readonly sessionId: string;
  /** Seconds since 1970. */
  readonly startedAt: number;
  readonly login: FlowStep<AcceptedLogin>;
  readonly consent: FlowStep<AcceptedConsent>;
}

export type FlowStepName = "login" | "consent";

/** The flows of a sandbox, by challenge and by verifier. */
export type FlowStore<Request extends FlowRequest> = ReturnType<typeof createFlowStore<Request>>;

/** Seconds that a browser has to log in and to consent; its cookie has the same. */
export const FLOW_LIFESPAN_SECONDS = 1_800;

/** A URL with its parameters in the order of their names. */
export function urlWithSortedParams(url: string, params: URLSearchParams): string {
  const sorted = new URLSearchParams(params);
  sorted.sort();
  return `${url}?${sorted}`;
}

/** Creates an empty store of flows. */
export function createFlowStore<Request extends FlowRequest>(engine: PublicContext) {
  const { now } = engine;
  const challenges = new ExpiringMap<Flow<Request>>({ now });
  const verifiers = new ExpiringMap<Flow<Request>>({ now });
  return {
    begin: (request: Request): Flow<Request> => {
      const startedAt = Math.floor(engine.now());
      const keepUntil = startedAt + FLOW_LIFESPAN_SECONDS;
      function newStep<Decision>(name: FlowStepName): FlowStep<Decision> {
        const [challenge, csrf] = [newFlowChallenge(engine), newFlowChallenge(engine).replaceAll("=", "")];
        let verifier: string | undefined;
        const step: FlowStep<Decision> = {
          challenge,
          csrf,
          decision: undefined,
          isUsed: false,
          decide: (decision) => {
            if (verifier !== undefined) verifiers.delete(`${name} ${verifier}`);
            step.decision = decision;
            verifier = newFlowChallenge(engine);
            verifiers.set(`${name} ${verifier}`, flow, keepUntil);
            const params = new URLSearchParams(request.params);
            params.set(`${name}_verifier`, verifier);
            return urlWithSortedParams(request.resumeUrl, params);
          },
        };
        return step;
      }
      const flow: Flow<Request> = {
        request,
        sessionId: randomUUID(),
        startedAt,
        login: newStep("login"),
        consent: newStep("consent"),
      };
      challenges.set(`login ${flow.login.challenge}`, flow, keepUntil);
      challenges.set(`consent ${flow.consent.challenge}`, flow, keepUntil);
      return flow;
    },
    byChallenge: (step: FlowStepName, challenge: string): Flow<Request> | undefined =>
      challenges.get(`${step} ${challenge}`),
    byVerifier: (step: FlowStepName, verifier: string): Flow<Request> | undefined =>
      verifiers.get(`${step} ${verifier}`),
    forgetClient: (clientId: string): void => {
      for (const flows of [challenges, verifiers]) flows.deleteWhere(({ request }) => request.client.id === clientId);
    },
  };
}
