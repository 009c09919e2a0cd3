import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { after, before, describe, test } from "node:test";
import { isAbsentOrEmpty } from "../../../lib/core/client/client.ts";
import { isJsonObject, isSameJson } from "../../../lib/core/json/json.ts";
import { SECRET_ALPHABET } from "../../../lib/core/secret.ts";
import { codesOf, type Played, play } from "../../app/in-process.ts";

type Json = Readonly<Record<string, unknown>>;

interface Case {
  readonly name: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly files: Readonly<Record<string, string>>;
  /** What the reference sent to make the client; undefined where it sent nothing. */
  readonly payload: Json | undefined;
}

const UNCERTAIN = ["created_at", "updated_at"];

function texts(value: unknown): Readonly<Record<string, string>> {
  if (!isJsonObject(value)) return {};
  return Object.fromEntries(
    Object.entries(value).map(([name, text]) => [name, typeof text === "string" ? text : JSON.stringify(text)]),
  );
}

function payloadOf(exchanges: unknown): Json | undefined {
  assert.ok(Array.isArray(exchanges));
  for (const exchange of exchanges) {
    assert.ok(isJsonObject(exchange) && isJsonObject(exchange["request"]));
    const { method, body } = exchange["request"];
    if (method === "POST" && isJsonObject(body)) return body;
  }
  return undefined;
}

/** The recorded runs of the reference that make a client. */
function casesOf(version: string): readonly Case[] {
  const all: unknown = JSON.parse(readFileSync(new URL(`../../contract/cli-${version}.json`, import.meta.url), "utf8"));
  assert.ok(Array.isArray(all));
  return all.flatMap((recorded: unknown) => {
    assert.ok(isJsonObject(recorded) && Array.isArray(recorded["args"]) && typeof recorded["name"] === "string");
    const args = recorded["args"].map(String);
    const creates = /^(clients create|create (oauth2-)?client)( |$)/.test(args.join(" "));
    if (!creates) return [];
    return [
      {
        name: recorded["name"],
        args,
        environment: texts(recorded["env"]),
        files: Object.fromEntries(
          Object.entries(texts(recorded["files"])).map(([name, text]) => [`/case/${name}`, text]),
        ),
        payload: payloadOf(recorded["exchanges"]),
      },
    ];
  });
}

/** What is compared: dates left out, and nothing in any spelling left out. */
function comparable(payload: Json): Json {
  return Object.fromEntries(
    Object.entries(payload).filter(([field, value]) => !UNCERTAIN.includes(field) && !isAbsentOrEmpty(value)),
  );
}

/** The fields whose values differ. */
function differing(ours: Json, theirs: Json): readonly string[] {
  const fields = new Set([...Object.keys(ours), ...Object.keys(theirs)]);
  return [...fields].filter((field) => !isSameJson(ours[field], theirs[field])).sort();
}

interface Posted {
  readonly path: string;
  readonly body: Json;
}

