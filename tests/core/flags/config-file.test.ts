import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  CONFIG_KEYS,
  type ConfigFile,
  configTrustByPermissions,
  interpretParsedConfig,
} from "../../../lib/core/flags/config-file.ts";
import {
  API,
  CONNECTION_FLAGS,
  FAIL_AFTER,
  FAKE_TLS_TERMINATION,
  HEADER,
  SKIP_TLS_VERIFY,
} from "../../../lib/core/flags/connection-flags.ts";
import { parseFlagsWithFallbacks } from "../../../lib/core/flags/parse.ts";
import type { FlagValues } from "../../../lib/core/flags/parsed-flag-values.ts";
import { FORMAT } from "../../../lib/core/flags/shared-flags.ts";
import { parseJsonExactly } from "../../../lib/core/json/json.ts";
import { Problem } from "../../../lib/core/problem.ts";

const PATH = "/etc/hydra.yaml";

function read(content: unknown, readable = false): ConfigFile {
  return interpretParsedConfig({ path: PATH, content, readable });
}

function valuesOf(file: ConfigFile): FlagValues {
  const line = parseFlagsWithFallbacks([], [...CONNECTION_FLAGS, FORMAT], "x", {
    environment: () => undefined,
    file: file.file,
  });
  assert.deepEqual(line.problems, []);
  return line.values;
}

test("the keys match the manual", () => {
  assert.deepEqual([...CONFIG_KEYS].sort(), [
    "access_token",
    "api",
    "ca_file",
    "endpoint",
    "fail_after",
    "fake_tls_termination",
    "format",
    "headers",
    "public_url",
    "require_pin",
    "skip_tls_verify",
  ]);
});

test("each key sets its flag, whatever kind of YAML scalar its value is", () => {
  const file = read({
    endpoint: "http://a.example",
    access_token: 12345,
    fail_after: "1m30s",
    api: "v2",
    skip_tls_verify: true,
    fake_tls_termination: "F",
    format: "json",
  });
  const values = valuesOf(file);
  assert.equal(file.endpoint, "http://a.example");
  assert.deepEqual(file.file("access_token"), { texts: ["12345"], name: `"access_token" in ${PATH}` });
  assert.equal(values.number(FAIL_AFTER), 90_000);
  assert.equal(values.text(API), "v2");
  assert.equal(values.bool(SKIP_TLS_VERIFY), true);
  assert.equal(values.bool(FAKE_TLS_TERMINATION), false);
  assert.equal(values.text(FORMAT), "json");
});

test("an empty text counts as unset, as in a variable, but not for a switch", () => {
  const file = read(
    { endpoint: "", access_token: "", headers: "", ca_file: "", fail_after: "", api: "", format: "" },
    true,
  );
  assert.equal(file.endpoint, undefined);
  assert.deepEqual(file.warnings, []);
  assert.deepEqual(
    CONFIG_KEYS.filter((key) => file.file(key) !== undefined),
    [],
  );
  valuesOf(file);
  assert.deepEqual(read({ require_pin: "" }).file("require_pin")?.texts, [""]);
});

test("ca_file is relative to the config file, and not to the working directory", () => {
  for (const [path, text, found] of [
    ["/home/me/.hydra.yaml", "ca.pem", "/home/me/ca.pem"],
    ["/home/me/.hydra.yaml", "../ca.pem", "/home/me/../ca.pem"],
    ["/home/me/.hydra.yaml", "/etc/ca.pem", "/etc/ca.pem"],
    ["conf/hydra.yaml", "ca.pem", "conf/ca.pem"],
    ["hydra.yaml", "ca.pem", "ca.pem"],
    ["C:\\Users\\me\\.hydra.yaml", "ca.pem", "C:\\Users\\me\\ca.pem"],
    ["C:\\Users\\me\\.hydra.yaml", "D:\\ca.pem", "D:\\ca.pem"],
  ] as const) {
    const file = interpretParsedConfig({ path, content: { ca_file: text }, readable: false });
    assert.deepEqual(file.file("ca_file")?.texts, [found]);
  }
});

describe("headers", () => {
  const cases: readonly (readonly [title: string, content: unknown, texts: readonly string[]])[] = [
    ["a list of lines", ["X-A: 1,2", "X-B: c: d"], ["X-A: 1,2", "X-B: c: d"]],
    ["one line", "X-A: 1", ["X-A: 1"]],
    ["a list of names with values", [{ "X-A": 1 }, "X-B: c", { "X-D": "e" }], ["X-A: 1", "X-B: c", "X-D: e"]],
    [
      "names with values",
      { "X-A": "b", "X-N": 5, "X-On": true, "X-Off": false },
      ["X-A: b", "X-N: 5", "X-On: true", "X-Off: false"],
    ],
  ];
  for (const [title, content, texts] of cases) {
    test(title, () => {
      const file = read({ headers: content });
      assert.deepEqual(file.file("headers")?.texts, texts);
      assert.deepEqual(valuesOf(file).list(HEADER), texts);
    });
  }
});

test("a number that JavaScript would round keeps its digits, also as the value of a header", () => {
  const content = parseJsonExactly('{"access_token":12345678901234567890,"headers":[{"X-N":98765432109876543210}]}');
  const file = read(content);
  assert.deepEqual(file.file("access_token")?.texts, ["12345678901234567890"]);
  assert.deepEqual(file.file("headers")?.texts, ["X-N: 98765432109876543210"]);
});

