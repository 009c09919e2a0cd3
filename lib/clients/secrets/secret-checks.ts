import type { Context } from "../../command.ts";
import { type FieldLabeler, isPublic } from "../../core/client/client.ts";
import {
  ENCRYPTED_FORMAT,
  ID_FIELD,
  KEY_OUT,
  KUBERNETES_SECRET_LABEL,
  KUBERNETES_SECRET_NAME,
  KUBERNETES_SECRET_NAMESPACE,
  SECRET,
  SECRET_FIELD,
  SECRET_FILE,
  SECRET_FORMAT,
  SECRET_LENGTH,
  SECRET_OUT,
  SECRET_PROMPT,
} from "../../core/flags/credential-flags.ts";
import type { BoolFlag, TextFlag } from "../../core/flags/flag.ts";
import type { JsonObject } from "../../core/json/json.ts";
import {
  type Credentials,
  isKubernetesNamespace,
  isKubernetesSecretName,
  kubernetesSecretNameOfClient,
  parseKubernetesLabel,
  requireCredentialName,
} from "../../core/output/credential-formats.ts";
import { capitalize, Problem, usageError, usageErrorIf } from "../../core/problem.ts";
import { MAX_BCRYPT_BYTES, DEFAULT_SECRET_LENGTH as SHORTEST } from "../../core/secret.ts";
import { quote } from "../../core/text.ts";
import {
  formatCredentials,
  kubernetesSecretMetadata,
  readCredentialNamesAndMetadata,
  secretFileFormat,
} from "./secret-out-text.ts";
import { hasRecipientFlags } from "./secret-source.ts";

type ValuesContext = Pick<Context, "values">;

/** How the checks of a secret's flags differ by command. */
interface SecretCheckOptions {
  /**
   * Whether the files that it goes to are checked too: false if they may not be needed, "elsewhere" if each client has its
   * own, which other code checks.
   */
  readonly checksFiles?: boolean | "elsewhere";
  /** Flags that create something else in place of a secret. */
  readonly instead?: readonly TextFlag[];
}

/** The problems of the flags about a secret, all found before anything is sent. */
export async function secretFlagProblems(
  context: Pick<Context, "values" | "format" | "secretTargetProblems">,
  { checksFiles = true, instead = [] }: SecretCheckOptions = {},
): Promise<readonly Problem[]> {
  const { values } = context;
  // A file descriptor is always checked: only before the first connection is it certain that it was inherited.
  const targets = [SECRET_OUT, KEY_OUT].filter((flag) => checksFiles === true || values.text(flag)?.startsWith("fd:"));
  return [
    ...sourceProblems(context),
    ...lengthProblems(context, instead),
    ...credentialNameProblems(context),
    ...secretFormatProblems(context),
    ...kubernetesMetadataProblems(context),
    ...(checksFiles === "elsewhere" ? [] : templateProblems(context)),
    ...encryptedFormatProblems(context),
    ...(await context.secretTargetProblems(checksFiles === "elsewhere" ? [] : targets)),
  ];
}

function sourceProblems({ values }: ValuesContext): readonly Problem[] {
  const sources = [SECRET, SECRET_FILE, SECRET_PROMPT].map((flag) => values.origin(flag));
  const given = sources.filter(({ from }) => from === "flag");
  return usageErrorIf(
    given.length > 1,
    `${given.map(({ name }) => name).join(" and ")} cannot be used together`,
    "give the secret in one way",
    "two-secrets",
  );
}

function lengthProblems({ values }: ValuesContext, instead: readonly TextFlag[]): readonly Problem[] {
  if (!values.isSet(SECRET_LENGTH)) return [];
  const [source] = [SECRET, SECRET_FILE, SECRET_PROMPT, ...instead].filter((flag) => isGiven(values, flag));
  const length = values.number(SECRET_LENGTH);
  return [
    ...usageErrorIf(
      source !== undefined,
      `${values.origin(SECRET_LENGTH).name} and ${values.origin(source ?? SECRET).name} cannot be used together: no secret is generated`,
      "leave out one of them",
      "length-without-secret",
    ),
    ...usageErrorIf(
      length < SHORTEST || length > MAX_BCRYPT_BYTES,
      `--secret-length ${length} is not from ${SHORTEST} to ${MAX_BCRYPT_BYTES}`,
      "servers ignore what follows 72 bytes, and fewer than 26 characters are weak",
      "bad-value",
    ),
  ];
}

function isGiven(values: Context["values"], flag: TextFlag | BoolFlag): boolean {
  return flag.kind === "switch" ? values.bool(flag) : (values.text(flag) ?? "") !== "";
}

function credentialNameProblems(context: Pick<Context, "values" | "format">): readonly Problem[] {
  if (!context.values.isSet(ID_FIELD) && !context.values.isSet(SECRET_FIELD)) return [];
  const syntax = context.format.kind === "env" || secretFileFormat(context) === "dotenv" ? "env" : "k8s-secret";
  const problems = [ID_FIELD, SECRET_FIELD].flatMap((flag) => {
    const name = context.values.text(flag);
    return name === undefined ? [] : problemsThrownBy(() => requireCredentialName(name, syntax, `--${flag.name}`));
  });
  const usual = hasRecipientFlags(context) ? "CLIENT_SECRET_ENCRYPTED" : "CLIENT_SECRET";
  const { id = "CLIENT_ID", secret = usual } = readCredentialNamesAndMetadata(context);
  const twice = `The client ID and the secret cannot both be named ${quote(id)}`;
  return [...problems, ...usageErrorIf(id === secret, twice, "give them different names", "one-name")];
}

