import { CONFIG_KEYS, FLAG_BY_CONFIG_KEY } from "../flags/config-file.ts";
import { DEFAULT_INPUT_LIMIT_AND_HINT, formatSize } from "../input-limits.ts";
import { codeLinesPart, headingPart, type Topic, termsPart, textPart } from "./topic-parts.ts";

/** Example values for the keys of the config file. */
const CONFIG_EXAMPLES: Readonly<Record<string, string>> = {
  endpoint: "https://admin.example.com",
  public_url: "https://auth.example.com",
  access_token: "…",
  headers: '["X-Tenant: a"]',
  fail_after: "30s",
  api: "v2",
  ca_file: "/etc/ssl/private-ca.pem",
  skip_tls_verify: "false",
  fake_tls_termination: "false",
  format: "json",
  require_pin: "true",
};

export const CONFIG_TOPIC: Topic = {
  name: "config",
  title: "Config file",
  parts: [
    textPart(
      "A YAML file, or JSON with or without comments. The path is that of `--config`, or the first of these that exists:",
      "`$HOME/.hydra.yaml` and, on Linux, `$XDG_CONFIG_HOME/hydra/config.yaml` (`~/.config/hydra/config.yaml`). On Windows:",
      "`%USERPROFILE%\\.hydra.yaml` and `%LOCALAPPDATA%\\hydra\\config.yaml`.",
      "A file given with `--config` must exist.",
      "Precedence: flag, environment variable, config file, default. Errors name the source of a value.",
    ),
    termsPart(...[...FLAG_BY_CONFIG_KEY].map(([key, { help, name }]) => [key, `${help} (\`--${name}\`)`] as const)),
    codeLinesPart(...CONFIG_KEYS.map((key) => `${key}: ${CONFIG_EXAMPLES[key] ?? "…"}`)),
    textPart(
      "`headers` is a list of `Name: value`, or a map from names to values. Unknown keys are ignored, because they may belong to the",
      "server; `-v` lists them. An empty text counts as unset, except for a switch. A setting with hyphens or capitals (`require-pin`), or a flag that protects secrets (`pgp_key`), causes a warning. A `ca_file` without a leading slash is relative to the directory of the config file.",
    ),
    headingPart("Credentials"),
    textPart(
      "`access_token` and `headers` are only sent to the `endpoint` of the same file (same scheme, host and port). If a flag or a variable",
      "sets another endpoint, the command exits with 2 and names both sources.",
      "If other users can read a file with credentials, there is a warning.",
    ),
    headingPart("Permissions"),
    textPart(
      "A default config file is rejected (exit code 2) if it belongs to anyone but you or root, or if every user can write to it, because it",
      "decides where your credentials go. If its group can write to it, there is a warning. A file given with `--config` is always used,",
      "with a warning in these cases. On Windows, nothing is checked: keep the file in your profile, where only you can write.",
      `A config file over ${formatSize(DEFAULT_INPUT_LIMIT_AND_HINT.bytes)} is an error.`,
    ),
  ],
};
