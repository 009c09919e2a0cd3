import { randomInt, randomUUID } from "node:crypto";
import { DEVICE_GRANT } from "../../core/client/fields.ts";
import type { JsonObject } from "../../core/json/json.ts";
import type { StoredClient } from "../client-store.ts";
import { type Answer, errorAnswer, withNoStore } from "../response.ts";
import { errorPageRedirectAnswer } from "./authorize.ts";
import { authenticateClient } from "./client-auth.ts";
import { allowsGrant, splitWords } from "./client-settings.ts";
import { ExpiringMap } from "./expiring-map.ts";
import { createGrantFromFlow, findAcceptedDecisions, stepRedirectAnswer, useStepAndFindRefusal } from "./flow-steps.ts";
import { type Flow, type FlowRequest, type FlowStepName, type FlowStore, urlWithSortedParams } from "./flows.ts";
import { issueTokens } from "./issue-tokens.ts";
import { oauthSuccessAnswer, requireFormBody, versionedError, withOAuthErrorAnswers } from "./oauth-answers.ts";
import { audiencesIn, requireAllowedScopesAndAudience } from "./permissions.ts";
import { newFlowChallenge, type PublicContext } from "./public-context.ts";
import { type RequestWithHeaders, redirectAnswer, splitTarget } from "./requests-and-pages.ts";
import { type Grant, randomTokenWithPrefix } from "./token-store.ts";

/** Seconds that a device code is valid for. */
const DEVICE_CODE_LIFESPAN_SECONDS = 600;

const POLL_INTERVAL_SECONDS = 5;

/** Letters and digits that nobody mistakes for others. */
const USER_CODE_ALPHABET = "BCDFGHJKLMNPQRSTVWXZbcdfghjkmnpqrstvwxyz23456789";

/** A device that waits for its user. */
interface Device {
  readonly client: StoredClient;
  readonly scopes: readonly string[];
  readonly audience: readonly string[];
  readonly expiresAt: number;
  grant: Grant | undefined;
}

/** A flow that a device waits for. */
export interface DeviceFlowRequest extends FlowRequest {
  readonly device: Device;
}

function newUserCode(): string {
  return Array.from({ length: 8 }, () => USER_CODE_ALPHABET[randomInt(USER_CODE_ALPHABET.length)]).join("");
}

/** The device authorization grant of a sandbox: its devices, and what their browsers were sent on with. */
export class DeviceGrantService {
  readonly #engine: PublicContext;
  readonly #flows: FlowStore<DeviceFlowRequest>;
  readonly #verifyUrl: () => string;
  // A device that polls too late learns that its code has expired, so that it is kept longer.
  readonly #byDeviceCode: ExpiringMap<Device>;
  readonly #byUserCode: ExpiringMap<Device>;
  /** Of browsers that came to enter a user code. */
  readonly #challenges: ExpiringMap<string>;
  /** Of browsers whose user entered one. */
  readonly #verifiers: ExpiringMap<Device>;

  constructor(engine: PublicContext, flows: FlowStore<DeviceFlowRequest>) {
    const { now, publicUrl } = engine;
    this.#engine = engine;
    this.#flows = flows;
    this.#verifyUrl = () => `${publicUrl()}/oauth2/device/verify`;
    this.#byDeviceCode = new ExpiringMap({ now });
    this.#byUserCode = new ExpiringMap({ now });
    this.#challenges = new ExpiringMap({ now });
    this.#verifiers = new ExpiringMap({ now });
  }

