import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import { createHttp } from "../../lib/adapters/http.ts";
import { type ClientProof, proveCredentials } from "../../lib/adapters/token.ts";
import { transport, trustedAuthorities } from "../../lib/adapters/transport.ts";
import { Problem } from "../../lib/core/problem.ts";

test("a token endpoint that repeats what it was sent has nothing of it shown", async () => {
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const part of request) body += String(part);
    const error = `no ${request.headers.authorization ?? ""} ${body}`;
    response.writeHead(401, { "content-type": "application/json" }).end(JSON.stringify({ error }));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  try {
    const address = server.address();
    assert.ok(address !== null && typeof address === "object");
    const http = createHttp({ transport, authorities: () => trustedAuthorities([]), monotonic: () => 0 });
    const secret = "s3cret/of mine";
    const proofs: readonly ClientProof[] = [
      { way: "client_secret_basic", secret },
      { way: "client_secret_post", secret },
      { way: "private_key_jwt", assertion: async () => "s3cret.of.mine" },
    ];
    for (const proof of proofs) {
      const asked = proveCredentials(http, `http://127.0.0.1:${address.port}`, "app", proof, 10_000);
      await assert.rejects(asked, (error) => {
        assert.ok(error instanceof Problem);
        assert.match(error.message, /: the token endpoint answered 401 \(no .*\(redacted\)/);
        const basic = Buffer.from("app:s3cret%2Fof+mine").toString("base64");
        return !/s3cret/.test(error.message) && !error.message.includes(basic.slice(0, 12));
      });
    }
  } finally {
    server.close();
    server.closeAllConnections();
  }
});
