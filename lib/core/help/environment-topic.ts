import { ACCESS_TOKEN, ENDPOINT, PUBLIC_URL } from "../flags/connection-flags.ts";
import { SECRET } from "../flags/credential-flags.ts";
import type { Flag } from "../flags/flag.ts";
import { LOGIN_CLIENT_ID, LOGIN_CLIENT_SECRET, NO_WARNINGS } from "../flags/shared-flags.ts";
import { STACK } from "../flags/state-flags.ts";
import { joinWords } from "../text.ts";
import { headingPart, type Topic, termsPart, textPart } from "./topic-parts.ts";

/** The flags that read environment variables. */
const ENV_FLAGS: readonly Flag[] = [
  ENDPOINT,
  ACCESS_TOKEN,
  SECRET,
  PUBLIC_URL,
  LOGIN_CLIENT_ID,
  LOGIN_CLIENT_SECRET,
  STACK,
  NO_WARNINGS,
];

/** Variables that no flag reads. */
const OTHER_VARIABLES: readonly (readonly [name: string, meaning: string])[] = [
  ["HYDRA_VAR_NAME", "Value of the variable `NAME` in client files, unless `--var` sets it (`hydra help state`)"],
  [
    "HYDRA_GITHUB_URL",
    "Base URL of GitHub for `github:USER`, such as that of a GitHub Enterprise Server (default: `https://github.com`)",
  ],
  ["HYDRA_KEYBASE_URL", "Base URL of the Keybase API, for a mirror (default: `https://keybase.io`)"],
  ["HYDRA_COMPLETE_IDS", "`0` disables requests for client IDs during shell completion (`hydra help completion`)"],
  [
    "HYDRA_DEBUG",
    "Any value adds a stack trace to the message of an unexpected error. Check it for secrets before sharing it",
  ],
];

const SYSTEM_VARIABLES: readonly (readonly [name: string, meaning: string])[] = [
  ["HOME", "Directory of `.hydra.yaml`, and of recovery copies"],
  [
    "XDG_CONFIG_HOME",
    "On Linux, directory of `hydra/config.yaml`, used if there is no `.hydra.yaml` (default: `$HOME/.config`)",
  ],
  ["XDG_STATE_HOME", "First directory for recovery copies, before `HOME`"],
  ["TMPDIR", "Last directory for recovery copies, after the working directory (default: `/tmp`)"],
  ["USERPROFILE", "On Windows, directory of `.hydra.yaml`, instead of `HOME`"],
  ["LOCALAPPDATA", "On Windows, directory of `hydra\\config.yaml`, and the first directory for recovery copies"],
  ["TEMP", "On Windows, last directory for recovery copies, after `USERPROFILE`"],
  ["SystemRoot", "On Windows, directory of `icacls` and `whoami`, which limit the access to files with secrets"],
  ["NO_COLOR", "Any value disables colors, like `--color never`. Results in a pipe or a file never have any"],
  [
    "FORCE_COLOR, CLICOLOR_FORCE",
    "Any value but `0` and `false` colors messages and help in a pipe or a file too, and so does an empty `FORCE_COLOR`; `FORCE_COLOR=0` disables colors",
  ],
  [
    "CI",
    "Any value but `0` and `false`: `hydra` never asks, as with `--no-input`. A missing value is an error, and changes are made without confirmation, as without a terminal. With `TERM=dumb`, `hydra` only stops asking for missing values",
  ],
  [
    "PAGER, HYDRA_PAGER",
    "Program that shows long results of `list` and `show` on a terminal, such as `less`. Without these variables, and with `--format` or `-q`, there is none; an empty `HYDRA_PAGER` overrides `PAGER`",
  ],
  ["CLICOLOR, TERM", "No colors on a terminal if `CLICOLOR` is `0` or `TERM` is `dumb`"],
  [
    "HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY",
    "Proxies as `http://` or `https://` URLs; SOCKS is not supported. The names may be in lower case. `ALL_PROXY` is used if the one for http or https is not set. Loopback addresses and unix sockets never use a proxy",
  ],
  [
    "SSL_CERT_FILE, SSL_CERT_DIR",
    "Additional trusted certificates, for all connections: a file, or a directory of them. `NODE_TLS_REJECT_UNAUTHORIZED` has no effect, nor have `NODE_EXTRA_CA_CERTS`, `CURL_CA_BUNDLE` and `REQUESTS_CA_BUNDLE`; the hint of a certificate error names those that are set",
  ],
  [
    "BUN_INSPECT, BUN_OPTIONS",
    "The program refuses to start if `BUN_INSPECT` is set, if `BUN_OPTIONS` and `BUN_INSPECT_PRELOAD` are both set, or if `BUN_OPTIONS` loads code (preload, require, import, config), opens a debugger (inspect) or saves the heap (heap-prof)",
  ],
  [
    "BUN_BE_BUN",
    "Turns the program into Bun itself before any of its own code runs. Never let untrusted users set it (`SECURITY.md`)",
  ],
];

export const ENVIRONMENT_TOPIC: Topic = {
  name: "environment",
  title: "Environment variables",
  parts: [
    textPart(
      "Flags override environment variables, and environment variables override the config file. Empty variables are ignored, except `HYDRA_PAGER` and `FORCE_COLOR`. Spaces and line breaks around a value are ignored too; of a credential, only a line break at the end.",
      "Help shows the names of variables, never their values.",
    ),
    termsPart(
      ...ENV_FLAGS.flatMap((flag) =>
        (flag.env ?? []).map(
          (name, at) =>
            [
              name,
              `${flag.help.split(". ")[0] ?? ""} (\`--${flag.name}\`)${at === 0 ? "" : `. Used if ${joinWords(flag.env?.slice(0, at) ?? [])} ${at === 1 ? "is" : "are"} not set`}`,
            ] as const,
        ),
      ),
      ...OTHER_VARIABLES,
    ),
    textPart(
      "Only `create` reads `HYDRA_CLIENT_SECRET`. `update` and `rotate-secret` accept a secret only from a flag.",
    ),
    textPart("`export` reads `HYDRA_STACK` only if nothing else selects clients."),
    textPart(
      "For `token client`, `user`, `device` and `revoke`, `HYDRA_URL` and `ORY_SDK_URL` set the public URL if",
      "`HYDRA_PUBLIC_URL` is not set. `token delete` reads `OAUTH2_CLIENT_ID` if the command line names no client.",
    ),
    headingPart("System variables"),
    termsPart(...SYSTEM_VARIABLES),
    textPart("A `.env` file in the working directory is not read."),
  ],
};
