import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { JsonObject } from "../../../lib/core/json/json.ts";
import type { DesiredClient } from "../../../lib/core/state/desired-client.ts";
import { planStack, type StackPlan } from "../../../lib/core/state/plan.ts";
import { planAsJson } from "../../../lib/core/state/plan-json.ts";
import { planAsMarkdown } from "../../../lib/core/state/plan-markdown.ts";
import { planAsStyledLines } from "../../../lib/core/state/plan-text.ts";
import { withStackMark } from "../../../lib/core/state/stack-mark.ts";

function desired(key: string, client: JsonObject, more: Partial<DesiredClient> = {}): DesiredClient {
  return {
    key,
    clientId: key,
    client,
    secretOrigin: undefined,
    secret: undefined,
    secretProblem: undefined,
    secretVersion: undefined,
    protect: false,
    secretObject: undefined,
    maesterOwner: undefined,
    source: { file: `clients/${key}.yaml`, line: 1, column: 1 },
    ...more,
  };
}

/** A client as Hydra 1.8 returns it: without lifespans. */
function stored(id: string, fields: JsonObject, stack = "prod"): JsonObject & { readonly client_id: string } {
  return { ...withStackMark({ scope: "a", ...fields }, { stack, key: id }), client_id: id };
}

function planOf(
  clients: readonly DesiredClient[],
  records: readonly (JsonObject & { readonly client_id: string })[],
): Promise<StackPlan> {
  async function* pages(): AsyncGenerator<JsonObject & { readonly client_id: string }> {
    yield* records;
  }
  return planStack(clients, pages(), { stack: "prod", merge: false, prune: true });
}

const EXAMPLE = (): Promise<StackPlan> =>
  planOf(
    [
      desired("billing", { grant_types: ["client_credentials"], scope: "invoices:read invoices:write" }),
      desired("web", {
        client_name: "Web app",
        redirect_uris: ["https://app.example.com/callback"],
        scope: "a",
        metadata: { team: "web", n: 1 },
      }),
      desired("legacy", { scope: "a", skip_consent: true }),
      desired("foreign", { scope: "a" }),
      desired("by-hand", { scope: "a", owner: "me" }),
    ],
    [
      stored("web", { client_name: "Web", redirect_uris: ["http://old.example.com/callback"], metadata: { n: 1 } }),
      stored("legacy", {}),
      stored("old-job", { client_name: "Old" }),
      stored("foreign", {}, "test"),
      { client_id: "by-hand", scope: "a", owner: "you" },
    ],
  );

test("a plan as text lists changes and counts", async () => {
  const lines = planAsStyledLines(await EXAMPLE(), { place: "encrypted to 2 recipients", columns: undefined }).map(
    ({ text }) => text,
  );
  assert.deepEqual(lines, [
    "+ billing                       clients/billing.yaml:1",
    "    grant_types  client_credentials",
    "    scope        invoices:read invoices:write",
    "    secret       generated, encrypted to 2 recipients",
    "~ web                           clients/web.yaml:1",
    '    client_name    "Web" → "Web app"',
    "    redirect_uris  + https://app.example.com/callback",
    "                   - http://old.example.com/callback",
    '    metadata.team  "web"',
    "    secret         unchanged",
    "! legacy                        skip_consent is not kept by this server (it answers as Hydra 1.8)",
    '! foreign                       refused: it belongs to stack "test"',
    "~ by-hand                       clients/by-hand.yaml:1  taken over: it belongs to no stack",
    '    owner   "you" → "me"',
    "    secret  unchanged",
    "- old-job                       in stack prod, not in any file",
    "1 to create, 1 to change, 1 to adopt, 1 to delete, 1 refused, 1 unchanged, 1 note",
  ]);
});

