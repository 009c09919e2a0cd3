import { terminalColumns } from "../../clients/terminal-columns.ts";
import { type ClientLogin, type CommandResult, type Context, defineLeaf, singleResult } from "../../command.ts";
import { readPublicUrlWithoutAdminPath } from "../../core/flags/connection.ts";
import { SERVER_COMMAND_FLAGS } from "../../core/flags/shared-flags.ts";
import { findClientIdProblem } from "../../core/id-problems.ts";
import { quote } from "../../core/text.ts";
import { runClientTest } from "../../tokens/client-test/run-steps.ts";
import { chooseAuthentication, readTestCredentials } from "../../tokens/client-test/test-credentials.ts";
import {
  REDIRECT_URI,
  REQUESTED_SCOPE,
  SUBJECT,
  TEST_FLAGS,
  testedPublicUrlProblems,
} from "../../tokens/client-test/test-flags.ts";
import { createTestResultView, isUtf8Locale } from "../../tokens/client-test/test-result-view.ts";
import { createTestLimits, type TestSession } from "../../tokens/client-test/test-session.ts";
import { toTestedClient } from "../../tokens/client-test/tested-client.ts";
import { InputProblemCollector } from "../../tokens/input-problem-collector.ts";

/** Opens a test of the client as it is registered now. */
async function openTest(context: Context, id: string, login: ClientLogin | undefined): Promise<TestSession> {
  const { admin, host, oauth, openFlows, signal, syntax, values, warn } = context;
  const registered = await admin.get(id);
  const wanted = { redirectUri: values.text(REDIRECT_URI), scopes: values.list(REQUESTED_SCOPE) };
  const client = toTestedClient(id, syntax, registered, wanted);
  if (client.isPublic && login?.followsServer === true)
    warn(`client ${quote(id)} is public: its credentials are not used`);
  return {
    client,
    subject: values.text(SUBJECT) ?? `hydra-test-${host.uuid()}`,
    flow: await openFlows(readPublicUrlWithoutAdminPath(values, warn) ?? ""),
    limits: createTestLimits(host, signal, admin.remaining),
    authentication: chooseAuthentication(client, login),
    host,
    isSignedBy: oauth.isSignedBy,
    obtained: [],
    revoked: new Set(),
  };
}

async function run(context: Context, id: string, login: ClientLogin | undefined): Promise<CommandResult> {
  const { host, uninterruptible, values, warn } = context;
  const subject = values.text(SUBJECT);
  const session = await openTest(context, id, login);
  if (subject !== undefined) warn(`this test logs in as user ${quote(subject)} at client ${quote(id)}`);
  const steps = await uninterruptible(() =>
    runClientTest(session, ({ message }) => warn(`tokens of this test stay valid until they expire: ${message}`)),
  );
  const ok = steps.every(({ status }) => status !== "failed");
  const view = createTestResultView(id, steps, {
    isUtf8: isUtf8Locale(host.environment),
    columns: terminalColumns(host.stdout),
  });
  return singleResult(view, { client_id: id, ok, steps }, { exit: () => (ok ? "done" : "failed") });
}

/** `clients test` and `test oauth2-client`: goes through all that a client does, without a browser. */
export default defineLeaf({
  name: "test",
  summary: "Test the whole flow of a client, without a browser",
  about: [
    "Goes through every grant type of the client. The login and the consent are accepted over the admin API, so it works for any redirect URI, and neither the application nor the login page has to run. A failed step names the setting to change.",
    "The user is a new one, hydra-test-UUID, unless --subject is given. Only the tokens of the test are revoked; sessions and consents of users stay. Without credentials, only the steps that need none are done.",
    "Exits with 1 if a step failed. Skipped steps and warnings are not failures.",
  ],
  operands: { name: "ID", completes: "client-id", least: 1, most: 1, help: "Client ID" },
  flags: [...TEST_FLAGS, ...SERVER_COMMAND_FLAGS],
  examples: {
    "1.x": [
      ["clients test web --credentials web.env", "With the file that create --secret-out wrote"],
      ["clients test web", "Without credentials: login and consent only"],
      ["clients test spa --scope openid --format json", "For a program: one entry per step"],
    ],
    "2.x": [["test oauth2-client web --credentials web.env", "With the file that create --secret-out wrote"]],
  },
  server: true,
  format: "text",
  async prepare(context) {
    const [id = ""] = context.operands;
    const checks = new InputProblemCollector();
    const login = await checks.read(() => readTestCredentials(context, id, checks));
    checks.problems.push(
      ...[findClientIdProblem(id), ...testedPublicUrlProblems(context.values)].flatMap((each) => each ?? []),
    );
    return { problems: checks.problems, run: () => run(context, id, login) };
  },
});
