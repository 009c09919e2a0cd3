import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseFormat } from "../../../lib/core/output/formats.ts";
import { type Column, createStreamRenderer, type ResultView } from "../../../lib/core/output/render.ts";
import {
  type CellTextOrList,
  type ColumnLayout,
  createTextTableFormatter,
  formatRecord,
  type TextOutputTarget,
} from "../../../lib/core/output/text-table.ts";
import { cutToWidth, displayWidth } from "../../../lib/core/output/width.ts";

const PIPE: TextOutputTarget = { isTerminal: false, color: false };

function screen(columns: number): TextOutputTarget {
  return { isTerminal: true, color: false, columns };
}

function drawn(
  headings: readonly ColumnLayout[],
  shape: "plain" | "grid",
  terminal: TextOutputTarget,
  rows: readonly (readonly CellTextOrList[])[],
  settleAfter?: number,
): readonly string[] {
  const table = createTextTableFormatter(headings, shape, terminal, { settleAfter });
  const text = rows.map((row) => table.row(row)).join("") + table.flush();
  assert.ok(text.endsWith("\n"));
  return text.slice(0, -1).split("\n");
}

type ClientRecord = Readonly<Record<string, string | readonly string[]>>;

function column(label: string, name: string, between?: string): Column<ClientRecord> {
  return {
    label,
    value: (client) => {
      const value = client[name] ?? "";
      return typeof value === "string" || between === undefined ? value : value.join(between);
    },
  };
}

/** The columns of both references. */
const VIEW: ResultView<ClientRecord> = {
  columns: [
    column("CLIENT ID", "client_id"),
    column("CLIENT SECRET", "client_secret"),
    column("GRANT TYPES", "grant_types"),
    column("RESPONSE TYPES", "response_types"),
    column("SCOPE", "scope"),
    column("AUDIENCE", "audience", ","),
    column("REDIRECT URIS", "redirect_uris"),
  ],
  listColumns: [
    column("CLIENT ID", "client_id"),
    column("NAME", "client_name"),
    column("RESPONSE TYPES", "response_types", ","),
    column("SCOPE", "scope"),
    column("REDIRECT URIS", "redirect_uris"),
    column("GRANT TYPES", "grant_types", ","),
    column("TOKEN ENDPOINT AUTH METHOD", "token_endpoint_auth_method"),
  ],
  id: () => "",
};

const every: ClientRecord = {
  client_id: "every-flag",
  client_name: "Every flag",
  response_types: ["code", "id_token"],
  scope: "openid offline",
  redirect_uris: ["https://a.example/cb", "https://b.example/cb"],
  grant_types: ["authorization_code", "refresh_token"],
  audience: ["aud-1", "aud-2"],
  token_endpoint_auth_method: "client_secret_post",
};

const bare: ClientRecord = { client_id: "1d051606-0d5a-4e97-b1c2-13c64bd26dbd", client_name: "", scope: "openid" };

function clients(format: string, terminal: TextOutputTarget, records: readonly ClientRecord[]): string {
  const renderer = createStreamRenderer(parseFormat(format), VIEW, { terminal, isList: true, tools: {} });
  return records.map((record) => renderer.item(record)).join("") + renderer.end();
}

test("text of a list of clients is the table of Hydra's 1.x CLI", () => {
  assert.equal(
    clients("text", PIPE, [bare, every]),
    `
|              CLIENT ID               |    NAME    | RESPONSE TYPES |     SCOPE      |    REDIRECT URIS     |           GRANT TYPES            | TOKEN ENDPOINT AUTH METHOD |
|--------------------------------------|------------|----------------|----------------|----------------------|----------------------------------|----------------------------|
| 1d051606-0d5a-4e97-b1c2-13c64bd26dbd |            |                | openid         |                      |                                  |                            |
| every-flag                           | Every flag | code,id_token  | openid offline | https://a.example/cb | authorization_code,refresh_token | client_secret_post         |
|                                      |            |                |                | https://b.example/cb |                                  |                            |
`.slice(1),
  );
});

