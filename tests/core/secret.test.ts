import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { formatDotenv } from "../../lib/core/output/credential-formats.ts";
import {
  CLIENT_CREDENTIAL_FIELDS,
  REDACTED,
  redactedHeaderLine,
  redactServerText,
  redactValues,
  secretsInHeaders,
  urlWithoutSecrets,
  withoutCredentialFields,
} from "../../lib/core/redact.ts";
import { DEFAULT_SECRET_LENGTH, generateSecret, SECRET_ALPHABET } from "../../lib/core/secret.ts";
import { randomRuns } from "../thorough.ts";

/** Every byte in turn, again and again. */
function everyByte(): (count: number) => Uint8Array {
  let next = 0;
  return (count) => Uint8Array.from({ length: count }, () => next++ % 256);
}

test("the alphabet is the unreserved characters of RFC 3986, each once", () => {
  const unreserved = Array.from({ length: 128 }, (_, code) => String.fromCharCode(code)).filter((letter) =>
    /[A-Za-z0-9\-._~]/.test(letter),
  );
  assert.deepEqual([...SECRET_ALPHABET].sort(), unreserved.sort());
  assert.equal(encodeURIComponent(SECRET_ALPHABET), SECRET_ALPHABET);
});

describe("generateSecret()", () => {
  test("returns at least 26 characters of the alphabet, more than 128 bits", () => {
    assert.equal(DEFAULT_SECRET_LENGTH, 26);
    const secret = generateSecret(everyByte());
    assert.equal(secret.length, 26);
    assert.ok([...secret].every((letter) => SECRET_ALPHABET.includes(letter)));
    assert.ok(DEFAULT_SECRET_LENGTH * Math.log2(SECRET_ALPHABET.length) > 128);
  });

  test("returns any length", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), fc.nat(255), (length, start) => {
        const bytes = everyByte();
        bytes(start);
        assert.equal(generateSecret(bytes, length).length, length);
      }),
    );
  });

  test("gives each character the same probability: bytes beyond the last whole multiple are drawn again", () => {
    const whole = Math.floor(256 / SECRET_ALPHABET.length) * SECRET_ALPHABET.length;
    const secret = generateSecret(everyByte(), whole * 10);
    const counts = new Map<string, number>();
    for (const letter of secret) counts.set(letter, (counts.get(letter) ?? 0) + 1);
    assert.equal(counts.size, SECRET_ALPHABET.length);
    assert.equal(new Set(counts.values()).size, 1);
  });

  test("begins with a letter or a digit, so that the secret needs no quotes in a file of variables", () => {
    for (let start = 0; start < 256; start++) {
      const bytes = everyByte();
      bytes(start);
      const secret = generateSecret(bytes);
      assert.match(secret, /^[A-Za-z0-9]/);
      assert.equal(formatDotenv({ id: "a", secret }), `CLIENT_ID=a\nCLIENT_SECRET=${secret}\n`);
    }
  });

  test("draws again as long as only unusable bytes come", () => {
    let calls = 0;
    const secret = generateSecret((count) => new Uint8Array(count).fill(++calls < 5 ? 255 : 0), 8);
    assert.equal(secret, "AAAAAAAA");
    assert.equal(calls, 5);
  });
});

/** Addresses, and what is shown of them. */
const ADDRESSES: readonly (readonly [address: string, shown: string])[] = [
  ["http://hydra.example:4445/x", "http://hydra.example:4445/x"],
  ["https://hydra.example", "https://hydra.example/"],
  ["https://u:s3cret@hydra.example/x", "https://hydra.example/x"],
  ["https://s3cret@hydra.example/", "https://hydra.example/"],
  ["https://hydra.example/?token=s3cret", "https://hydra.example/?…"],
  ["https://hydra.example/x#s3cret", "https://hydra.example/x?…"],
  ["ftp://u:s3cret@hydra.example/x", "ftp://hydra.example/x"],
  ["app://u:s3cret@cb/x", "app://cb/x"],
  ["u:s3cret@hydra.example:4445", "hydra.example:4445"],
  ["hydra.example:4445/x?token=s3cret", "hydra.example:4445/x"],
  ["http://u:s3/cret@hydra.example", "http://hydra.example"],
  ["http://u:s3@cret@hydra.example:x", "http://hydra.example:x"],
  ["http://u:s3?cret@hydra.example", "http://hydra.example"],
  ["//u:s3cret@hydra.example", "//hydra.example"],
  ["http//u:s3cret@hydra.example", "hydra.example"],
  ["http:/hydra.example:4445", "http:/hydra.example:4445"],
  ["http:hydra.example?token=s3cret", "http:hydra.example"],
  ["http:/u:s3cret@hydra.example", "hydra.example"],
  ["http:\\\\u:s3cret@hydra.example", "hydra.example"],
  ["https://hydra.example ", "https://hydra.example "],
  [" https://u:s3cret@hydra.example", "hydra.example"],
  ["not an address", "not an address"],
  ["", ""],
];

