/** Recognizes the two ports of a server, and what is not a server. */

import * as v from "valibot";
import { Problem } from "../core/problem.ts";
import { parseJsonBody } from "./classify-error-answer.ts";
import { FAMILIES, type ServerAnswer } from "./index.ts";

/** The part of a response that shows where it comes from. */
type StatusAndText = Pick<ServerAnswer, "status" | "text">;

const OpenIdConfiguration = v.object({ issuer: v.string() });

const Health = v.object({ status: v.literal("ok") });

/** Whether a response is an OpenID configuration, which only the public port of Hydra has. */
export function isOpenIdConfiguration({ status, text }: StatusAndText): boolean {
  return status === 200 && v.is(OpenIdConfiguration, parseJsonBody(text));
}

/** Where the public port has its OpenID configuration. */
export const OPENID_CONFIGURATION_PATH = "/.well-known/openid-configuration";

/** Where the admin port says that the server is alive. */
export const HEALTH_PATH = "/health/alive";

/** Whether a server that lacks what every public port has is Hydra's admin port: whether it answers that it is alive. */
export async function answersAsAdminPort(fetchHealth: () => Promise<StatusAndText>): Promise<boolean> {
  try {
    const { status, text } = await fetchHealth();
    return status === 200 && v.is(Health, parseJsonBody(text));
  } catch (error) {
    if (error instanceof Problem && error.code !== "interrupted") return false;
    throw error;
  }
}

/**
 * Whether a server is certainly the public port of Hydra: it has an OpenID configuration, and no path of the admin API.
 *
 * @param get requests a path once; undefined without an answer.
 */
export async function answersAsPublicPort(get: (path: string) => Promise<StatusAndText | undefined>): Promise<boolean> {
  const configuration = await get(OPENID_CONFIGURATION_PATH);
  if (configuration === undefined || !isOpenIdConfiguration(configuration)) return false;
  for (const { paths } of FAMILIES) {
    const answer = await get(paths.clients);
    if (answer?.status !== 404) return false;
  }
  return true;
}

/** Whether a status means that a server doesn't have a path: Hydra 2.0 to 2.3 redirect those of 1.x with 307. */
export function isMissingPathStatus(status: number): boolean {
  return status === 404 || status === 405 || status === 307;
}
