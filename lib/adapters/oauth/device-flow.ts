import { type FailureKind, NetworkFailure } from "../../core/network.ts";
import { Problem } from "../../core/problem.ts";
import { parseHttpUrl } from "../../core/url-checks.ts";
import { parseRetryAfterMilliseconds } from "../../servers/retry.ts";
import { BusyServerError } from "./busy-server-error.ts";
import { requireEndpoint } from "./discovery.ts";
import type { OAuthErrorContext } from "./oauth-problems.ts";
import {
  deviceAuthorizationRequest,
  deviceCodeGrantRequest,
  processDeviceAuthorizationResponse,
  processDeviceCodeResponse,
} from "./oauth4webapi.ts";
import { runLibraryStep } from "./send-oauth-requests.ts";
import {
  type LibraryClient,
  type RequestedAccess,
  requestTokens,
  scopeAndAudienceForm,
  secretHidingErrorContext,
  type TokenSet,
} from "./token-requests.ts";

/** A device that waits for its user (RFC 8628, 3.2). */
export interface PendingDeviceFlow {
  readonly deviceCode: string;
  readonly userCode: string;
  readonly verificationUri: string;
  readonly verificationUriComplete: string | undefined;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
  /** Seconds between two polls. */
  readonly interval: number;
}

export interface DeviceWaitOptions {
  /** Waits for milliseconds, or rejects when the command is interrupted. */
  readonly sleep: (milliseconds: number) => Promise<void>;
  /** Milliseconds that the server may be out of reach or too busy; by default until the code expires. */
  readonly patience?: number;
}

/** Seconds by which a server that is asked too often wants the interval longer (RFC 8628, 3.5). */
const SLOW_DOWN = 5;

const DEFAULT_INTERVAL = 5;

/** The longest interval in seconds; a server that asks for more would never be asked again. */
const MAX_POLL_INTERVAL_SECONDS = 300;

/** The longest in seconds that a code is waited for, whatever the server says. */
const MAX_DEVICE_CODE_LIFETIME_SECONDS = 86_400;

function unsupportedDeviceFlowProblem(action: string): Problem {
  return new Problem(`${action}: the server doesn't support it`, {
    code: "missing-endpoint",
    hint: "Hydra has it from 25.4 on, if device_authorization_endpoint is in its discovery document; otherwise use hydra token user",
  });
}

/** A URL for a person to open. Anything but a web page could start a program on the device. */
function requireHttpVerificationUri({ action }: OAuthErrorContext, name: string, text: string): void {
  if (parseHttpUrl(text) !== undefined) return;
  throw new Problem(`${action}: the server's ${name} is not an http or https URL`, {
    code: "unreadable-answer",
    hint: "check that the public URL is the right server, and URLS_DEVICE_VERIFICATION in its configuration",
  });
}

/** Starts the device flow. */
export async function beginDeviceFlow(session: LibraryClient, request: RequestedAccess): Promise<PendingDeviceFlow> {
  const { as, client, server, now } = session;
  const step = secretHidingErrorContext(session, "Cannot start the device flow");
  const { device_authorization_endpoint: endpoint } = server.endpoints;
  if (endpoint === undefined && !server.foreign.includes("device_authorization_endpoint"))
    throw unsupportedDeviceFlowProblem(step.action);
  requireEndpoint(server, "device_authorization_endpoint", step.action);
  const auth = await session.auth(step.action);
  const began = now();
  const { value } = await runLibraryStep(session, step, async (more) => {
    const response = await deviceAuthorizationRequest(as, client, auth, scopeAndAudienceForm(request), more);
    return processDeviceAuthorizationResponse(as, client, response);
  });
  const { verification_uri: uri, verification_uri_complete: complete } = value;
  requireHttpVerificationUri(step, "verification_uri", uri);
  if (complete !== undefined) requireHttpVerificationUri(step, "verification_uri_complete", complete);
  return {
    deviceCode: value.device_code,
    userCode: value.user_code,
    verificationUri: uri,
    verificationUriComplete: complete,
    expiresAt: began + Math.min(MAX_DEVICE_CODE_LIFETIME_SECONDS, value.expires_in) * 1000,
    interval: Math.min(MAX_POLL_INTERVAL_SECONDS, value.interval ?? DEFAULT_INTERVAL),
  };
}

/** What a poll gave: tokens, or why there are none yet. */
type PollOutcome = TokenSet | "pending" | "slow-down";

/** Asks for the tokens of a device once. */
export async function pollDeviceTokensOnce(
  session: LibraryClient,
  { deviceCode }: PendingDeviceFlow,
): Promise<PollOutcome> {
  const { as, client } = session;
  try {
    return await requestTokens(
      session,
      secretHidingErrorContext(session, "Cannot get a token for the device", [deviceCode]),
      (auth, request) => deviceCodeGrantRequest(as, client, auth, deviceCode, request),
      (response) => processDeviceCodeResponse(as, client, response),
    );
  } catch (error) {
    if (error instanceof Problem && error.code === "authorization-pending") return "pending";
    if (error instanceof Problem && error.code === "slow-down") return "slow-down";
    throw error;
  }
}

const PASSING: readonly FailureKind[] = ["refused", "unresolved", "lost", "timeout"];

/** Whether a poll failed for a reason that may pass. */
function isTemporaryFailure(error: unknown): boolean {
  if (!(error instanceof Problem)) return false;
  const { cause } = error;
  return cause instanceof BusyServerError || (cause instanceof NetworkFailure && PASSING.includes(cause.kind));
}

/** Seconds that a busy server asks to wait (Retry-After). */
function retryAfterSeconds(error: unknown, now: number): number {
  const busy = error instanceof Problem && error.cause instanceof BusyServerError ? error.cause : undefined;
  return (parseRetryAfterMilliseconds(busy?.answer.headers.get("retry-after") ?? null, now) ?? 0) / 1000;
}

/** Polls at the server's pace until the user is done or the code has expired. */
export async function waitForDeviceTokens(
  session: LibraryClient,
  pending: PendingDeviceFlow,
  { sleep, patience = Number.POSITIVE_INFINITY }: DeviceWaitOptions,
): Promise<TokenSet> {
  let { interval } = pending;
  let failingSince: number | undefined;
  while (session.now() < pending.expiresAt) {
    await sleep(Math.min(interval * 1000, pending.expiresAt - session.now()));
    try {
      const polled = await pollDeviceTokensOnce(session, pending);
      if (typeof polled !== "string") return polled;
      if (polled === "slow-down") interval += SLOW_DOWN;
      failingSince = undefined;
    } catch (error) {
      failingSince ??= session.now();
      if (!isTemporaryFailure(error) || session.now() - failingSince >= patience) throw error;
      // A server that is too busy to answer is asked less often each time (RFC 8628, 3.5).
      interval = Math.max(Math.min(MAX_POLL_INTERVAL_SECONDS, interval * 2), retryAfterSeconds(error, session.now()));
    }
  }
  throw new Problem("Cannot get a token for the device: the code has expired", {
    code: "expired-token",
    hint: "start again, and enter the code sooner",
  });
}