describe("urlWithoutSecrets()", () => {
  for (const [address, shown] of ADDRESSES) {
    test(JSON.stringify(address), () => {
      assert.equal(urlWithoutSecrets(address), shown);
    });
  }

  test("never shows userinfo, whatever surrounds it", () => {
    const before = fc.string({ unit: fc.constantFrom("a", ":", "%", "?", "#", " ", "1", "é") });
    const after = fc.string({ unit: fc.constantFrom("a", ":", "@", "%", "?", "#", " ", "1", "é", "/") });
    const head = fc.constantFrom("http://", "https://", "ftp://", "app://", "http:/", "http:", " http://", "//", "");
    const tail = fc.constantFrom("host", "host:1", "host:bad", "host/x", "[::1]:1", "host?q", "host#f");
    fc.assert(
      fc.property(head, before, after, tail, (start, left, right, end) => {
        const shown = urlWithoutSecrets(`${start}u:${left}Zq9${right}@${end}`);
        assert.ok(!shown.includes("Zq9"), shown);
      }),
      { numRuns: randomRuns(1000) },
    );
  });
});

test("redactedHeaderLine() shows only headers without credentials", () => {
  for (const name of ["Accept", "content-type", "User-Agent", "X-Forwarded-Proto", "Content-Length"])
    assert.equal(redactedHeaderLine(name, "v"), `${name}: v`);
  for (const name of ["Authorization", "authorization", "Cookie", "X-Api-Key", "X-Anything", ""])
    assert.equal(redactedHeaderLine(name, "s3cret"), `${name}: ${REDACTED}`);
});

describe("redactServerText()", () => {
  test("returns the beginning of a long text, even if a credential at its end is cut off", () => {
    const secret = "s3cr3t-of-a-client-0123456789";
    for (const length of [999_990, 999_999]) {
      const start = `${"x".repeat(10)}${secret}`;
      const shown = redactServerText(`${start.padEnd(length, "x")}${secret}${"y".repeat(1_000_000)}`, [secret]);
      assert.ok(shown.length <= 1_000_020 && shown.startsWith(`${"x".repeat(10)}${REDACTED}x`), String(length));
      assert.doesNotMatch(shown, /s3cr3t-o/);
    }
  });

  test("removes whatever looks like a credential, and keeps ordinary text", () => {
    for (const [text, shown] of [
      ["got Basic bXktYXBwOnA", "got Basic (redacted)"],
      ["got authorization: bearer ory_at_x!", "got authorization: bearer (redacted)"],
      ["got Basic%20bXktYXBwOnA", "got Basic%20(redacted)"],
      ["got eyJhbGciOiJSUzI1NiJ9.eyJzdWIi", "got (redacted)"],
      ["Basic authentication (bearer token) is needed", "Basic authentication (bearer token) is needed"],
      ['Basic realm="x"', 'Basic realm="x"'],
    ] as const)
      assert.equal(redactServerText(text, []), shown);
  });

  test("removes parts of a secret, but not the client ID in the credentials", () => {
    const values = ["Basic bXktb3duLWFwcDpwYXNzd29yZA==", "my-own-app:pass-word_0123", "pass-word_0123"];
    assert.equal(
      redactServerText("my-own-app sent pass-word, or ord_0123", values),
      "my-own-app sent (redacted), or (redacted)",
    );
  });
});

