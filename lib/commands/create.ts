import { type Draft, draftClient, isPublic } from "../core/client.ts";
import { ID } from "../core/fields.ts";
import { Problem } from "../core/problem.ts";
import {
  CONNECTION_FLAGS,
  FIELD_FLAGS,
  FORMAT,
  GENERAL_FLAGS,
  KEYBASE,
  PGP_KEY,
  PGP_KEY_URL,
  QUIET,
  RECIPIENT_FLAGS,
  RESCUE_DIR,
  SECRET,
  STRICT,
} from "../core/rows.ts";
import { findingProblem, judge } from "../core/rules.ts";
import { type Context, command, type Result, type Shown, single } from "./command.ts";
import { deliveryOf, prepareSecret, recover, rescue, secretProblems, tellRecipients } from "./credentials.ts";
import { createdView, idOf } from "./views.ts";

function draft(context: Context): Draft {
  const { values, grammar } = context;
  const made = draftClient({ values, grammar, defaults: true });
  const client: Record<string, unknown> = { ...made.client };
  const id = values.text(ID);
  if (id !== undefined && id !== "") client["client_id"] = id;
  const secret = values.text(SECRET);
  if (secret !== undefined && secret !== "") client["client_secret"] = secret;
  const origins = new Map([
    ["client_id", ID],
    ["client_secret", SECRET],
  ]);
  return {
    ...made,
    client,
    label: (field) => {
      const flag = origins.get(field);
      return flag === undefined ? made.label(field) : values.origin(flag).name;
    },
  };
}

function check(context: Context): readonly Problem[] {
  const { values } = context;
  const { client, label, problems } = draft(context);
  const found = judge(client, label);
  const strict = values.on(STRICT);
  for (const warning of found.filter(({ severity }) => severity === "warning" && !strict)) {
    context.warn(`${warning.message} [${warning.rule}]: ${warning.hint}`);
  }
  const wantsRecipients = [PGP_KEY, PGP_KEY_URL, KEYBASE].some((flag) => values.given(flag));
  return [
    ...problems,
    ...found.filter(({ severity }) => severity === "error" || strict).map(findingProblem),
    ...secretProblems(context, client, wantsRecipients),
  ];
}

async function run(context: Context): Promise<Result> {
  const { client } = draft(context);
  const endpoint = context.endpoint;
  if (context.host.stdoutWasClosed()) {
    throw new Problem("Cannot create client: standard output is closed, so nobody would get its secret", {
      code: "stdout-closed",
      exit: "failed",
      hint: "run the command with a standard output that takes the result",
    });
  }
  const prepared = await prepareSecret(context, client);
  const place = prepared.plain === undefined ? undefined : await context.rescuePlace();
  const ownId = client["client_id"] === undefined;
  const payload: Shown = {
    ...client,
    client_id: client["client_id"] ?? context.host.uuid(),
    client_secret: prepared.plain,
  };
  return context.critical(async () => {
    const outcome = await context.admin.create(payload, ownId);
    if (outcome.kind === "refused") throw outcome.problem;
    if (outcome.kind === "unknown") {
      const kept = await rescue(context, place, "unverified", outcome.problem.message, endpoint, {
        id: outcome.clientId,
        prepared,
      });
      throw new Problem(`${outcome.problem.message}${kept}`, {
        code: outcome.problem.code,
        exit: outcome.problem.exit,
        ...(outcome.problem.hint === undefined ? {} : { hint: outcome.problem.hint }),
        ...(outcome.problem.status === undefined ? {} : { status: outcome.problem.status }),
        ...(outcome.problem.request === undefined ? {} : { request: outcome.problem.request }),
        cause: outcome.problem,
      });
    }
    const delivery = await deliveryOf(context, prepared, outcome.record);
    const { shown, precious } = delivery;
    const view = createdView(isPublic(client) ? "none" : "given");
    tellRecipients(context, prepared.recipients);
    if (precious !== undefined && !context.shows(view, shown, precious)) {
      const kept = await rescue(context, place, "made", "the output format leaves the secret out", endpoint, {
        id: idOf(shown),
        prepared,
        shown,
      });
      context.warn(`this format leaves the secret out${kept}`);
      return single(view, shown);
    }
    return single(view, shown, {
      undelivered: (_, reason, leaked) =>
        recover(context, place, endpoint, { outcome: outcome.kind, delivery, prepared, leaked }, reason),
    });
  });
}

/** `clients create` and `create oauth2-client`: registers a client and hands over its credentials. */
export const create = command({
  name: "create",
  summary: "Register a client and print its id and secret",
  about: [
    "Registers an OAuth 2.0 client. A secret is made here and printed once; with a recipient, only its encrypted form is printed, and nothing is created unless every key can be used.",
    "List flags take commas and repeats; quote a value that holds a comma: '\"a,b\",c'.",
  ],
  flags: [
    ID,
    ...FIELD_FLAGS,
    SECRET,
    RESCUE_DIR,
    ...RECIPIENT_FLAGS,
    STRICT,
    FORMAT,
    QUIET,
    ...CONNECTION_FLAGS,
    ...GENERAL_FLAGS,
  ],
  examples: {
    "1.x": [
      [
        'clients create -n "my app" -c http://localhost/cb -g authorization_code -r code -a core,foobar',
        "A client for sign-ins",
      ],
      [
        "clients create -g client_credentials -r token -a core,foobar --keybase alice",
        "Its secret encrypted to a Keybase user",
      ],
      ["clients create --id web --token-endpoint-auth-method none -c https://app.example.com/cb", "A public client"],
    ],
    "2.x": [
      [
        'create oauth2-client --name "my app" --redirect-uri http://localhost/cb --scope core,foobar --format json',
        "A client for sign-ins",
      ],
      [
        "create oauth2-client --grant-type client_credentials --pgp-key @team.asc",
        "Its secret encrypted to an OpenPGP key",
      ],
    ],
  },
  server: true,
  format: { "1.x": "text", "2.x": "table" },
  check,
  run,
});
