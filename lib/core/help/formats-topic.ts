import type { FormatKind } from "../output/formats.ts";
import { codeLinesPart, headingPart, type Topic, termsPart, textPart } from "./topic-parts.ts";

/** Every output format: how it is typed, and what it is. */
export const FORMAT_HELP_ROWS: Readonly<Record<FormatKind, readonly [term: string, meaning: string]>> = {
  text: ["text", "Lines of text with the labels of Hydra's 1.x CLI; a list is a table with borders"],
  table: ["table", "Columns, as in Hydra's 2.x CLI: one client as name and value, several as rows"],
  json: ["json", "JSON on one line"],
  "json-pretty": ["json-pretty", "Indented JSON"],
  yaml: ["yaml", "YAML"],
  tsv: ["tsv", "A table with a tab between fields; tabs, line breaks and backslashes in a field are escaped"],
  csv: ["csv", "A table of comma-separated values (RFC 4180)"],
  markdown: ["markdown", "A Markdown table; for `diff`, a report for a pull request"],
  ndjson: ["ndjson", "One JSON object per line, streamed"],
  env: ["env", "`CLIENT_ID=…` and `CLIENT_SECRET=…`, quoted for a POSIX shell, with an empty line between clients"],
  id: ["id", "Only the client ID, one per line; same as `-q`"],
  "k8s-secret": ["k8s-secret", "A Kubernetes Secret manifest with the credentials, with `---` between clients"],
  pem: ["pem", "Keys in PEM: SPKI for public ones, PKCS #8 for private ones"],
  jsonpath: [
    "jsonpath=EXPR",
    "The value that an expression selects, as JSON: RFC 9535 if it starts with `$`, otherwise a dotted path such as `items.0.client_id`",
  ],
  jsonpointer: ["jsonpointer=PTR", "The value that a JSON Pointer (RFC 6901) selects, as JSON, such as `/client_id`"],
  raw: ["raw=EXPR", "Like `jsonpath`, but strings are not quoted, one value per line: for scripts"],
};

export const FORMATS_TOPIC: Topic = {
  name: "formats",
  title: "Output formats",
  parts: [
    textPart(
      "`--format` sets the output format. The default depends on the command syntax: `text` in the 1.x syntax (`json-pretty` for",
      "`clients get`, `keys get`, `keys create` and `token introspect`), `table` in the 2.x syntax. Some commands have one default",
      "in both: `text` for `show`, `test`, `diff`, `apply` and `token flush`, `yaml` for `export`, `json-pretty` for `token decode`.",
      "`--format default` selects that default, and `quiet` is an alias of `id`. `--quiet` overrides `--format`. `auto` is like `default`, except that `list` on a terminal",
      "shows a short table, with one line per client, as `hydra clients list` does without `--format`.",
    ),
    termsPart(...Object.values(FORMAT_HELP_ROWS)),
    headingPart("Standard output and standard error"),
    textPart(
      "Standard output contains only the result. Warnings, notes, progress, prompts and errors go to standard error.",
      "Control characters in server data are escaped. The formats `raw`, `tsv` and `csv` print them unchanged, except on a terminal; so does `id`, unless the ID contains a line break.",
    ),
    textPart(
      "If the format, such as `id`, does not include the secret of a new client, the secret is saved to a file and the path is printed",
      "on standard error (`hydra help secrets`).",
    ),
    headingPart("Advice in scripts"),
    textPart(
      "If standard output and standard error are the same stream (`2>&1`, or the terminal of `docker exec -it`), and `--format` selects",
      "a format for programs, advice, notes and progress are left out, so the output can be parsed:",
    ),
    codeLinesPart("docker exec -it hydra hydra clients list --format json | jq '.items[].client_id'"),
    textPart(
      "`--no-warnings` or `HYDRA_NO_WARNINGS=1` leaves out advice and notes everywhere. Errors are always reported, and so are fields that the server",
      "did not keep, the paths of recovery copies, certificates that are not verified and config files that others can change.",
      "Without `-t`, `docker exec` keeps the streams apart, so `2>/dev/null` works too.",
    ),
    headingPart("Tables"),
    textPart(
      "In a pipe, `table` has the columns of Hydra's own 2.x CLI, aligned with tabs. A list ends with the rows `NEXT PAGE TOKEN` and",
      "`IS LAST PAGE`. The column `CLIENT SECRET` is empty unless a secret is delivered.",
    ),
    headingPart("Credentials for other programs"),
    textPart(
      "The `env` format works for all commands that print clients, `k8s-secret` only for commands that deliver a secret: `create`,",
      "`rotate-secret`, `update` and `import`.",
      "If a client's secret is not delivered (the client was skipped, or its secret was given or written elsewhere), `k8s-secret` writes",
      "no manifest and reports that on standard error: a manifest without the secret would remove it from the cluster. For a client",
      "without a secret, the manifest contains only the ID.",
    ),
    headingPart("Lists"),
    textPart(
      "In `json` and `yaml`, a list is an object with `items`, `next_page_token` and `is_last_page`. A `jsonpath` starts at this object:",
      "`--format 'raw=$.items[*].client_id'`. In a dotted path, `#` selects every element (`items.#.client_id`). At the end of a path",
      "it is the number of elements (`items.#`).",
      "Several clients from `get`, `delete` or `import` are an array.",
    ),
    textPart(
      "A client with fields nested more than 500 levels deep is reported as an error, and the exit code is 8. The other clients are",
      "printed. `-q` still lists its ID, and `hydra clients delete` deletes it.",
    ),
    headingPart("Client files"),
    textPart(
      "`--file` and `hydra clients import` read JSON and YAML. A file is read as JSON if its text begins with `{`, `[` or a JSON comment, unless its",
      "name ends in `.yaml` or `.yml`. JSON may have comments (`// …` and `/* … */`). Trailing commas and duplicate keys are errors,",
      "reported with their line and column.",
      "A client may be 1 MiB large and nest 500 levels deep, whether it comes from a file or from flags.",
    ),
    headingPart("Errors as JSON"),
    textPart(
      "If a flag or the config file selects a JSON format, errors on standard error are also JSON, one object per line:",
    ),
    codeLinesPart(
      '{"error":"not-found","message":"Cannot get client …","hint":"list clients: hydra clients list","status":404}',
    ),
    termsPart(
      ["error", "Stable name of the error"],
      ["message, hint", "What failed, and what to do next"],
      ["status, request", "HTTP status, and `method` and `url` of the request, if a server was called"],
      ["also", "More lines about the same error"],
      ["more", "Further errors of the same command line"],
    ),
    headingPart("Examples"),
    codeLinesPart(
      "hydra clients get my-app --format raw=redirect_uris.0",
      "hydra clients list --format 'raw=$.items[*].client_id'",
      'eval "$(hydra clients create -n job -g client_credentials --format env)"',
      "hydra clients create -n job -g client_credentials --format k8s-secret | kubectl apply --server-side -f -",
    ),
  ],
};
