import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { interpretParsedConfig } from "../../../lib/core/flags/config-file.ts";
import { type ConnectionReading, readConnection, type ServerSide } from "../../../lib/core/flags/connection.ts";
import { CONNECTION_FLAGS } from "../../../lib/core/flags/connection-flags.ts";
import { parseFlagsWithFallbacks } from "../../../lib/core/flags/parse.ts";
import { randomRuns } from "../../thorough.ts";

interface Settings {
  readonly words?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** The content of the config file `/etc/hydra.yaml`. */
  readonly file?: Readonly<Record<string, unknown>>;
}

function read({ words = [], environment = {}, file = {} }: Settings, side?: ServerSide): ConnectionReading {
  const config = interpretParsedConfig({ path: "/etc/hydra.yaml", content: file, readable: false });
  const line = parseFlagsWithFallbacks(words, CONNECTION_FLAGS, "clients list", {
    environment: (name) => environment[name],
    file: config.file,
  });
  assert.deepEqual(line.problems, []);
  return readConnection(line.values, config.endpoint, undefined, side);
}

function told(reading: ConnectionReading): readonly string[] {
  return reading.problems.map(({ code, message, hint }) => `${code}: ${message} | ${hint}`);
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}

/** Endpoints, where requests go, and how messages call the server. */
const ENDPOINTS: readonly (readonly [
  endpoint: string,
  expected: {
    readonly base: string;
    readonly shown?: string;
    readonly socket?: string;
    readonly secure?: boolean;
    readonly authorization?: string;
    readonly warned?: boolean;
  },
])[] = [
  ["http://127.0.0.1:4445", { base: "http://127.0.0.1:4445" }],
  ["http://127.0.0.1:4445/", { base: "http://127.0.0.1:4445" }],
  [" http://127.0.0.1:4445\n", { base: "http://127.0.0.1:4445" }],
  [" unix:///run/h.sock ", { base: "http://localhost", shown: "unix:///run/h.sock", socket: "/run/h.sock" }],
  ["http://127.0.0.1:4445///", { base: "http://127.0.0.1:4445" }],
  ["HTTP://Hydra.Example:80", { base: "http://hydra.example" }],
  ["https://hydra.example", { base: "https://hydra.example", secure: true }],
  ["https://hydra.example:443/some/prefix/", { base: "https://hydra.example/some/prefix", secure: true }],
  ["http://[::1]:4445", { base: "http://[::1]:4445" }],
  ["http://[::1]:4445/x", { base: "http://[::1]:4445/x" }],
  ["http://b\u00fccher.example", { base: "http://xn--bcher-kva.example" }],
  ["http://hydra.example/?", { base: "http://hydra.example" }],
  ["http://hydra.example/#", { base: "http://hydra.example" }],
  ["http://hydra.example/admin", { base: "http://hydra.example", warned: true }],
  ["http://hydra.example/admin/", { base: "http://hydra.example", warned: true }],
  ["http://hydra.example/x/admin", { base: "http://hydra.example/x", warned: true }],
  ["http://hydra.example/administration", { base: "http://hydra.example/administration" }],
  ["http://hydra.example/admin/x", { base: "http://hydra.example/admin/x" }],
  ["http://alice:s3cret@hydra.example", { base: "http://hydra.example", authorization: "alice:s3cret" }],
  ["http://alice@hydra.example", { base: "http://hydra.example", authorization: "alice:" }],
  ["http://:s3cret@hydra.example", { base: "http://hydra.example", authorization: ":s3cret" }],
  ["http://al%3Aice:s%C3%A9%40@hydra.example", { base: "http://hydra.example", authorization: "al:ice:sé@" }],
  ["http://alice:100%@hydra.example", { base: "http://hydra.example", authorization: "alice:100%" }],
  ["unix:///var/run/hydra.sock", { base: "http://localhost", socket: "/var/run/hydra.sock" }],
  ["unix:/var/run/hydra.sock", { base: "http://localhost", socket: "/var/run/hydra.sock" }],
  ["unix:///tmp/with a blank", { base: "http://localhost", socket: "/tmp/with a blank" }],
];

