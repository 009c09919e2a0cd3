// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of client files are written that way

import { codeLinesPart, headingPart, type Topic, termsPart, textPart } from "./topic-parts.ts";

/** `hydra help state`: clients in files. */
export const STATE_TOPIC: Topic = {
  name: "state",
  title: "Clients in files: diff and apply",
  parts: [
    textPart(
      "Keep clients as files in a repository. `hydra diff` shows how the server differs from them, and `hydra apply` makes the server match.",
    ),
    codeLinesPart(
      "hydra apply clients/ --stack prod --adopt                       # once: takes over existing clients",
      "hydra diff clients/ --stack prod --format markdown              # in a pull request",
      "hydra apply clients/ --stack prod --prune --secret-out secrets/ # on merge",
      "hydra diff clients/ --stack prod --exit-code                    # drift alarm: exits with 9 on a difference",
    ),
    headingPart("Files"),
    textPart(
      "One object is one client, with the fields that `hydra clients get` prints. A file contains one client, a list, an object with `items`",
      "or `clients`, one JSON object per line, or YAML documents. Manifests of hydra-maester (`OAuth2Client`) work too. In a directory, all `*.json`,",
      "`*.yaml` and `*.yml` files are read, except those whose names begin with a dot and those in `node_modules`.",
    ),
    textPart(
      "A file is the whole client: a field that it leaves out is reset to the server's default. Only `scope` is left unchanged, because its",
      "default is set in the server's configuration. With `--merge`, only the fields in the file are compared and changed.",
    ),
    textPart(
      "Unknown fields are errors; `--lenient` sends them anyway. Fields that only the server sets, such as `created_at`, are ignored.",
      "Fields that the server does not keep are notes and not differences; `--strict` makes them errors.",
    ),
    headingPart("x-hydra"),
    textPart("The member `x-hydra` of a client is never sent:"),
    termsPart(
      ["key", "Name of the client in its stack. Default: `client_id`, otherwise the file name without its extension"],
      [
        "secret",
        "`{env: NAME}` or `{file: PATH}`: where the secret comes from; a path is relative to the client's file. `version`: raise this number to set the secret of an existing client again",
      ],
      ["protect", "`true`: `--prune` never deletes the client"],
      ["ignore", "List of rules that are not applied to the client (`hydra help rules`), or `scope-unset`"],
    ),
    headingPart("Variables"),
    textPart(
      "`${{ NAME }}` in a string is replaced by the value of `--var NAME=VALUE`, or of the environment variable `HYDRA_VAR_NAME`. A variable",
      "that is the whole value of a list or boolean field can be JSON, such as `--var 'uris=[\"https://a.example/cb\"]'`. An undefined",
      "variable is an error.",
    ),
    headingPart("Stacks"),
    textPart(
      "A stack (`--stack` or `HYDRA_STACK`) is a named group of clients that are managed together. Its clients are marked in their metadata:",
      '`"hydra.apply": {"stack": "prod", "key": "billing"}`. Login and consent apps see this mark, because Hydra sends them the whole client.',
    ),
    textPart(
      "An existing client without a mark is only changed with `--adopt`; `hydra diff` shows what would be reset. Clients of another stack, and",
      "clients of hydra-maester (their `owner` is `NAME/NAMESPACE`), are never changed: the exit code is 5. To take a client over from hydra-maester,",
      "delete its `OAuth2Client` with `deletionPolicy: orphan`, clear the owner with `hydra clients update ID --unset owner`, and replace its",
      "manifest with a file that has its ID: `hydra export ID --into clients/`. Then use `--adopt`.",
    ),
    textPart(
      "A client without `client_id` gets an ID that is derived from its stack and key. Hydra 2.0 and 2.1 choose the ID themselves; there, the client is found by its mark, and a file with a `client_id` that the server does not have is rejected.",
    ),
    headingPart("Pruning"),
    textPart(
      "`--prune` deletes clients of the stack that are in no file. It needs an explicit stack, deletes at most `--max-deletes` clients",
      "(otherwise nothing is changed), and rejects input without any client unless `--allow-empty` is given. Deletions come last, and only if",
      "everything else succeeded. Each deleted client is printed, so that it can be created again.",
    ),
    headingPart("Secrets"),
    textPart(
      "A secret in a file is an error. A new client gets the secret that `x-hydra.secret` names, otherwise a generated one. A generated",
      "secret needs a destination: `--secret-out`, or recipients that it is encrypted to (`hydra help encryption`). Otherwise nothing is changed.",
      "`apply` never prints a plain secret.",
    ),
    termsPart(
      ["--secret-out DIR", "One file per client, `KEY.env`, or `.json` or `.yaml` by `--secret-format`"],
      [
        "--secret-out FILE",
        "All secrets in one file that ends in `.env` (variables begin with the key), `.json` (an object by key) or `.yaml` (Kubernetes Secrets). A file of an earlier `apply` is extended",
      ],
      ["--secret-out fd:N", "The same in an open descriptor"],
    ),
    textPart(
      "Existing secrets are not changed and cannot be compared, because no server returns them. With `--verify`, `diff` and `apply` check the secrets",
      "that the files name at the server's revocation endpoint, and report those that do not match. `apply` sets them again.",
      "Recovery copies work as for `create` (`hydra help secrets`). If a run was killed, the next one for the same stack and server delivers what its copies hold,",
      "if it has the same `--rescue-dir`. It also names drafts that the killed run left next to the same `--secret-out`, and removes drafts without a secret once they are a day old.",
    ),
    headingPart("Limits"),
    textPart(
      "No version of Hydra can lock a client. `apply` reads each client again right before it changes it, and plans again if it was changed",
      "meanwhile. Let only one run at a time work on a stack. On Hydra 25 and later, each update invalidates the client's registration access token.",
    ),
  ],
};
