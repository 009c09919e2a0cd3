import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import * as v from "valibot";
import { temporaryFolder } from "../e2e/binary.ts";
import { familyTraits, ordinaryTraits } from "../sandbox-versions.ts";
import { asJson, type Json, onEveryServer, type Server, textOf } from "./servers.ts";

const SECRET = "a-secret~of.mine_1";

const DEVICE = "urn:ietf:params:oauth:grant-type:device_code";

const WEB = {
  grant_types: ["authorization_code", "refresh_token"],
  response_types: ["code"],
  scope: "openid offline",
  redirect_uris: ["https://app.example.com/cb?tenant=1"],
  post_logout_redirect_uris: ["https://app.example.com/bye"],
  client_secret: SECRET,
};

const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });

const PUBLIC = { ...WEB, client_secret: undefined, token_endpoint_auth_method: "none" };

const Report = v.object({
  ok: v.boolean(),
  steps: v.array(v.object({ name: v.string(), status: v.string(), detail: v.string(), hint: v.optional(v.string()) })),
});

type Steps = v.InferOutput<typeof Report>["steps"];

async function registered(server: Server, client: Json): Promise<string> {
  const { status, body } = await server.post(client);
  assert.equal(status, 201, JSON.stringify(body));
  return textOf(asJson(body), "client_id");
}

/** Tests a client, which must pass unless another exit code is expected. */
async function testClient(server: Server, args: readonly string[], exit = 0): Promise<Steps> {
  const { publicUrl } = server;
  assert.ok(publicUrl !== undefined, "the public URL is needed");
  const words = server.family === "v1" ? ["clients", "test"] : ["test", "oauth2-client"];
  const env = { HYDRA_PUBLIC_URL: publicUrl };
  const { status, stdout, stderr } = await server.run([...words, ...args, "--format", "json"], { env });
  assert.equal(status, exit, `${stdout}${stderr}`);
  assert.ok(!stdout.includes(SECRET));
  const { ok, steps } = v.parse(Report, JSON.parse(stdout));
  assert.equal(ok, exit === 0);
  return steps;
}

/** The names of the steps that passed. The login page of a real server need not be reachable. */
function passedSteps(steps: Steps): readonly string[] {
  const open = steps.filter(({ name, status }) => status === "warning" && name !== "login-page");
  assert.deepEqual(open, []);
  return steps.filter(({ name, status }) => status === "passed" && name !== "login-page").map(({ name }) => name);
}

const LOGIN = ["authorization", "tokens", "refresh", "introspection", "revocation", "logout"];

