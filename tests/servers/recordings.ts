import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { ServerAnswer } from "../../lib/servers/index.ts";

/** The servers that were recorded. */
export const VERSIONS = ["1.8.5", "1.11.10", "2.1.2", "2.3.0", "26.2.0"] as const;

export type Version = (typeof VERSIONS)[number];

/** One plain request to a server, and its answer; undefined where it closed the connection. */
export interface Exchange {
  readonly note: string;
  readonly base: string;
  readonly method: string;
  readonly url: string;
  readonly answer: ServerAnswer | undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function answerOf(response: unknown): ServerAnswer | undefined {
  if (typeof response === "string") return undefined;
  assert.ok(isRecord(response) && isRecord(response["headers"]) && typeof response["status"] === "number");
  const { headers, status, body } = response;
  return {
    status,
    contentType: text(headers["content-type"]),
    link: text(headers["link"]),
    location: text(headers["location"]),
    text: typeof body === "string" ? body : JSON.stringify(body),
  };
}

/** What was recorded of a server. */
export function recorded(version: Version): readonly Exchange[] {
  const all: unknown = JSON.parse(readFileSync(new URL(`../contract/api-${version}.json`, import.meta.url), "utf8"));
  assert.ok(Array.isArray(all) && all.length > 0);
  return all.map((exchange: unknown) => {
    assert.ok(isRecord(exchange) && isRecord(exchange["request"]));
    const { base, method, url } = exchange["request"];
    return {
      note: text(exchange["note"]),
      base: text(base),
      method: text(method),
      url: text(url),
      answer: answerOf(exchange["response"]),
    };
  });
}
