import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { HYDRA_1 } from "../../lib/servers/hydra1.ts";
import { HYDRA_2 } from "../../lib/servers/hydra2.ts";
import {
  type ClassifiedError,
  classifyErrorAnswer,
  FAMILIES,
  hasErrorBody,
  type ItemOrCollection,
  type ServerAnswer,
  type ServerFamily,
} from "../../lib/servers/index.ts";
import { type Exchange, recorded, VERSIONS, type Version } from "./recordings.ts";

type Named = ItemOrCollection;

const OWN: Readonly<Record<Version, ServerFamily>> = {
  "1.8.5": HYDRA_1,
  "1.11.10": HYDRA_1,
  "2.1.2": HYDRA_2,
  "2.3.0": HYDRA_2,
  "26.2.0": HYDRA_2,
};

/** What a recorded response means: in all versions alike, or by version; undefined if it rejects nothing. */
interface Row {
  readonly note: string;
  readonly names: Named;
  readonly kind: ClassifiedError["kind"] | Readonly<Record<Version, ClassifiedError["kind"] | undefined>>;
  /** Asked in the way of the family that the server is not of. */
  readonly otherFamily?: true;
}

const ROWS: readonly Row[] = [
  {
    note: "the other family's path",
    names: "collection",
    otherFamily: true,
    kind: {
      "1.8.5": "missing-route",
      "1.11.10": "missing-route",
      "2.1.2": "moved",
      "2.3.0": "moved",
      "26.2.0": undefined,
    },
  },
  {
    note: "the other family's path, posting",
    names: "collection",
    otherFamily: true,
    kind: {
      "1.8.5": "missing-route",
      "1.11.10": "missing-route",
      "2.1.2": "moved",
      "2.3.0": "moved",
      "26.2.0": undefined,
    },
  },
  { note: "admin path on the public port", names: "collection", kind: "missing-route" },
  { note: "admin path on the public port", names: "item", kind: "missing-route" },
  {
    note: "create with an id",
    names: "collection",
    kind: { "1.8.5": undefined, "1.11.10": undefined, "2.1.2": "id-refused", "2.3.0": undefined, "26.2.0": undefined },
  },
  {
    note: "create, same id again",
    names: "collection",
    kind: {
      "1.8.5": "conflict",
      "1.11.10": "conflict",
      "2.1.2": "id-refused",
      "2.3.0": "conflict",
      "26.2.0": "conflict",
    },
  },
  {
    note: "create with a broken body",
    names: "collection",
    kind: { "1.8.5": "broken", "1.11.10": "broken", "2.1.2": "broken", "2.3.0": "invalid", "26.2.0": "invalid" },
  },
  {
    note: "create with a wrong type",
    names: "collection",
    kind: { "1.8.5": "broken", "1.11.10": "broken", "2.1.2": "broken", "2.3.0": "invalid", "26.2.0": "invalid" },
  },
  { note: "create with jwks and jwks_uri", names: "collection", kind: "invalid" },
  { note: "create with a post-logout uri of another host", names: "collection", kind: "invalid" },
  { note: "get what is not there", names: "item", kind: "not-found" },
  { note: "put what is not there", names: "item", kind: "not-found" },
  {
    note: "patch what is not there",
    names: "item",
    kind: {
      "1.8.5": "refused",
      "1.11.10": "not-found",
      "2.1.2": "not-found",
      "2.3.0": "not-found",
      "26.2.0": "not-found",
    },
  },
  {
    note: "delete what is not there",
    names: "item",
    kind: {
      "1.8.5": undefined,
      "1.11.10": "not-found",
      "2.1.2": "not-found",
      "2.3.0": "not-found",
      "26.2.0": "not-found",
    },
  },
  // A real 401 is one, also where it is asked for a client.
  { note: "token: wrong secret", names: "item", kind: "unauthorised" },
  { note: "token: wrong secret", names: "collection", kind: "unauthorised" },
];

function find(version: Version, note: string): Exchange {
  const found = recorded(version).find((exchange) => exchange.note === note);
  assert.ok(found !== undefined, `${version} has no recording "${note}"`);
  return found;
}

