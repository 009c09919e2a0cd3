import type { ChosenEndpoints, Context } from "../command.ts";
import type { TextFlag } from "../core/flags/flag.ts";
import { endpointUrlProblems } from "../core/url-checks.ts";
import type { InputProblemCollector } from "./input-problem-collector.ts";
import { AUTH_URL, DEVICE_AUTH_URL } from "./login-flags.ts";
import { TOKEN_URL } from "./token-flags.ts";

/** The flags for endpoints. */
const ENDPOINT_FLAGS = [
  ["authorization_endpoint", AUTH_URL],
  ["device_authorization_endpoint", DEVICE_AUTH_URL],
  ["token_endpoint", TOKEN_URL],
] as const;

/** The endpoints that flags such as `--token-url` give in place of those from discovery. */
export async function readChosenEndpoints(
  { values }: Pick<Context, "values">,
  checks: InputProblemCollector,
): Promise<ChosenEndpoints> {
  const chosen: Partial<Record<keyof ChosenEndpoints, string>> = {};
  for (const [endpoint, flag] of ENDPOINT_FLAGS) {
    const text = (values.text(flag) ?? "").trim();
    const url = text === "" ? undefined : await checks.read(() => requireEndpointUrl(flag, text));
    if (url !== undefined) chosen[endpoint] = url;
  }
  return chosen;
}

function requireEndpointUrl(flag: TextFlag, text: string): string {
  const [problem] = endpointUrlProblems(`--${flag.name}`, text);
  if (problem !== undefined) throw problem;
  return text;
}
