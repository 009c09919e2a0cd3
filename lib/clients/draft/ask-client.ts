import type { Context } from "../../command.ts";
import { DEVICE_GRANT, FIELD_BY_NAME } from "../../core/client/fields.ts";
import { lintClient } from "../../core/client/rules.ts";
import { quoteCsvField } from "../../core/flags/csv.ts";
import { type Flag, longFlag } from "../../core/flags/flag.ts";
import type { FlagValues } from "../../core/flags/parsed-flag-values.ts";
import type { JsonObject } from "../../core/json/json.ts";
import { shellQuoted } from "../../core/output/shell-quote.ts";
import { Problem } from "../../core/problem.ts";

/** What asking needs of a command's context. */
type AskContext = Pick<Context, "host" | "tell" | "syntax">;

/** A kind of client, as the questions offer it. */
interface Kind {
  readonly title: string;
  readonly grants: readonly string[];
  /** Whether it can't keep a secret (RFC 6749, 2.1). */
  readonly isPublic: boolean;
  /** An example of a redirect URI; undefined if users aren't redirected. */
  readonly redirect?: string;
}

const CODE_GRANT = "authorization_code";

const KINDS: readonly Kind[] = [
  {
    title: "Web app with a server, where users log in",
    grants: [CODE_GRANT],
    isPublic: false,
    redirect: "https://app.example.com/callback",
  },
  {
    title: "Single-page app in a browser (public, no secret)",
    grants: [CODE_GRANT],
    isPublic: true,
    redirect: "https://app.example.com/callback",
  },
  {
    title: "Native app on a phone or desktop (public, no secret)",
    grants: [CODE_GRANT],
    isPublic: true,
    redirect: "http://127.0.0.1/callback",
  },
  { title: "Machine: a service without users", grants: ["client_credentials"], isPublic: false },
  {
    title: "Device without a browser, such as a TV (public, no secret)",
    grants: [DEVICE_GRANT],
    isPublic: true,
  },
];

/** Asks until an answer is accepted. The end of the input ends the command. */
async function askUntilAccepted<T>(
  { host, tell }: AskContext,
  question: string,
  read: (text: string) => T | Error,
): Promise<T> {
  for (;;) {
    const text = await host.ask(question, false);
    if (text === undefined) throw nothingCreatedProblem();
    const answer = read(text.trim());
    if (!(answer instanceof Error)) return answer;
    tell(answer.message);
  }
}

function nothingCreatedProblem(): Problem {
  return new Problem("Nothing was created", {
    code: "not-confirmed",
    hint: "hydra clients create --help lists the flags; --no-input never asks",
  });
}

function wordsIn(text: string): readonly string[] {
  return text.split(/[\s,]+/).filter((word) => word !== "");
}

async function askKind(context: AskContext): Promise<Kind> {
  context.tell("No flags describe the client, so here are some questions. Ctrl-C stops.");
  for (const [at, { title }] of KINDS.entries()) context.tell(`  ${at + 1}) ${title}`);
  return askUntilAccepted(
    context,
    "Kind of client [1]: ",
    (text) => KINDS[Number(text === "" ? "1" : text) - 1] ?? new Error(`Type a number from 1 to ${KINDS.length}`),
  );
}

/** Asks for the redirect URIs; the rules of the client accept them. */
function askRedirects(context: AskContext, redirect: string): Promise<readonly string[]> {
  return askUntilAccepted(context, `Redirect URIs, separated by spaces (such as ${redirect}): `, (text) => {
    // A comma may be a part of a URI.
    const uris = text.split(/\s+/).filter((uri) => uri !== "");
    if (uris.length === 0) return new Error("This kind of client needs at least one redirect URI");
    const error = lintClient({ redirect_uris: uris }, () => "The redirect URI").find(
      ({ severity }) => severity === "error",
    );
    return error === undefined ? uris : new Error(`${error.message}: ${error.hint}`);
  });
}

/** The fields of a client, as answers. */
async function askFields(context: AskContext): Promise<JsonObject> {
  const kind = await askKind(context);
  const name = await askUntilAccepted(context, "Name: ", (text) => text);
  const redirects = kind.redirect === undefined ? [] : await askRedirects(context, kind.redirect);
  const signsIn = kind.redirect !== undefined;
  const usual = signsIn ? "openid offline_access" : "";
  const typed = await askUntilAccepted(
    context,
    `Scopes, separated by spaces [${usual === "" ? "none" : usual}]: `,
    wordsIn,
  );
  const scopes = typed.length === 0 ? wordsIn(usual) : typed;
  const refreshes = scopes.some((scope) => scope === "offline_access" || scope === "offline");
  const grants = refreshes && !kind.grants.includes("client_credentials") ? ["refresh_token"] : [];
  return {
    ...(name === "" ? {} : { client_name: name }),
    grant_types: [...kind.grants, ...grants],
    ...(signsIn ? { response_types: ["code"] } : {}),
    ...(redirects.length === 0 ? {} : { redirect_uris: redirects }),
    ...(scopes.length === 0 ? {} : { scope: scopes }),
    ...(kind.isPublic ? { token_endpoint_auth_method: "none" } : {}),
  };
}

/** The flag of each answer, with its values. */
function flagsAndTextsOfFields(client: JsonObject): readonly (readonly [flag: Flag, texts: readonly string[]])[] {
  return Object.entries(client).flatMap(([name, value]) => {
    const flag = FIELD_BY_NAME.get(name)?.flag;
    if (flag === undefined) return [];
    return [[flag, Array.isArray(value) ? value.map(String) : [String(value)]] as const];
  });
}

/** The command line that would create the same client. */
function clientCreateCommandLine(syntax: Context["syntax"], client: JsonObject): string {
  const words = flagsAndTextsOfFields(client).flatMap(([flag, texts]) => {
    const text = flag.kind === "list" ? texts.map(quoteCsvField).join(",") : (texts[0] ?? "");
    return [longFlag(flag, syntax), text];
  });
  const command = syntax === "2.x" ? ["create", "oauth2-client"] : ["clients", "create"];
  return ["hydra", ...command, ...words].map(shellQuoted).join(" ");
}

/** Asks a person to describe a client; returns the values as if the matching flags had been given. */
export async function askClientFlags(context: AskContext, values: FlagValues): Promise<FlagValues> {
  const client = await askFields(context);
  // Their values may be credentials, and without --pgp-key, for example, the secret would be printed.
  const others = context.host.args.some((word) => word.startsWith("-")) ? " (add your other flags)" : "";
  context.tell(`The same without questions${others}: ${clientCreateCommandLine(context.syntax, client)}`);
  const isWanted = await askUntilAccepted(context, "Create this client? [Y/n] ", (text) => {
    if (/^(?:y|yes|)$/i.test(text)) return true;
    return /^(?:n|no)$/i.test(text) ? false : new Error("Type y or n");
  });
  if (!isWanted) throw nothingCreatedProblem();
  return values.with(
    flagsAndTextsOfFields(client).map(([flag, texts]) => [
      flag.name,
      { texts, origin: { from: "flag", name: `--${flag.name}` } },
    ]),
  );
}
