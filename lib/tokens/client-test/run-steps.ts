import { adviceInSyntax, Problem } from "../../core/problem.ts";
import { redactValues } from "../../core/redact.ts";
import { findFixCommandLine } from "./fix-hints.ts";
import { authorizeUser, exchangeCode, runDeviceFlow, runImplicitFlow } from "./login-steps.ts";
import { planSteps, type ServerAndCredentialFacts } from "./plan-steps.ts";
import { checkLoginPageAnswers, discoverTestedServer, proveTestedCredentials } from "./server-steps.ts";
import { type StepOutcome, type StepResult, skippedOutcome, type TestStepName } from "./step-result.ts";
import type { TestSession } from "./test-session.ts";
import {
  cleanUpTokens,
  getClientToken,
  introspectTokens,
  logOut,
  refreshTestedTokens,
  revokeAndIntrospectTokens,
} from "./token-steps.ts";

type TestStepFunction = (session: TestSession) => Promise<StepOutcome>;

const STEPS: Readonly<Record<TestStepName, TestStepFunction>> = {
  discovery: discoverTestedServer,
  credentials: proveTestedCredentials,
  "client-credentials": getClientToken,
  authorization: authorizeUser,
  tokens: exchangeCode,
  device: runDeviceFlow,
  implicit: runImplicitFlow,
  refresh: refreshTestedTokens,
  introspection: introspectTokens,
  revocation: revokeAndIntrospectTokens,
  logout: logOut,
  "login-page": checkLoginPageAnswers,
};

/** The steps that must not have failed before a step. */
const NEEDS: Readonly<Partial<Record<TestStepName, readonly TestStepName[]>>> = {
  "client-credentials": ["credentials"],
  tokens: ["credentials", "authorization"],
  device: ["credentials"],
  implicit: ["credentials"],
  refresh: ["credentials"],
};

/** The steps of which one must have passed before a step. */
const NEEDS_ONE_OF: Readonly<Partial<Record<TestStepName, readonly TestStepName[]>>> = {
  refresh: ["tokens", "device"],
};

/** Shorter values would match ordinary words. */
const MIN_HIDDEN = 8;

/** A text without what must not be shown: a server may repeat a code or a token in an error. */
function withoutSecrets(text: string, secrets: readonly string[]): string {
  const hidden = secrets.filter((secret) => secret.length >= MIN_HIDDEN);
  return redactValues(text, hidden);
}

/** With --auth-method, a client may have been authenticated in another way than it is registered with. */
function findOtherAuthMethodHint({ client, authentication }: TestSession, { code }: Problem): string | undefined {
  if (code !== "invalid-client" || authentication === undefined || authentication.method === client.authMethod)
    return undefined;
  return `the client is registered with ${client.authMethod}: leave out --auth-method`;
}

function failedOutcome(name: TestStepName, problem: Problem, session: TestSession): StepOutcome {
  const fix = findFixCommandLine(name, problem.code, session.client);
  const hint = fix ?? findOtherAuthMethodHint(session, problem) ?? problem.hint;
  const { message: detail, code: error } = problem;
  const advice = hint === undefined ? {} : { hint: adviceInSyntax(hint, session.client.syntax) };
  return { status: "failed", detail, ...advice, error };
}

/** Does a step; a failure is its outcome. A wrong command line and an interruption end the whole test. */
async function doStep(session: TestSession, name: TestStepName): Promise<StepResult> {
  let outcome: StepOutcome;
  try {
    outcome = await STEPS[name](session);
  } catch (error) {
    if (!(error instanceof Problem) || error.exit === "usage" || error.code === "interrupted") throw error;
    outcome = failedOutcome(name, error, session);
  }
  const detail = withoutSecrets(outcome.detail, session.flow.secrets());
  const hint = outcome.hint === undefined ? {} : { hint: withoutSecrets(outcome.hint, session.flow.secrets()) };
  return { name, ...outcome, detail, ...hint };
}

function collectServerAndCredentialFacts({ server, authentication }: TestSession): ServerAndCredentialFacts {
  return {
    hasDeviceFlow: server?.endpoints.device_authorization_endpoint !== undefined,
    hasLogout: server?.endpoints.end_session_endpoint !== undefined,
    canAuthenticate: authentication !== undefined,
  };
}

/** The step because of which another can't be done. */
function findBlockingStep(name: TestStepName, results: readonly StepResult[]): TestStepName | undefined {
  const needed = ["discovery" as const, ...(NEEDS[name] ?? [])];
  const failed = results.find((result) => result.status === "failed" && needed.includes(result.name));
  if (failed !== undefined) return failed.name;
  const alternatives = results.filter((result) => NEEDS_ONE_OF[name]?.includes(result.name));
  return alternatives.some(({ status }) => status === "passed") ? undefined : alternatives[0]?.name;
}

async function doAllSteps(session: TestSession): Promise<readonly StepResult[]> {
  const { signal } = session.limits.ordinary;
  const results: StepResult[] = [await doStep(session, "discovery")];
  for (const { name, instead } of planSteps(session.client, collectServerAndCredentialFacts(session))) {
    signal.throwIfAborted();
    const blocker = findBlockingStep(name, results);
    if (instead !== undefined) results.push({ name, ...instead });
    else if (blocker !== undefined) results.push({ name, ...skippedOutcome(`needs the step ${blocker}`) });
    else results.push(await doStep(session, name));
  }
  return results;
}

/**
 * Does all steps of a test. Whatever happens, the tokens that it got are revoked; `onLeft` is called with the reason if
 * that fails.
 */
export async function runClientTest(
  session: TestSession,
  onLeft: (problem: Problem) => void,
): Promise<readonly StepResult[]> {
  try {
    return await doAllSteps(session);
  } finally {
    const problem = await cleanUpTokens(session);
    if (problem !== undefined) onLeft(problem);
  }
}
