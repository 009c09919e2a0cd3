import assert from "node:assert/strict";
import { createServer, type IncomingHttpHeaders } from "node:http";
import { describe, test } from "node:test";
import { createHttp } from "../../lib/adapters/http.ts";
import {
  type CredentialsToProve,
  discoverProofEndpoints,
  type ProofEndpoints,
  proveCredentials,
} from "../../lib/adapters/prove-credentials.ts";
import { collectTrustedCertificates, createRuntimeFetch } from "../../lib/adapters/transport.ts";
import { Problem, resultOrProblem } from "../../lib/core/problem.ts";

interface Asked {
  readonly path: string;
  readonly form: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
}

interface Told {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

interface PublicSide extends AsyncDisposable {
  readonly url: string;
  readonly asked: Asked[];
}

/** The public side of a server, as a function from requests to answers. */
async function publicSide(answer: (asked: Asked, url: string) => Told): Promise<PublicSide> {
  const asked: Asked[] = [];
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const part of request) body += String(part);
    const one = { path: request.url ?? "", form: new URLSearchParams(body), headers: request.headers };
    asked.push(one);
    const told = answer(one, url);
    response
      .writeHead(told.status, { "content-type": "application/json", ...told.headers })
      .end(told.body === undefined ? "" : JSON.stringify(told.body));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  const url = `http://127.0.0.1:${address.port}`;
  return {
    url,
    asked,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}

const http = createHttp({
  transport: createRuntimeFetch,
  authorities: () => collectTrustedCertificates([]),
  monotonic: () => 0,
});

const SECRET = "s3cret/of mine";

const WRONG = "not-the-s3cret";

const OPTIONS = { timeLeft: () => 10_000, wrongSecret: WRONG };

const BASIC: CredentialsToProve = { way: "client_secret_basic", secret: SECRET };

const POST: CredentialsToProve = { way: "client_secret_post", secret: SECRET };

const KEY: CredentialsToProve = { way: "private_key_jwt", assertion: async (audience) => `s3cret.for.${audience}` };

/** Where the URL came from, for hints. */
const ORIGIN = "environment variable HYDRA_PUBLIC_URL";

const publicUrl = (url: string) => ({ publicUrl: url, origin: ORIGIN });

function at(url: string): ProofEndpoints {
  return { token: `${url}/token`, revocation: `${url}/revoke`, origin: ORIGIN };
}

/** The secret that a request carries, by the method of RFC 6749, 2.3.1, that it uses. */
function secretIn({ form, headers }: Asked): string | undefined {
  const [, basic] = /^Basic (.+)$/.exec(headers.authorization ?? "") ?? [];
  if (basic === undefined) return form.get("client_secret") ?? undefined;
  const [id = "", secret = ""] = Buffer.from(basic, "base64").toString().split(":");
  assert.equal(id, "my+app");
  return decodeURIComponent(secret.replaceAll("+", " "));
}

/** What every Hydra does at its revocation endpoint. */
function asHydra(asked: Asked): Told {
  return secretIn(asked) === SECRET ? { status: 200 } : { status: 401, body: { error: "invalid_client" } };
}

async function fails(asked: Promise<unknown>, message: RegExp): Promise<void> {
  await assert.rejects(asked, (error) => {
    assert.ok(error instanceof Problem);
    assert.match(error.message, message);
    assert.deepEqual([error.code, error.exit], ["not-verified", "failed"]);
    return true;
  });
}

describe("the verification of a secret", () => {
  test("expects an error for a wrong secret, then a success, and issues no token", async () => {
    await using server = await publicSide(asHydra);
    for (const proof of [BASIC, POST]) {
      server.asked.length = 0;
      assert.equal(await proveCredentials(http, at(server.url), "my app", proof, OPTIONS), "secret");
      assert.deepEqual(
        server.asked.map((asked) => [asked.path, asked.form.get("token"), secretIn(asked)]),
        [
          ["/revoke", "none", WRONG],
          ["/revoke", "none", SECRET],
        ],
      );
      for (const { form, headers } of server.asked) {
        assert.equal(headers.authorization === undefined, proof === POST);
        assert.deepEqual([...form.keys()], proof === POST ? ["token", "client_id", "client_secret"] : ["token"]);
      }
    }
  });

  test("fails unless a wrong secret gets 401, and then never sends the real one", async () => {
    for (const status of [200, 201, 204, 302, 307, 400, 403, 404, 429, 500, 503]) {
      await using server = await publicSide((_, url) => ({
        status,
        ...(status === 204 ? {} : { body: {} }),
        headers: { location: `${url}/elsewhere` },
      }));
      for (const proof of [BASIC, POST]) {
        const asked = proveCredentials(http, at(server.url), "my app", proof, OPTIONS);
        await fails(asked, new RegExp(`: the revocation endpoint answered ${status} to a wrong secret instead of 401`));
      }
      assert.deepEqual(server.asked.map(secretIn), [WRONG, WRONG]);
    }
  });

  test("fails unless the real secret gets 200", async () => {
    for (const status of [201, 204, 302, 307, 400, 401, 403, 500]) {
      await using server = await publicSide((asked, url) =>
        secretIn(asked) === WRONG
          ? { status: 401 }
          : { status, ...(status === 204 ? {} : { body: { error: "no" } }), headers: { location: `${url}/elsewhere` } },
      );
      const asked = proveCredentials(http, at(server.url), "my app", BASIC, OPTIONS);
      await fails(asked, new RegExp(`: the revocation endpoint answered ${status}( \\(no\\))?$`));
      assert.deepEqual(server.asked.map(secretIn), [WRONG, SECRET]);
    }
  });

  test("requests a token without a revocation endpoint, and always for a key", async () => {
    await using server = await publicSide(() => ({ status: 200, body: { access_token: "t" } }));
    const { token } = at(server.url);
    assert.equal(
      await proveCredentials(http, { token, revocation: undefined, origin: ORIGIN }, "my app", BASIC, OPTIONS),
      "token",
    );
    assert.equal(await proveCredentials(http, at(server.url), "my app", KEY, OPTIONS), "token");
    assert.deepEqual(
      server.asked.map(({ path, form }) => [path, form.get("grant_type"), form.get("client_assertion")]),
      [
        ["/token", "client_credentials", null],
        ["/token", "client_credentials", `s3cret.for.${token}`],
      ],
    );
  });

  test("shows no credentials if the endpoint repeats them", async () => {
    await using server = await publicSide((asked) => {
      const error = `no ${asked.headers.authorization ?? ""} ${asked.form.toString()}`;
      return { status: 401, body: { error } };
    });
    const token = { token: server.url, revocation: undefined, origin: ORIGIN };
    for (const [endpoints, proof, named] of [
      [token, BASIC, "token"],
      [token, POST, "token"],
      [token, KEY, "token"],
      [at(server.url), BASIC, "revocation"],
      [at(server.url), POST, "revocation"],
    ] as const) {
      const asked = proveCredentials(http, endpoints, "my app", proof, OPTIONS);
      await assert.rejects(asked, (error) => {
        assert.ok(error instanceof Problem);
        assert.match(error.message, new RegExp(`: the ${named} endpoint answered 401 \\(no .*\\(redacted\\)`));
        const basic = Buffer.from("my+app:s3cret%2Fof+mine").toString("base64");
        return !/s3cret/.test(error.message) && !error.message.includes(basic.slice(0, 16));
      });
    }
  });
});

describe("discovery", () => {
  test("names the target of a redirect, which is often the same server with https", async () => {
    await using server = await publicSide(() => ({
      status: 301,
      body: {},
      headers: { location: "https://auth.example.com/.well-known/openid-configuration?token=hush" },
    }));
    const problem = await resultOrProblem(() => discoverProofEndpoints(http, publicUrl(server.url), 10_000));
    assert.ok(problem instanceof Problem);
    assert.match(problem.message, /answered 301 with a redirect to "https:\/\/auth\.example\.com\/.*\?…"$/);
    assert.match(problem.hint ?? "", /https instead of http$/);
  });

  test("returns only a revocation endpoint of the same origin", async () => {
    let revocation: unknown;
    await using server = await publicSide((_, url) => ({
      status: 200,
      body: { issuer: url, token_endpoint: `${url}/token`, revocation_endpoint: revocation },
    }));
    const { token } = at(server.url);
    revocation = `${server.url}/oauth2/revoke`;
    assert.deepEqual(await discoverProofEndpoints(http, publicUrl(`${server.url}/`), 10_000), {
      token,
      revocation,
      origin: ORIGIN,
    });
    for (revocation of [
      undefined,
      null,
      7,
      "",
      "/oauth2/revoke",
      "https://elsewhere.example/revoke",
      `${server.url.replace("http:", "https:")}/revoke`,
      `${server.url.replace("127.0.0.1", "localhost")}/revoke`,
      `${server.url}0/revoke`,
      `${server.url}@elsewhere.example/revoke`,
    ])
      assert.deepEqual(await discoverProofEndpoints(http, publicUrl(server.url), 10_000), {
        token,
        revocation: undefined,
        origin: ORIGIN,
      });
  });
});
