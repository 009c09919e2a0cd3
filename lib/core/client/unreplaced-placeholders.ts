/** The name of a variable as shells and CI systems write it: capitals, or words joined by underscores. */
const LIKELY_VARIABLE_NAME_SOURCE = "(?:[A-Z_][A-Z0-9_]*|[A-Za-z][A-Za-z0-9]*_[A-Za-z0-9_]*)";

/** Placeholders that are enclosed on both sides, so that they are recognized inside other text. */
const ENCLOSED: readonly string[] = [
  // Shell, Compose, Spring, JavaScript, Terraform: ${NAME}, ${NAME:-default}, ${{ secrets.NAME }}
  "\\$\\{\\{[^{}]*\\}\\}",
  "\\$\\{[^{}]*\\}",
  // Azure Pipelines, keycloak-config-cli, command substitution: $(NAME), $(env:NAME)
  "\\$\\([^()]*\\)",
  // Mustache, Helm, Jinja, Ansible, Go: {{ .Values.name }}
  "\\{\\{[^{}]*\\}\\}",
  // Octopus, Ruby: #{NAME}
  "#\\{[^{}]*\\}",
  // ERB, EJS
  "<%[^<>%]*%>",
  `%%${LIKELY_VARIABLE_NAME_SOURCE}%%`,
  `@@${LIKELY_VARIABLE_NAME_SOURCE}@@`,
  `##${LIKELY_VARIABLE_NAME_SOURCE}##`,
  "__[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*__",
  `\\$env:${LIKELY_VARIABLE_NAME_SOURCE}`,
];

/** Placeholders of documentation, which no URL can contain: `{tenant}`, `<your-host>`. */
const BRACKETED: readonly string[] = ["\\{[A-Za-z][\\w.-]*\\}", "<[A-Za-z][\\w .-]*>"];

/** What is a placeholder only as the whole value: `$NAME` inside of a secret may be a coincidence, `%AB%` in a URL an escape. */
const WHOLE_PLACEHOLDER_VALUE_PATTERN = new RegExp(
  `^(?:${[...ENCLOSED, ...BRACKETED, `\\$${LIKELY_VARIABLE_NAME_SOURCE}`, `%${LIKELY_VARIABLE_NAME_SOURCE}%`].join("|")})$`,
);

/** In a URL a lone `$` may be part of the path, in front of small letters. */
const PLACEHOLDER_IN_URL_PATTERN = new RegExp([...ENCLOSED, ...BRACKETED, "\\$[A-Z_][A-Z0-9_]+"].join("|"));

/** Whether a value is nothing but a placeholder that should have been replaced, such as `$CLIENT_SECRET` or `{{ id }}`. */
export function isUnreplacedPlaceholder(value: string): boolean {
  return WHOLE_PLACEHOLDER_VALUE_PATTERN.test(value.trim());
}

/** The first placeholder in a URL that nothing replaced, such as `$HOST` in `https://$HOST/cb`; undefined if there is none. */
export function unreplacedPlaceholderInUrl(url: string): string | undefined {
  return PLACEHOLDER_IN_URL_PATTERN.exec(url)?.[0];
}
