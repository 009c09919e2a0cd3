import { MAX_DEPTH, TOO_DEEP_CODE } from "../../core/json.ts";
import type { NetworkFailure } from "../../core/network.ts";
import { shellQuoted } from "../../core/output/shell.ts";
import { type ExitName, Problem, type ProblemCode } from "../../core/problem.ts";
import { escapeControls, joined } from "../../core/text.ts";
import type { Fault } from "../../servers/index.ts";
import type { AdminRequest } from "./exchange.ts";

export interface Details {
  readonly code: ProblemCode;
  readonly exit: ExitName;
  readonly hint: string;
  readonly status?: number;
  readonly cause?: unknown;
}

export function deepFields(fields: readonly string[]): string {
  return `${joined(fields.map(escapeControls))} nested more than ${MAX_DEPTH} levels deep`;
}

export function tooDeep(action: string, id: string, fields: readonly string[]): Problem {
  return new Problem(`${action}: it has ${deepFields(fields)}`, {
    code: TOO_DEEP_CODE,
    exit: "failed",
    hint: `hydra clients list -q shows its id, and hydra clients delete ${shellQuoted(id)} deletes it`,
  });
}

/** An answer that no server of either family gives. */
export const UNEXPECTED_RESPONSE: Details = {
  code: "unreadable-answer",
  exit: "failed",
  hint: "check that the endpoint is a Hydra admin port and not a proxy or another service",
};

export const FAULTS: Readonly<Record<Fault["kind"], Details>> = {
  "missing-route": { code: "missing-route", exit: "failed", hint: "check that the endpoint is a Hydra admin port" },
  "not-found": { code: "not-found", exit: "notFound", hint: "hydra clients list shows the clients that there are" },
  conflict: { code: "conflict", exit: "conflict", hint: "choose another --id" },
  unauthorised: {
    code: "unauthorised",
    exit: "unauthorised",
    hint: "give a token with --access-token or OAUTH2_ACCESS_TOKEN, or the header that the proxy before the server wants with --header",
  },
  "id-refused": { code: "id-refused", exit: "failed", hint: "leave out --id" },
  invalid: { code: "invalid", exit: "failed", hint: "change what the server names, then run the command again" },
  moved: {
    code: "redirect",
    exit: "failed",
    hint: "give the address that it points to as --endpoint, or --api v1 or v2 if the family was found out wrongly",
  },
  busy: { code: "busy", exit: "unreachable", hint: "wait a little, or raise --fail-after" },
  broken: { code: "server-error", exit: "failed", hint: "look into the server's log; -v shows each request" },
  refused: { code: "refused", exit: "failed", hint: "-v shows each request" },
};

export const HINTS: Readonly<Record<NetworkFailure["kind"], string>> = {
  refused: "check that the server runs and that --endpoint or HYDRA_ADMIN_URL names its admin port",
  exhausted: "close other programs or raise the limit, with ulimit -n for example",
  proxy: "check the proxy of the environment, or name the host in NO_PROXY to go around it",
  unresolved: "check the host name in --endpoint or HYDRA_ADMIN_URL",
  lost: "check that the address speaks http or https as the endpoint says, then run the command again",
  certificate: "trust the server's authority with --ca-file FILE, or for a test use --skip-tls-verify",
  handshake: "check https against http in the endpoint, and the port",
  protocol: "check http against https in the endpoint, and the port",
  timeout: "raise --fail-after, or look why the server is slow",
  "too-large": "check that the endpoint is a Hydra admin port",
};

/** The message of a problem; an interruption does not know what it interrupted. */
export function messageOf({ code, message }: Problem, { action }: AdminRequest): string {
  return code === "interrupted" ? `${action}: interrupted` : message;
}

export function cut(text: string): string {
  return text.length > 400 ? `${text.slice(0, 399)}…` : text;
}
