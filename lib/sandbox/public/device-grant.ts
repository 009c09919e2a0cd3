import { randomInt, randomUUID } from "node:crypto";
import { DEVICE_GRANT } from "../../core/client/fields.ts";
import { type ApiError, errorMembers, isApiError } from "../api-errors.ts";
import type { StoredClient } from "../client-store.ts";
import { type Answer, withNoStore } from "../response.ts";
import { errorPageRedirectAnswer } from "./authorize.ts";
import { authenticateClient } from "./client-auth.ts";
import { allowsGrant, splitWords } from "./client-settings.ts";
import { ExpiringMap } from "./expiring-map.ts";
import { decisionsOf, grantOf, stepRedirectAnswer, useStepAndFindRefusal } from "./flow-steps.ts";
import { type Flow, type FlowRequest, type FlowStore, type StepName, sortedUrl } from "./flows.ts";
import { issueTokens, type TokenResponseBody } from "./issue-tokens.ts";
import { EMPTY_BODY_HINT, oauthErrorAnswer, oauthSuccessAnswer } from "./oauth-answers.ts";
import { audiencesIn, findExcessiveRequestError } from "./permissions.ts";
import { newChallenge, type PublicContext, versionedError } from "./public-context.ts";
import { type Grant, randomTokenWithPrefix } from "./token-store.ts";
import { formOf, type RequestWithHeaders, redirectAnswer, splitTarget } from "./web.ts";

/** Seconds that a device code is valid for. */
const DEVICE_LIFESPAN = 600;

const POLL_INTERVAL = 5;

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

/** The device authorization grant of a sandbox. */
export interface DeviceGrantEndpoints {
  /** `/oauth2/device/auth` (RFC 8628, 3.1). */
  readonly authorize: (request: RequestWithHeaders) => Answer;
  /** `/oauth2/device/verify`, where the user's browser begins and returns to. */
  readonly verify: (request: RequestWithHeaders) => Answer;
  /** The grant at the token endpoint. */
  readonly exchange: (client: StoredClient, form: URLSearchParams) => TokenResponseBody | ApiError;
  /** Accepts a user code for a device challenge and gives the URL at which the browser goes on; undefined without one. */
  readonly acceptUserCode: (challenge: string, userCode: string) => string | ApiError | undefined;
  readonly forgetClient: (clientId: string) => void;
}

function newUserCode(): string {
  return Array.from({ length: 8 }, () => USER_CODE_ALPHABET[randomInt(USER_CODE_ALPHABET.length)]).join("");
}

/** The devices of a sandbox and what their browsers were sent on with. */
interface DeviceState {
  readonly engine: PublicContext;
  readonly flows: FlowStore<DeviceFlowRequest>;
  // A device that polls too late learns that its code has expired, so that it is kept longer.
  readonly byDeviceCode: ExpiringMap<Device>;
  readonly byUserCode: ExpiringMap<Device>;
  /** Of browsers that came to enter a user code. */
  readonly challenges: ExpiringMap<string>;
  /** Of browsers whose user entered one. */
  readonly verifiers: ExpiringMap<Device>;
}

function verifyUrl({ publicUrl }: PublicContext): string {
  return `${publicUrl()}/oauth2/device/verify`;
}

/** Registers a device and gives it its codes. */
function startDevice(state: DeviceState, client: StoredClient, form: URLSearchParams): TokenResponseBody | ApiError {
  const { engine, byDeviceCode, byUserCode } = state;
  const scopes = splitWords(form.get("scope") ?? "");
  const audience = audiencesIn(form);
  const refusal = findExcessiveRequestError(engine, client, scopes, audience);
  if (refusal !== undefined) return refusal;
  const expiresAt = engine.now() + DEVICE_LIFESPAN;
  const device: Device = { client, scopes, audience, expiresAt, grant: undefined };
  const deviceCode = randomTokenWithPrefix("ory_dc_");
  const userCode = newUserCode();
  byDeviceCode.set(deviceCode, device, expiresAt + DEVICE_LIFESPAN);
  byUserCode.set(userCode, device, expiresAt);
  return {
    // The servers let this member of their own slip into the answer.
    Header: null,
    device_code: deviceCode,
    user_code: userCode,
    verification_uri: verifyUrl(engine),
    verification_uri_complete: `${verifyUrl(engine)}?user_code=${userCode}`,
    expires_in: DEVICE_LIFESPAN,
    interval: POLL_INTERVAL,
  };
}

function authorizeDevice(state: DeviceState, request: RequestWithHeaders): TokenResponseBody | ApiError {
  const { engine } = state;
  const form = formOf(request);
  if (form.size === 0) return versionedError(engine, "invalid_request", EMPTY_BODY_HINT);
  const client = authenticateClient(engine, form, request.authorization);
  if (isApiError(client)) return client;
  if (allowsGrant(client, DEVICE_GRANT)) return startDevice(state, client, form);
  const hint = `The requested OAuth 2.0 Client does not have the "${DEVICE_GRANT}" grant.`;
  return versionedError(engine, "invalid_grant", hint);
}

