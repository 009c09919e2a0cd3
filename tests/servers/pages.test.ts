import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { HYDRA_1 } from "../../lib/servers/hydra1.ts";
import { HYDRA_2 } from "../../lib/servers/hydra2.ts";
import type { PageRequest, ServerAnswer } from "../../lib/servers/index.ts";
import { randomRuns } from "../thorough.ts";
import { recorded, VERSIONS, type Version } from "./recordings.ts";

function answer(link: string): ServerAnswer {
  return { status: 200, contentType: "application/json", link, location: "", text: "[]" };
}

test("pageQuery() of 1.x uses limit and offset", () => {
  assert.deepEqual(HYDRA_1.pageQuery({ size: 3 }), { limit: "3", offset: "0" });
  assert.deepEqual(HYDRA_1.pageQuery({ size: 500, offset: 1000, owner: "o&p", name: "a b/ü" }), {
    limit: "500",
    offset: "1000",
    client_name: "a b/ü",
    owner: "o&p",
  });
  assert.deepEqual(HYDRA_1.pageQuery({ size: 3, token: "ignored" }), { limit: "3", offset: "0" });
});

test("pageQuery() of 2.x uses page size and token", () => {
  assert.deepEqual(HYDRA_2.pageQuery({ size: 3 }), { page_size: "3" });
  assert.deepEqual(HYDRA_2.pageQuery({ size: 500, token: "a+b/c=&d", owner: "o&p", name: "a b" }), {
    page_size: "500",
    page_token: "a+b/c=&d",
    client_name: "a b",
    owner: "o&p",
  });
  assert.deepEqual(HYDRA_2.pageQuery({ size: 3, offset: 6 }), { page_size: "3" });
});

test("pageStart() accepts the tokens of its own family only", () => {
  assert.deepEqual(["", "300", "x1", "-1"].map(HYDRA_1.pageStart), [
    { offset: 0 },
    { offset: 300 },
    undefined,
    undefined,
  ]);
  assert.deepEqual(["", "x1"].map(HYDRA_2.pageStart), [{}, { token: "x1" }]);
});

/** The notes of the recorded lists that were walked from page to page. */
const WALKED: Readonly<Record<Version, string>> = {
  "1.8.5": "list, limit and offset",
  "1.11.10": "list, limit and offset",
  "2.1.2": "list, following next",
  "2.3.0": "list, following next",
  "26.2.0": "list, following next",
};

describe("nextPage() follows the recorded lists to the end", () => {
  for (const version of VERSIONS) {
    test(version, () => {
      const family = version.startsWith("1.") ? HYDRA_1 : HYDRA_2;
      const pages = recorded(version).filter(({ note }) => note === WALKED[version]);
      assert.ok(pages.length >= 3);
      let page: PageRequest | undefined = { size: 3 };
      const walked: string[] = [];
      for (const { url, answer: given } of pages) {
        if (page === undefined) break;
        assert.ok(given !== undefined);
        const asked = new URLSearchParams(url.slice(url.indexOf("?")));
        const query = new URLSearchParams(family.pageQuery(page));
        for (const [name, value] of asked) assert.equal(query.get(name), value);
        walked.push(url);
        const clients: unknown = JSON.parse(given.text);
        assert.ok(Array.isArray(clients));
        page = family.nextPage(page, given, clients.length);
      }
      // The eight clients fill three pages of three; what 1.x returns after the end is not requested.
      assert.equal(walked.length, 3);
      assert.equal(page, undefined);
    });
  }
});

describe("nextPage() never leaves the server", () => {
  const other = "http://evil.example/admin/clients?page_size=9&page_token=T&offset=6&owner=x";
  test("only the token of a link is used, not its host, path or other parameters", () => {
    const page = { size: 3, owner: "me", name: "n" };
    assert.deepEqual(HYDRA_2.nextPage(page, answer(`<${other}>; rel="next"`), 3), { ...page, token: "T" });
  });
  test("only the offset of a link is used", () => {
    const page = { size: 3, offset: 3, owner: "me" };
    assert.deepEqual(HYDRA_1.nextPage(page, answer(`<${other}>; rel="next"`), 3), { ...page, offset: 6 });
  });
});

describe("nextPage() of 2.x", () => {
  const cases: readonly (readonly [link: string, token: string | undefined])[] = [
    ["", undefined],
    ['</admin/clients?page_token=a>; rel="first"', undefined],
    ['</admin/clients?page_token=a>; rel="first",</admin/clients?page_token=b%2Bc%3D>; rel="next"', "b+c="],
    ["</admin/clients?page_token=b>; rel=next", "b"],
    ['</admin/clients?page_token=b> ; title="x"; rel="next"', "b"],
    ['</admin/clients?page_size=3>; rel="next"', undefined],
    ['</admin/clients?page_token=>; rel="next"', undefined],
    ['</admin/clients>; rel="next"', undefined],
    ['<>; rel="next"', undefined],
    ["garbage", undefined],
    ['page_token=b; rel="next"', undefined],
  ];
  for (const [link, token] of cases) {
    test(link === "" ? "without a link ends" : link, () => {
      assert.deepEqual(
        HYDRA_2.nextPage({ size: 3, token: "before" }, answer(link), 3),
        token === undefined ? undefined : { size: 3, token },
      );
    });
  }
});

describe("nextPage() of 1.x", () => {
  const page = { size: 3, offset: 3 };
  const cases: readonly (readonly [title: string, link: string, count: number, offset: number | undefined])[] = [
    ["follows next", '</clients?limit=3&offset=6>; rel="next",</clients?limit=3&offset=99>; rel="last"', 3, 6],
    ["ends where no next is told", '</clients?limit=3&offset=0>; rel="first"', 2, undefined],
    ["goes on by count where no links are told", "", 3, 6],
    ["goes on by count after a page that the server cut", "", 2, 5],
    ["ends at an empty page where no links are told", "", 0, undefined],
    ["ends where the next page is this one again", '</clients?offset=3>; rel="next"', 3, undefined],
    ["ends where the next page lies behind", '</clients?offset=0>; rel="next"', 3, undefined],
    ["ends where the offset is no number", '</clients?offset=x>; rel="next"', 3, undefined],
    ["ends where the offset is missing", '</clients?limit=3>; rel="next"', 3, undefined],
  ];
  for (const [title, link, count, offset] of cases) {
    test(title, () => {
      assert.deepEqual(
        HYDRA_1.nextPage(page, answer(link), count),
        offset === undefined ? undefined : { size: 3, offset },
      );
    });
  }
});

test("nextPage() never throws, whatever the header says", () => {
  const links = fc.oneof(
    fc.string(),
    fc.string({
      unit: fc.constantFrom("<", ">", ";", ",", '"', "?", "&", "=", "rel", "next", "offset", "page_token", "%"),
    }),
  );
  fc.assert(
    fc.property(links, fc.nat(5), (link, count) => {
      HYDRA_1.nextPage({ size: 3 }, answer(link), count);
      HYDRA_2.nextPage({ size: 3 }, answer(link), count);
    }),
    { numRuns: randomRuns(500) },
  );
});