describe("readConnection() accepts the endpoint", () => {
  for (const [endpoint, expected] of ENDPOINTS) {
    test(endpoint, () => {
      const reading = read({ words: ["--endpoint", endpoint] });
      assert.deepEqual(told(reading), []);
      const { connection } = reading;
      assert.ok(connection !== undefined);
      assert.equal(connection.base, expected.base);
      assert.equal(connection.socket, expected.socket);
      assert.equal(connection.secure, expected.secure ?? false);
      assert.equal(connection.shown, expected.socket === undefined ? expected.base : `unix://${expected.socket}`);
      assert.equal(
        connection.headers["authorization"],
        expected.authorization === undefined ? undefined : `Basic ${base64(expected.authorization)}`,
      );
      assert.deepEqual(
        reading.warnings,
        expected.warned === true
          ? ["/admin at the end of --endpoint is ignored: the program adds it where the server needs it"]
          : [],
      );
    });
  }
});

test("/admin at the end of a public URL is ignored, for a reason that fits", () => {
  const { connection, warnings } = read({ words: ["-e", "https://h/admin/"] }, "public");
  assert.equal(connection?.base, "https://h");
  assert.deepEqual(warnings, ["/admin at the end of -e is ignored: it is not part of a public URL"]);
});

const SHAPES = "write http://host:4445, https://host or unix:///path";

const QUERY = "leave out the ? or # and what follows; a credential goes into a header";

const SOCKET = "write the whole path after unix://, such as unix:///var/run/hydra.sock";

/** Endpoints that are rejected, with the message after `--endpoint` and the hint. */
const BAD: readonly (readonly [endpoint: string, message: string, hint: string])[] = [
  ["localhost:4445", '"localhost:4445" is not a valid URL', "put http:// or https:// in front: http://localhost:4445"],
  ["127.0.0.1:1", '"127.0.0.1:1" is not a valid URL', "put http:// or https:// in front: http://127.0.0.1:1"],
  ["[::1]:4445", '"[::1]:4445" is not a valid URL', "put http:// or https:// in front: http://[::1]:4445"],
  ["hydra.example", '"hydra.example" is not a valid URL', "put http:// or https:// in front: http://hydra.example"],
  [
    "hydra.example/x",
    '"hydra.example/x" is not a valid URL',
    "put http:// or https:// in front: http://hydra.example/x",
  ],
  ["ftp://hydra.example", '"ftp://hydra.example/" is not a valid URL', SHAPES],
  ["http://", '"http://" is not a valid URL', SHAPES],
  ["http://hydra.example:99999", '"http://hydra.example:99999" is not a valid URL', SHAPES],
  ["http:/hydra.example", '"http:/hydra.example" is not a valid URL', SHAPES],
  ["javascript:alert(1)", '"javascript:alert(1)" is not a valid URL', SHAPES],
  ["not an address", '"not an address" is not a valid URL', SHAPES],
  ["/var/run/hydra.sock", '"/var/run/hydra.sock" is not a valid URL', SHAPES],
  ["unix://hydra.sock", '"unix://hydra.sock" is not the path of a socket', SOCKET],
  ["unix:", '"unix:" is not the path of a socket', SOCKET],
  ["unix:///a\0b", '"unix:///a\\x00b" is not the path of a socket', SOCKET],
  ["http://hydra.example/x?t=s3cret", '"http://hydra.example/x" has a query or a fragment', QUERY],
  ["http://hydra.example/#s3cret", '"http://hydra.example/" has a query or a fragment', QUERY],
  // Nothing of a credential is shown, however the address is broken.
  ["alice:s3cret@hydra.example", '"hydra.example" is not a valid URL', SHAPES],
  ["http//alice:s3cret@hydra.example", '"hydra.example" is not a valid URL', SHAPES],
  ["http://alice:s3/cret@hydra.example", '"http://hydra.example" is not a valid URL', SHAPES],
  ["http://alice:s3@cret@hydra.example:x", '"http://hydra.example:x" is not a valid URL', SHAPES],
  ["ftp://alice:s3cret@hydra.example", '"ftp://hydra.example/" is not a valid URL', SHAPES],
  ["http://alice:s3cret@hydra.example?a=b", '"http://hydra.example/" has a query or a fragment', QUERY],
  ["hydra.example:4445/x?t=s3cret", '"hydra.example:4445/x" is not a valid URL', SHAPES],
];

