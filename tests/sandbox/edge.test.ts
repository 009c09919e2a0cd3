import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { request } from "node:http";
import { after, before, describe, test } from "node:test";
import * as v from "valibot";
import { SANDBOX_VERSIONS, type Sandbox, startSandbox } from "../../lib/sandbox/index.ts";
import { isRecord, settled, settledHeader } from "./settled.ts";

const Members = v.record(v.string(), v.unknown());

const Answer = v.strictObject({
  as: v.array(v.string()),
  status: v.number(),
  allow: v.optional(v.string()),
  location: v.optional(v.string()),
  client: v.optional(Members),
  without: v.optional(v.array(v.string())),
  count: v.optional(v.number()),
  body: v.optional(v.unknown()),
});

const Step = v.strictObject({
  method: v.string(),
  path: v.string(),
  body: v.optional(v.string()),
  as: v.optional(v.string()),
  answers: v.array(Answer),
});

const Recorded = v.strictObject({ plain: v.record(v.string(), Members), steps: v.array(Step) });

const { plain, steps } = v.parse(
  Recorded,
  JSON.parse(readFileSync(new URL("../contract/edge.json", import.meta.url), "utf8")),
);

interface Told {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: unknown;
}

/** Sends a request whose path is not changed in any way. */
function send(base: string, method: string, path: string, body: string | undefined): Promise<Told> {
  const { hostname, port } = new URL(base);
  return new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { "content-length": Buffer.byteLength(body) };
    const headers = { accept: "application/json", ...length };
    const sent = request({ hostname, port, method, path, headers, agent: false }, (answer) => {
      let text = "";
      answer.setEncoding("utf8");
      answer.on("data", (part: string) => {
        text += part;
      });
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: parsed(text) }));
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function header(told: Told, name: string, prefix: string): string | undefined {
  const value = told.headers[name];
  if (typeof value !== "string") return undefined;
  const owned = prefix === "" ? /^(?=\/clients)/ : new RegExp(`^${prefix}(?=/)`);
  return settledHeader(name, value).replace(owned, "{PREFIX}");
}

/** What a recording keeps of an answer: lists are counted, pages of HTML are not looked at. */
function comparable(told: Told, prefix: string): Readonly<Record<string, unknown>> {
  const allow = header(told, "allow", prefix);
  const location = header(told, "location", prefix);
  const { status, body } = told;
  const kept = { status, ...(allow === undefined ? {} : { allow }), ...(location === undefined ? {} : { location }) };
  if (Array.isArray(body)) return { ...kept, count: body.length };
  if (isRecord(body) && "client_id" in body) return { ...kept, client: settled(body) };
  return body === "" || String(body).startsWith("<") ? kept : { ...kept, body: settled(body) };
}

/** An answer as it was, put together from what a plain client looks like and what was different. */
function whole(answer: v.InferOutput<typeof Answer>, base: v.InferOutput<typeof Members>): unknown {
  const { as: _, client, without, ...kept } = answer;
  if (client === undefined) return kept;
  const members = Object.entries({ ...base, ...client }).filter(([name]) => without?.includes(name) !== true);
  return { ...kept, client: Object.fromEntries(members) };
}

for (const as of SANDBOX_VERSIONS) {
  const recordedAs = as === "next" ? "26" : as;
  describe(`the sandbox as ${as} answers odd requests as a server did`, () => {
    const prefix = as.startsWith("1.") ? "" : "/admin";
    const ids = new Map<string, string>();
    let sandbox: Sandbox;

    before(async () => {
      sandbox = await startSandbox({ as, listen: "127.0.0.1:0" });
    });
    after(() => sandbox.close());

    for (const [at, step] of steps.entries()) {
      test(`${at} ${step.method} ${step.path} ${step.body?.slice(0, 80) ?? ""}`, async () => {
        const answer = step.answers.find((one) => one.as.includes(recordedAs));
        const base = plain[recordedAs];
        assert.ok(answer !== undefined && base !== undefined);
        const path = step.path.replace(/\{(\w)\}/, (_, name: string) => ids.get(name) ?? "");
        const told = await send(sandbox.url, step.method, path.startsWith("/health") ? path : prefix + path, step.body);
        if (step.as !== undefined && isRecord(told.body)) ids.set(step.as, String(told.body["client_id"]));
        assert.deepEqual(comparable(told, prefix), whole(answer, base));
      });
    }
  });
}
