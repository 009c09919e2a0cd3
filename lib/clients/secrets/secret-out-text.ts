import type { Context } from "../../command.ts";
import {
  ID_FIELD,
  KUBERNETES_SECRET_LABEL,
  KUBERNETES_SECRET_NAME,
  KUBERNETES_SECRET_NAMESPACE,
  SECRET_FIELD,
  SECRET_FORMAT,
  SECRET_OUT,
} from "../../core/flags/credential-flags.ts";
import { toTerminalSafeJson } from "../../core/json/json.ts";
import {
  type CredentialNamesAndMetadata,
  type Credentials,
  ENCRYPTED_SECRET_FIELD,
  formatDotenv,
  formatSecretManifest,
  type KubernetesSecretMetadata,
  parseKubernetesLabel,
} from "../../core/output/credential-formats.ts";
import type { PlainAndEncryptedSecret } from "./secret-source.ts";

/** The format of the secret file: that of `--secret-format`, else by its extension; undefined without a secret file. */
export function secretFileFormat({ values }: Pick<Context, "values">): "dotenv" | "json" | "k8s" | undefined {
  const target = values.text(SECRET_OUT);
  if (target === undefined) return undefined;
  const format = values.text(SECRET_FORMAT);
  if (format === "json" || (format === undefined && /\.json$/i.test(target))) return "json";
  if (format === "k8s" || (format === undefined && /\.ya?ml$/i.test(target))) return "k8s";
  return "dotenv";
}

/** The metadata that the flags give to Kubernetes Secrets. */
export function kubernetesSecretMetadata({ values }: Pick<Context, "values">): KubernetesSecretMetadata {
  return {
    namespace: values.text(KUBERNETES_SECRET_NAMESPACE),
    labels: Object.fromEntries(
      values.list(KUBERNETES_SECRET_LABEL).flatMap((text) => {
        const label = parseKubernetesLabel(text);
        return label === undefined ? [] : [label];
      }),
    ),
    name: values.text(KUBERNETES_SECRET_NAME),
  };
}

/** The names that the flags give to the client ID and the secret, and the metadata of Kubernetes Secrets. */
export function readCredentialNamesAndMetadata({
  values,
}: Pick<Context, "values">): Partial<CredentialNamesAndMetadata> {
  const id = values.text(ID_FIELD);
  const secret = values.text(SECRET_FIELD);
  return {
    ...(id === undefined ? {} : { id }),
    ...(secret === undefined ? {} : { secret, encrypted: secret }),
    metadata: kubernetesSecretMetadata({ values }),
  };
}

/** The content of the file of `--secret-out` or `--key-out`. */
export function secretFileText(
  context: Pick<Context, "values">,
  id: string,
  { plain, encrypted, kind }: PlainAndEncryptedSecret,
): string {
  if (kind === "client_private_key") return encrypted === undefined ? (plain ?? "") : `${encrypted}\n`;
  return formatCredentials(context, encrypted === undefined ? { id, secret: plain } : { id, encrypted });
}

/** Credentials in the format of the secret file. */
export function formatCredentials(context: Pick<Context, "values">, credentials: Credentials): string {
  const names = readCredentialNamesAndMetadata(context);
  const format = secretFileFormat(context);
  if (format === "k8s") return formatSecretManifest(credentials, names);
  if (format === "dotenv") return formatDotenv(credentials, names);
  const { id, secret, encrypted } = credentials;
  // Members that are undefined don't appear in JSON.
  return `${toTerminalSafeJson({ client_id: id, client_secret: secret, [ENCRYPTED_SECRET_FIELD]: encrypted }, 2)}\n`;
}