describe("readConnection() rejects the endpoint", () => {
  for (const [endpoint, message, hint] of BAD) {
    test(JSON.stringify(endpoint), () => {
      const reading = read({ words: ["--endpoint", endpoint] });
      assert.equal(reading.connection, undefined);
      assert.deepEqual(told(reading), [`bad-endpoint: --endpoint ${message} | ${hint}`]);
    });
  }
});

test("the error about an invalid endpoint names its source", () => {
  const message = (settings: Settings): string => read(settings).problems[0]?.message ?? "";
  assert.equal(message({ words: ["-e", "x"] }), '-e "x" is not a valid URL');
  const environment = { HYDRA_ADMIN_URL: "x", ORY_SDK_URL: "y" };
  assert.equal(message({ environment }), 'Environment variable HYDRA_ADMIN_URL "x" is not a valid URL');
  assert.equal(
    message({ environment: { HYDRA_ADMIN_URL: "", ORY_SDK_URL: "y" } }),
    'Environment variable ORY_SDK_URL "y" is not a valid URL',
  );
  assert.equal(message({ file: { endpoint: "z" } }), '"endpoint" in /etc/hydra.yaml "z" is not a valid URL');
});

test("without an endpoint, the hint lists the ways to set one", () => {
  for (const settings of [{}, { words: ["--endpoint="] }, { environment: { HYDRA_ADMIN_URL: "" } }]) {
    const [problem, ...others] = read(settings).problems;
    assert.equal(others.length, 0);
    assert.equal(problem?.code, "no-endpoint");
    assert.equal(problem?.exit, "usage");
    assert.match(problem?.hint ?? "", /--endpoint .*HYDRA_ADMIN_URL.*hydra sandbox/);
  }
});

