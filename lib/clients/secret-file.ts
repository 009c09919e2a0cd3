import type { Context } from "../command.ts";
import { ID_KEY, SECRET_FORMAT, SECRET_KEY, SECRET_OUT } from "../core/flags/flag-table.ts";
import { toJson } from "../core/json.ts";
import { type CredentialNames, type Credentials, envLines, secretManifest } from "../core/output/credential-files.ts";
import type { SecretText } from "./secret-source.ts";
import { ENCRYPTED } from "./views.ts";

/** The form of `--secret-out`: as `--secret-format` says, or by the ending of the file. */
export function secretForm(context: Context): "dotenv" | "json" | "k8s" | undefined {
  const { values } = context;
  const target = values.text(SECRET_OUT);
  if (target === undefined) return undefined;
  const form = values.text(SECRET_FORMAT);
  if (form === "json" || (form === undefined && /\.json$/i.test(target))) return "json";
  if (form === "k8s" || (form === undefined && /\.ya?ml$/i.test(target))) return "k8s";
  return "dotenv";
}

/** The names that the flags give to the id and the secret. */
export function credentialNames(context: Pick<Context, "values">): Partial<CredentialNames> {
  const id = context.values.text(ID_KEY);
  const secret = context.values.text(SECRET_KEY);
  return { ...(id === undefined ? {} : { id }), ...(secret === undefined ? {} : { secret, encrypted: secret }) };
}

/** What `--secret-out` or `--key-out` will hold. */
export function secretFileText(context: Context, id: string, { plain, encrypted, kind }: SecretText): string {
  if (kind === "client_private_key") return encrypted === undefined ? (plain ?? "") : `${encrypted}\n`;
  return secretFileContent(context, encrypted === undefined ? { id, secret: plain } : { id, encrypted });
}

export function secretFileContent(context: Context, credentials: Credentials): string {
  const names = credentialNames(context);
  const form = secretForm(context);
  if (form === "k8s") return secretManifest(credentials, names);
  if (form === "dotenv") return envLines(credentials, names);
  const { id, secret, encrypted } = credentials;
  return `${toJson({ client_id: id, ...(secret === undefined ? {} : { client_secret: secret }), ...(encrypted === undefined ? {} : { [ENCRYPTED]: encrypted }) }, 2)}\n`;
}