test("table of one client has the labels, tabs and joined lists of Hydra's 2.x CLI, without trailing padding", () => {
  const renderer = createStreamRenderer(parseFormat("table"), VIEW, { terminal: PIPE, isList: false, tools: {} });
  assert.equal(
    renderer.item({ ...every, client_secret: "kZ3vcH0iRdba3K6PZHpWXf64n6" }),
    [
      "CLIENT ID\tevery-flag",
      "CLIENT SECRET\tkZ3vcH0iRdba3K6PZHpWXf64n6",
      "GRANT TYPES\tauthorization_code, refresh_token",
      "RESPONSE TYPES\tcode, id_token",
      "SCOPE\t\topenid offline",
      "AUDIENCE\taud-1,aud-2",
      "REDIRECT URIS\thttps://a.example/cb, https://b.example/cb",
      "",
    ].join("\n"),
  );
});

test("table of several clients in a pipe is aligned with tabs, as in Hydra's 2.x CLI", () => {
  const rows = drawn([{ label: "ID" }, { label: "NAME" }], "plain", PIPE, [
    ["imp-1", "x"],
    ["a-longer-id", ""],
    ["", ["y", "z"]],
  ]);
  assert.deepEqual(rows, ["ID\t\tNAME", "imp-1\t\tx", "a-longer-id", "\t\ty, z"]);
});

test("a list of clients on a terminal of 80 columns keeps IDs whole and cuts the rest", () => {
  const rows = clients("text", screen(80), [bare, every]).split("\n");
  assert.deepEqual(rows.slice(0, 4), [
    "|              CLIENT ID               |  NAME   | RESPON… |  SCOPE  | REDIRE… |",
    "|--------------------------------------|---------|---------|---------|---------|",
    "| 1d051606-0d5a-4e97-b1c2-13c64bd26dbd |         |         | openid  |         |",
    "| every-flag                           | Every … | code,i… | openid… | https:… |",
  ]);
});

test("empty columns are dropped first on a narrow terminal", () => {
  const [head] = clients("table", screen(80), [{ ...bare, redirect_uris: ["https://a.example/callback"] }]).split("\n");
  assert.equal(head, "CLIENT ID                             SCOPE   REDIRECT URIS");
});

test("a terminal of unknown width counts as 80 columns", () => {
  for (const terminal of [screen(0), { isTerminal: true, color: false }]) {
    assert.equal(clients("text", terminal, [bare, every]), clients("text", screen(80), [bare, every]));
  }
});

test("the first rows determine the widths, and later ones are cut only on a terminal", () => {
  const rows = [["a"], ["bb"], ["a-much-longer-row"]];
  assert.deepEqual(drawn([{ label: "ID" }], "plain", screen(9), rows, 2), ["ID", "a", "bb", "a…"]);
  assert.deepEqual(drawn([{ label: "ID" }], "plain", PIPE, rows, 2), ["ID", "a", "bb", "a-much-longer-row"]);
});

test("rows are held back until the widths are known, by their number or by a flush", () => {
  const table = createTextTableFormatter([{ label: "ID" }], "plain", PIPE, { settleAfter: 3 });
  assert.equal(table.row(["a"]), "");
  assert.equal(table.flush(), "ID\na\n");
  assert.equal(table.flush(), "");
  assert.equal(table.row(["b"]), "b\n");
  const counted = createTextTableFormatter([{ label: "ID" }], "plain", PIPE);
  for (let i = 1; i < 100; i++) assert.equal(counted.row(["a"]), "");
  assert.equal(counted.row(["a"]).split("\n").length, 102);
});

test("a column marked as whole is never cut, and neither is a single value", () => {
  const secret = "s".repeat(60);
  const headings = [{ label: "ID" }, { label: "SECRET", whole: true }, { label: "SCOPE" }];
  const rows = drawn(headings, "plain", screen(40), [["id-1", secret, "openid offline"]], 1);
  assert.equal(rows.filter((row) => row.includes(secret)).length, 1);
  assert.ok(formatRecord([{ label: "SECRET", value: secret }], screen(20)).includes(secret));
});