/** Sends a browser to the page on which a user enters the code. */
function toCodePage({ engine, challenges }: DeviceState, userCode: string): Answer {
  const challenge = newChallenge(engine);
  challenges.set(challenge, challenge, engine.now() + DEVICE_LIFESPAN);
  const params = new URLSearchParams({ device_challenge: challenge });
  if (userCode !== "") params.set("user_code", userCode);
  return redirectAnswer(`${engine.publicUrl()}/oauth2/fallbacks/device?${params}`);
}

/** Begins a login for the device whose code the user entered. */
function toLogin({ engine, flows }: DeviceState, device: Device, target: string): Answer {
  const { client, scopes, audience } = device;
  const params = new URLSearchParams({ client_id: client.id, user_code: "****" });
  const url = `${engine.publicUrl()}${target}`;
  const flow = flows.begin({ client, scopes, audience, url, resumeUrl: verifyUrl(engine), params, device });
  return stepRedirectAnswer(engine, "login", flow);
}

/** Goes on after a login or a consent. */
function decided(
  { engine }: DeviceState,
  name: StepName,
  flow: Flow<DeviceFlowRequest>,
  request: RequestWithHeaders,
): Answer {
  const declined = useStepAndFindRefusal(engine, flow, name, request);
  if (declined !== undefined) {
    const { error, description } = declined;
    const body = JSON.stringify(errorMembers(engine.behaviour, { status: 400, error, description }));
    return withNoStore({ status: 400, headers: { "content-type": "application/json" }, body: `${body}\n` });
  }
  if (name === "login") return stepRedirectAnswer(engine, "consent", flow);
  const { device } = flow.request;
  const completed = decisionsOf(flow);
  if (completed !== undefined) device.grant = grantOf(randomUUID(), flow, completed, "");
  const params = new URLSearchParams({ client_id: device.client.id });
  return redirectAnswer(`${engine.publicUrl()}/oauth2/fallbacks/device/done?${params}`);
}

function verify(state: DeviceState, request: RequestWithHeaders): Answer {
  const { query } = splitTarget(request.target);
  for (const name of ["login", "consent"] as const) {
    const flow = state.flows.byVerifier(name, query.get(`${name}_verifier`) ?? "");
    if (flow !== undefined) return decided(state, name, flow, request);
  }
  const verifier = query.get("device_verifier") ?? "";
  if (verifier === "") return toCodePage(state, query.get("user_code") ?? "");
  const device = state.verifiers.get(verifier);
  state.verifiers.delete(verifier);
  if (device !== undefined) return toLogin(state, device, request.target);
  const hint = "The device verifier has already been used, has not been granted, or is invalid.";
  return errorPageRedirectAnswer(state.engine, versionedError(state.engine, "access_denied", hint));
}

function exchange(state: DeviceState, client: StoredClient, form: URLSearchParams): TokenResponseBody | ApiError {
  const { engine, byDeviceCode } = state;
  const value = form.get("device_code") ?? "";
  const device = byDeviceCode.get(value);
  if (device === undefined || device.client.id !== client.id) return versionedError(engine, "invalid_grant");
  // In the servers' order, which lets a device whose code has expired go on polling.
  if (device.grant === undefined) return versionedError(engine, "authorization_pending");
  if (device.expiresAt <= engine.now()) return versionedError(engine, "expired_token");
  byDeviceCode.delete(value);
  return issueTokens(engine, { client, grant: device.grant, by: "device_authorization" });
}

function acceptUserCode(state: DeviceState, challenge: string, userCode: string): string | ApiError | undefined {
  const { engine, challenges, byUserCode, verifiers } = state;
  if (!challenges.has(challenge)) return undefined;
  const device = byUserCode.get(userCode);
  if (device === undefined || device.expiresAt <= engine.now()) {
    const hint = `The "user_code" session could not be found or has expired or is otherwise malformed.`;
    return versionedError(engine, "invalid_request", hint);
  }
  challenges.delete(challenge);
  byUserCode.delete(userCode);
  const verifier = newChallenge(engine);
  verifiers.set(verifier, device, device.expiresAt);
  const params = { client_id: device.client.id, device_verifier: verifier, user_code: "****" };
  return sortedUrl(verifyUrl(engine), new URLSearchParams(params));
}

/** Creates the device grant. */
export function createDeviceGrantEndpoints(
  engine: PublicContext,
  flows: FlowStore<DeviceFlowRequest>,
): DeviceGrantEndpoints {
  const { now } = engine;
  const state: DeviceState = {
    engine,
    flows,
    byDeviceCode: new ExpiringMap({ now }),
    byUserCode: new ExpiringMap({ now }),
    challenges: new ExpiringMap({ now }),
    verifiers: new ExpiringMap({ now }),
  };
  return {
    authorize: (request) => {
      const result = authorizeDevice(state, request);
      return isApiError(result)
        ? oauthErrorAnswer(engine.behaviour, result)
        : oauthSuccessAnswer(result, { "cache-control": "no-store" });
    },
    verify: (request) => verify(state, request),
    exchange: (client, form) => exchange(state, client, form),
    acceptUserCode: (challenge, userCode) => acceptUserCode(state, challenge, userCode),
    forgetClient: (clientId) => {
      for (const devices of [state.byDeviceCode, state.byUserCode, state.verifiers])
        devices.deleteWhere(({ client }) => client.id === clientId);
    },
  };
}
