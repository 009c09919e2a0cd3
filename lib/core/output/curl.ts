import type { Connection } from "../flags/connection.ts";
import { isJsonObject } from "../json/json.ts";
import { redactJson } from "../json/redact-json.ts";
import { isHarmlessHeader } from "../redact.ts";
import { shellQuoted } from "./shell-quote.ts";

/** A request that would be sent. */
export interface PlannedRequest {
  readonly method: "POST" | "PUT" | "PATCH" | "DELETE";
  readonly url: string;
  readonly body?: unknown;
}

/** How curl reaches the server. */
export type CurlConnection = Pick<Connection, "headers" | "socket" | "skipVerify" | "caFile">;

/** A shell variable instead of a credential; a class, so that no text can be mistaken for one. */
class ShellVariable {
  readonly name: string;

  constructor(field: string) {
    this.name = field.replace(/\W/g, "_").toUpperCase();
  }
}

/** A word of a shell: texts and variables. */
type ShellWord = readonly (string | ShellVariable)[];

/** A value as JSON, in which a {@link ShellVariable} is the content of a string. */
function jsonAsShellWord(value: unknown): ShellWord {
  if (value instanceof ShellVariable) return ['"', value, '"'];
  if (Array.isArray(value))
    return ["[", ...value.flatMap((item, at) => [...commaUnlessFirst(at), ...jsonAsShellWord(item)]), "]"];
  if (!isJsonObject(value)) return [JSON.stringify(value) ?? "null"];
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return [
    "{",
    ...members.flatMap(([key, member], at) => [
      ...commaUnlessFirst(at),
      `${JSON.stringify(key)}:`,
      ...jsonAsShellWord(member),
    ]),
    "}",
  ];
}

function commaUnlessFirst(at: number): readonly string[] {
  return at === 0 ? [] : [","];
}

/** A word as shell text; the shell fails if one of its variables is unset. */
function formatShellWord(word: ShellWord): string {
  let text = "";
  let plain = "";
  for (const piece of word) {
    if (typeof piece === "string") plain += piece;
    else {
      text += `${plain === "" ? "" : shellQuoted(plain)}"\${${piece.name}:?}"`;
      plain = "";
    }
  }
  return plain === "" && text !== "" ? text : text + shellQuoted(plain);
}

/**
 * A request as a curl command. Credentials are variables such as `${CLIENT_SECRET:?}`, so that nothing is sent before they
 * are set.
 */
export function curlLineWithoutSecrets(request: PlannedRequest, options: CurlConnection): string {
  const words: ShellWord[] = [["curl"], ["--request"], [request.method]];
  if (options.socket !== undefined) words.push(["--unix-socket"], [options.socket]);
  if (options.skipVerify) words.push(["--insecure"]);
  if (options.caFile !== undefined) words.push(["--cacert"], [options.caFile]);
  for (const [name, value] of Object.entries(options.headers))
    words.push(["--header"], [`${name}: `, isHarmlessHeader(name) ? value : new ShellVariable(`header-${name}`)]);
  if (request.body !== undefined) {
    const type = request.method === "PATCH" ? "application/json-patch+json" : "application/json";
    const body = redactJson(request.body, (field) => new ShellVariable(field));
    words.push(["--header"], [`content-type: ${type}`], ["--data-raw"], jsonAsShellWord(body));
  }
  words.push([request.url]);
  return words.map(formatShellWord).join(" ");
}
