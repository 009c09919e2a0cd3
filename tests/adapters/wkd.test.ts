import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { encryptText, parseRecipients } from "../../lib/adapters/pgp.ts";
import { fetchWkdKey, wkdUrls } from "../../lib/adapters/wkd.ts";
import { Problem } from "../../lib/core/problem.ts";
import { type Gpg, openGpg } from "./gpg.ts";
import { type KeyServer, openKeyServer, type Reply } from "./keyserver.ts";

describe("Web Key Directory", () => {
  let gpg: Gpg;
  let server: KeyServer;
  const files = new Map<string, Reply>();

  before(async () => {
    gpg = openGpg();
    server = await openKeyServer((url) => files.get(url.href) ?? { status: 404, body: "none" });
  });

  after(async () => {
    await server.close();
    gpg.close();
  });

  async function refusal(address: string): Promise<Problem> {
    try {
      await fetchWkdKey(address, server.download);
    } catch (error) {
      assert.ok(error instanceof Problem, String(error));
      return error;
    }
    return assert.fail("a key came");
  }

  it("builds the URLs of the draft's own example", async () => {
    assert.deepEqual(await wkdUrls("Joe.Doe@Example.ORG"), {
      advanced:
        "https://openpgpkey.example.org/.well-known/openpgpkey/example.org/hu/iy9q119eutrkn8s1mk4r39qejnbu3n5q?l=Joe.Doe",
      direct: "https://example.org/.well-known/openpgpkey/hu/iy9q119eutrkn8s1mk4r39qejnbu3n5q?l=Joe.Doe",
    });
  });

  it("builds the same file names as GnuPG", async () => {
    for (const address of [
      "a@example.org",
      "Alice+Tag@example.org",
      "o'hara_%@example.org",
      "x".repeat(64).concat("@a.b"),
    ]) {
      gpg.quick(`Someone <${address}>`, "ed25519", "sign");
      const listed = gpg.run(["--with-wkd-hash", "--list-keys", address]).stdout.toString();
      const hash = /^\s+([a-z0-9]{32})@/m.exec(listed)?.[1];
      assert.ok(hash, listed);
      assert.ok((await wkdUrls(address)).direct.includes(`/hu/${hash}?l=`), address);
    }
  });

  it("escapes the local part and converts international domains to their DNS form", async () => {
    const { advanced, direct } = await wkdUrls("A&b=c/d?#%@M\u00fcnchen.example");
    assert.equal(new URL(advanced).hostname, "openpgpkey.xn--mnchen-3ya.example");
    assert.equal(new URL(direct).searchParams.get("l"), "A&b=c/d?#%");
    assert.match(new URL(advanced).pathname, /^\/\.well-known\/openpgpkey\/xn--mnchen-3ya\.example\/hu\/[a-z0-9]{32}$/);
  });

  it("finds a key with the advanced method, without a second request", async () => {
    const address = "Dora@example.org";
    const key = gpg.exported(gpg.quick(`Dora <${address}>`, "future-default"));
    const { advanced } = await wkdUrls(address);
    files.set(advanced, { body: key.binary });
    const before = server.asked.length;
    const found = await fetchWkdKey(address, server.download);
    assert.equal(server.asked.length, before + 1);
    assert.equal(found.url, advanced);
    assert.deepEqual(server.asked.at(-1)?.options, { what: 'the key of "Dora@example.org"', maxBytes: 1_048_576 });
    const [recipient] = await parseRecipients(found.material, `wkd:${address}`, new Date(), { address: found.address });
    assert.ok(recipient);
    assert.equal(recipient.fingerprint, key.fingerprint);
    const message = await encryptText([recipient], "for dora", "base64");
    assert.equal(gpg.decrypt(Buffer.from(message, "base64")), "for dora");
  });

  it("uses the direct method only if the other host doesn't answer", async () => {
    const address = "erik@direct.example";
    const key = gpg.exported(gpg.quick(`Erik <${address}>`, "future-default"));
    const { direct } = await wkdUrls(address);
    files.set(direct, { body: key.binary });
    const refused = await refusal(address);
    assert.equal(refused.code, "wkd-no-key", "a directory that answers has the last word");
    server.dead.add("openpgpkey.direct.example");
    const found = await fetchWkdKey(address, server.download);
    assert.equal(found.url, direct);
    assert.deepEqual(Buffer.from(found.material), Buffer.from(key.binary));
  });

  it("distinguishes a missing key, a failing server and an unreachable one", async () => {
    const none = await refusal("nobody@example.org");
    assert.equal(none.code, "wkd-no-key");
    assert.equal(none.exit, "noUsableKey");
    assert.equal(none.status, 404);
    assert.match(none.message, /^Cannot find a key for "nobody@example.org" .* answered 404$/);
    const { advanced } = await wkdUrls("busy@example.org");
    files.set(advanced, { status: 503, body: "" });
    const busy = await refusal("busy@example.org");
    assert.equal(busy.exit, "unreachable");
    assert.equal(busy.status, 503);
    server.dead.add("openpgpkey.off.example").add("off.example");
    const off = await refusal("frank@off.example");
    assert.equal(off.exit, "unreachable");
    assert.match(off.message, / off\.example is out of reach$/);
    assert.match(off.details.join(), /openpgpkey\.off\.example is out of reach$/);
    server.dead.delete("off.example");
    assert.equal((await refusal("frank@off.example")).code, "wkd-no-key");
  });

  it("rejects an invalid email address without a request", async () => {
    const before = server.asked.length;
    for (const address of [
      "",
      "user",
      "@host",
      "user@",
      "a b@host",
      "user@host/path",
      "user@host:1",
      "u@[::1]",
      "a@b@c",
    ]) {
      await assert.rejects(fetchWkdKey(address, server.download), { code: "wkd-address", exit: "usage" }, address);
    }
    assert.equal(server.asked.length, before);
  });
});