/** A server that is of one family, takes every client and remembers what it was sent. */
class Recorder {
  readonly posted: Posted[] = [];
  readonly #family: "1.x" | "2.x";
  readonly #server = createServer((request, response) => {
    const parts: Uint8Array[] = [];
    request.on("data", (part: Uint8Array) => parts.push(part));
    request.on("end", () => {
      const path = (request.url ?? "").replace(/\?.*$/, "");
      const own = this.#family === "2.x" ? "/admin/clients" : "/clients";
      const known = path.endsWith(own) && (this.#family === "2.x" || !path.endsWith("/admin/clients"));
      const body: unknown = request.method === "POST" ? JSON.parse(Buffer.concat(parts).toString()) : undefined;
      if (isJsonObject(body)) this.posted.push({ path, body });
      const reason = "The requested route does not exist. Make sure you are using the right path, domain, and port.";
      const status = !known ? 404 : body === undefined ? 200 : 201;
      response.writeHead(status, { "content-type": "application/json", connection: "close" });
      response.end(JSON.stringify(known ? (body ?? []) : { error: { code: 404, message: "Not Found", reason } }));
    });
  });

  constructor(family: "1.x" | "2.x") {
    this.#family = family;
  }

  async open(): Promise<string> {
    await new Promise<void>((done) => this.#server.listen(0, "127.0.0.1", done));
    const address = this.#server.address();
    assert.ok(address !== null && typeof address === "object");
    return `http://127.0.0.1:${address.port}`;
  }

  async close(): Promise<void> {
    await new Promise((done) => this.#server.close(done));
  }
}

interface Contract {
  readonly version: string;
  readonly family: "1.x" | "2.x";
  /** How many cases there are to compare. */
  readonly compared: number;
  /** Cases that are refused on purpose, with the codes of their problems. */
  readonly refused: Readonly<Record<string, readonly string[]>>;
  /** Cases that the reference refused and that are right here. */
  readonly ours: readonly string[];
  /** Fields that are left out on purpose where the reference sends this value without being asked. */
  readonly leftOut: Json;
}

const REFUSED_1 = {
  "an unknown auth method": ["bad-value"],
  "an unknown subject type": ["bad-value"],
  "private_key_jwt without keys": ["private-key-jwt-without-keys"],
  "a short secret": ["secret-too-short"],
  "a redirect with a fragment": ["redirect-uri-fragment"],
  "no endpoint": ["no-endpoint"],
  "an endpoint without a scheme": ["bad-endpoint"],
  "a dead endpoint": ["unreachable"],
  "a bad duration": ["bad-value"],
  "an unknown flag": ["unknown-flag"],
  "a flag without its value": ["missing-value"],
  "a stray argument": ["stray-argument"],
  "a missing unix socket": ["unreachable"],
  "a bad pgp key": ["pgp-not-a-key"],
  "a pgp key that is not base64": ["pgp-not-a-key"],
  "a pgp key url that answers 404": ["key-url-status"],
};

const REFUSED_2 = {
  "unknown auth method": ["bad-value"],
  "unknown subject type": ["bad-value"],
  "private_key_jwt without keys": ["private-key-jwt-without-keys"],
  "short secret": ["secret-too-short"],
  "redirect with a fragment": ["redirect-uri-fragment"],
  "bad metadata": ["bad-json"],
  "bad access token strategy": ["bad-value"],
  "a bad pgp key": ["pgp-not-a-key"],
};

/** The 2.x reference sends the value of every flag; what nobody asked for is left to the server here. */
const UNASKED = {
  backchannel_logout_session_required: false,
  frontchannel_logout_session_required: false,
  metadata: {},
  skip_consent: false,
  skip_logout_consent: false,
};

const CONTRACTS: readonly Contract[] = [
  { version: "1.8.5", family: "1.x", compared: 22, refused: REFUSED_1, ours: [], leftOut: {} },
  { version: "1.11.10", family: "1.x", compared: 22, refused: REFUSED_1, ours: [], leftOut: {} },
  {
    version: "2.1.2",
    family: "2.x",
    compared: 5,
    refused: REFUSED_2,
    ours: ["every flag", "same id twice", "public client", "from a file"],
    leftOut: UNASKED,
  },
  { version: "2.3.0", family: "2.x", compared: 9, refused: REFUSED_2, ours: [], leftOut: UNASKED },
  { version: "26.2.0", family: "2.x", compared: 9, refused: REFUSED_2, ours: [], leftOut: UNASKED },
];

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** Looks at what each side chooses for itself, and gives the rest. */
function chosen(ours: Json, { args, files }: Case, theirs: Json | undefined): Json {
  const { client_id: id, client_secret: secret, ...rest } = ours;
  const wordAfter = (flag: string): string | undefined =>
    args.includes(flag) ? args[args.indexOf(flag) + 1] : undefined;
  const [file] = Object.values(files).map((text): unknown => JSON.parse(text));
  const given = wordAfter("--id") ?? (isJsonObject(file) ? file["client_id"] : undefined);
  if (given === undefined) assert.match(String(id), UUID);
  else assert.equal(id, given);
  if (rest["token_endpoint_auth_method"] === "none") {
    assert.equal(secret, undefined);
  } else if (wordAfter("--secret") !== undefined) {
    assert.equal(secret, wordAfter("--secret"));
    if (theirs !== undefined) assert.equal(secret, theirs["client_secret"]);
  } else {
    assert.ok(typeof secret === "string" && secret.length >= 26);
    assert.ok([...secret].every((letter) => SECRET_ALPHABET.includes(letter)));
  }
  return comparable(rest);
}

function without(payload: Json, leftOut: Json): Json {
  const { client_id: _, client_secret: __, ...rest } = comparable(payload);
  return Object.fromEntries(
    Object.entries(rest).filter(
      ([field, value]) => !(Object.hasOwn(leftOut, field) && isSameJson(value, leftOut[field])),
    ),
  );
}

for (const contract of CONTRACTS) {
  const { version, family, refused, leftOut } = contract;
  const cases = casesOf(version);

  describe(`creating clients like Hydra's CLI of ${version}`, () => {
    const server = new Recorder(family);
    let endpoint = "";
    before(async () => {
      endpoint = await server.open();
    });
    after(() => server.close());

    /** Runs one case, with errors as JSON. */
    async function run({
      name,
      args,
      environment,
      files,
    }: Case): Promise<{ played: Played; posted: readonly Posted[] }> {
      server.posted.length = 0;
      const words = args.map((word) => word.replaceAll("{ENDPOINT}", endpoint).replaceAll("{DIR}", "/case"));
      const place = name === "no endpoint" ? {} : { HYDRA_ADMIN_URL: endpoint };
      const played = await play(["--format=json", ...words], { environment: { ...place, ...environment }, files });
      return { played, posted: [...server.posted] };
    }

    for (const each of cases) {
      const codes = Object.hasOwn(refused, each.name) ? refused[each.name] : undefined;
      if (codes !== undefined) {
        test(`rejects deliberately: ${each.name}`, async () => {
          const { played, posted } = await run(each);
          assert.deepEqual(codesOf(played), codes, played.stderr);
          assert.notEqual(played.status, 0);
          assert.equal(played.stdout, "");
          assert.deepEqual(posted, []);
        });
        continue;
      }
      test(`sends the same: ${each.name}`, async () => {
        const { played, posted } = await run(each);
        assert.equal(played.status, 0, played.stderr);
        assert.equal(contract.ours.includes(each.name), each.payload === undefined);
        assert.ok(posted.length > 0);
        for (const { body } of posted) {
          const rest = chosen(body, each, each.payload);
          if (each.payload === undefined) continue;
          assert.deepEqual(differing(rest, without(each.payload, leftOut)), []);
          for (const field of Object.keys(leftOut)) {
            // Left out where nobody asked, and sent where the reference sends something else.
            if (isSameJson(each.payload[field], leftOut[field])) assert.equal(Object.hasOwn(rest, field), false, field);
          }
        }
      });
    }

    test("every listed case was recorded, and all recorded cases are compared", () => {
      const names = cases.map(({ name }) => name);
      for (const name of [...Object.keys(refused), ...contract.ours]) assert.ok(names.includes(name), name);
      const compared = cases.filter(({ name, payload }) => !Object.hasOwn(refused, name) && payload !== undefined);
      assert.equal(compared.length, contract.compared);
      assert.equal(names.length, compared.length + Object.keys(refused).length + contract.ours.length);
    });
  });
}

test("Hydra's own CLI sends each of the deliberately omitted fields by default", () => {
  for (const { version, leftOut } of CONTRACTS) {
    const [plain] = casesOf(version).filter(({ name }) => name.startsWith("no flags at all"));
    assert.ok(plain?.payload !== undefined);
    for (const [field, value] of Object.entries(leftOut)) {
      const known = version !== "2.1.2" || field !== "skip_logout_consent";
      assert.equal(isSameJson(plain.payload[field], value), known, `${version}: ${field}`);
    }
  }
});