describe("classifyError() on the recorded responses", () => {
  for (const version of VERSIONS) {
    for (const { note, names, kind, otherFamily } of ROWS) {
      test(`${version}: ${note}, a request for the ${names}`, () => {
        const { answer } = find(version, note);
        assert.ok(answer !== undefined);
        const family = otherFamily === true ? (OWN[version] === HYDRA_1 ? HYDRA_2 : HYDRA_1) : OWN[version];
        const expected = typeof kind === "string" ? kind : kind[version];
        if (expected === undefined) {
          assert.ok(answer.status < 300);
        } else {
          assert.ok(answer.status >= 300);
          assert.equal(classifyErrorAnswer(answer, family, names).kind, expected);
        }
      });
    }
  }

  test("every recorded error response of an admin port has a row", () => {
    const rows = new Set(ROWS.map(({ note }) => note));
    for (const version of VERSIONS) {
      for (const { note, base, url, answer } of recorded(version)) {
        const covered = base !== "admin" || !/^(\/admin)?\/clients/.test(url) || answer === undefined;
        const changed = note === "patch the id" || (note === "patch" && version === "1.8.5");
        if (!covered && answer.status >= 300 && !changed) assert.ok(rows.has(note), `${version}: ${note}`);
      }
    }
  });
});

/** The server's own reason, without the sentences that it puts before it. */
const REASONS: readonly (readonly [note: string, reasons: Readonly<Record<Version, string | undefined>>])[] = [
  [
    "create with jwks and jwks_uri",
    {
      "1.8.5": "Fields jwks and jwks_uri can not both be set, you must choose one",
      "1.11.10": "Fields jwks and jwks_uri can not both be set, you must choose one",
      "2.1.2": "Fields jwks and jwks_uri can not both be set, you must choose one",
      "2.3.0": "Fields jwks and jwks_uri can not both be set, you must choose one",
      "26.2.0": "Fields jwks and jwks_uri can not both be set, you must choose one",
    },
  ],
  [
    "create, same id again",
    {
      "1.8.5": "Unable to insert or update resource because a resource with that value exists already",
      "1.11.10": "Unable to insert or update resource because a resource with that value exists already",
      "2.1.2":
        "It is no longer possible to set an OAuth2 Client ID as a user. The system will generate a unique ID for you",
      "2.3.0": "Unable to insert or update resource because a resource with that value exists already",
      "26.2.0": "Unable to insert or update resource because a resource with that value exists already",
    },
  ],
];

describe("classifyError() returns the server's own reason", () => {
  for (const [note, reasons] of REASONS) {
    for (const version of VERSIONS) {
      test(`${version}: ${note}`, () => {
        const { answer } = find(version, note);
        assert.ok(answer !== undefined);
        assert.equal(classifyErrorAnswer(answer, OWN[version], "collection").reason, reasons[version]);
      });
    }
  }
});

function answer(status: number, body: unknown, more: Partial<ServerAnswer> = {}): ServerAnswer {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return { status, contentType: "application/json", link: "", location: "", text, ...more };
}

const PAGE = "<!DOCTYPE html><html><body>Not Found</body></html>";

const UNKNOWN_18 = "The requested OAuth 2.0 client does not exist or you did not provide the necessary credentials";

