import type {
  BoolFlag,
  ChoiceFlag,
  DurationFlag,
  IntFlag,
  ListFlag,
  TextFlag,
  WithDefault,
} from "../core/flags/flag.ts";
import { SCOPE, TOKEN_URL } from "./token-flags.ts";

/** The scopes of a login, with the default of Hydra's own CLI. */
export const LOGIN_SCOPE: ListFlag = { ...SCOPE, default: ["offline", "openid"] };

export const AUTH_URL: TextFlag = {
  ...TOKEN_URL,
  name: "auth-url",
  help: "Authorization endpoint, instead of the one in the server's discovery document",
};

export const DEVICE_AUTH_URL: TextFlag = {
  ...TOKEN_URL,
  name: "device-auth-url",
  help: "Device authorization endpoint, instead of the one in the server's discovery document",
};

export const REDIRECT: TextFlag = {
  kind: "text",
  name: "redirect",
  value: "URI",
  group: "input",
  nonEmpty: true,
  help: "Redirect URI; default: a registered loopback URI, or http://127.0.0.1:PORT/callback",
};

export const PORT: IntFlag = {
  kind: "count",
  name: "port",
  short: "p",
  value: "PORT",
  group: "input",
  help: "Port to listen on for the redirect; default: a free port, or that of the redirect URI",
};

export const NO_OPEN: BoolFlag = {
  kind: "switch",
  name: "no-open",
  group: "input",
  help: "Only print the URL of the login, and don't open the browser",
};

export const PROMPT: ListFlag = {
  kind: "list",
  name: "prompt",
  value: "PROMPT",
  group: "input",
  help: "OpenID Connect prompt: login, consent, select_account or none",
};

export const MAX_AGE: IntFlag = {
  kind: "count",
  name: "max-age",
  value: "SECONDS",
  group: "input",
  minusOne: "no limit",
  help: "Maximum age of the last login before the user must log in again; -1 = no limit",
};

export const RESPONSE_MODE: WithDefault<ChoiceFlag<"query" | "form_post">> = {
  kind: "text",
  name: "response-mode",
  value: "MODE",
  default: "query",
  choices: ["query", "form_post"],
  group: "input",
  help: "How the response reaches the redirect URI; form_post needs Hydra 1.11",
};

export const STATE: TextFlag = {
  kind: "text",
  name: "state",
  value: "STATE",
  group: "input",
  help: "Fixed state instead of a random one; insecure, for testing only",
};

export const LOGIN_TIMEOUT: WithDefault<DurationFlag> = {
  kind: "duration",
  name: "timeout",
  value: "DURATION",
  group: "input",
  default: 300_000,
  zero: "no limit",
  help: "Time limit for the login in the browser; 0 = none",
};

/** The same for a login on another device, whose code expires by itself. */
export const DEVICE_TIMEOUT: WithDefault<DurationFlag> = {
  ...LOGIN_TIMEOUT,
  default: 0,
  zero: "the lifetime of the code",
  help: "Time limit for the login; 0 = until the code expires",
};

/** Flags of Hydra's own CLI that are rejected, with the reason. */
export const REJECTED_LOGIN_FLAGS = [
  {
    name: "https",
    help: "Not supported: browsers don't trust a self-signed certificate",
    reason: "a self-signed certificate teaches people to ignore the browser's warnings",
    hint: "leave it out: http on a loopback address is secure (RFC 8252, 8.3); for an https redirect URI, give it with --redirect and paste the URL that the browser was redirected to",
  },
  {
    name: "no-shutdown",
    help: "Not supported: each login has its own listener",
    reason: "the listener is closed after each login, so that nobody else can send an answer",
    hint: "leave it out, and run the command again for another login",
  },
  {
    name: "skip",
    help: "Not supported: this program is not a login and consent application",
    reason: "only a login and consent application can skip these pages, and this program isn't one",
    hint: "leave it out; the sandbox (hydra sandbox) logs in by itself",
  },
].map(({ name, help, reason, hint }) => {
  const flag: BoolFlag = { kind: "switch", name, group: "input", help };
  return { flag, reason, hint };
});
