import type { Context } from "../command.ts";
import { ID_FIELD, SECRET_FIELD, SECRET_FORMAT, SECRET_OUT } from "../core/flags/flag-table.ts";
import { toJson } from "../core/json.ts";
import { type CredentialNames, type Credentials, envLines, secretManifest } from "../core/output/credential-files.ts";
import type { SecretText } from "./secret-source.ts";
import { ENCRYPTED } from "./views.ts";

/** The format of the secret file: that of `--secret-format`, else by its extension; undefined without a secret file. */
export function secretFormat({ values }: Pick<Context, "values">): "dotenv" | "json" | "k8s" | undefined {
  const target = values.text(SECRET_OUT);
  if (target === undefined) return undefined;
  const format = values.text(SECRET_FORMAT);
  if (format === "json" || (format === undefined && /\.json$/i.test(target))) return "json";
  if (format === "k8s" || (format === undefined && /\.ya?ml$/i.test(target))) return "k8s";
  return "dotenv";
}

/** The names that the flags give to the client ID and the secret. */
export function credentialNames({ values }: Pick<Context, "values">): Partial<CredentialNames> {
  const id = values.text(ID_FIELD);
  const secret = values.text(SECRET_FIELD);
  return { ...(id === undefined ? {} : { id }), ...(secret === undefined ? {} : { secret, encrypted: secret }) };
}

/** The content of the file of `--secret-out` or `--key-out`. */
export function secretFileText(
  context: Pick<Context, "values">,
  id: string,
  { plain, encrypted, kind }: SecretText,
): string {
  if (kind === "client_private_key") return encrypted === undefined ? (plain ?? "") : `${encrypted}\n`;
  return secretFileContent(context, encrypted === undefined ? { id, secret: plain } : { id, encrypted });
}

/** Credentials in the format of the secret file. */
export function secretFileContent(context: Pick<Context, "values">, credentials: Credentials): string {
  const names = credentialNames(context);
  const format = secretFormat(context);
  if (format === "k8s") return secretManifest(credentials, names);
  if (format === "dotenv") return envLines(credentials, names);
  const { id, secret, encrypted } = credentials;
  // Members that are undefined don't appear in JSON.
  return `${toJson({ client_id: id, client_secret: secret, [ENCRYPTED]: encrypted }, 2)}\n`;
}
