import { PUBLIC_URL } from "../../core/flags/connection-flags.ts";
import { ID_FIELD, SECRET_FIELD } from "../../core/flags/credential-flags.ts";
import type { Flag, TextFlag } from "../../core/flags/flag.ts";
import type { FlagValues } from "../../core/flags/parsed-flag-values.ts";
import { LOGIN_CLIENT_SECRET } from "../../core/flags/shared-flags.ts";
import { type Problem, usageError } from "../../core/problem.ts";
import { publicUrlProblems } from "../../core/url-checks.ts";
import { CLIENT_AUTH_METHOD, CLIENT_KEY, CLIENT_SECRET_FILE, CREDENTIALS, SCOPE } from "../token-flags.ts";

export const SUBJECT: TextFlag = {
  kind: "text",
  name: "subject",
  value: "SUB",
  group: "input",
  nonEmpty: true,
  help: "User to log in as (default: a new one, hydra-test-UUID)",
};

export const REDIRECT_URI: TextFlag = {
  kind: "text",
  name: "redirect-uri",
  value: "URI",
  group: "input",
  nonEmpty: true,
  help: "Redirect URI to use (default: the first one of the client)",
};

export const REQUESTED_SCOPE = { ...SCOPE, help: "Scopes to request (default: all scopes of the client)" };

const TESTED_SECRET: TextFlag = {
  ...LOGIN_CLIENT_SECRET,
  help: "Client secret. Visible to other users of the machine: prefer --client-secret-file",
};

const TESTED_AUTH: typeof CLIENT_AUTH_METHOD = {
  ...CLIENT_AUTH_METHOD,
  help: "How the client authenticates; auto: as it is registered",
};

const TESTED_PUBLIC_URL: TextFlag = {
  ...PUBLIC_URL,
  group: "connection",
  help: "Public URL of the server",
};

/** The flags of `clients test` in addition to those of every command for the admin API. */
export const TEST_FLAGS: readonly Flag[] = [
  SUBJECT,
  REDIRECT_URI,
  REQUESTED_SCOPE,
  CREDENTIALS,
  TESTED_SECRET,
  CLIENT_SECRET_FILE,
  CLIENT_KEY,
  TESTED_AUTH,
  ID_FIELD,
  SECRET_FIELD,
  TESTED_PUBLIC_URL,
];

/** What is wrong with the public URL, found before anything is sent. */
export function testedPublicUrlProblems(values: FlagValues): readonly Problem[] {
  const text = values.text(TESTED_PUBLIC_URL) ?? "";
  if (text === "") {
    const hint = "add --public-url http://127.0.0.1:4444 or set HYDRA_PUBLIC_URL";
    return [usageError("No public URL: tokens are issued at the server's public port", hint, "no-endpoint")];
  }
  return publicUrlProblems(values.origin(TESTED_PUBLIC_URL).name, text);
}
