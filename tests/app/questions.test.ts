/** `--no-input` and CI: no command asks anything, also on a terminal. */

import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { join } from "node:path";
import { describe, test } from "node:test";
import { createSystemHost } from "../../lib/adapters/host.ts";
import { FlagValues } from "../../lib/core/flags/parsed-flag-values.ts";
import { canPasteRedirectUrl } from "../../lib/tokens/browser-login.ts";
import type { Played, Scene } from "./in-process.ts";
import { type StateSetup, withStateSetup } from "./state-setup.ts";

interface Case {
  readonly args: (bench: StateSetup) => readonly string[];
  /** What a person is asked, or what says that there is nobody to ask. */
  readonly question: RegExp;
  /** The exit code without a question. */
  readonly status: number;
  readonly stdin?: string;
}

const SET = "hydra.openid.id-token";

const CASES: Readonly<Record<string, Case>> = {
  "clients get without an ID": { args: () => ["clients", "get"], question: /number or ID/, status: 2 },
  "clients delete": { args: () => ["clients", "delete", "a"], question: /Delete client "a"\?/, status: 0 },
  "clients delete with IDs on standard input": {
    args: () => ["clients", "delete", "-"],
    stdin: "a\n",
    question: /there is no terminal to ask on/,
    status: 0,
  },
  "clients rotate-secret": {
    args: () => ["clients", "rotate-secret", "a"],
    question: /secret of client "a"\?/i,
    status: 0,
  },
  "clients apply": {
    args: ({ folder }) => ["apply", join(folder, "clients"), "--stack", "prod"],
    question: /Apply to http/,
    status: 0,
  },
  "clients create --secret-prompt": {
    args: () => ["clients", "create", "-g", "client_credentials", "--secret-prompt"],
    question: /Client secret: /,
    status: 2,
  },
  "token client": { args: () => ["token", "client", "--client-id", "a"], question: /Client secret: /, status: 2 },
  "keys delete": { args: () => ["keys", "delete", "mine"], question: /Delete key set "mine"/, status: 0 },
  "keys rotate": { args: () => ["keys", "rotate", SET], question: /that signs immediately\?/, status: 0 },
  "keys get --private": { args: () => ["keys", "get", "mine", "--private"], question: /Show private keys/, status: 1 },
  "keys import of an encrypted key": {
    args: ({ folder }) => ["keys", "import", "mine", join(folder, "key.pem"), "--alg", "ES256", "--use", "sig"],
    question: /Passphrase for/,
    status: 2,
  },
};

async function run({ args, stdin }: Case, more: readonly string[], scene: Scene): Promise<Played> {
  let played: Played | undefined;
  await withStateSetup("26", async (bench) => {
    await bench.ask("POST", "", {
      client_id: "a",
      client_secret: "secret-of-a-client",
      grant_types: ["client_credentials"],
    });
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    bench.write({
      "clients/b.yaml":
        "client_id: b\ntoken_endpoint_auth_method: none\ngrant_types: [authorization_code]\nresponse_types: [code]\nredirect_uris: [https://b.example.com/cb]\n",
      "key.pem": privateKey.export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "x" }).toString(),
    });
    const generated = await bench.run(["keys", "create", "mine", "--alg", "ES256"]);
    assert.equal(generated.status, 0, generated.stderr);
    played = await bench.run([...args(bench), ...more], {
      answer: "",
      columns: 200,
      ...(stdin === undefined ? {} : { stdin }),
      ...scene,
    });
  });
  assert.ok(played !== undefined);
  return played;
}

describe("a terminal", () => {
  for (const [name, each] of Object.entries(CASES)) {
    test(`${name} asks, but not with --no-input or in CI`, async () => {
      const asked = await run(each, [], {});
      assert.match(asked.stderr, each.question);
      assert.notEqual(asked.status, 0, asked.stderr);
      for (const silent of [
        await run(each, ["--no-input"], {}),
        await run(each, [], { environment: { CI: "true" } }),
      ]) {
        assert.doesNotMatch(silent.stderr, each.question);
        assert.doesNotMatch(silent.stderr, /\[y\/N\]/);
        assert.equal(silent.status, each.status, silent.stderr);
      }
    });
  }

  test("a login in CI does not ask for the URL that the browser was redirected to", () => {
    const { stdout, stderr } = createSystemHost();
    const terminal = { isTerminal: true };
    const host = {
      ...createSystemHost(),
      stdinIsTerminal: true,
      stdout: { ...stdout, ...terminal },
      stderr: { ...stderr, ...terminal },
    };
    const values = new FlagValues(new Map());
    assert.equal(canPasteRedirectUrl({ host: { ...host, environment: () => undefined }, values }, "query"), true);
    assert.equal(canPasteRedirectUrl({ host: { ...host, environment: () => "true" }, values }, "query"), false);
  });
});
