import { detailsOrRethrow } from "../api-errors.ts";
import { stringMemberOrEmpty } from "../json-members.ts";
import type { Answer } from "../response.ts";
import type { Flow, FlowStepName } from "./flows.ts";
import { type FlowStores, findAuthorizationOrDeviceFlow } from "./oauth-admin-router.ts";
import type { PublicContext } from "./public-context.ts";
import { escapeHtml, pageAnswer, type RequestWithHeaders, redirectAnswer, splitTarget } from "./requests-and-pages.ts";

/** The user whom the built-in login page logs in. */
const TEST_USER = "sandbox-user";

const DEVICE_PATH = "/oauth2/fallbacks/device";

/**
 * Pages that accept every login, consent and device by themselves, by path: Hydra has them under the same names for servers
 * without a login application.
 */
export function autoAcceptingPagesByPath(
  engine: PublicContext,
  stores: FlowStores,
): ReadonlyMap<string, (request: RequestWithHeaders) => Answer> {
  function withFlow(step: FlowStepName, request: RequestWithHeaders, show: (flow: Flow) => Answer): Answer {
    const challenge = splitTarget(request.target).query.get(`${step}_challenge`) ?? "";
    if (challenge === "")
      return pageAnswer(200, "Built-in page", `<p>A client sends people here with a ${step} request.</p>`);
    const flow = findAuthorizationOrDeviceFlow(stores, step, challenge);
    if (flow !== undefined) return show(flow);
    return pageAnswer(404, "Unknown request", `<p>The sandbox has no such ${step} request, or was restarted.</p>`);
  }

  function login(request: RequestWithHeaders): Answer {
    return withFlow("login", request, (flow) => {
      const at = Math.floor(engine.now());
      const next = flow.login.decide({ subject: TEST_USER, acr: "", amr: [], context: null, at });
      const { client, scopes } = flow.request;
      const content = `<p>Logged in as <b>${TEST_USER}</b> for client <b>${escapeHtml(stringMemberOrEmpty(client.view, "client_name") || client.id)}</b>. All requested scopes are granted: <b>${escapeHtml(scopes.join(" "))}</b>.</p><p><a href="${escapeHtml(next)}">Continue</a></p>`;
      return pageAnswer(200, "Logged in by the sandbox", content, next);
    });
  }

  function consent(request: RequestWithHeaders): Answer {
    return withFlow("consent", request, (flow) => {
      const { scopes, audience } = flow.request;
      return redirectAnswer(flow.consent.decide({ scopes, audience, accessTokenClaims: {}, idTokenClaims: {} }));
    });
  }

  function error(request: RequestWithHeaders): Answer {
    const { query } = splitTarget(request.target);
    const lines = ["error", "error_description", "error_hint"].flatMap((name) => {
      const value = query.get(name);
      return value === null ? [] : [`<li>${name}: ${escapeHtml(value)}</li>`];
    });
    return pageAnswer(500, "An OAuth 2.0 error occurred", `<ul>${lines.join("")}</ul>`);
  }

  function device(request: RequestWithHeaders): Answer {
    const { query } = splitTarget(request.target);
    const challenge = query.get("device_challenge") ?? "";
    const userCode = (query.get("user_code") ?? "").trim();
    const form = `<form action="${DEVICE_PATH}"><input type="hidden" name="device_challenge" value="${escapeHtml(challenge)}"><label>Code shown by the device: <input name="user_code" autofocus required></label> <button>Continue</button></form>`;
    try {
      const next = userCode === "" ? undefined : stores.devices.acceptUserCode(challenge, userCode);
      return next === undefined ? pageAnswer(200, "Connect a device", form) : redirectAnswer(next);
    } catch (failure) {
      detailsOrRethrow(failure);
      return pageAnswer(400, "Connect a device", `<p>This code is wrong or has expired.</p>${form}`);
    }
  }

  return new Map([
    ["/oauth2/fallbacks/login", login],
    ["/oauth2/fallbacks/consent", consent],
    ["/oauth2/fallbacks/error", error],
    ["/oauth2/fallbacks/logout/callback", () => pageAnswer(200, "Logged out", "<p>You can close this page.</p>")],
    ...(engine.traits.device
      ? ([
          [DEVICE_PATH, device],
          [`${DEVICE_PATH}/done`, () => pageAnswer(200, "Device connected", "<p>You can close this page.</p>")],
        ] as const)
      : []),
  ]);
}