describe("a value of the wrong type is rejected, and not shown", () => {
  const WHOLE = "write a string, a number, true or false";
  const LINES = "write a list of 'Name: value', or names with their values";
  const cases: readonly (readonly [content: Readonly<Record<string, unknown>>, key: string, hint: string])[] = [
    [{ endpoint: ["s3cret"] }, "endpoint", WHOLE],
    [{ endpoint: { url: "s3cret" } }, "endpoint", WHOLE],
    [{ access_token: ["s3cret"] }, "access_token", WHOLE],
    [{ fail_after: { seconds: 5 } }, "fail_after", WHOLE],
    [{ headers: [1, 2] }, "headers", LINES],
    [{ headers: ["X-A: s3cret", null] }, "headers", LINES],
    [{ headers: [{ "X-A": ["s3cret"] }] }, "headers", LINES],
    [{ headers: [["X-A: s3cret"]] }, "headers", LINES],
    [{ headers: { "X-A": ["s3cret"] } }, "headers", LINES],
    [{ headers: { "X-A": null } }, "headers", LINES],
  ];
  for (const [content, key, hint] of cases) {
    test(JSON.stringify(content), () => {
      assert.throws(
        () => read(content),
        (error) =>
          error instanceof Problem &&
          error.code === "config-file" &&
          error.exit === "usage" &&
          error.message === `Config file "${PATH}": "${key}" has a value of the wrong type` &&
          error.hint === hint,
      );
    });
  }

  for (const content of ["text", 5, true, ["endpoint: x"], [[]]]) {
    test(`a file that consists of ${JSON.stringify(content)}`, () => {
      assert.throws(() => read(content), {
        message: `Config file "${PATH}" has no keys with values`,
        code: "config-file",
      });
    });
  }
});

test("an empty file, and a key without a value, set nothing", () => {
  for (const content of [undefined, null, {}, { endpoint: null, headers: null }]) {
    const file = read(content);
    assert.equal(file.endpoint, undefined);
    assert.ok(CONFIG_KEYS.every((key) => file.file(key) === undefined));
    assert.deepEqual(file.unknown, []);
  }
});

test("unknown keys are reported by name and have no effect, those of an object's prototype too", () => {
  const content = JSON.parse(
    '{"dsn":"postgres://s3cret","__proto__":{"endpoint":"http://x"},"constructor":1,"Endpoint":"y"}',
  );
  const file = read(content);
  assert.deepEqual(file.unknown, ["dsn", "__proto__", "constructor", "Endpoint"]);
  assert.equal(file.endpoint, undefined);
  for (const key of ["dsn", "constructor", "toString", "__proto__"]) assert.equal(file.file(key), undefined);
});

test("a key that someone trusts to protect a secret causes a warning if it has no effect", () => {
  const content = { pgp_key: "@team.asc", keybase: "a", "secret-out": "x", requirePin: true, "access-token": "s3cret" };
  assert.deepEqual(read({ ...content, Endpoint: "y", dsn: "z", require_pin: true }).warnings, [
    `"pgp_key" in ${PATH} has no effect: use the flag --pgp-key`,
    `"keybase" in ${PATH} has no effect: use the flag --keybase`,
    `"secret-out" in ${PATH} has no effect: use the flag --secret-out`,
    `"requirePin" in ${PATH} has no effect: write require_pin`,
    `"access-token" in ${PATH} has no effect: write access_token`,
  ]);
});

test("only an object's own keys are settings", () => {
  const file = read(Object.create({ endpoint: "http://inherited.example" }));
  assert.equal(file.endpoint, undefined);
});

describe("a file that others can read", () => {
  const WARNING = [`${PATH} contains credentials and others can read it: chmod 600 ${PATH}`];
  const cases: readonly (readonly [content: Readonly<Record<string, unknown>>, warned: boolean])[] = [
    [{ access_token: "s3cret" }, true],
    [{ headers: { "X-Key": "s3cret" } }, true],
    [{ endpoint: "http://u:s3cret@a.example" }, true],
    [{ endpoint: "http://a.example/@x", format: "json" }, false],
    [{ access_token: null }, false],
  ];
  for (const [content, warned] of cases) {
    test(`with ${JSON.stringify(content)} ${warned ? "gets" : "gets no"} warning`, () => {
      assert.deepEqual(read(content, true).warnings, warned ? WARNING : []);
      assert.deepEqual(read(content, false).warnings, []);
    });
  }
});

describe("whether other users can write to a file", () => {
  const cases: readonly (readonly [mode: number, uid: number, user: number | undefined, trust: string])[] = [
    [0o600, 1000, 1000, "all"],
    [0o644, 0, 1000, "all"],
    [0o660, 1000, 1000, "some"],
    [0o664, 0, 1000, "some"],
    [0o602, 1000, 1000, "none"],
    [0o666, 0, 0, "none"],
    [0o600, 1001, 1000, "none"],
    [0o600, 1000, 0, "none"],
    [0o400, 65_534, 1000, "none"],
    [0o666, 0, undefined, "all"],
  ];
  for (const [mode, uid, user, trust] of cases) {
    test(`mode ${mode.toString(8)} of ${uid} for ${user}: ${trust}`, () => {
      assert.equal(configTrustByPermissions({ mode, uid }, user).trust, trust);
    });
  }

  test("is a warning, whatever the file contains", () => {
    const file = interpretParsedConfig({
      path: PATH,
      content: {},
      readable: false,
      writers: "its group can write to it",
    });
    assert.deepEqual(file.warnings, [
      `Config file ${PATH} may have been written by someone else: its group can write to it`,
    ]);
  });
});
