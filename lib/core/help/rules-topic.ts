import { CLIENT_RULES, SERVER_REACTION_BY_SEVERITY } from "../client/rules.ts";
import { DEFAULT_INPUT_LIMIT_AND_HINT, formatSize, inputLimitAndHintFor } from "../input-limits.ts";
import { headingPart, type Topic, termsPart, textPart } from "./topic-parts.ts";

export const RULES_TOPIC: Topic = {
  name: "rules",
  title: "Client validation",
  parts: [
    textPart(
      "A client is checked before anything is sent, and all problems are reported at once. Each rule has a stable name. JSON errors",
      "have it in `error`, and warnings show it in brackets.",
    ),
    headingPart("Errors"),
    textPart("The client could not be used. Every server rejects it, unless the rule says otherwise:"),
    termsPart(...ruleRows("error")),
    headingPart("Warnings"),
    textPart(
      "Often a mistake, but every server accepts it, unless the rule says otherwise. `--strict` turns warnings into errors:",
    ),
    termsPart(...ruleRows("warning")),
    headingPart("Input limits"),
    textPart(
      "Input over its limit is a usage error, whether it comes from a file, a pipe, a terminal or a device. The limits:",
      `${formatSize(inputLimitAndHintFor("--secret-file").bytes)} for \`--secret-file\`, ${formatSize(inputLimitAndHintFor("--access-token-file").bytes)} for \`--access-token-file\`,`,
      `${formatSize(inputLimitAndHintFor("import").bytes)} for all files of one \`hydra clients import\`, \`diff\` or \`apply\` together and for the IDs of \`hydra clients delete -\`, and`,
      `${formatSize(DEFAULT_INPUT_LIMIT_AND_HINT.bytes)} for each other file: \`--file\`, \`--jwks\`, \`--pgp-key @FILE\`, \`--ca-file\`, \`hydra pgp inspect\` and the config file.`,
    ),
  ],
};

function ruleRows(severity: "error" | "warning"): readonly (readonly [string, string])[] {
  return CLIENT_RULES.filter((rule) => rule.severity === severity).map(({ name, hint, servers }) => [
    name,
    servers === SERVER_REACTION_BY_SEVERITY[severity] ? hint : `${hint} (${servers})`,
  ]);
}
