import { codeLinesPart, headingPart, type Topic, termsPart, textPart } from "./topic-parts.ts";

export const SERVERS_TOPIC: Topic = {
  name: "servers",
  title: "Supported servers",
  parts: [
    textPart(
      "The program is tested with Hydra 1.8 to 26.x. It detects the API version with the first request: if a 2.x path does not exist,",
      "the server is 1.x. `--api v1` and `--api v2` disable detection. The version that a server reports is not used.",
    ),
    headingPart("The endpoint"),
    textPart(
      "Set the URL of the admin API with `--endpoint`, `HYDRA_ADMIN_URL`, `ORY_SDK_URL`, `HYDRA_URL` or `endpoint` in the config file. Its port is",
      "4445 by default; 4444 is the public port. An endpoint is required: the sandbox is never used by default.",
    ),
    termsPart(
      ["http://host:4445", "Plain HTTP"],
      ["https://host", "TLS, with the bundled and the system's certificate authorities, and those of `--ca-file`"],
      ["unix:///path", "A unix socket, with the same headers and retries"],
    ),
    textPart(
      "A path in the URL is kept, except a trailing `/admin`, which the program adds itself if the server needs it. `user:password@` in",
      "the URL is sent as Basic credentials, with the same precedence as `--access-token`: from a flag or a variable, it overrides the",
      "credentials of the config file. Redirects of the admin API are never followed; the error shows their target.",
    ),
    headingPart("Differences between versions"),
    termsPart(
      [
        "Updates",
        "PATCH on 2.x. On 1.x, GET and then PUT without the secret, so the secret stays; there, PATCH is rejected or breaks the secret",
      ],
      [
        "Client IDs",
        "Hydra 2.0 and 2.1 reject `--id`. The program sends no ID there, and does not retry a create that may have succeeded",
      ],
      ["Unknown clients", "Hydra 1.8 answers 401 for an unknown client; it is still reported as not found"],
      ["Lists", "All pages are fetched. `--owner` and `--name` also work if the server ignores them"],
      [
        "Fields",
        "A field that no server of this API version supports is an error before anything is changed. A field that this server ignores causes a warning, and updates do not send it",
      ],
      [
        "Rotation",
        "If the server supports rotation, the old secret works until `--drop-old-secrets`. Otherwise it stops working immediately",
      ],
    ),
    headingPart("What counts as a difference"),
    textPart(
      "`update`, `create --if-exists update` and `import --if-exists update` write only if a value differs, so a second run writes",
      "nothing. On Hydra 25 and later, each write also invalidates the client's registration access token. These are not differences:",
    ),
    termsPart(
      ["No value", 'Absent, `null`, `""`, `[]`, `{}` and `false`'],
      [
        "Defaults",
        "No value and the server's default: `authorization_code`, `code`, `public`, `client_secret_basic`, `none`",
      ],
      ["Lists", "Order and duplicates, including those in `scope` and within one response type"],
      ["Origins", "A trailing slash, and the case of the scheme"],
      ["Lifespans", "Spelling (`60m` and `1h`). But `0s` and no lifespan are different"],
      ["Keys", "Their order, and members that the servers ignore"],
      ["Metadata", "The order of the members of an object"],
    ),
    textPart(
      "A missing or empty scope is not compared, because the server sets its own default. `update --unset scope` requests that default",
      "every time. A secret that you give is set again every time, because the server never returns it for comparison.",
    ),
    headingPart("Retries"),
    textPart(
      "Failed and broken connections, 429, 502, 503 and 504 are retried with increasing delays until `--fail-after` (1m0s) has passed,",
      "and so are requests that the server's database rolled back because of a concurrent request.",
      "`Retry-After` is respected. After that time, the command exits with 6 and shows the server's last response. `--fail-after 0`",
      "means a single attempt, which ends with the same exit code.",
      "The first failure is reported immediately.",
    ),
    textPart(
      "Retrying a create is safe: the program generates the client ID, so a client that exists after a lost response was created by this run.",
      "With `--id` that isn't certain: the client is then reported as a conflict, and the secret stays in its recovery copy.",
      "A 500 without an error message from Hydra is retried once. A 500 with one, other statuses, certificate errors and responses that are",
      "not HTTP are not retried.",
    ),
    headingPart("Waiting for the server"),
    codeLinesPart("hydra wait --for 2m"),
    headingPart("Testing without a server"),
    codeLinesPart("hydra sandbox --as 1.11 --listen 127.0.0.1:4445"),
    textPart(
      "The sandbox behaves like that version of Hydra, and keeps its clients only in memory. It answers 403 to requests that a web page",
      "could send: those with a `Host` that isn't this machine (except on a unix socket), and those with an `Origin` of another site.",
    ),
  ],
};