describe("a plan for a terminal", () => {
  const linesAt = async (columns: number | undefined): Promise<readonly string[]> =>
    planAsStyledLines(await EXAMPLE(), { place: "encrypted to 2 recipients", columns }).map(({ text }) => text);

  test("breaks lines at words, indented below the values", async () => {
    const lines = await linesAt(58);
    assert.deepEqual(lines.slice(0, 14), [
      "+ billing                       clients/billing.yaml:1",
      "    grant_types  client_credentials",
      "    scope        invoices:read invoices:write",
      "    secret       generated, encrypted to 2 recipients",
      "~ web                           clients/web.yaml:1",
      '    client_name    "Web" → "Web app"',
      "    redirect_uris  + https://app.example.com/callback",
      "                   - http://old.example.com/callback",
      '    metadata.team  "web"',
      "    secret         unchanged",
      "! legacy                        skip_consent is not kept",
      "                                by this server (it answers",
      "                                as Hydra 1.8)",
      "! foreign                       refused: it belongs to",
    ]);
  });

  test("puts values below their labels if there is no room", async () => {
    const lines = await linesAt(40);
    assert.deepEqual(lines.slice(0, 18), [
      "+ billing",
      "      clients/billing.yaml:1",
      "    grant_types  client_credentials",
      "    scope        invoices:read",
      "                 invoices:write",
      "    secret       generated, encrypted to",
      "                 2 recipients",
      "~ web",
      "      clients/web.yaml:1",
      '    client_name    "Web" → "Web app"',
      "    redirect_uris",
      "      + https://app.example.com/callback",
      "      - http://old.example.com/callback",
      '    metadata.team  "web"',
      "    secret         unchanged",
      "! legacy",
      "      skip_consent is not kept by this",
      "      server (it answers as Hydra 1.8)",
    ]);
  });

  test("has the same words at every width", async () => {
    const words = (lines: readonly string[]): readonly string[] => lines.join(" ").split(/ +/);
    const expected = words(await linesAt(undefined));
    for (let columns = 20; columns <= 120; columns++) {
      const lines = await linesAt(columns);
      assert.deepEqual(words(lines), expected, `${columns} columns`);
      // Only a word that is longer than a line, after its indent and its sign.
      for (const line of lines)
        assert.ok(line.length <= columns || columns < 40 || /^ *(?:[+-] )?\S+$/.test(line), `${columns}: ${line}`);
    }
  });
});

test("a plan as JSON lists the differences, and counts the rest", async () => {
  const document = planAsJson(await EXAMPLE(), "http://127.0.0.1:4445");
  const { clients, ...rest } = document;
  assert.deepEqual(rest, {
    stack: "prod",
    endpoint: "http://127.0.0.1:4445",
    tier: "1.8",
    summary: { create: 1, change: 1, adopt: 1, delete: 1, refused: 1, unchanged: 1, notes: 1 },
    notes: [],
  });
  assert.ok(Array.isArray(clients));
  assert.deepEqual(clients[1], {
    action: "change",
    key: "web",
    client_id: "web",
    source: { file: "clients/web.yaml", line: 1 },
    changes: [
      { field: "client_name", before: "Web", after: "Web app" },
      {
        field: "redirect_uris",
        before: ["http://old.example.com/callback"],
        after: ["https://app.example.com/callback"],
        added: ["https://app.example.com/callback"],
        removed: ["http://old.example.com/callback"],
      },
      { field: "metadata.team", before: null, after: "web" },
    ],
    secret: "unchanged",
    notes: [],
  });
});