test("labels are bold only on a terminal with color", () => {
  const fields = [
    { label: "ID", value: "a" },
    { label: "NAME", value: ["b", "c"] },
  ];
  const colored: TextOutputTarget = { isTerminal: true, color: true, columns: 40 };
  assert.equal(formatRecord(fields, colored), "\u001b[1mID\u001b[22m    a\n\u001b[1mNAME\u001b[22m  b, c\n");
  assert.equal(formatRecord(fields, screen(40)), "ID    a\nNAME  b, c\n");
  assert.equal(formatRecord(fields, { isTerminal: false, color: true }), "ID\ta\nNAME\tb, c\n");
  assert.deepEqual(drawn([{ label: "ID" }, { label: "N" }], "plain", colored, [["a", "b"]]), [
    "\u001b[1mID\u001b[22m  \u001b[1mN\u001b[22m",
    "a   b",
  ]);
});

const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 60 }),
  fc.string({ unit: "grapheme", maxLength: 40 }),
  fc.string({ unit: fc.constantFrom("漢", "e\u0301", "👩‍👩‍👧", "🇨🇭", "a", " ", "ﷺ", "\u200d", "❤️"), maxLength: 40 }),
);

const tables = fc.integer({ min: 1, max: 8 }).chain((width) =>
  fc.record({
    labels: fc.array(fc.string({ minLength: 1, maxLength: 20 }), { minLength: width, maxLength: width }),
    rows: fc.array(fc.array(fc.oneof(text, fc.array(text, { maxLength: 3 })), { minLength: width, maxLength: width }), {
      maxLength: 6,
    }),
    shape: fc.constantFrom("plain" as const, "grid" as const),
    settleAfter: fc.integer({ min: 1, max: 4 }),
  }),
);

test("no table is wider than its terminal", () => {
  fc.assert(
    fc.property(tables, fc.integer({ min: 5, max: 200 }), ({ labels, rows, shape, settleAfter }, columns) => {
      const headings = labels.map((label) => ({ label: cutToWidth(label.replace(/[^ -~]/g, "x"), 20) }));
      for (const line of drawn(headings, shape, screen(columns), rows, settleAfter)) {
        assert.ok(displayWidth(line) <= columns, `${displayWidth(line)} > ${columns}: ${line}`);
      }
    }),
  );
});

test("nothing is cut in a pipe, and no line of a plain table ends with padding", () => {
  fc.assert(
    fc.property(tables, ({ labels, rows, shape, settleAfter }) => {
      const headings = labels.map((label) => ({ label: label.replace(/[^!-~]/g, "x") }));
      const solid = rows.map((row) => row.map((cell) => (typeof cell === "string" ? cell.replace(/\s/g, "_") : [])));
      const lines = drawn(headings, shape, PIPE, solid, settleAfter);
      assert.ok(lines.every((line) => !line.includes("…")) || solid.flat(2).some((cell) => cell.includes("…")));
      if (shape === "plain") assert.ok(lines.every((line) => !/[ \t]$/.test(line)));
      else assert.equal(new Set(lines.slice(0, 2).map(displayWidth)).size, 1);
    }),
  );
});

for (const [shown, width] of [
  ["", 0],
  ["abc", 3],
  ["é", 1],
  ["e\u0301", 1],
  ["漢字", 4],
  ["ｶﾅ", 2],
  ["カナ", 4],
  ["한글", 4],
  ["한", 2],
  ["👩‍👩‍👧", 2],
  ["🇨🇭", 2],
  ["❤️", 2],
  ["❤", 1],
  ["\u200b", 0],
  ["…", 1],
  ["ไทย", 3],
  ["กี่", 1],
  ["का", 2],
  ["क्ष", 2],
  ["🌡", 1],
  ["😀", 2],
] as const) {
  test(`displayWidth() of ${JSON.stringify(shown)} is ${width}`, () => {
    assert.equal(displayWidth(shown), width);
  });
}

for (const [whole, columns, cut] of [
  ["abcdef", 6, "abcdef"],
  ["abcdef", 5, "abcd…"],
  ["abcdef", 1, "…"],
  ["abcdef", 0, ""],
  ["漢字漢字", 8, "漢字漢字"],
  ["漢字漢字", 6, "漢字…"],
  ["漢字漢字", 5, "漢字…"],
  ["漢字漢字", 2, "…"],
  ["e\u0301e\u0301e\u0301", 2, "e\u0301…"],
] as const) {
  test(`cutToWidth() of ${JSON.stringify(whole)} to ${columns} is ${JSON.stringify(cut)}`, () => {
    assert.equal(cutToWidth(whole, columns), cut);
  });
}
