/** A Keybase API for tests. */

import { createServer } from "node:http";
import type { Exported } from "../adapters/gpg.ts";

/** What a lookup answers for one user: a key, or none. */
export interface KeybaseUser {
  /** The name as the user writes it. */
  readonly username: string;
  readonly key?: Exported;
  /** What is stated as the fingerprint where it is not that of the key. */
  readonly states?: string;
}

/** A Keybase of the tests' own. */
export interface KeybaseServer {
  /** The base address for `HYDRA_KEYBASE_URL`. */
  readonly url: string;
  readonly users: KeybaseUser[];
  /** Each request so far: its target and headers. */
  readonly asked: { readonly target: string; readonly headers: Readonly<Record<string, unknown>> }[];
  /** Answers this to every lookup instead, while it is set. */
  reply: { readonly status: number; readonly body: string } | undefined;
  close(): Promise<void>;
}

/** Starts a server that answers user lookups as Keybase does. */
export async function openKeybase(...users: readonly KeybaseUser[]): Promise<KeybaseServer> {
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://localhost");
    keybase.asked.push({ target: request.url ?? "", headers: request.headers });
    const answer = keybase.reply ?? lookup(url);
    response.writeHead(answer.status, { "content-type": "application/json" });
    response.end(answer.body);
  });

  function lookup(url: URL): { status: number; body: string } {
    if (url.pathname !== "/_/api/1.0/user/lookup.json") return { status: 404, body: "not here" };
    const them = (url.searchParams.get("usernames") ?? "").split(",").map((name) => {
      const user = keybase.users.find(({ username }) => username.toLowerCase() === name.toLowerCase());
      if (user === undefined) return null;
      const { username, key, states } = user;
      const primary =
        key === undefined
          ? undefined
          : {
              key_fingerprint: (states ?? key.fingerprint).toLowerCase(),
              kid: "0101",
              key_type: 1,
              bundle: key.armored,
            };
      return { id: "1", basics: { username }, public_keys: { ...(primary === undefined ? {} : { primary }) } };
    });
    return { status: 200, body: JSON.stringify({ status: { code: 0, name: "OK" }, them }) };
  }

  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  const keybase: KeybaseServer = {
    url: `http://127.0.0.1:${address.port}`,
    users: [...users],
    asked: [],
    reply: undefined,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return keybase;
}