onEveryServer("clients test", ordinaryTraits, (server, testsFor) => {
  test("passes for a web application with a secret, sent in either way", async () => {
    using folder = temporaryFolder();
    const file = join(folder.path, "secret");
    writeFileSync(file, SECRET);
    for (const method of ["client_secret_basic", "client_secret_post"]) {
      const id = await registered(server(), { ...WEB, token_endpoint_auth_method: method });
      const steps = await testClient(server(), [id, "--client-secret-file", file]);
      assert.deepEqual(passedSteps(steps), ["discovery", "credentials", ...LOGIN]);
      assert.match(steps.find(({ name }) => name === "credentials")?.detail ?? "", new RegExp(`^${method} accepted`));
      assert.match(steps.find(({ name }) => name === "introspection")?.detail ?? "", /sub hydra-test-[0-9a-f-]{36},/);
    }
  });

  testsFor(familyTraits)("passes for the login of a web application without its secret", async () => {
    const id = await registered(server(), WEB);
    assert.deepEqual(passedSteps(await testClient(server(), [id])), ["discovery", "authorization"]);
  });

  testsFor(({ prefix, public: { plainHttpHosts, tokenPrefixes } }) => [prefix, plainHttpHosts, tokenPrefixes])(
    "passes for a single-page and a native application",
    async () => {
      for (const uri of ["https://spa.example.com/", "http://127.0.0.1:4446/callback", "com.example.app:/callback"]) {
        const id = await registered(server(), {
          ...PUBLIC,
          redirect_uris: [uri],
          post_logout_redirect_uris: [],
          skip_consent: server().family === "v2" ? true : undefined,
        });
        const expected = ["discovery", ...LOGIN.slice(0, -1)];
        assert.deepEqual(passedSteps(await testClient(server(), [id])), expected, uri);
      }
    },
  );

  testsFor(({ prefix, public: { introspection, lenientAssertions } }) => [prefix, introspection, lenientAssertions])(
    "passes for a machine with a secret and one with a key",
    async () => {
      using folder = temporaryFolder();
      const [secret, key] = [join(folder.path, "secret"), join(folder.path, "key.pem")];
      writeFileSync(secret, SECRET);
      const machine = { grant_types: ["client_credentials"], scope: "read write" };
      const expected = ["discovery", "credentials", "client-credentials", "introspection", "revocation"];
      const id = await registered(server(), { ...machine, client_secret: SECRET });
      assert.deepEqual(passedSteps(await testClient(server(), [id, "--client-secret-file", secret])), expected);
      writeFileSync(key, privateKey.export({ type: "pkcs8", format: "pem" }));
      const jwk = { ...publicKey.export({ format: "jwk" }), kid: "k1", alg: "RS256", use: "sig" };
      const keyed = await registered(server(), {
        ...machine,
        token_endpoint_auth_method: "private_key_jwt",
        jwks: { keys: [jwk] },
      });
      assert.deepEqual(passedSteps(await testClient(server(), [keyed, "--client-key", key])), expected);
    },
  );

  test("names the setting if a redirect URI or a scope isn't registered", async () => {
    const id = await registered(server(), WEB);
    const command = server().family === "v1" ? `hydra clients update ${id}` : `hydra update oauth2-client ${id}`;
    const flag = server().family === "v1" ? "--add-callback" : "--add-redirect-uri";
    for (const [args, detail, hint] of [
      [
        ["--redirect-uri", "https://other.example/"],
        /malformed[.:] The .redirect_uri. /,
        `${flag} https://other.example/`,
      ],
      [["--scope", "openid,write"], /malformed[.:] The .*write/, "--add-scope write"],
    ] as const) {
      const steps = await testClient(server(), [id, ...args], 1);
      const step = steps.find(({ name }) => name === "authorization");
      assert.match(step?.detail ?? "", detail);
      assert.equal(step?.hint, `${command} ${hint}`);
    }
  });

  testsFor(({ prefix, public: { introspection, redirectUriRequired } }) => [
    prefix,
    introspection,
    redirectUriRequired,
  ])("passes for the implicit flow", async () => {
    for (const types of [["token"], ["id_token"], ["id_token token"]]) {
      const id = await registered(server(), { ...PUBLIC, grant_types: ["implicit"], response_types: types });
      const passed = passedSteps(await testClient(server(), [id]));
      const hasToken = types[0] !== "id_token";
      const hasIdToken = types[0] !== "token";
      const expected = [
        "implicit",
        ...(hasToken ? ["introspection", "revocation"] : []),
        ...(hasIdToken ? ["logout"] : []),
      ];
      assert.deepEqual(passed, ["discovery", ...expected], types[0]);
    }
  });

  test("passes for a device if the server supports it, and otherwise says that it doesn't", async () => {
    const id = await registered(server(), {
      ...PUBLIC,
      grant_types: [DEVICE, "refresh_token"],
      redirect_uris: [],
      post_logout_redirect_uris: [],
    });
    const steps = await testClient(server(), [id]);
    const device = steps.find(({ name }) => name === "device");
    if (device?.status === "skipped")
      assert.match(device.detail, /does not support the device flow, which requires Hydra 25\.4 or later$/);
    else assert.deepEqual(passedSteps(steps), ["discovery", "device", "refresh", "introspection", "revocation"]);
  });
});
