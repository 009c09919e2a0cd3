import type { KeyAlgorithm } from "../adapters/keypair.ts";
import { type Problem, reworded, usage } from "../core/problem.ts";
import { AUTH_METHOD, GENERATE_KEY, KEY_OUT, SECRET_OUT } from "../core/rows.ts";
import { withoutCredentials } from "../core/secret.ts";
import { printable, quoted } from "../core/text.ts";
import { type Context, type Result, type Shown, single } from "./command.ts";
import {
  encryptedFormat,
  type PreparedSecret,
  recover,
  refuseHidden,
  rescue,
  tellRecipients,
  wantsRecipients,
  withHandover,
} from "./credentials.ts";
import { idIn, type ReadDraft, refuseUnknownFields, tellDropped } from "./draft.ts";
import { dryRun, isDryRun } from "./dryrun.ts";
import { guarded, type Made, sendCreate, tellsUnwritten } from "./guard.ts";
import { verify, verifyEndpoint } from "./verify.ts";
import { createdView, ENCRYPTED_KEY, KEYED_VIEW } from "./views.ts";

/** The algorithms of `--generate-key`. */
export const KEY_ALGORITHMS: readonly KeyAlgorithm[] = ["ES256", "RS256", "PS256"];

/** Stands for the public key while a draft is judged, before the pair is made. */
const TO_BE_MADE = { keys: [{ use: "sig" }] };

/** A draft with the fields that `--generate-key` sets, and what speaks against it. */
export function keyed(context: Context, draft: ReadDraft, problems: Problem[]): ReadDraft {
  const { values } = context;
  const algorithm = values.text(GENERATE_KEY);
  if (algorithm === undefined) {
    if (values.given(KEY_OUT))
      problems.push(usage("--key-out has no key to write", "add --generate-key ES256", "key-out-without-key"));
    return draft;
  }
  const { client } = draft;
  if (client["token_endpoint_auth_method"] !== "private_key_jwt") {
    problems.push(
      usage(
        `--generate-key ${algorithm} is for clients that prove themselves with a key`,
        `add --${AUTH_METHOD.name} private_key_jwt`,
        "key-without-private-key-jwt",
      ),
    );
  }
  for (const field of ["jwks", "jwks_uri", "client_secret"]) {
    if (client[field] !== undefined)
      problems.push(
        usage(
          `--generate-key ${algorithm} and ${draft.label(field)} exclude each other`,
          "leave one of them out",
          "two-keys",
        ),
      );
  }
  const alg = client["token_endpoint_auth_signing_alg"];
  if (alg !== undefined && alg !== algorithm) {
    problems.push(
      usage(
        `--generate-key ${algorithm} does not fit ${draft.label("token_endpoint_auth_signing_alg")} ${quoted(String(alg))}`,
        "leave the second out: it follows from the key",
        "two-algorithms",
      ),
    );
  }
  if (!values.given(KEY_OUT) && !wantsRecipients(context)) {
    problems.push(
      usage(
        `--generate-key ${algorithm} has nowhere to put the private key`,
        "add --key-out FILE, or a recipient to encrypt it to",
        "key-without-out",
      ),
    );
  }
  if (values.given(SECRET_OUT))
    problems.push(
      usage(
        "--secret-out has no secret to write: the client proves itself with its key",
        "use --key-out for the key",
        "secret-out-without-secret",
      ),
    );
  return { ...draft, client: { ...client, jwks: TO_BE_MADE, token_endpoint_auth_signing_alg: algorithm } };
}

/** Registers a client with a key pair made here; the private part goes to its file or its recipients and nowhere else. */
export async function createWithKey(context: Context, draft: ReadDraft, algorithm: KeyAlgorithm): Promise<Result> {
  const { values } = context;
  const id = idIn(draft.client);
  const pair = await context.pairs.generate(algorithm);
  const client = { ...draft.client, client_id: id ?? context.host.uuid(), jwks: { keys: [pair.publicJwk] } };
  if (isDryRun(context)) return dryRun(context, [{ method: "POST", url: context.clientsPath, body: client }]);
  await refuseUnknownFields(context, draft.client, draft.label);
  const recipients = await context.keys.recipients(values);
  const endpoint = await verifyEndpoint(context);
  const pem = /\.(pem|key)$/i.test(values.text(KEY_OUT) ?? "");
  const plain = pem ? pair.pem : `${JSON.stringify(pair.privateJwk, null, 2)}\n`;
  const encrypted =
    recipients.length === 0 ? undefined : await context.keys.encrypt(recipients, plain, encryptedFormat(context));
  const prepared: PreparedSecret = { plain, given: false, encrypted, recipients, kind: "client_private_key" };
  const way = { action: "Cannot create client", mustRescue: false, target: KEY_OUT };
  return withHandover(context, way, async (handover) => {
    refuseHidden(context, prepared, handover);
    const outcome = await sendCreate(context.admin, client, id === undefined);
    if (outcome.kind === "refused") throw outcome.problem;
    if (outcome.kind === "unknown") {
      const kept = await rescue(
        context,
        handover.place,
        { id: outcome.clientId, state: "unverified", reason: outcome.problem.message },
        prepared,
      );
      throw reworded(outcome.problem, `${outcome.problem.message}${kept}`);
    }
    // A secret that the server made beside the key is of no use to anyone, and is not shown.
    const record: Shown = withoutCredentials(outcome.record);
    const { client_id: madeId } = outcome.record;
    const { sink } = handover;
    const shown = encrypted === undefined || sink !== undefined ? record : { ...record, [ENCRYPTED_KEY]: encrypted };
    const made: Made = {
      certain: outcome.kind === "created",
      prepared,
      delivery: { shown, precious: encrypted ?? plain, credentials: { id: madeId }, differs: false },
    };
    return guarded(
      context,
      handover,
      () => made,
      async () => {
        tellDropped(context, client, outcome.record);
        const works = await verify(context, endpoint, madeId, {
          way: "private_key_jwt",
          assertion: (audience) => context.pairs.assertion(pair, madeId, audience),
        });
        const exit = (): "done" | "failed" => (works ? "done" : "failed");
        const view = sink === undefined ? KEYED_VIEW : createdView("given");
        tellRecipients(context, recipients);
        if (sink !== undefined) {
          await sink.commit(encrypted === undefined ? plain : `${encrypted}\n`);
          context.note(
            `The ${encrypted === undefined ? "" : "encrypted "}private key of client ${quoted(madeId)} (kid ${pair.kid}) is in ${printable(sink.name)}`,
          );
          return single(view, shown, { exit, ...tellsUnwritten(madeId, "created") });
        }
        if (encrypted === undefined) throw new TypeError("a private key has neither a file nor a recipient");
        if (!context.shows(view, shown, encrypted)) {
          const kept = await rescue(
            context,
            handover.place,
            { id: madeId, state: "made", reason: "the output format leaves the key out" },
            prepared,
          );
          context.warn(`this output format leaves the private key of client ${quoted(madeId)} out${kept}`);
          return single(view, shown, { exit, ...tellsUnwritten(madeId, "created") });
        }
        return single(view, shown, {
          exit,
          undelivered: ([lost], reason) =>
            recover(context, handover.place, { ...made, leaked: lost?.leaked !== false }, reason),
        });
      },
    );
  });
}
