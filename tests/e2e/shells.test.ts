/** Completion in real bash, zsh and fish. */

import assert from "node:assert/strict";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { type Sandbox, startSandbox } from "../../lib/sandbox/index.ts";
import { fishCandidates, openShell, type ShellOptions } from "./shell.ts";

const LONG = { timeout: 300_000 };

/** An ID that every shell has to quote. */
const ODD = "we ird:id'x";

/** Files and folders of the folder that the shells work in. */
function furnish(folder: string): void {
  writeFileSync(join(folder, "team.asc"), "");
  for (const name of ["dist", "dir one"]) mkdirSync(join(folder, name));
}

/** What every shell makes of a line at Tab; an only candidate is followed by a space. */
const TABS: readonly (readonly [line: string, completed: string])[] = [
  ["hydra cli", "hydra clients "],
  ["./hydra clients cr", "./hydra clients create "],
  ["hydra help exit", "hydra help exit-codes "],
  ["hydra --api=v1 clients rot", "hydra --api=v1 clients rotate-secret "],
  ["hydra clients create --callb", "hydra clients create --callbacks "],
  ["hydra create oauth2-client --redirect-u", "hydra create oauth2-client --redirect-uri "],
  ["hydra clients create --redirect-u", "hydra clients create --redirect-uri "],
  ["hydra clients create --format=jsonpa", "hydra clients create --format=jsonpath="],
  ["hydra clients create --format j", "hydra clients create --format json"],
  ["hydra clients create -gim", "hydra clients create -gimplicit "],
  ["hydra clients create -g=implicit,urn:ie", "hydra clients create -g=implicit,urn:ietf:params:oauth:grant-type:"],
  ["hydra clients create -g implicit,auth", "hydra clients create -g implicit,authorization_code "],
  [
    "hydra clients create --token-endpoint-auth-method pri",
    "hydra clients create --token-endpoint-auth-method private_key_jwt ",
  ],
  ["hydra clients create -r code\\ i", "hydra clients create -r code\\ id_token"],
  ["hydra clients create -r 'code i", "hydra clients create -r 'code id_token"],
  ["hydra clients create --ca-file te", "hydra clients create --ca-file team.asc "],
  ["hydra clients create --ca-file=te", "hydra clients create --ca-file=team.asc "],
  ["hydra clients create --pgp-key @te", "hydra clients create --pgp-key @team.asc "],
  ["hydra clients create --pgp-key=@te", "hydra clients create --pgp-key=@team.asc "],
  ["hydra clients create --rescue-dir dis", "hydra clients create --rescue-dir dist/"],
  ["hydra clients import te", "hydra clients import team.asc "],
  ["hydra clients get app-o", "hydra clients get app-one "],
  ["hydra clients update we", "hydra clients update we\\ ird:id\\'x "],
  ["hydra delete oauth2-client app-two app-o", "hydra delete oauth2-client app-two app-one "],
  ["hydra clients update app-one te", "hydra clients update app-one te"],
  ["hydra clinets ", "hydra clinets "],
  // What is typed in quotes is unquoted once, and what stays is as long as it is on the line.
  ["hydra clients get back\\\\sl", "hydra clients get back\\\\slash "],
  ["hydra clients create -g a\\ b,impl", "hydra clients create -g a\\ b,implicit "],
  ["hydra clients create -g=a\\ b,impl", "hydra clients create -g=a\\ b,implicit "],
  ["hydra clients create --rescue-dir=dir\\ o", "hydra clients create --rescue-dir=dir\\ one/"],
];

/** A path in an open quote, which bash ends. */
const IN_QUOTES = ["hydra clients create '--rescue-dir=dir o", "hydra clients create '--rescue-dir=dir one/"] as const;

/** All that can follow, which bash and zsh insert and fish lists. */
const ALL: readonly (readonly [line: string, candidates: readonly string[]])[] = [
  [
    "hydra clients ",
    ["apply", "create", "delete", "diff", "export", "get", "import", "list", "rotate-secret", "show", "test", "update"],
  ],
  ["hydra --api ", ["auto", "v1", "v2"]],
  ["hydra completion ", ["bash", "fish", "powershell", "zsh"]],
  ["hydra clients get ", ["app-one", "app-two", "back\\\\slash", "we\\ ird:id\\'x"]],
  ["hydra clients delete app-one ", ["app-two", "back\\\\slash", "we\\ ird:id\\'x"]],
  ["hydra clients create --if-exists ", ["fail", "skip", "update"]],
  ["hydra pgp inspect ", ["@", "github:", "keybase:", "wkd:"]],
];

let sandbox: Sandbox;

async function register(url: string, id: string, name: string): Promise<void> {
  const body = JSON.stringify({ client_id: id, client_name: name });
  const { status } = await fetch(`${url}/admin/clients`, {
    method: "POST",
    body,
    headers: { "content-type": "application/json" },
  });
  assert.equal(status, 201);
}

before(async () => {
  sandbox = await startSandbox({ as: "26", listen: "127.0.0.1:0" });
  await register(sandbox.url, "app-one", "The first");
  await register(sandbox.url, "app-two", "");
  await register(sandbox.url, ODD, "Odd");
  await register(sandbox.url, "back\\slash", "");
});

after(() => sandbox.close());

/** Lines that complete IDs, for which the program asks the server. */
const COMPLETES_IDS = /^hydra (clients (get|update|delete)|delete oauth2-client|-e=)/;

/**
 * Asserts what a line completes to. The program gives up on IDs after a second, which a busy machine may exceed, so those
 * are completed again, as a person presses Tab again.
 *
 * @returns how many times the line was completed
 */
