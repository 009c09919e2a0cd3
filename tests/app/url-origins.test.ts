/** Hints about a URL name the place where it was set: the flag, the environment variable or the config file. */

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { describe, test } from "node:test";
import { testServer } from "../adapters/oauth/support.ts";
import { type Played, play, type Scene } from "./in-process.ts";

/** Where nothing listens: port 1 is reserved. */
const NOWHERE = "http://127.0.0.1:1";

const FILE = "/home/me/.config/hydra/config.yaml";

function hintOf({ stderr }: Played): string {
  return /^Hint: (.*)$/m.exec(stderr)?.[1] ?? stderr;
}

/** The scenes that set a URL for the admin API, and what hints call the places. */
function adminScenes(url: string): readonly (readonly [args: readonly string[], scene: Scene, place: string])[] {
  return [
    [["--endpoint", url], {}, "--endpoint"],
    [["-e", url], {}, "-e"],
    [[], { environment: { HYDRA_ADMIN_URL: url } }, "environment variable HYDRA_ADMIN_URL"],
    [[], { environment: { ORY_SDK_URL: url } }, "environment variable ORY_SDK_URL"],
    [[], { environment: { HOME: "/home/me" }, files: { [FILE]: `endpoint: ${url}\n` } }, `"endpoint" in ${FILE}`],
  ];
}

async function assertHints(url: string, hint: (place: string) => string): Promise<void> {
  for (const [args, scene, place] of adminScenes(url)) {
    const played = await play(["clients", "get", "a", "--api", "v2", "--fail-after", "0", ...args], scene);
    assert.equal(hintOf(played), hint(place));
  }
}

/** Runs a test with a server that always gives the same answer. */
async function withAnswer(
  status: number,
  headers: Readonly<Record<string, string>>,
  body: string,
  work: (url: string) => Promise<void>,
): Promise<void> {
  const server = createServer((_, response) => response.writeHead(status, headers).end(body));
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  try {
    await work(`http://127.0.0.1:${address.port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

describe("errors name where the endpoint comes from", () => {
  test("if no server runs there", () =>
    assertHints(
      NOWHERE,
      (place) => `check that the server is running and that the endpoint (${place}) points to its admin port`,
    ));

  test("if the server redirects", () =>
    withAnswer(302, { location: "https://hydra.example.com/" }, "", (url) =>
      assertHints(
        url,
        (place) =>
          `use the URL it redirects to as the endpoint (${place}), or set --api v1 or v2 if the API version was detected wrongly`,
      ),
    ));

  test("if it is another service", () =>
    withAnswer(200, {}, "hello", (url) =>
      assertHints(
        url,
        (place) => `check that the endpoint (${place}) is a Hydra admin port and not a proxy or another service`,
      ),
    ));

  test("if it has http instead of https", () =>
    withAnswer(200, {}, "", (url) =>
      assertHints(
        url.replace("http:", "https:"),
        (place) => `check http or https in the endpoint (${place}), and the port`,
      ),
    ));
});

describe("errors name where the public URL comes from", () => {
  const getToken = ["token", "client", "--client-id", "a", "--fail-after", "0"];
  const environment = { OAUTH2_CLIENT_SECRET: "secret" };
  const scenes: readonly (readonly [args: readonly string[], environment: Readonly<Record<string, string>>, string])[] =
    [
      [["--endpoint", NOWHERE], {}, "--endpoint"],
      [["--public-url", NOWHERE], {}, "--public-url"],
      [[], { HYDRA_PUBLIC_URL: NOWHERE }, "environment variable HYDRA_PUBLIC_URL"],
      [[], { HYDRA_URL: NOWHERE }, "environment variable HYDRA_URL"],
    ];
  for (const [args, more, place] of scenes) {
    test(`if it is ${place}`, async () => {
      const played = await play([...getToken, ...args], { environment: { ...environment, ...more } });
      assert.equal(hintOf(played), `check the public URL (${place}), and that the server is running`);
    });
  }

  test("if the server has no discovery document", () =>
    withAnswer(404, {}, "", async (url) => {
      const played = await play(getToken, { environment: { ...environment, HYDRA_URL: url } });
      assert.equal(hintOf(played), "check the public URL (environment variable HYDRA_URL)");
    }));

  test("if new credentials are verified there", () =>
    withAnswer(200, {}, "[]", async (url) => {
      const create = ["create", "oauth2-client", "--grant-type", "client_credentials", "--verify", "-e", url];
      const found = await play(create, { environment: { HYDRA_PUBLIC_URL: NOWHERE } });
      assert.equal(hintOf(found), "check environment variable HYDRA_PUBLIC_URL");
      const flag = await play([...create, "--public-url", NOWHERE]);
      assert.equal(hintOf(flag), "check --public-url");
    }));
});

describe("/admin at the end of a public URL is ignored, with a warning", () => {
  const token = `${[{ alg: "RS256" }, {}].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".")}.AA`;
  const lines: readonly (readonly string[])[] = [
    ["clients", "test", "a"],
    ["clients", "create", "--grant-type", "client_credentials", "--verify"],
    ["keys", "rotate", "hydra.openid.id-token"],
    ["token", "decode", token, "--verify"],
  ];
  for (const line of lines)
    test(`by ${line.slice(0, 2).join(" ")}`, async () => {
      await using server = await testServer("26");
      await server.register({ client_id: "a", grant_types: ["client_credentials"] });
      const environment = { HYDRA_ADMIN_URL: server.sandbox.url };
      const { stderr } = await play([...line, "--public-url", `${server.publicUrl}/admin/`], { environment });
      const warning = /^Warning: \/admin at the end of --public-url is ignored: it is not part of a public URL$/gm;
      assert.equal(stderr.match(warning)?.length, 1, stderr);
      assert.doesNotMatch(stderr, /^Error: (?!Cannot verify the token: no key .* signed it)/m);
    });
});
