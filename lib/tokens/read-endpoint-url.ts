import type { Context } from "../command.ts";
import type { TextFlag } from "../core/flags/flag.ts";
import { usageError } from "../core/problem.ts";
import { urlWithoutSecrets } from "../core/redact.ts";
import { quote } from "../core/text.ts";

/** The URL that a flag such as `--token-url` gives in place of one from discovery. */
export function readEndpointUrlFlag({ values }: Pick<Context, "values">, flag: TextFlag): string | undefined {
  const text = (values.text(flag) ?? "").trim();
  if (text === "") return undefined;
  if (/^https?:\/\//i.test(text) && URL.canParse(text)) return text;
  const name = `--${flag.name}`;
  throw usageError(
    `${name} ${quote(urlWithoutSecrets(text))} is not a valid URL`,
    "give a whole URL, with http:// or https://",
    "bad-address",
  );
}
