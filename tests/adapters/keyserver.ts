import { createServer } from "node:http";
import type { Download, DownloadOptions } from "../../lib/core/network.ts";
import { Problem } from "../../lib/core/problem.ts";

/** What the test's server answers to one request. */
export interface Reply {
  readonly status?: number;
  readonly type?: string;
  readonly body: string | Uint8Array;
}

/** A loopback server that takes the place of every host of the test, and the way to reach it. */
export interface KeyServer {
  /** Its own address, without a slash at the end. */
  readonly url: string;
  /** Each download so far: the address that was asked for, and how. */
  readonly asked: { readonly url: string; readonly options: DownloadOptions }[];
  /** Hosts that nothing answers for. */
  readonly dead: Set<string>;
  readonly download: Download;
  close(): Promise<void>;
}

/** Starts a server whose answers `reply` gives for an address (with the host that was meant). */
export async function openKeyServer(reply: (url: URL) => Reply): Promise<KeyServer> {
  const server = createServer((request, response) => {
    const {
      status = 200,
      type = "application/octet-stream",
      body,
    } = reply(new URL(String(request.headers["x-meant"])));
    response.writeHead(status, { "content-type": type });
    response.end(body);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  const url = `http://127.0.0.1:${address.port}`;
  const asked: KeyServer["asked"] = [];
  const dead = new Set<string>();
  return {
    url,
    asked,
    dead,
    async download(meant, options) {
      asked.push({ url: meant, options });
      const { hostname, pathname, search } = new URL(meant);
      if (dead.has(hostname)) {
        throw new Problem(`Cannot fetch ${options.what}: ${hostname} is out of reach`, {
          code: "unreachable",
          exit: "unreachable",
          hint: "check the network",
        });
      }
      const answer = await fetch(`${url}${pathname}${search}`, { headers: { "x-meant": meant } });
      const bytes = new Uint8Array(await answer.arrayBuffer());
      if (bytes.length > options.maxBytes) throw new Error("larger than the download allows");
      return { status: answer.status, url: meant, bytes };
    },
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}
