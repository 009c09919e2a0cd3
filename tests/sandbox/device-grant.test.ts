import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Answered, type RawServer, rawServer, WEB_CLIENT } from "./raw-login.ts";

const GRANT = "urn:ietf:params:oauth:grant-type:device_code";

const CLIENT = { ...WEB_CLIENT, grant_types: [GRANT, "refresh_token"] };

interface Started {
  readonly deviceCode: string;
  readonly userCode: string;
  readonly verificationUrl: string;
}

async function start(server: RawServer): Promise<Started> {
  const { body } = await server.post("/oauth2/device/auth", { scope: "openid offline" });
  const [deviceCode, userCode] = [String(body["device_code"]), String(body["user_code"])];
  return { deviceCode, userCode, verificationUrl: String(body["verification_uri"]) };
}

function exchange(server: RawServer, { deviceCode }: Started): Promise<Answered> {
  return server.post("/oauth2/token", { grant_type: GRANT, device_code: deviceCode });
}

describe("the device grant of Hydra 26", () => {
  test("stays pending after the code has expired, and ends once a user has come too late", async () => {
    const clock = { now: Date.now() };
    await using server = await rawServer("26", CLIENT, { now: () => clock.now });
    const [unused, used] = [await start(server), await start(server)];
    await server.login(used.verificationUrl, used.userCode);
    clock.now += 601_000;
    assert.equal((await exchange(server, unused)).body["error"], "authorization_pending");
    assert.equal((await exchange(server, used)).body["error"], "expired_token");
  });

  test("forgets a code that was exchanged, and leaves its tokens alone", async () => {
    await using server = await rawServer("26", CLIENT);
    const device = await start(server);
    await server.login(device.verificationUrl, device.userCode);
    const { status, body } = await exchange(server, device);
    assert.equal(status, 200);
    assert.equal((await exchange(server, device)).body["error"], "invalid_grant");
    assert.equal(await server.isActive(body["access_token"]), true);
  });

  test("lets one user in for one code", async () => {
    await using server = await rawServer("26", CLIENT);
    const device = await start(server);
    const page = await fetch(device.verificationUrl, { redirect: "manual" });
    const challenge = new URL(page.headers.get("location") ?? "").searchParams.get("device_challenge") ?? "";
    const path = `/oauth2/auth/requests/device/accept?device_challenge=${encodeURIComponent(challenge)}`;
    const { body } = await server.admin("PUT", path, { user_code: device.userCode });
    const visit = async (): Promise<string> =>
      (await fetch(String(body["redirect_to"]), { redirect: "manual" })).headers.get("location") ?? "";
    assert.match(await visit(), /login_challenge=/);
    assert.match(await visit(), /\/oauth2\/fallbacks\/error\?error=access_denied&/);
  });
});