test("a plan as Markdown has a table, and a diff per client", async () => {
  const text = planAsMarkdown(await EXAMPLE());
  assert.match(text, /^### OAuth 2\.0 clients of stack prod\n\n1 to create, 1 to change/);
  assert.match(
    text,
    /^\| change \| web \| clients\/web\.yaml:1 \| client&#95;name, redirect&#95;uris, metadata\.team \|$/m,
  );
  assert.match(
    text,
    /```diff\n- client_name: "Web"\n\+ client_name: "Web app"\n- redirect_uris: http:\/\/old\.example\.com\/callback\n\+ redirect_uris: https:\/\/app\.example\.com\/callback\n\+ metadata\.team: "web"\n {2}secret: unchanged\n```/,
  );
  // What is deleted can be read in the comment.
  assert.match(text, /- client_name: "Old"\n/);
});

test("no form of a plan shows credentials in metadata, only that they change", async () => {
  const client = (secret: string): JsonObject => ({
    metadata: {
      client_secret: `${secret}-1`,
      more: { registration_access_token: `${secret}-2`, team: "web" },
      key: { kty: "oct", k: `${secret}-3` },
      ...(secret === "NEW" ? { registration_access_token: "NEW-4" } : {}),
    },
  });
  const plan = await planOf(
    [desired("web", { scope: "a", ...client("NEW") }), desired("new", { scope: "a", ...client("NEW") })],
    [stored("web", client("OLD")), stored("gone", client("OLD"))],
  );
  const document = planAsJson(plan, "http://127.0.0.1:4445");
  const text = planAsStyledLines(plan, { columns: undefined }).map((line) => line.text);
  const shown = [JSON.stringify(document), text.join("\n"), planAsMarkdown(plan)];
  for (const each of shown) assert.doesNotMatch(each, /NEW-|OLD-/);
  assert.ok(text.includes('    metadata.client_secret              "(redacted)" → "(redacted)"'), text.join("\n"));
  assert.ok(text.includes('    metadata.registration_access_token  "(redacted)"'), text.join("\n"));
  assert.match(
    planAsMarkdown(plan),
    /- metadata\.client_secret: "\(redacted\)"\n\+ metadata\.client_secret: "\(redacted\)"/,
  );
  assert.ok(Array.isArray(document["clients"]));
  const [change] = document["clients"].filter(({ action }) => action === "change");
  assert.deepEqual(change.changes, [
    { field: "metadata.client_secret", before: "(redacted)", after: "(redacted)" },
    {
      field: "metadata.more",
      before: { registration_access_token: "(redacted)", team: "web" },
      after: { registration_access_token: "(redacted)", team: "web" },
    },
    { field: "metadata.key", before: { kty: "oct", k: "(redacted)" }, after: { kty: "oct", k: "(redacted)" } },
    { field: "metadata.registration_access_token", before: null, after: "(redacted)" },
  ]);
});

test("metadata that is itself a private key is shown without its private members", async () => {
  const metadata = (k: string): JsonObject => ({ metadata: { kty: "oct", k } });
  const plan = await planOf(
    [desired("web", { scope: "a", ...metadata("NEW-key") })],
    [stored("web", metadata("OLD-key"))],
  );
  assert.doesNotMatch(JSON.stringify(planAsJson(plan, "http://127.0.0.1:4445")), /NEW-|OLD-/);
});

test("Markdown of many clients fits into a comment, and says what is left out", async () => {
  const long = "ä☃".repeat(60);
  const clients = Array.from({ length: 3000 }, (_, n) => desired(`client-${n}`, { scope: "a", client_name: long }));
  const text = planAsMarkdown(await planOf(clients, []));
  assert.ok(new TextEncoder().encode(text).length <= 60_000);
  assert.match(text, /\n\d+ more clients are not listed\.\n/);
  assert.match(text, /The details of 3000 more clients are not shown\.\n$/);
});

test("names from a file or a server can't change the Markdown around them", async () => {
  const name = "a|b`c</summary><img src=x>\n```\n# x @team";
  const text = planAsMarkdown(await planOf([desired(name, { scope: "a", client_name: "x\n```\n" })], []));
  for (const harmful of ["<img", "\n# x", "a|b", "@team", "\n```\n#"])
    assert.equal(text.includes(harmful), false, harmful);
  assert.equal(text.match(/^```/gm)?.length, 2);
});

test("no private key is shown", async () => {
  const jwks = { keys: [{ kty: "oct", k: "c2VjcmV0", kid: "a" }] };
  const plan = await planOf([desired("web", { scope: "a" })], [stored("web", { jwks })]);
  for (const text of [
    planAsMarkdown(plan),
    JSON.stringify(planAsJson(plan, "")),
    planAsStyledLines(plan, { columns: undefined })
      .map((line) => line.text)
      .join("\n"),
  ])
    assert.equal(text.includes("c2VjcmV0"), false);
});