describe("redactValues()", () => {
  const secret = 's3cret/+ "ü&~.5';
  const pair = `me:${secret}`;

  test("removes a credential in each encoding that is used on the web", () => {
    const base64 = Buffer.from(secret).toString("base64");
    for (const spelled of [
      ...[secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret), encodeURI(secret)],
      // Go escapes what HTML gives a meaning to in JSON too.
      ...['s3cret/+ \\"ü\\u0026~.5', "s3cret/+ &#34;ü&amp;~.5", "s3cret/+ &quot;ü&amp;~.5"],
      ...[Buffer.from(secret).toString("hex"), Buffer.from(secret).toString("hex").toUpperCase()],
      ...[encodeURIComponent(secret).toLowerCase(), new URLSearchParams([["", secret]]).toString().slice(1)],
      ...[base64, base64.replace(/=+$/, ""), encodeURIComponent(base64), Buffer.from(secret).toString("base64url")],
      Array.from(Buffer.from(secret), (byte) => `%${byte.toString(16).padStart(2, "0")}`).join(""),
    ]) {
      const shown = redactValues(`a ${spelled} b`, ["other", secret]);
      assert.match(shown, /^a \(redacted\)(=|%3D)* b$/, spelled);
    }
    for (const before of ["", "i", "id", "id:"]) {
      const inside = redactValues(Buffer.from(`${before}${secret}, and more`).toString("base64"), [secret]);
      assert.ok(inside.includes(REDACTED), inside);
    }
  });

  test("keeps ordinary words, and ignores values of fewer than four characters", () => {
    assert.equal(redactValues("a abc b", ["abc", ""]), "a abc b");
    assert.equal(redactValues("a.b a-b axb", ["a.b!"]), "a.b a-b axb");
    assert.equal(redactValues("", ["abcd"]), "");
  });

  test("gets the parts of Basic credentials from hiddenValues(), in any spelling", () => {
    const hidden = secretsInHeaders({ authorization: `Basic ${Buffer.from(pair).toString("base64")}`, accept: "*/*" });
    for (const text of [pair, secret, Buffer.from(pair).toString("latin1"), encodeURIComponent(pair)])
      assert.equal(redactValues(`<${text}>`, hidden), `<${REDACTED}>`);
    assert.ok(!hidden.includes("*/*"));
    assert.deepEqual(secretsInHeaders({ "x-key": "Basic !" }), ["Basic !", "!"]);
  });

  test("never shows a credential, whatever surrounds it", () => {
    const part = fc.string({ unit: fc.constantFrom("a", "%", "+", "/", "=", "\\", '"', " ", "é", "$", "(", "5") });
    fc.assert(
      fc.property(part, part, part, (before, own, after) => {
        const value = `Zq9${own}Zq9`;
        for (const text of [value, encodeURIComponent(value), JSON.stringify(value), encodeURI(value)]) {
          const shown = redactValues(before + text + after, [value]);
          assert.ok(!shown.includes("Zq9"), shown);
        }
      }),
      { numRuns: randomRuns(500) },
    );
  });
});

/** As long as an ID token with many claims, and as the challenges of Hydra 2.3 and later, which have all of the request in them. */
const LONG = [40_000, 1_500].map((length) => Buffer.from(everyByte()(length)).toString("base64"));

describe("values of any length", () => {
  const values = Array.from({ length: 2 }, (_, at) => LONG.map((value) => `${at}${value}`)).flat();

  for (const [name, redact] of [
    ["redactValues()", redactValues],
    ["redactServerText()", redactServerText],
  ] as const)
    test(`${name} removes them in each encoding`, () => {
      for (const value of values.slice(0, 2)) {
        const url = encodeURIComponent(value);
        for (const spelled of [value, url, encodeURIComponent(url), url.toLowerCase(), JSON.stringify(value)]) {
          const hidden = spelled === url.toLowerCase() ? [...values, value.toLowerCase()] : values;
          assert.match(redact(`a ${spelled} b`, hidden), /^a "?\(redacted\)(=|%3d|%253d)*"? b$/i);
        }
      }
    });

  test("redactServerText() removes the beginning of a value that the server cut off", () => {
    const [value = ""] = LONG;
    assert.equal(redactServerText(`sent ${value.slice(2, 80)}… to me`, [value]), "sent (redacted)… to me");
  });

  test("redactServerText() removes many short ones", () => {
    const short = Array.from({ length: 2_000 }, (_, at) => at.toString(36).padStart(3, "0"));
    assert.equal(
      redactServerText('the secret "a+b" or 00a or x=00a', [...short, "a+b"]),
      `the secret "${REDACTED}" or 00a or x=${REDACTED}`,
    );
  });

  test("are found next to a percent sign", () => {
    for (const value of ["abcdef-secret", "1-secret%", "a+b secret%4"])
      for (const spelled of [value, value.replace("t", "%74"), value.replace("t", "%2574")])
        for (const around of ["%", "%4", "%25"])
          assert.ok(!/secret|secre%/.test(redactValues(`${around}${spelled}41`, [value])), around + spelled);
  });

  test("are found if they are not well-formed Unicode", () => {
    assert.equal(redactServerText("it was half-\ud83d-secret.", ["half-\ud83d-secret"]), `it was ${REDACTED}.`);
  });
});

test("withoutCredentialFields() removes only the secret and the registration token", () => {
  const client = { client_id: "a", client_secret: "s", registration_access_token: "t", client_secret_expires_at: 0 };
  assert.deepEqual(withoutCredentialFields(client), { client_id: "a", client_secret_expires_at: 0 });
  assert.deepEqual(CLIENT_CREDENTIAL_FIELDS, ["client_secret", "registration_access_token"]);
  assert.equal(client.client_secret, "s");
});
