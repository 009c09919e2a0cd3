import type { ClientAuthentication } from "../adapters/oauth/index.ts";
import type { ClientLogin, Context } from "../command.ts";
import { canPrompt } from "../core/environment/interactive.ts";
import { ID_FIELD, SECRET_FIELD } from "../core/flags/credential-flags.ts";
import { LOGIN_CLIENT_ID, LOGIN_CLIENT_SECRET, NO_INPUT } from "../core/flags/shared-flags.ts";
import { type Problem, usageError } from "../core/problem.ts";
import { quote } from "../core/text.ts";
import type { StoredCredentials } from "./credential-file.ts";
import type { InputProblemCollector } from "./input-problem-collector.ts";
import { CLIENT_AUTH_METHOD, CLIENT_KEY, CLIENT_SECRET_FILE, CREDENTIALS } from "./token-flags.ts";

type LoginContext = Pick<Context, "values" | "host" | "readFile" | "parseYaml" | "warn" | "hasErrors">;

/** Rejects a command line with several secrets: it would be unclear which of them counts. */
function rejectSeveralSecrets({ values }: Pick<Context, "values">): void {
  const given = [LOGIN_CLIENT_SECRET, CLIENT_SECRET_FILE, CREDENTIALS, CLIENT_KEY].filter(
    (flag) => values.origin(flag).from === "flag",
  );
  // A credentials file may name the client of a key.
  const isPair = given.length === 2 && given.includes(CREDENTIALS) && given.includes(CLIENT_KEY);
  if (given.length > 1 && !isPair)
    throw usageError(
      `${given.map(({ name }) => `--${name}`).join(" and ")} cannot be used together`,
      "give one of them",
      "two-secrets",
    );
}

async function readStoredCredentials(context: LoginContext): Promise<StoredCredentials | undefined> {
  const { values } = context;
  const path = values.text(CREDENTIALS);
  if (path === undefined) return undefined;
  const secret = values.text(SECRET_FIELD);
  const names = {
    id: values.text(ID_FIELD) ?? "CLIENT_ID",
    secret: secret ?? "CLIENT_SECRET",
    encrypted: secret ?? "CLIENT_SECRET_ENCRYPTED",
  };
  const { parseCredentialFile } = await import("./credential-file.ts");
  return parseCredentialFile(await context.readFile(path, "--credentials"), names, context.parseYaml);
}

/** The problem of a credentials file without a field that nothing else gives. */
function missingCredentialProblem({ file, fields }: StoredCredentials, field: "id" | "secret"): Problem {
  const isId = field === "id";
  return usageError(
    `There is no client ${isId ? "ID" : "secret"} in ${quote(file)}: it has no value for ${fields[field]}`,
    `add it to the file; in dotenv files and Kubernetes Secrets, --${field}-field sets its name`,
    isId ? "no-client-id" : "no-secret",
  );
}

/** Reads the secret of the command line, a file or the environment; asks for it on a terminal if there is none. */
async function readOrAskSecret(
  context: LoginContext,
  stored: StoredCredentials | undefined,
  { problems }: Pick<InputProblemCollector, "problems">,
): Promise<string> {
  const { values, host } = context;
  const file = values.text(CLIENT_SECRET_FILE);
  if (file !== undefined) {
    const { text, name } = await context.readFile(file, "--client-secret-file");
    const secret = text.replace(/\r?\n$/, "");
    if (secret === "")
      throw usageError(`There is no secret in ${quote(name)}`, "write the secret to it first", "no-secret");
    return secret;
  }
  if (stored?.secret !== undefined) return stored.secret;
  if (stored?.isEncrypted === true)
    throw usageError(
      "The secret in the file of --credentials is encrypted",
      "decrypt it first (hydra help encryption), and give it with --client-secret-file -",
      "no-secret",
    );
  const secret = values.text(LOGIN_CLIENT_SECRET) ?? "";
  if (values.origin(LOGIN_CLIENT_SECRET).from === "flag")
    context.warn(
      "--client-secret is visible to other users of this machine and in the shell history; prefer --client-secret-file",
    );
  if (secret !== "") return secret;
  const hasErrors = context.hasErrors || problems.length > 0;
  const mayAsk = canPrompt(host, values.bool(NO_INPUT)) && !hasErrors && stored === undefined;
  const typed = mayAsk ? ((await host.ask("Client secret: ", true)) ?? "") : "";
  if (typed !== "") return typed;
  if (stored !== undefined) throw missingCredentialProblem(stored, "secret");
  throw usageError(
    "There is no client secret",
    "add --credentials FILE or --client-secret-file FILE, set OAUTH2_CLIENT_SECRET, or use --client-key; --auth-method none is for public clients",
    "no-secret",
  );
}

async function readAuthentication(
  context: LoginContext,
  stored: StoredCredentials | undefined,
  checks: Pick<InputProblemCollector, "problems">,
): Promise<ClientAuthentication> {
  const { values } = context;
  const method = values.text(CLIENT_AUTH_METHOD);
  const path = values.text(CLIENT_KEY);
  const usesKey = method === "private_key_jwt" || (method === "auto" && path !== undefined);
  if (usesKey) {
    if (path === undefined)
      throw usageError("--auth-method private_key_jwt needs --client-key", "add --client-key FILE", "no-client-key");
    return { method: "private_key_jwt", key: { text: (await context.readFile(path, "--client-key")).text } };
  }
  if (path !== undefined)
    throw usageError(
      `--client-key cannot be used with --auth-method ${method}`,
      "leave out one of the two",
      "no-client-key",
    );
  if (method === "none") return { method: "none" };
  const secret = await readOrAskSecret(context, stored, checks);
  return { method: method === "post" ? "client_secret_post" : "client_secret_basic", secret };
}

/**
 * Reads which client to act as, and its credentials: the credentials file, which must not contradict `--client-id`, beats the
 * environment. Nobody is asked for a secret after other checks have failed.
 */
export async function readClientLogin(
  context: LoginContext,
  checks: Pick<InputProblemCollector, "problems">,
): Promise<ClientLogin> {
  const { values } = context;
  rejectSeveralSecrets(context);
  const stored = await readStoredCredentials(context);
  const given = values.text(LOGIN_CLIENT_ID) ?? "";
  const clientId = stored?.id ?? given;
  if (clientId !== given && values.origin(LOGIN_CLIENT_ID).from === "flag")
    throw usageError(
      `The credentials are of client ${quote(clientId)}, not of client ${quote(given)}`,
      "leave out --client-id, or give the file that --secret-out wrote for that client",
      "bad-credentials",
    );
  if (clientId === "" && stored !== undefined) throw missingCredentialProblem(stored, "id");
  if (clientId === "")
    throw usageError(
      "There is no client ID",
      "add --client-id or --credentials FILE, or set OAUTH2_CLIENT_ID",
      "no-client-id",
    );
  return {
    clientId,
    authentication: await readAuthentication(context, stored, checks),
    followsServer: values.text(CLIENT_AUTH_METHOD) === "auto",
  };
}