async function assertCompletes<T>(line: string, complete: () => Promise<T>, expected: T): Promise<number> {
  const end = COMPLETES_IDS.test(line) ? performance.now() + LONG.timeout / 2 : 0;
  let found = await complete();
  let times = 1;
  for (; !isDeepStrictEqual(found, expected) && performance.now() < end; times++) found = await complete();
  assert.deepEqual(found, expected, line);
  return times;
}

const settings = (): ShellOptions => ({ env: { HYDRA_ADMIN_URL: sandbox.url } });

for (const shell of ["bash", "zsh", "fish"] as const) {
  describe(`a real ${shell}`, () => {
    it("completes commands, flags, values, lists, files and IDs at Tab", LONG, async () => {
      await using open = await openShell(shell, settings());
      furnish(open.folder);
      for (const [line, completed] of shell === "bash" ? TABS : [...TABS, IN_QUOTES])
        await assertCompletes(line, () => open.after(line, "Tab"), completed);
    });

    it("runs nothing on the line, and contacts a server only for IDs", LONG, async () => {
      const asked: string[] = [];
      const watched = await startSandbox({ as: "26", listen: "127.0.0.1:0", onRequest: (line) => asked.push(line) });
      await using cleanup = new AsyncDisposableStack();
      cleanup.defer(() => watched.close());
      await register(watched.url, "app-one", "The first");
      asked.length = 0;
      await using open = await openShell(shell, { env: { HYDRA_ADMIN_URL: watched.url } });
      await open.after("hydra clients get $(touch run) `touch run` --fo", "Tab");
      await open.after("hydra clients create --id app", "Tab");
      assert.equal(existsSync(join(open.folder, "run")), false);
      assert.deepEqual(asked, []);
      const line = "hydra clients get app-o";
      const times = await assertCompletes(line, () => open.after(line, "Tab"), "hydra clients get app-one ");
      assert.ok(asked.length > 0 && asked.length <= times, `${asked.length} requests for ${times} completions`);
    });

    it("asks the server on the command line, not the one in the environment", LONG, async () => {
      await using open = await openShell(shell, { env: { HYDRA_ADMIN_URL: "http://127.0.0.1:1" } });
      const line = `hydra clients get --endpoint ${sandbox.url} app-o`;
      await assertCompletes(line, () => open.after(line, "Tab"), `${line}ne `);
      const first = `hydra -e=${sandbox.url} clients get app-o`;
      await assertCompletes(first, () => open.after(first, "Tab"), `${first}ne `);
    });

    it("stays silent if a server doesn't answer, is unknown or must not be asked", LONG, async () => {
      const dead = createServer(() => {});
      await new Promise<void>((done) => dead.listen(0, "127.0.0.1", done));
      const address = dead.address();
      assert.ok(address !== null && typeof address === "object");
      const { port } = address;
      const environments: readonly Record<string, string>[] = [
        { HYDRA_ADMIN_URL: `http://127.0.0.1:${port}` },
        { HYDRA_ADMIN_URL: "http://127.0.0.1:1" },
        {},
        { HYDRA_ADMIN_URL: "nonsense" },
        { HYDRA_ADMIN_URL: sandbox.url, HYDRA_COMPLETE_IDS: "0" },
      ];
      try {
        for (const env of environments) {
          await using open = await openShell(shell, { env });
          furnish(open.folder);
          assert.equal(await open.after("hydra clients get ", "Tab"), "hydra clients get ", JSON.stringify(env));
          assert.equal(await open.after("hydra clients li", "Tab"), "hydra clients list ", JSON.stringify(env));
        }
      } finally {
        dead.closeAllConnections();
        await new Promise((done) => dead.close(done));
      }
    });

    if (shell === "fish") {
      it("lists every candidate with what it is", LONG, async () => {
        for (const [line, candidates] of ALL) {
          const complete = async (): Promise<readonly string[]> =>
            (await fishCandidates(line, { ...settings(), prepare: furnish })).map(([text]) => text).sort();
          await assertCompletes(line, complete, candidates.map((text) => text.replace(/\\(.)/g, "$1")).sort());
        }
        const line = "hydra clients get app-o";
        await assertCompletes(line, () => fishCandidates(line, settings()), [["app-one", "The first"]]);
        assert.deepEqual(await fishCandidates("hydra clients cre"), [
          ["create", "Create a client and print its ID and secret"],
        ]);
      });
    } else {
      it("offers every candidate", LONG, async () => {
        await using open = await openShell(shell, settings());
        furnish(open.folder);
        for (const [line, candidates] of ALL) {
          const complete = async (): Promise<readonly string[]> => {
            const inserted = await open.after(line, "every candidate");
            assert.ok(inserted.startsWith(line), inserted);
            // Each inserted word brings its own space, so that there are two between words.
            return inserted
              .slice(line.length)
              .trim()
              .split(/(?<!\\) +/)
              .sort();
          };
          await assertCompletes(line, complete, [...candidates].sort());
        }
      });
    }
  });
}

it("is found by zsh and fish in the folder that is meant for it", LONG, async () => {
  for (const shell of ["zsh", "fish"] as const) {
    await using open = await openShell(shell, { ...settings(), installed: true });
    assert.equal(await open.after("hydra clients cr", "Tab"), "hydra clients create ", shell);
    const line = "hydra clients get app-o";
    await assertCompletes(line, () => open.after(line, "Tab"), "hydra clients get app-one ");
  }
});
