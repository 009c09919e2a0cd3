import {
  CA_FILE,
  FAIL_AFTER,
  FAKE_TLS_TERMINATION,
  HEADER,
  PUBLIC_COMMAND_ENDPOINT,
  SKIP_TLS_VERIFY,
} from "../core/flags/connection-flags.ts";
import { ID_FIELD, SECRET_FIELD, SECRET_FILE } from "../core/flags/credential-flags.ts";
import type { BoolFlag, ChoiceFlag, Flag, ListFlag, RepeatFlag, TextFlag, WithDefault } from "../core/flags/flag.ts";
import {
  FORMAT,
  GENERAL_FLAGS,
  LOGIN_CLIENT_ID,
  LOGIN_CLIENT_SECRET,
  NO_INPUT,
  QUIET,
} from "../core/flags/shared-flags.ts";

export const CLIENT_SECRET_FILE: TextFlag = { ...SECRET_FILE, name: "client-secret-file" };

export const CREDENTIALS: TextFlag = {
  kind: "text",
  name: "credentials",
  value: "FILE",
  completes: "file",
  group: "secret",
  help: "Read client ID and secret from a file that --secret-out wrote: dotenv, JSON or Kubernetes Secret",
};

export const CLIENT_KEY: TextFlag = {
  kind: "text",
  name: "client-key",
  value: "FILE",
  completes: "file",
  group: "secret",
  help: "Authenticate with this private key (private_key_jwt): PEM or JSON Web Key",
};

export const CLIENT_AUTH_METHOD: WithDefault<ChoiceFlag<"auto" | "basic" | "post" | "private_key_jwt" | "none">> = {
  kind: "text",
  name: "auth-method",
  value: "METHOD",
  default: "auto",
  choices: ["auto", "basic", "post", "private_key_jwt", "none"],
  group: "secret",
  help: "Client authentication method; auto tries basic, then post if the server requires it",
};

export const SCOPE: ListFlag = {
  kind: "list",
  name: "scope",
  value: "SCOPE",
  group: "input",
  help: "Scopes to request",
};

export const AUDIENCE: ListFlag = {
  kind: "list",
  name: "audience",
  value: "AUDIENCE",
  group: "input",
  help: "Audiences to request",
};

export const TOKEN_URL: TextFlag = {
  kind: "text",
  name: "token-url",
  value: "URL",
  group: "connection",
  help: "Token endpoint, instead of the one in the server's discovery document",
};

export const REQUIRE_ACTIVE: BoolFlag = {
  kind: "switch",
  name: "active",
  group: "output",
  help: "Exit with 4 if the token is inactive",
};

/** The same as for the admin API, but never from the config file, whose headers are for the admin API. */
const { file: _, ...OWN_HEADER } = HEADER;
const PUBLIC_HEADER: RepeatFlag = { ...OWN_HEADER, help: "HTTP header for every request; repeatable" };

/** Flags that name a client and its credentials. */
export const CREDENTIAL_FLAGS: readonly Flag[] = [
  LOGIN_CLIENT_ID,
  LOGIN_CLIENT_SECRET,
  CLIENT_SECRET_FILE,
  CREDENTIALS,
  ID_FIELD,
  SECRET_FIELD,
  CLIENT_KEY,
  CLIENT_AUTH_METHOD,
];

/** The last flags of every command that calls the public side of a server. */
export const PUBLIC_COMMAND_FLAGS: readonly Flag[] = [
  FORMAT,
  QUIET,
  PUBLIC_COMMAND_ENDPOINT,
  PUBLIC_HEADER,
  FAIL_AFTER,
  FAKE_TLS_TERMINATION,
  SKIP_TLS_VERIFY,
  CA_FILE,
  NO_INPUT,
  ...GENERAL_FLAGS,
];
