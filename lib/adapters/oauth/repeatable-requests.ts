import { DEVICE_GRANT } from "../../core/client/fields.ts";
import type { HttpRequest } from "../../core/network.ts";
import type { ClientAuth } from "./oauth4webapi.ts";

/** Grants whose code or token works only once: a second request could even end what the first one got (RFC 6749, 10.5). */
const ONE_TIME_GRANTS = ["authorization_code", "refresh_token"];

/** Whether a request can be repeated; undefined for a poll, which is repeated by a loop of its own. */
function isRepeatable(method: string, form: URLSearchParams | undefined): boolean | undefined {
  const grant = form?.get("grant_type") ?? "";
  if (grant === DEVICE_GRANT) return undefined;
  return method === "GET" || !ONE_TIME_GRANTS.includes(grant);
}

/** How to authenticate again, by the form of a request: a server accepts an assertion only once (RFC 7523, 3). */
const RENEWALS = new WeakMap<URLSearchParams, () => Promise<void>>();

/** The same authentication, which can be done again for a repeat. */
export function renewableAuth(auth: ClientAuth): ClientAuth {
  return async (as, client, body, headers) => {
    const authenticate = async (): Promise<void> => auth(as, client, body, headers);
    await authenticate();
    if (body.has("client_assertion")) RENEWALS.set(body, authenticate);
  };
}

/** Whether and how a request of the library is repeated; `onRenewal` gets each new form. */
export function repeatOptionsFor(
  method: string,
  form: URLSearchParams | undefined,
  onRenewal: (form: Readonly<Record<string, string>>) => void,
): Pick<HttpRequest, "repeatable" | "renewForm"> {
  const repeatable = isRepeatable(method, form);
  if (repeatable === undefined) return {};
  const renew = form === undefined ? undefined : RENEWALS.get(form);
  if (form === undefined || renew === undefined) return { repeatable };
  const renewForm = async (): Promise<Readonly<Record<string, string>>> => {
    await renew();
    const renewed = Object.fromEntries(form);
    onRenewal(renewed);
    return renewed;
  };
  return { repeatable, renewForm };
}
