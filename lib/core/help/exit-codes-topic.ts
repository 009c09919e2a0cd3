import { EXIT_CODES, type ExitName, SIGNAL_EXIT_BASE } from "../problem.ts";
import { codeLinesPart, headingPart, type Topic, termsPart, textPart } from "./topic-parts.ts";

const EXIT_MEANINGS: Readonly<Record<ExitName, string>> = {
  done: "Success",
  failed: "The server rejected the request, `--verify` failed, or another error occurred",
  usage:
    "Usage error: the command line, the environment, the config file or a client file is invalid. Nothing was changed",
  unauthorised:
    "Not authorized: the server, or a proxy in front of it, requires another token or header, or the credentials of a client were rejected",
  notFound: "The client, the key or the key set was not found, or with `--active` the token is inactive",
  conflict:
    "A client or a key with this ID already exists, or `diff` or `apply` found a client of another stack or of hydra-maester, or one without a mark",
  unreachable:
    "The server or a key server is unreachable, its certificate is not trusted, or the time limit was reached, including while retrying responses such as 503",
  noUsableKey: "No usable encryption key. Nothing was created or changed",
  someFailed: "Some of several clients failed. Each failure is reported on standard error",
  differs: "`diff --exit-code`: the files and the server differ",
};

export const EXIT_CODES_TOPIC: Topic = {
  name: "exit-codes",
  title: "Exit codes",
  parts: [
    termsPart(
      ...Object.entries(EXIT_CODES).map(
        ([name, status]) =>
          [String(status), Object.entries(EXIT_MEANINGS).find(([known]) => known === name)?.[1] ?? name] as const,
      ),
      [
        `${SIGNAL_EXIT_BASE}+N`,
        "Ended by signal N: 129 for SIGHUP, 130 for SIGINT (Ctrl-C), 131 for SIGQUIT, 143 for SIGTERM",
      ],
    ),
    textPart(
      "With several clients on one command line, the exit code is 8 if some of them failed. With one client, the exit code is that of its failure.",
      "If a command line has several errors, all are reported and the first one sets the exit code.",
    ),
    textPart(
      "If a reader closes the pipe (`hydra clients list | head`), a command that only reads ends quietly, with the exit code that it",
      "would have anyway. If a secret cannot be delivered, the exit code is 1, and the message says where the secret is; an undelivered token",
      "is revoked. If any other result of a command that creates, updates, deletes or revokes something cannot be written, the exit",
      "code is also 1, and the message says what was done.",
    ),
    headingPart("In a script"),
    codeLinesPart(
      "hydra clients get my-app -q || case $? in",
      "  4) hydra clients create --id my-app -g client_credentials ;;",
      '  *) exit "$?" ;;',
      "esac",
    ),
    textPart("`hydra clients create --id my-app -g client_credentials --if-exists skip` does the same in one step."),
  ],
};