  /** `/oauth2/device/auth` (RFC 8628, 3.1). */
  authorize(request: RequestWithHeaders): Answer {
    const engine = this.#engine;
    return withOAuthErrorAnswers(engine, () => {
      const form = requireFormBody(engine, request);
      const client = authenticateClient(engine, form, request.authorization);
      if (allowsGrant(client, DEVICE_GRANT))
        return oauthSuccessAnswer(this.#start(client, form), { "cache-control": "no-store" });
      const hint = `The requested OAuth 2.0 Client does not have the "${DEVICE_GRANT}" grant.`;
      throw versionedError(engine, "invalid_grant", hint);
    })(request);
  }

  /** Registers a device and gives it its codes. */
  #start(client: StoredClient, form: URLSearchParams): JsonObject {
    const scopes = splitWords(form.get("scope") ?? "");
    const audience = audiencesIn(form);
    requireAllowedScopesAndAudience(this.#engine, client, scopes, audience);
    const expiresAt = this.#engine.now() + DEVICE_CODE_LIFESPAN_SECONDS;
    const device: Device = { client, scopes, audience, expiresAt, grant: undefined };
    const deviceCode = randomTokenWithPrefix("ory_dc_");
    const userCode = newUserCode();
    this.#byDeviceCode.set(deviceCode, device, expiresAt + DEVICE_CODE_LIFESPAN_SECONDS);
    this.#byUserCode.set(userCode, device, expiresAt);
    return {
      // The servers let this member of their own slip into the answer.
      Header: null,
      device_code: deviceCode,
      user_code: userCode,
      verification_uri: this.#verifyUrl(),
      verification_uri_complete: `${this.#verifyUrl()}?user_code=${userCode}`,
      expires_in: DEVICE_CODE_LIFESPAN_SECONDS,
      interval: POLL_INTERVAL_SECONDS,
    };
  }

  /** `/oauth2/device/verify`, where the user's browser begins and returns to. */
  verify(request: RequestWithHeaders): Answer {
    const { query } = splitTarget(request.target);
    for (const name of ["login", "consent"] as const) {
      const flow = this.#flows.byVerifier(name, query.get(`${name}_verifier`) ?? "");
      if (flow !== undefined) return this.#decided(name, flow, request);
    }
    const verifier = query.get("device_verifier") ?? "";
    if (verifier === "") return this.#toCodePage(query.get("user_code") ?? "");
    const device = this.#verifiers.get(verifier);
    this.#verifiers.delete(verifier);
    if (device !== undefined) return this.#toLogin(device, request.target);
    const hint = "The device verifier has already been used, has not been granted, or is invalid.";
    return errorPageRedirectAnswer(this.#engine, versionedError(this.#engine, "access_denied", hint).details);
  }

  /** Sends a browser to the page on which a user enters the code. */
  #toCodePage(userCode: string): Answer {
    const challenge = newFlowChallenge(this.#engine);
    this.#challenges.set(challenge, challenge, this.#engine.now() + DEVICE_CODE_LIFESPAN_SECONDS);
    const params = new URLSearchParams({ device_challenge: challenge });
    if (userCode !== "") params.set("user_code", userCode);
    return redirectAnswer(`${this.#engine.publicUrl()}/oauth2/fallbacks/device?${params}`);
  }

  /** Begins a login for the device whose code the user entered. */
  #toLogin(device: Device, target: string): Answer {
    const { client, scopes, audience } = device;
    const params = new URLSearchParams({ client_id: client.id, user_code: "****" });
    const url = `${this.#engine.publicUrl()}${target}`;
    const flow = this.#flows.begin({ client, scopes, audience, url, resumeUrl: this.#verifyUrl(), params, device });
    return stepRedirectAnswer(this.#engine, "login", flow);
  }

  /** Goes on after a login or a consent. */
  #decided(name: FlowStepName, flow: Flow<DeviceFlowRequest>, request: RequestWithHeaders): Answer {
    const declined = useStepAndFindRefusal(this.#engine, flow, name, request);
    if (declined !== undefined) return withNoStore(errorAnswer(this.#engine.behaviour, { status: 400, ...declined }));
    if (name === "login") return stepRedirectAnswer(this.#engine, "consent", flow);
    const { device } = flow.request;
    const completed = findAcceptedDecisions(flow);
    if (completed !== undefined) device.grant = createGrantFromFlow(randomUUID(), flow, completed, "");
    const params = new URLSearchParams({ client_id: device.client.id });
    return redirectAnswer(`${this.#engine.publicUrl()}/oauth2/fallbacks/device/done?${params}`);
  }

  /** The grant at the token endpoint. */
  exchange(client: StoredClient, form: URLSearchParams): JsonObject {
    const engine = this.#engine;
    const value = form.get("device_code") ?? "";
    const device = this.#byDeviceCode.get(value);
    if (device === undefined || device.client.id !== client.id) throw versionedError(engine, "invalid_grant");
    // In the servers' order, which lets a device whose code has expired go on polling.
    if (device.grant === undefined) throw versionedError(engine, "authorization_pending");
    if (device.expiresAt <= engine.now()) throw versionedError(engine, "expired_token");
    this.#byDeviceCode.delete(value);
    return issueTokens(engine, { client, grant: device.grant, by: "device_authorization" });
  }

  /** Accepts a user code for a device challenge and gives the URL at which the browser goes on; undefined without one. */
  acceptUserCode(challenge: string, userCode: string): string | undefined {
    if (!this.#challenges.has(challenge)) return undefined;
    const device = this.#byUserCode.get(userCode);
    if (device === undefined || device.expiresAt <= this.#engine.now()) {
      const hint = `The "user_code" session could not be found or has expired or is otherwise malformed.`;
      throw versionedError(this.#engine, "invalid_request", hint);
    }
    this.#challenges.delete(challenge);
    this.#byUserCode.delete(userCode);
    const verifier = newFlowChallenge(this.#engine);
    this.#verifiers.set(verifier, device, device.expiresAt);
    const params = { client_id: device.client.id, device_verifier: verifier, user_code: "****" };
    return urlWithSortedParams(this.#verifyUrl(), new URLSearchParams(params));
  }

  forgetClient(clientId: string): void {
    for (const devices of [this.#byDeviceCode, this.#byUserCode, this.#verifiers])
      devices.deleteWhere(({ client }) => client.id === clientId);
  }
}
