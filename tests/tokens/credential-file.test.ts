import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Problem } from "../../lib/core/problem.ts";
import { parseCredentialFile, type StoredCredentials } from "../../lib/tokens/credential-file.ts";

const NAMES = { id: "CLIENT_ID", secret: "CLIENT_SECRET", encrypted: "CLIENT_SECRET_ENCRYPTED" };

function parse(text: string): Promise<StoredCredentials> {
  return parseCredentialFile({ text, name: "app.env" }, NAMES, () => assert.fail("this is no YAML"));
}

describe("a credentials file in shell syntax", () => {
  test("is read with comments, quotes, escapes and a # inside a value", async () => {
    for (const [line, secret] of [
      ["CLIENT_SECRET=p@ss#w/rd", "p@ss#w/rd"],
      ["CLIENT_SECRET=#start", "#start"],
      ["  export CLIENT_SECRET='p@ss w/rd' # of the test", "p@ss w/rd"],
      ['CLIENT_SECRET="p@ss w/rd"  \r', "p@ss w/rd"],
      ["CLIENT_SECRET=p@ss\\ w/rd", "p@ss w/rd"],
      ["CLIENT_SECRET=p'@'\"s\"s", "p@ss"],
      ["OTHER=two words\nCLIENT_SECRET=p@ss", "p@ss"],
    ] as const)
      assert.equal((await parse(`CLIENT_ID=app\n${line}\nLAST=x\n`)).secret, secret, line);
  });

  test("names the line whose value is cut off, and never the value", async () => {
    for (const line of [
      "CLIENT_SECRET=p@ss w/rd",
      "CLIENT_SECRET=p@ss\tw/rd",
      "CLIENT_SECRET='p@ss'w' rd",
      'CLIENT_SECRET="p@ss',
      "CLIENT_SECRET=p@ss\\",
    ]) {
      await assert.rejects(parse(`# credentials\nCLIENT_ID=app\n${line}\nLAST=x\n`), (error) => {
        assert.ok(error instanceof Problem);
        assert.equal(
          error.message,
          'Cannot read the credentials: line 3 of "app.env" has text after the value of CLIENT_SECRET',
        );
        assert.deepEqual([error.code, error.exit], ["bad-credentials", "usage"]);
        assert.ok(!`${error.message}${error.hint}`.includes("p@"));
        return true;
      });
    }
    await assert.rejects(parse("CLIENT_ID=my app\nCLIENT_SECRET=p"), /line 1 of "app\.env" has text after/);
  });

  test("may not have the credentials of several clients, as --format env writes them", async () => {
    const repeated = "CLIENT_ID=app\nCLIENT_SECRET=p@ss\n";
    assert.equal((await parse(`${repeated}\n${repeated}`)).secret, "p@ss");
    await assert.rejects(parse(`${repeated}\nCLIENT_ID=app\nCLIENT_SECRET=other\n`), {
      message: 'There are several values of CLIENT_SECRET in "app.env"',
      code: "bad-credentials",
      exit: "usage",
    });
    await assert.rejects(parse(`${repeated}\nCLIENT_ID=web\nCLIENT_SECRET=p@ss\n`), /several values of CLIENT_ID/);
  });
});

test("a credential that is not a string is an error with its field and file, whatever the format", async () => {
  const parseYaml = async () => [{ kind: "Secret", stringData: { CLIENT_ID: "app", CLIENT_SECRET: 12_345 } }];
  for (const [text, field] of [
    ['{"client_id":"app","client_secret":12345}', "client_secret"],
    ['{"client_id":7,"client_secret":"x"}', "client_id"],
    ["kind: Secret\n", "CLIENT_SECRET"],
  ] as const)
    await assert.rejects(parseCredentialFile({ text, name: "app.json" }, NAMES, parseYaml), {
      message: `Cannot read the credentials: ${field} in "app.json" is not a string`,
      code: "bad-credentials",
    });
});

describe("a Kubernetes Secret with hostile members", () => {
  const read = (json: string, id: string): Promise<StoredCredentials> =>
    parseCredentialFile({ text: json, name: "s.json" }, { ...NAMES, id }, () => assert.fail("this is no YAML"));

  test("has no credentials in a list, a long number or a text in place of its data", async () => {
    for (const [data, id] of [
      ['["YXBw"]', "0"],
      ["12345678901234567890", "rawJSON"],
      ['"YXBw"', "0"],
      ["null", "0"],
    ] as const)
      for (const part of ["data", "stringData"])
        await assert.rejects(read(`{"kind":"Secret","${part}":${data}}`, id), {
          message: 'There are no credentials in "s.json"',
        });
  });

  test("has only its own members, whatever they are called", async () => {
    for (const id of ["constructor", "toString", "__proto__"]) {
      assert.equal((await read(`{"kind":"Secret","data":{"${id}":"YXBw"}}`, id)).id, "app");
      await assert.rejects(read('{"kind":"Secret","data":{}}', id), {
        message: 'There are no credentials in "s.json"',
      });
    }
    await assert.rejects(read('{"__proto__":{"client_id":"app"}}', "CLIENT_ID"), { code: "bad-credentials" });
  });

  test("is one only with this very kind", async () => {
    for (const kind of ['["Secret"]', '{"Secret":1}', "null", '"secret"'])
      await assert.rejects(read(`{"kind":${kind},"data":{"CLIENT_ID":"YXBw"}}`, "CLIENT_ID"), {
        message: 'There are no credentials in "s.json"',
      });
  });

  test("may not have data that is not base64, even under another name", async () => {
    await assert.rejects(read('{"kind":"Secret","data":{"CLIENT_ID":"YXBw","tls.key":"-----"}}', "CLIENT_ID"), {
      message: "Cannot read the credentials: the data of the Kubernetes Secret is not base64",
    });
    const merged = await read(
      '{"kind":"Secret","data":{"CLIENT_ID":"YXBw"},"stringData":{"CLIENT_ID":"web"}}',
      "CLIENT_ID",
    );
    assert.equal(merged.id, "web");
  });
});

describe("a file of several YAML documents", () => {
  const secret = (id: string) => ({ kind: "Secret", stringData: { CLIENT_ID: id, CLIENT_SECRET: `secret of ${id}` } });
  const read = (...documents: readonly unknown[]): Promise<StoredCredentials> =>
    parseCredentialFile({ text: "kind: Secret\n", name: "all.yaml" }, NAMES, async () => documents);

  test("has the credentials of its only Kubernetes Secret", async () => {
    const { id } = await read(null, { kind: "ConfigMap", data: { CLIENT_ID: "other" } }, secret("app"));
    assert.equal(id, "app");
  });

  test("doesn't have those of any of several", async () => {
    await assert.rejects(read(secret("app"), secret("web")), {
      message: 'There are several Kubernetes Secrets in "all.yaml"',
      code: "bad-credentials",
      exit: "usage",
    });
  });
});