/** Answers of no recording: of proxies, of the wrong server, and of states that are rare. */
const OTHERS: readonly (readonly [
  title: string,
  given: ServerAnswer,
  names: Named,
  v1: ClassifiedError["kind"],
  v2: ClassifiedError["kind"],
])[] = [
  ["a web page as 404", answer(404, PAGE, { contentType: "text/html" }), "item", "missing-route", "missing-route"],
  ["an empty 404", answer(404, ""), "item", "missing-route", "missing-route"],
  ["a 404 in JSON of something else", answer(404, { detail: "nope" }), "item", "missing-route", "missing-route"],
  [
    "Oathkeeper's 404",
    answer(404, { error: { code: 404, status: "Not Found", message: "Requested url does not match any rules" } }),
    ...(["item", "missing-route", "missing-route"] as const),
  ],
  [
    "Spring Cloud Gateway's 404",
    answer(404, { status: 404, error: "Not Found", path: "/admin/clients/app" }),
    ...(["item", "missing-route", "missing-route"] as const),
  ],
  ["a 404 of a list", answer(404, []), "item", "missing-route", "missing-route"],
  ["a 405 for the collection", answer(405, "Method Not Allowed\n"), "collection", "missing-route", "missing-route"],
  ["a 405 for one client", answer(405, "Method Not Allowed\n"), "item", "refused", "refused"],
  ["a proxy's 401", answer(401, PAGE), "item", "unauthorised", "unauthorised"],
  ["a proxy's 401 in JSON", answer(401, { error: "unauthorized" }), "item", "unauthorised", "unauthorised"],
  [
    "a 401 for the collection",
    answer(401, { error: "x", error_description: UNKNOWN_18 }),
    "collection",
    "unauthorised",
    "unauthorised",
  ],
  [
    "the 401 of 1.8 for one client",
    answer(401, { error: "x", error_description: UNKNOWN_18 }),
    "item",
    "not-found",
    "unauthorised",
  ],
  ["a 403", answer(403, PAGE), "collection", "unauthorised", "unauthorised"],
  ["a redirect to a sign-in page", answer(302, "", { location: "https://sso.example" }), "item", "moved", "moved"],
  ["a 304", answer(304, ""), "item", "moved", "moved"],
  ["a 422", answer(422, { error: "x" }), "collection", "invalid", "invalid"],
  ["a 429", answer(429, ""), "collection", "busy", "busy"],
  ["a 500 in words", answer(500, { error: "error" }), "collection", "broken", "broken"],
  ["a 502 page", answer(502, PAGE), "collection", "broken", "broken"],
  ["a 503", answer(503, ""), "item", "broken", "broken"],
  ["a 418", answer(418, ""), "collection", "refused", "refused"],
  ["a 409 with a page", answer(409, PAGE), "collection", "conflict", "conflict"],
];

describe("classifyError() on responses of other servers", () => {
  for (const [title, given, names, v1, v2] of OTHERS) {
    test(title, () => {
      assert.equal(classifyErrorAnswer(given, HYDRA_1, names).kind, v1);
      assert.equal(classifyErrorAnswer(given, HYDRA_2, names).kind, v2);
    });
  }

  test("a body without an error has no reason", () => {
    for (const body of [PAGE, "", "null", "[]", "{", { error: 5 }, { message: "x" }])
      assert.equal(classifyErrorAnswer(answer(400, body), HYDRA_2, "collection").reason, undefined, String(body));
  });

  test("both error formats have a reason, and the hint comes before the description", () => {
    const reason = (body: unknown): string | undefined =>
      classifyErrorAnswer(answer(400, body), HYDRA_2, "collection").reason;
    assert.equal(reason({ error: "a", error_description: "b", error_hint: "c." }), "c");
    assert.equal(reason({ error: "a", error_description: "b" }), "b");
    assert.equal(reason({ error: "a", error_description: "" }), "a");
    assert.equal(reason({ error: "a" }), "a");
    assert.equal(reason({ error: { code: 404, message: "m", reason: "r." } }), "m: r");
    assert.equal(reason({ error: { message: "m" } }), "m");
    assert.equal(reason({ error: {} }), undefined);
  });
});

describe("hasErrorBody() is true only for an error body of the server", () => {
  for (const version of ["1.8.5", "1.11.10", "2.1.2"] as const) {
    test(`the 500 of ${version}`, () => {
      const { answer: given } = find(version, "create with a broken body");
      assert.ok(given !== undefined);
      assert.equal(given.status, 500);
      assert.equal(hasErrorBody(given), true);
    });
  }
  test("a page, nothing, or other JSON", () => {
    for (const body of [PAGE, "", "null", "{}", '"error"', { message: "x" }])
      assert.equal(hasErrorBody(answer(500, body)), false, String(body));
  });
});

test("2.x is tried first, and each family has its own name, paths and capabilities", () => {
  assert.deepEqual(
    FAMILIES.map(({ api, paths, update, paging, canRotate }) => [api, paths.client("a/b"), update, paging, canRotate]),
    [
      ["v2", "/admin/clients/a%2Fb", "patch", "token", true],
      ["v1", "/clients/a%2Fb", "put", "offset", false],
    ],
  );
});
