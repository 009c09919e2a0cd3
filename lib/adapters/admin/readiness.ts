import { answerHint } from "../../core/network.ts";
import { type Problem, withMessage } from "../../core/problem.ts";
import { FAMILIES } from "../../servers/index.ts";
import { triedForText } from "../../servers/retry.ts";
import { type AdminSession, probePublicPort, sendWithRetries } from "./admin-session.ts";
import type { AdminRequest, AdminResponse } from "./requests.ts";

const READY: AdminRequest = {
  method: "GET",
  path: () => "/health/ready",
  action: "Cannot wait for the server",
  target: "collection",
  repeatable: true,
};

/** Milliseconds between two checks. */
const INTERVAL_MS = 500;

/** Resolves once the server reports that it is ready. */
export async function waitUntilReady(session: AdminSession): Promise<void> {
  const { options, remaining } = session;
  const isLate = (): boolean => options.failAfter === 0 || remaining() <= 0;
  for (let last: AdminResponse | undefined; ; ) {
    last = await requestReadiness(session, last);
    const { status } = last.answer;
    // The public port is ready too, and without its health paths it would never be.
    if ((status === 200 || status === 404) && (await probePublicPort(session)))
      throw (await import("./problems.ts")).publicPortProblem(options, READY, FAMILIES[0]);
    if (status === 200) return await rejectWebPage(session, last);
    // While it starts, a server may answer with any 5xx, and a gateway in front of it with 404; other statuses are final.
    if (status < 500 && status !== 404) throw (await import("./problems.ts")).errorResponseProblem(options, last);
    if (isLate()) throw await notReadyProblem(session, last);
    await options.sleep(Math.min(INTERVAL_MS, remaining()), options.signal);
  }
}

/** Throws if a response is a web page, such as the sign-in page of a proxy: it says nothing about the server. */
async function rejectWebPage({ options }: AdminSession, response: AdminResponse): Promise<void> {
  if (!(await import("./web-page.ts")).isWebPage(response.answer)) return;
  throw (await import("./problems.ts")).unexpectedAnswerProblem(options, response, "its health");
}

async function requestReadiness(session: AdminSession, last: AdminResponse | undefined): Promise<AdminResponse> {
  try {
    return await sendWithRetries(session, READY, FAMILIES[0], { ambiguous: false });
  } catch (error) {
    // The server's last response says more than that the time ran out.
    if (last === undefined || session.remaining() > 0) throw error;
    throw await notReadyProblem(session, last);
  }
}

async function notReadyProblem({ options }: AdminSession, last: AdminResponse): Promise<Problem> {
  const { errorResponseProblem } = await import("./problems.ts");
  const problem = errorResponseProblem(options, { ...last, gaveUpBecause: undefined });
  const tried = options.failAfter === 0 ? "" : ` (${triedForText(options.failAfter)})`;
  const hint = answerHint(last.answer, "wait longer with --for, or check the server's log");
  return withMessage(problem, `${problem.message}${tried}`, { exit: "unreachable", hint });
}