describe("headers", () => {
  const AT = ["--endpoint", "http://hydra.example"] as const;
  function headersOf(...lines: readonly string[]): Readonly<Record<string, string>> | undefined {
    const reading = read({ words: [...AT, ...lines.flatMap((line) => ["-H", line])] });
    assert.deepEqual(told(reading), []);
    return reading.connection?.headers;
  }

  test("a value may contain colons, commas and quotes, and spaces around it are removed", () => {
    assert.deepEqual(headersOf('X-Url:  http://a:1/?x="y",z ', "x-b:", "X-C : d"), {
      "x-url": 'http://a:1/?x="y",z',
      "x-b": "",
      "x-c": "d",
    });
  });

  test("repeated headers are joined, whatever the case of their names", () => {
    assert.deepEqual(headersOf("X-A: 1", "x-a: 2"), { "x-a": "1, 2" });
    // RFC 6265, 5.4: a comma would be part of a cookie's value.
    assert.deepEqual(headersOf("Cookie: a=1", "cookie: b=2"), { cookie: "a=1; b=2" });
  });

  test("a name that an object's prototype has is a header like any other", () => {
    const headers = headersOf("__proto__: 1", "constructor: 2");
    assert.deepEqual(Object.entries(headers ?? {}), [
      ["__proto__", "1"],
      ["constructor", "2"],
    ]);
  });

  const REFUSED: readonly (readonly [line: string, message: string])[] = [
    ["X-A", "-H has no header name before a colon"],
    ["", "-H has no header name before a colon"],
    [": s3cret", "-H has no header name before a colon"],
    ["X A: s3cret", "-H has no header name before a colon"],
    ["Authorization Bearer s3cret: x", "-H has no header name before a colon"],
    ["X-A: s3cret\r\nX-B: y", '-H "X-A" has a character that is not allowed in a header'],
    ["X-A: s3cret\0", '-H "X-A" has a character that is not allowed in a header'],
    ["X-A: s3cret 漢", '-H "X-A" has a character that is not allowed in a header'],
    ["Content-Length: 5", '-H "Content-Length" is set by this program'],
    ["transfer-encoding: chunked", '-H "transfer-encoding" is set by this program'],
    ["Content-Type: text/plain", '-H "Content-Type" is set by this program'],
  ];
  for (const [line, message] of REFUSED) {
    test(`${JSON.stringify(line)} is rejected`, () => {
      const reading = read({ words: [...AT, "-H", line] });
      assert.equal(reading.connection, undefined);
      assert.deepEqual(
        reading.problems.map(({ code, message: text }) => [code, text]),
        [["bad-header", message]],
      );
    });
  }

  test("rejects every line that could break out of its header, without showing the value", () => {
    const lines = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.string({ unit: fc.constantFrom(":", "a", " ", "\r", "\n", "\t", "é", "漢") }),
    );
    fc.assert(
      fc.property(lines, (line) => {
        const { connection, problems } = read({ words: [...AT, "-H", `${line}Zq9xQ`] });
        for (const [name, value] of Object.entries(connection?.headers ?? {})) {
          assert.match(name, /^[^\s:"(),/;<=>?@[\\\]{}]+$/);
          assert.doesNotMatch(value, /[\r\n\0]/);
        }
        assert.ok(problems.every(({ message, hint }) => !`${message}${hint}`.includes("Zq9xQ")));
      }),
      { numRuns: randomRuns(500) },
    );
  });

  test("--fake-tls-termination sends X-Forwarded-Proto, and overrides a header of the same name", () => {
    assert.deepEqual(
      read({ words: [...AT, "--fake-tls-termination", "-H", "X-Forwarded-Proto: http"] }).connection?.headers,
      { "x-forwarded-proto": "https" },
    );
  });
});

describe("only one Authorization header is sent", () => {
  const HERE = "http://hydra.example";
  const cases: readonly (readonly [title: string, settings: Settings, sent: string])[] = [
    ["the token of the flag", { words: ["--access-token", "t"] }, "Bearer t"],
    ["blanks around it cut", { words: ["--access-token", " t\n"] }, "Bearer t"],
    ["the token of the environment", { environment: { OAUTH2_ACCESS_TOKEN: "t" } }, "Bearer t"],
    ["the token of the file", { file: { endpoint: HERE, access_token: "t" } }, "Bearer t"],
    ["a header", { words: ["-H", "authorization: Basic x"] }, "Basic x"],
    [
      "a header of the flag before the token of the environment",
      { words: ["-H", "Authorization: Basic x"], environment: { OAUTH2_ACCESS_TOKEN: "t" } },
      "Basic x",
    ],
    [
      "the token of the environment before a header of the file",
      { environment: { OAUTH2_ACCESS_TOKEN: "t" }, file: { endpoint: HERE, headers: ["Authorization: Basic x"] } },
      "Bearer t",
    ],
    [
      "the userinfo of the flag before the token of the file",
      { words: ["-e", "http://a:b@hydra.example"], file: { endpoint: HERE, access_token: "t" } },
      `Basic ${base64("a:b")}`,
    ],
    [
      "the userinfo of the flag before a header of the file",
      {
        words: ["-e", "http://a:b@hydra.example"],
        file: { endpoint: HERE, headers: ["Authorization: Basic x"] },
      },
      `Basic ${base64("a:b")}`,
    ],
    [
      "the userinfo of the flag before the token of the environment",
      { words: ["-e", "http://a:b@hydra.example"], environment: { OAUTH2_ACCESS_TOKEN: "t" } },
      `Basic ${base64("a:b")}`,
    ],
    [
      "the userinfo of the environment before the token of the file",
      { environment: { HYDRA_ADMIN_URL: "http://a:b@hydra.example" }, file: { endpoint: HERE, access_token: "t" } },
      `Basic ${base64("a:b")}`,
    ],
    [
      "the token of the environment before the userinfo of the file",
      { environment: { OAUTH2_ACCESS_TOKEN: "t" }, file: { endpoint: "http://a:b@hydra.example" } },
      "Bearer t",
    ],
    ["the token before the userinfo", { words: ["-e", "http://a:b@hydra.example", "--access-token", "t"] }, "Bearer t"],
    [
      "a header before the userinfo",
      { words: ["-e", "http://a:b@hydra.example", "-H", "Authorization: Basic x"] },
      "Basic x",
    ],
  ];
  for (const [title, settings, sent] of cases) {
    test(title, () => {
      const words = settings.words ?? [];
      const filed = settings.file !== undefined || settings.environment?.["HYDRA_ADMIN_URL"] !== undefined;
      const at = words.includes("-e") || filed ? [] : ["-e", HERE];
      const reading = read({ ...settings, words: [...at, ...words] });
      assert.deepEqual(told(reading), []);
      assert.equal(reading.connection?.headers["authorization"], sent);
    });
  }

  test("userinfo that another credential overrides is reported, and not shown", () => {
    const dropped = (settings: Settings): readonly string[] => read(settings).warnings;
    assert.deepEqual(dropped({ words: ["-e", "http://u:s3cret@a.example", "--access-token", "t"] }), [
      "the user and password in -e are not sent, because --access-token sets Authorization",
    ]);
    assert.deepEqual(
      dropped({ file: { endpoint: "http://u:s3cret@a.example", headers: ["Authorization: Basic x"] } }),
      [
        'the user and password in "endpoint" in /etc/hydra.yaml are not sent, because "headers" in /etc/hydra.yaml sets Authorization',
      ],
    );
    assert.deepEqual(dropped({ words: ["--access-token", "t"], file: { endpoint: "http://u:s3cret@a.example" } }), []);
  });

  test("a token and a header from the same source are rejected", () => {
    const reading = read({ words: ["-e", HERE, "--access-token", "s3cret", "-H", "Authorization: Basic x"] });
    assert.deepEqual(told(reading), [
      "two-authorizations: --access-token and -H both set Authorization | give one of the two",
    ]);
  });

  test("a token that does not fit into a header is rejected, and not shown", () => {
    for (const token of ["Bearer s3cret", "s3\ncret", "s3crét"]) {
      assert.deepEqual(told(read({ words: ["-e", HERE], environment: { OAUTH2_ACCESS_TOKEN: token } })), [
        "bad-token: Environment variable OAUTH2_ACCESS_TOKEN has a character that is not allowed in a bearer token | give only the token, on one line, without Bearer before it",
      ]);
    }
  });
});

describe("credentials of the config file are only sent to its own endpoint", () => {
  const TOKEN = { access_token: "s3cret" };
  const HEADERS = { headers: ["X-Key: s3cret"] };
  const allowed: readonly (readonly [title: string, settings: Settings])[] = [
    ["its endpoint", { file: { endpoint: "http://a.example:4445", ...TOKEN, ...HEADERS } }],
    [
      "the same origin by flag, on another path",
      { words: ["-e", "http://a.example:4445/x"], file: { endpoint: "http://a.example:4445/y", ...TOKEN } },
    ],
    [
      "the same origin, its default port spelled out",
      { words: ["-e", "https://A.example:443"], file: { endpoint: "https://a.example", ...HEADERS } },
    ],
    ["the same socket", { words: ["-e", "unix:/run/h.sock"], file: { endpoint: "unix:///run/h.sock", ...TOKEN } }],
    [
      "a token of the flag to another endpoint",
      { words: ["-e", "http://b.example", "--access-token", "t"], file: { endpoint: "http://a.example", ...TOKEN } },
    ],
    [
      "an Authorization header of the flag to another endpoint, as the hint says",
      {
        words: ["-e", "http://b.example", "-H", "Authorization: Basic x"],
        file: { endpoint: "http://a.example", ...TOKEN },
      },
    ],
    [
      "the userinfo of the flag's own endpoint in the place of the file's token",
      { words: ["-e", "http://u:p@b.example"], file: { endpoint: "http://a.example", ...TOKEN } },
    ],
    [
      "headers of the flag in the place of the file's",
      { words: ["-e", "http://b.example", "-H", "X-Key: mine"], file: { endpoint: "http://a.example", ...HEADERS } },
    ],
    ["no credentials at all", { words: ["-e", "http://b.example"], file: { endpoint: "http://a.example", api: "v1" } }],
  ];
  for (const [title, settings] of allowed) {
    test(title, () => {
      const reading = read(settings);
      assert.deepEqual(told(reading), []);
      const sent = JSON.stringify(reading.connection?.headers);
      const foreign = settings.words?.includes("http://b.example") === true;
      assert.ok(!foreign || !sent.includes("s3cret"), sent);
    });
  }

  const HINT = "put the endpoint into the same file, or give --access-token or --header for this server";
  const refused: readonly (readonly [title: string, settings: Settings, sources: string])[] = [
    [
      "another host",
      { words: ["-e", "http://b.example"], file: { endpoint: "http://a.example", ...TOKEN } },
      '"access_token" in /etc/hydra.yaml belongs to http://a.example, and -e is http://b.example',
    ],
    [
      "another port",
      { environment: { HYDRA_ADMIN_URL: "http://a.example:1" }, file: { endpoint: "http://a.example", ...TOKEN } },
      '"access_token" in /etc/hydra.yaml belongs to http://a.example, and environment variable HYDRA_ADMIN_URL is http://a.example:1',
    ],
    [
      "another scheme",
      { words: ["--endpoint", "http://a.example"], file: { endpoint: "https://a.example", ...HEADERS } },
      '"headers" in /etc/hydra.yaml belongs to https://a.example, and --endpoint is http://a.example',
    ],
    [
      "a socket",
      { words: ["-e", "unix:///x"], file: { endpoint: "unix:///y", ...HEADERS } },
      '"headers" in /etc/hydra.yaml belongs to unix:///y, and -e is unix:///x',
    ],
    [
      "a socket in the place of an address",
      { words: ["-e", "http://localhost"], file: { endpoint: "unix:///y", ...TOKEN } },
      '"access_token" in /etc/hydra.yaml belongs to unix:///y, and -e is http://localhost',
    ],
    [
      "a file without an endpoint",
      { words: ["-e", "http://b.example"], file: TOKEN },
      '"access_token" in /etc/hydra.yaml belongs to a file without an endpoint, and -e is http://b.example',
    ],
    [
      "a file with a broken endpoint",
      { words: ["-e", "http://b.example"], file: { endpoint: "b.example", ...TOKEN } },
      '"access_token" in /etc/hydra.yaml belongs to a file without an endpoint, and -e is http://b.example',
    ],
    [
      "userinfo on either side is not told",
      { words: ["-e", "http://u:s3cret@b.example"], file: { endpoint: "http://v:s3cret@a.example", ...HEADERS } },
      '"headers" in /etc/hydra.yaml belongs to http://a.example, and -e is http://b.example',
    ],
    [
      "the file's headers beside a token of the flag",
      { words: ["-e", "http://b.example", "--access-token", "t"], file: { endpoint: "http://a.example", ...HEADERS } },
      '"headers" in /etc/hydra.yaml belongs to http://a.example, and -e is http://b.example',
    ],
  ];
  for (const [title, settings, sources] of refused) {
    test(`rejects ${title}`, () => {
      const reading = read(settings);
      assert.equal(reading.connection, undefined);
      assert.deepEqual(told(reading), [`foreign-credentials: Credentials for another server: ${sources} | ${HINT}`]);
    });
  }

  test("the userinfo of the file's endpoint is not sent to another one", () => {
    const reading = read({ words: ["-e", "http://b.example"], file: { endpoint: "http://u:s3cret@a.example" } });
    assert.deepEqual(reading.connection?.headers, {});
  });
});

describe("the other connection settings", () => {
  test("have defaults", () => {
    assert.deepEqual(read({ words: ["-e", "http://a.example"] }).connection, {
      base: "http://a.example",
      socket: undefined,
      secure: false,
      shown: "http://a.example",
      endpointOrigin: "-e",
      credential: undefined,
      headers: {},
      failAfter: 60_000,
      api: "auto",
      skipVerify: false,
      caFile: undefined,
    });
  });

  test("can come from the file", () => {
    const file = {
      endpoint: "https://a.example",
      fail_after: "5s",
      api: "v1",
      ca_file: "ca.pem",
      skip_tls_verify: true,
      fake_tls_termination: true,
    };
    const { connection, warnings } = read({ file });
    assert.deepEqual(connection, {
      base: "https://a.example",
      socket: undefined,
      secure: true,
      shown: "https://a.example",
      endpointOrigin: '"endpoint" in /etc/hydra.yaml',
      credential: undefined,
      headers: { "x-forwarded-proto": "https" },
      failAfter: 5_000,
      api: "v1",
      skipVerify: true,
      caFile: "/etc/ca.pem",
    });
    assert.deepEqual(warnings, [
      'the server\'s certificate is not verified ("skip_tls_verify" in /etc/hydra.yaml): anyone in between can read and change what is sent',
    ]);
  });

  test("without https, certificate settings only matter for the public side of the server", () => {
    const { connection, warnings } = read({
      words: ["-e", "http://a.example", "--ca-file", "ca.pem", "--skip-tls-verify"],
    });
    assert.equal(connection?.caFile, "ca.pem");
    assert.deepEqual(warnings, []);
  });

  test("are all checked at once", () => {
    const reading = read({ words: ["-e", "x", "-H", "y", "--access-token", "a b"] });
    assert.deepEqual(
      reading.problems.map(({ code }) => code),
      ["bad-endpoint", "bad-header", "bad-token"],
    );
  });
});
