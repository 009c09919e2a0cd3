import type { ProofEndpoints } from "../../adapters/prove-credentials.ts";
import type { Context } from "../../command.ts";
import { Problem } from "../../core/problem.ts";
import type { StackPlan, StackPlanStep } from "../../core/state/plan.ts";
import { secretWithAuthMethod } from "../secrets/verify-credentials.ts";

/** How many secrets are checked at once. */
const AT_ONCE = 8;

/**
 * Checks the secrets that the files give to clients that exist. No server returns a secret, so this is the only way to see
 * that one was changed. A step whose secret is rejected sets it.
 */
export async function proveSecretsAndUpdatePlan(
  { credentialVerifier }: Pick<Context, "credentialVerifier">,
  endpoints: ProofEndpoints | undefined,
  plan: StackPlan,
): Promise<StackPlan> {
  if (endpoints === undefined) return plan;
  const steps: StackPlanStep[] = [];
  for (let at = 0; at < plan.steps.length; at += AT_ONCE) {
    const some = plan.steps.slice(at, at + AT_ONCE);
    steps.push(...(await Promise.all(some.map((step) => proveSecretOfStep({ credentialVerifier }, endpoints, step)))));
  }
  return { ...plan, steps };
}

async function proveSecretOfStep(
  { credentialVerifier }: Pick<Context, "credentialVerifier">,
  endpoints: ProofEndpoints,
  step: StackPlanStep,
): Promise<StackPlanStep> {
  const { action, secret, current, desired } = step;
  if (secret !== "unchanged" || action === "refused" || current === undefined || desired?.secret === undefined)
    return step;
  try {
    await credentialVerifier.prove(endpoints, current.client_id, secretWithAuthMethod(current, desired.secret));
    return step;
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== "not-verified" || error.status !== 401) throw error;
    return { ...step, action: action === "unchanged" ? "change" : action, secret: "mismatched" };
  }
}
