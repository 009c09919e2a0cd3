/** The columns, the order and the filters of `list`, and its formats with columns. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { openScenario, type Scenario } from "./scenario.ts";

const CLIENTS = [
  {
    client_id: "a",
    client_name: 'Bill, "the" portal',
    grant_types: ["authorization_code", "refresh_token"],
    redirect_uris: ["https://a.example/cb", "https://b.example/cb"],
    scope: "openid offline_access",
    owner: "payments",
  },
  { client_id: "b", client_name: "Tab\there\nand \\ there", grant_types: ["client_credentials"], scope: "read" },
  {
    client_id: "c",
    client_name: "api",
    grant_types: ["client_credentials"],
    metadata: { team: "blue" },
    scope: "read",
  },
];

async function filled(): Promise<Scenario> {
  const scenario = await openScenario();
  for (const client of CLIENTS)
    assert.equal(
      (await fetch(`${scenario.sandbox.url}/admin/clients`, { method: "POST", body: JSON.stringify(client) })).status,
      201,
    );
  return scenario;
}

/** Command lines after `clients list`, and what they print. */
const PRINTED: readonly (readonly [args: readonly string[], stdout: string])[] = [
  [
    ["--format", "tsv", "--columns", "id,name"],
    'ID\tNAME\na\tBill, "the" portal\nb\tTab\\there\\nand \\\\ there\nc\tapi\n',
  ],
  [
    ["--format", "csv", "--columns", "id,name"],
    'ID,NAME\r\na,"Bill, ""the"" portal"\r\nb,"Tab\there\nand \\ there"\r\nc,api\r\n',
  ],
  [
    ["--format", "csv", "--columns", "client_id,redirect-uris", "--limit", "1"],
    'CLIENT ID,REDIRECT URIS\r\na,"https://a.example/cb,https://b.example/cb"\r\n',
  ],
  [["--format", "tsv", "--filter", "owner=nobody", "--columns", "id"], "ID\n"],
  [
    ["--format", "tsv", "--columns", "ID,metadata.team", "--filter", "metadata.team=blue"],
    "ID\tMETADATA.TEAM\nc\tblue\n",
  ],
  [["--format", "tsv", "--columns", "id,grants"], "ID\tGRANTS\na\tcode,refresh\nb\tcredentials\nc\tcredentials\n"],
  [["--columns", "id,owner"], "ID\tOWNER\na\tpayments\nb\nc\n"],
  [["-q", "--filter", "grants=code"], "a\n"],
  [["-q", "--filter", "grant_types=client_credentials", "--filter", "scope=read"], "b\nc\n"],
  [["-q", "--filter", "scopes=openid"], "a\n"],
  [["-q", "--filter", "owner="], "b\nc\n"],
  [["-q", "--sort", "name"], "c\na\nb\n"],
  [["-q", "--sort", "-name"], "b\na\nc\n"],
  [["-q", "--sort", "-id", "--limit", "2"], "c\nb\n"],
  [["-q", "--sort", "-id", "--limit", "2", "--page", "2"], "a\n"],
  [["-q", "--sort", "owner"], "a\nb\nc\n"],
  [["-q", "--sort", "-owner"], "a\nb\nc\n"],
];

/** Wrong command lines after `clients list`: exit code 2, and the first lines of standard error. */
const WRONG: readonly (readonly [args: readonly string[], error: string, hint: RegExp])[] = [
  [["--columns", "nam"], 'Error: --columns "nam" is not a field of a client', /^Hint: did you mean name\?$/],
  [["--columns", ""], 'Error: --columns "" is empty', /^Hint: give a value or leave the flag out/],
  [["--sort", ""], 'Error: --sort "" is empty', /^Hint: give a value or leave the flag out/],
  [["--columns", "client_secret"], 'Error: --columns "client_secret" is not a field of a client', /^Hint: /],
  [["--sort", "grantz"], 'Error: --sort "grantz" is not a field of a client', /^Hint: did you mean grants\?$/],
  [["--filter", "owner"], 'Error: --filter "owner" is not FIELD=VALUE', /^Hint: for example: --filter owner=ops$/],
  [["--filter", "ownr=x"], 'Error: --filter "ownr" is not a field of a client', /^Hint: did you mean owner\?$/],
  [
    ["--columns", "id", "--format", "yaml"],
    "Error: --columns has no effect with --format yaml",
    /^Hint: use it with table/,
  ],
  [
    ["--sort", "id", "--page-size", "2"],
    "Error: --sort excludes --page-size and --page-token: sorting needs all clients",
    /^Hint: use --limit/,
  ],
];

describe("clients list", () => {
  for (const [args, stdout] of PRINTED) {
    it(args.join(" "), async () => {
      await using scenario = await filled();
      const ended = await scenario.run(["clients", "list", ...args]);
      assert.equal(ended.status, 0, ended.stderr);
      assert.equal(ended.stdout, stdout);
    });
  }

  for (const [args, error, hint] of WRONG) {
    it(`rejects ${args.join(" ")}`, async () => {
      await using scenario = await openScenario();
      const ended = await scenario.run(["clients", "list", ...args]);
      assert.equal(ended.status, 2);
      const [first = "", second = ""] = ended.stderr.split("\n");
      assert.equal(first, error);
      assert.match(second, hint);
      assert.equal(scenario.proxy.seen.length, 0);
    });
  }

  it("writes one client as a record too", async () => {
    await using scenario = await filled();
    const { stdout } = await scenario.run(["clients", "get", "c", "--format", "tsv"]);
    assert.match(stdout, /^CLIENT ID\t[^\n]+\nc\t[^\n]+\n$/);
  });
});