/** The problem that a check throws, if it does. */
function problemsThrownBy(check: () => unknown): readonly Problem[] {
  try {
    check();
    return [];
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return [error];
  }
}

function secretFormatProblems({ values }: ValuesContext): readonly Problem[] {
  return usageErrorIf(
    values.isSet(SECRET_FORMAT) && !values.isSet(SECRET_OUT),
    `${values.origin(SECRET_FORMAT).name} has no file to write`,
    "add --secret-out FILE, or use --format for what is printed",
    "secret-format-without-out",
  );
}

/** The problems of the flags about the metadata of Kubernetes Secrets. */
function kubernetesMetadataProblems(context: Pick<Context, "values" | "format">): readonly Problem[] {
  const { values, format } = context;
  const given = [KUBERNETES_SECRET_NAMESPACE, KUBERNETES_SECRET_LABEL, KUBERNETES_SECRET_NAME].filter((flag) =>
    values.isSet(flag),
  );
  const [first] = given;
  if (first === undefined) return [];
  if (format.kind !== "k8s-secret" && secretFileFormat(context) !== "k8s")
    return [
      usageError(
        `Cannot use --${first.name}: it is only for Kubernetes Secrets`,
        "add --secret-format k8s with --secret-out, or --format k8s-secret",
        "metadata-without-k8s",
      ),
    ];
  const metadata = kubernetesSecretMetadata(context);
  const { namespace, name = "" } = metadata;
  return [
    ...usageErrorIf(
      namespace !== undefined && !isKubernetesNamespace(namespace),
      `--namespace ${quote(namespace ?? "")} is not a Kubernetes namespace`,
      "use at most 63 lowercase letters, digits and -",
      "bad-name",
    ),
    ...values
      .list(KUBERNETES_SECRET_LABEL)
      .filter((label) => parseKubernetesLabel(label) === undefined)
      .map((label) =>
        usageError(
          `--label ${quote(label)} is not a Kubernetes label`,
          "write KEY=VALUE, such as app.kubernetes.io/part-of=billing",
          "bad-name",
        ),
      ),
    ...usageErrorIf(
      !isKubernetesSecretName(kubernetesSecretNameOfClient(metadata, "id")),
      `--secret-name ${quote(name)} is not a name for a Kubernetes Secret`,
      "use lowercase letters, digits, dots and -, and {id} for the client ID",
      "bad-name",
    ),
  ];
}

/** The characters of a generated client ID. */
const UUID_LENGTH = 36;

/** The problem of an ID, or a generated one, with which `--secret-name` is too long for a Kubernetes Secret. */
export function longSecretNameProblems(
  context: Pick<Context, "values" | "format">,
  id: string | undefined,
): readonly Problem[] {
  if (context.format.kind !== "k8s-secret" && secretFileFormat(context) !== "k8s") return [];
  const metadata = kubernetesSecretMetadata(context);
  const isValidFor = (each: string): boolean => isKubernetesSecretName(kubernetesSecretNameOfClient(metadata, each));
  // A template that is not a valid name for any client is another problem.
  return usageErrorIf(
    isValidFor("id") && !isValidFor(id ?? "0".repeat(UUID_LENGTH)),
    `${id === undefined ? "A generated client ID" : `Client ID ${quote(id)}`} is too long for --secret-name ${quote(metadata.name ?? "{id}")}`,
    "use a shorter --secret-name",
    "file-name-too-long",
  );
}

/** The problems of files whose names hold the placeholder of an import, which would be taken literally. */
function templateProblems({ values }: ValuesContext): readonly Problem[] {
  return [SECRET_OUT, KEY_OUT]
    .filter((flag) => values.text(flag)?.includes("{id}"))
    .map((flag) =>
      usageError(
        `${values.origin(flag).name} ${quote(values.text(flag) ?? "")} has {id}, which only clients import replaces`,
        "write the name of the file without {id}",
        "bad-secret-out",
      ),
    );
}

/** The problem of an encoding for an encrypted secret without a recipient, where the secret would stay plain. */
function encryptedFormatProblems({ values }: ValuesContext): readonly Problem[] {
  return usageErrorIf(
    values.isSet(ENCRYPTED_FORMAT) && !hasRecipientFlags({ values }),
    `${values.origin(ENCRYPTED_FORMAT).name} has no recipient to encrypt to`,
    "add --pgp-key, --pgp-key-url or --keybase, or leave it out",
    "encrypted-format-without-recipient",
  );
}

/** The problem of credentials that the format of the secret file can't hold. */
export function unwritableCredentialProblems({ values }: ValuesContext, credentials: Credentials): readonly Problem[] {
  if (!values.isSet(SECRET_OUT)) return [];
  // An encrypted secret is text that every format can hold.
  const held = hasRecipientFlags({ values }) ? { id: credentials.id } : credentials;
  return problemsThrownBy(() => formatCredentials({ values }, held)).map(({ message, code }) =>
    usageError(message, "use --secret-format json, which can hold it", code),
  );
}

/** The problem of a recipient for a client without a secret. */
export function publicClientRecipientProblems(
  { values }: ValuesContext,
  client: JsonObject,
  label: FieldLabeler,
): readonly Problem[] {
  return usageErrorIf(
    isPublic(client) && hasRecipientFlags({ values }),
    `${capitalize(label("token_endpoint_auth_method"))} "none" creates a client without a secret, so there is nothing to encrypt`,
    "leave out the recipient, or choose another --token-endpoint-auth-method",
    "public-client-recipient",
  );
}
