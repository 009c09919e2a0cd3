import { isKey, PRIVATE_MEMBERS } from "../client/jwk.ts";
import { isJsonObject } from "../json.ts";
import { CREDENTIAL_FIELDS, isOpenHeader, REDACTED } from "../redact.ts";
import { shellQuoted } from "./shell.ts";

/** A request that would be sent, credentials already taken out. */
export interface PlannedRequest {
  readonly method: "POST" | "PUT" | "PATCH" | "DELETE";
  readonly url: string;
  readonly body?: unknown;
}

/** What a credential is replaced by, for the field that it stands in. */
type Mark = (field: string) => unknown;

/**
 * A body with every credential replaced, at whatever depth it stands, JSON Patch steps and the private members of JSON
 * Web Keys included.
 */
export function redacted(value: unknown, mark: Mark = () => REDACTED): unknown {
  if (Array.isArray(value)) return value.map((item) => redacted(item, mark));
  if (!isJsonObject(value)) return value;
  const path = value["path"];
  const field = typeof path === "string" && typeof value["op"] === "string" ? path.slice(1) : "";
  if (CREDENTIAL_FIELDS.includes(field) && "value" in value) return { ...value, value: mark(field) };
  const hidden = isKey(value) ? [...CREDENTIAL_FIELDS, ...PRIVATE_MEMBERS] : CREDENTIAL_FIELDS;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [
      key,
      hidden.includes(key) && member !== undefined ? mark(key) : redacted(member, mark),
    ]),
  );
}

/** How curl reaches the server. */
export interface CurlOptions {
  readonly headers: Readonly<Record<string, string>>;
  readonly socket: string | undefined;
  readonly skipVerify: boolean;
  readonly caFile: string | undefined;
}

/** The place of a credential: a variable of the shell that runs the line. No text can be taken for one. */
class Variable {
  readonly name: string;

  constructor(field: string) {
    this.name = field.replace(/\W/g, "_").toUpperCase();
  }
}

/** A word for a shell, in pieces: texts, and the variables between them. */
type Word = readonly (string | Variable)[];

/** A value as JSON, in pieces; a {@link Variable} in it is the content of a string. */
function jsonWord(value: unknown): Word {
  if (value instanceof Variable) return ['"', value, '"'];
  if (Array.isArray(value)) return ["[", ...value.flatMap((item, at) => [...comma(at), ...jsonWord(item)]), "]"];
  if (!isJsonObject(value)) return [JSON.stringify(value) ?? "null"];
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return [
    "{",
    ...members.flatMap(([key, member], at) => [...comma(at), `${JSON.stringify(key)}:`, ...jsonWord(member)]),
    "}",
  ];
}

function comma(at: number): readonly string[] {
  return at === 0 ? [] : [","];
}

/** A word for a shell, with variables for its credentials, without which the shell refuses to run the line. */
function wordText(word: Word): string {
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
 * A request as a command line of curl, to be pasted into a shell. Where a credential stands it has a variable such as
 * `${CLIENT_SECRET:?}`, so that nothing is sent before it is set.
 */
export function curlLine(request: PlannedRequest, way: CurlOptions): string {
  const words: Word[] = [["curl"], ["--request"], [request.method]];
  if (way.socket !== undefined) words.push(["--unix-socket"], [way.socket]);
  if (way.skipVerify) words.push(["--insecure"]);
  if (way.caFile !== undefined) words.push(["--cacert"], [way.caFile]);
  for (const [name, value] of Object.entries(way.headers))
    words.push(["--header"], [`${name}: `, isOpenHeader(name) ? value : new Variable(`header-${name}`)]);
  if (request.body !== undefined) {
    const type = request.method === "PATCH" ? "application/json-patch+json" : "application/json";
    const body = redacted(request.body, (field) => new Variable(field));
    words.push(["--header"], [`content-type: ${type}`], ["--data-raw"], jsonWord(body));
  }
  words.push([request.url]);
  return words.map(wordText).join(" ");
}
