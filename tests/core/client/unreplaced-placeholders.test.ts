// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders of others are what this file is about

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import {
  isUnreplacedPlaceholder,
  unreplacedPlaceholderInUrl,
} from "../../../lib/core/client/unreplaced-placeholders.ts";
import { generateSecret, SECRET_ALPHABET } from "../../../lib/core/secret.ts";

describe("isUnreplacedPlaceholder()", () => {
  for (const value of [
    "$DEBTORS_SUPERVISOR_CLIENT_SECRET",
    "$SECRET",
    "$client_secret",
    "${CLIENT_SECRET}",
    "${CLIENT_SECRET:-}",
    "${client.secret}",
    "${{ secrets.CLIENT_SECRET }}",
    "$(env:CLIENT_SECRET)",
    "$(CLIENT_SECRET)",
    "$(cat /run/secrets/client)",
    "$env:CLIENT_SECRET",
    "{{ client_secret }}",
    "{{.Values.secret}}",
    "{{CLIENT_SECRET}}",
    "%%CLIENT_SECRET%%",
    "%CLIENT_SECRET%",
    "@@CLIENT_SECRET@@",
    "##CLIENT_SECRET##",
    "__CLIENT_SECRET__",
    "#{ClientSecret}",
    "<%= client_secret %>",
    "<your-client-secret>",
    "{client_secret}",
    " ${CLIENT_SECRET}\n",
  ])
    test(JSON.stringify(value), () => {
      assert.equal(isUnreplacedPlaceholder(value), true);
    });

  for (const value of [
    "",
    "secret",
    "$ecret1",
    "$$$$$$",
    "pa$$WORD",
    "x$CLIENT_SECRET",
    "$CLIENT_SECRET-1",
    "${A}${B}",
    "web-${ENV}",
    "${",
    "{}",
    "{{",
    "%41%42",
    "__init__",
    "__",
    "____",
    "<>",
    "a{b}c",
    "https://$HOST/cb",
    "$1",
  ])
    test(`is false for ${JSON.stringify(value)}`, () => {
      assert.equal(isUnreplacedPlaceholder(value), false);
    });

  test("is false for every secret that the program generates", () => {
    assert.match(SECRET_ALPHABET, /[A-Z].*~|~.*[A-Z]/);
    const bytes = fc.uint8Array({ minLength: 4096, maxLength: 4096 });
    fc.assert(
      fc.property(bytes, (noise) => {
        const secret = generateSecret((count) => noise.subarray(0, count));
        assert.equal(isUnreplacedPlaceholder(secret), false, secret);
      }),
      { numRuns: 50 },
    );
  });
});

describe("unreplacedPlaceholderInUrl()", () => {
  for (const [url, found] of [
    ["https://$PUBLIC_HOST/cb", "$PUBLIC_HOST"],
    ["https://${PUBLIC_HOST}/cb", "${PUBLIC_HOST}"],
    ["https://${{ vars.HOST }}/cb", "${{ vars.HOST }}"],
    ["${BASE_URL}/cb", "${BASE_URL}"],
    ["$BASE_URL/cb", "$BASE_URL"],
    ["https://$(env:HOST)/cb", "$(env:HOST)"],
    ["https://{{ host }}/cb", "{{ host }}"],
    ["https://{{ .Values.host }}/cb", "{{ .Values.host }}"],
    ["https://%%HOST%%/cb", "%%HOST%%"],
    ["https://__HOST__/cb", "__HOST__"],
    ["https://@@HOST@@/cb", "@@HOST@@"],
    ["https://#{host}/cb", "#{host}"],
    ["https://{tenant}.example.com/cb", "{tenant}"],
    ["https://<your-domain>/cb", "<your-domain>"],
    ["https://a.example/$A_B/${C}", "$A_B"],
  ] as const)
    test(url, () => {
      assert.equal(unreplacedPlaceholderInUrl(url), found);
    });

  for (const url of [
    "",
    "https://app.example.com/cb",
    "https://app.example.com/odata/$metadata?$filter=a",
    "https://app.example.com/$1/$",
    "https://app.example.com/__/auth/handler",
    "https://app.example.com/__callback__",
    "https://app.example.com/%EF%BC%A1",
    "https://app.example.com/%20ABC%20",
    "https://app.example.com/#/cb",
    "com.example.app:/cb",
    "http://[::1]:3000/cb",
    "https://*.example.com/cb",
  ])
    test(`finds nothing in ${JSON.stringify(url)}`, () => {
      assert.equal(unreplacedPlaceholderInUrl(url), undefined);
    });
});

test("takes linear time", () => {
  const many = 300_000;
  for (const part of [
    "${",
    "$(",
    "{{",
    "#{",
    "<%",
    "%%A",
    "@@A",
    "##A",
    "__A_",
    "__A",
    "$A_",
    "$env:",
    "{a",
    "<a",
    "_",
  ]) {
    for (const text of [part.repeat(many), `${part}${"A".repeat(many)}`, `${part}${"A_".repeat(many)}!`]) {
      isUnreplacedPlaceholder(text);
      unreplacedPlaceholderInUrl(text);
    }
  }
});
