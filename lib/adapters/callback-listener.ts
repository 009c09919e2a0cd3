import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { errorCode, errorMessage, Problem } from "../core/problem.ts";

/** Where the redirect back to the client arrives. */
export interface ListenOptions {
  /** Loopback IP addresses. An address that this machine doesn't have is left out if it has another one. */
  readonly hosts: readonly string[];
  /** 0 for a free port. */
  readonly port: number;
  readonly path: string;
  /** Host and port of the redirect URI as a browser sends them; by default those of the listener itself. */
  readonly authority?: string;
}

/** Which request is the answer to a login. */
interface ExpectedAnswer {
  readonly state: string;
  /** POST for `response_mode=form_post`. */
  readonly method: "GET" | "POST";
  /** Called with each request that looks like an answer and isn't taken for one. */
  readonly onRejected: (reason: "state" | "repeated") => void;
}

/** A listener for one redirect back to the client. */
export type CallbackListener = Awaited<ReturnType<typeof startCallbackListener>>;

/** Milliseconds that a browser gets to follow the redirect to the page at the end. */
const PAGE_MS = 2_000;

/** The longest form of an answer, in bytes. */
const MAX_FORM_BYTES = 65_536;

/** No page may be stored, name this URL to another site, or load anything. */
const PAGE_HEADERS = {
  "content-type": "text/html; charset=utf-8",
  "cache-control": "no-store",
  "referrer-policy": "no-referrer",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  connection: "close",
} as const;

type PageName = "granted" | "declined" | "otherLogin" | "answered" | "unknown";

/** The pages. None contains anything of the request. */
const PAGES: Readonly<Record<PageName, readonly [title: string, text: string]>> = {
  granted: ["Back to the terminal", "The answer has reached the terminal. You can close this page."],
  declined: ["The login was not completed", "The terminal shows why. You can close this page."],
  otherLogin: ["This is not the login that the terminal waits for", "Use the URL that the terminal shows."],
  answered: ["This login already has an answer", "To log in again, run the command again."],
  unknown: ["Nothing here", "The login ends at another URL."],
};

function sendPage(response: ServerResponse, status: number, name: PageName): void {
  const [title, text] = PAGES[name];
  response.writeHead(status, PAGE_HEADERS);
  response.end(
    `<!doctype html><html lang="en"><meta charset="utf-8"><title>${title}</title><h1>${title}</h1><p>${text}</p></html>\n`,
  );
}

/** The form of a request; undefined for one that is too long or incomplete. */
async function readFormText(request: IncomingMessage): Promise<string | undefined> {
  let text = "";
  try {
    for await (const part of request) {
      text += String(part);
      if (text.length > MAX_FORM_BYTES) return undefined;
    }
  } catch {
    return undefined;
  }
  return text;
}

/** Handles the requests to a listener, and knows how far the login is. */
class CallbackRequestHandler {
  readonly #options: ListenOptions;
  #port = 0;
  readonly #donePath: string;
  #expected: ExpectedAnswer | undefined;
  readonly #answer = Promise.withResolvers<string>();
  #page: "granted" | "declined" | undefined;
  #isDone = false;
  readonly #end = Promise.withResolvers<void>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ListenOptions) {
    this.#options = options;
    this.#donePath = options.path === "/done" ? "/finished" : "/done";
  }

  /** Resolves when no browser is waited for: it has the last page, or had time enough, or none has answered. */
  async finished(): Promise<void> {
    if (this.#page !== undefined) await this.#end.promise;
    clearTimeout(this.#timer);
  }

  /** Sets the port that the listener got. */
  setPort(port: number): void {
    this.#port = port;
  }

  expect(expected: ExpectedAnswer): Promise<string> {
    this.#expected = expected;
    return this.#answer.promise;
  }

  readonly handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const [path = "", query = ""] = (request.url ?? "").split(/\?(.*)/s);
    const expected = this.#expected;
    if (!this.#isForUs(request)) sendPage(response, 404, "unknown");
    else if (path === this.#donePath && request.method === "GET") this.#sendLastPage(response);
    else if (expected === undefined || path !== this.#options.path || request.method !== expected.method)
      sendPage(response, 404, "unknown");
    else {
      const parameters = request.method === "GET" ? query : await readFormText(request);
      this.#takeAnswer(expected, parameters ?? "", response);
    }
  };

  /** Whether a request is for the redirect URI or this listener, not for a name that someone made resolve to loopback. */
  #isForUs({ headers: { host = "" } }: IncomingMessage): boolean {
    const sent = host.toLowerCase();
    const { hosts, authority } = this.#options;
    const names = ["localhost", "127.0.0.1", "[::1]", ...hosts];
    return sent === authority?.toLowerCase() || names.some((name) => sent === `${name}:${this.#port}`);
  }

  #takeAnswer(expected: ExpectedAnswer, parameters: string, response: ServerResponse): void {
    const read = new URLSearchParams(parameters);
    const states = read.getAll("state");
    if (states.length !== 1 || states[0] !== expected.state) {
      sendPage(response, 400, "otherLogin");
      expected.onRejected("state");
      return;
    }
    if (this.#page !== undefined) {
      sendPage(response, 404, "answered");
      expected.onRejected("repeated");
      return;
    }
    this.#page = read.has("error") ? "declined" : "granted";
    this.#timer = setTimeout(this.#end.resolve, PAGE_MS);
    // The page that stays in the browser and its history has a URL without the code.
    response.writeHead(303, { ...PAGE_HEADERS, location: this.#donePath }).end();
    this.#answer.resolve(parameters);
  }

  #sendLastPage(response: ServerResponse): void {
    if (this.#page === undefined || this.#isDone) {
      sendPage(response, 404, "unknown");
      return;
    }
    this.#isDone = true;
    response.once("close", this.#end.resolve);
    sendPage(response, 200, this.#page);
  }
}

function listenFailureProblem(host: string, port: number, cause: unknown): Problem {
  const isTaken = errorCode(cause) === "EADDRINUSE";
  const at = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  const reason = isTaken ? "the port is in use" : errorMessage(cause);
  return new Problem(`Cannot listen on ${at} for the redirect of the login: ${reason}`, {
    code: isTaken ? "address-in-use" : "cannot-listen",
    hint: "stop what listens there, or choose another port with --port; without it, a free port is used if the redirect URI allows it",
    cause,
  });
}

/** The errors of an address that this machine doesn't have. */
const NO_SUCH_ADDRESS: readonly (string | undefined)[] = ["EADDRNOTAVAIL", "EAFNOSUPPORT"];

function listen(handle: CallbackRequestHandler["handle"], host: string, port: number): Promise<Server> {
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 10_000 }, (request, response) => {
    handle(request, response).catch(() => response.destroy());
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => resolve(server));
  });
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** Closes servers and cuts their open connections. */
function closeServersAndConnections(servers: readonly Server[]): void {
  for (const server of servers) {
    server.close();
    server.closeAllConnections();
  }
}

/** Opens the port on every host; the first one decides about a free port. */
async function listenOnEachHost(
  { hosts, port }: ListenOptions,
  handle: CallbackRequestHandler["handle"],
): Promise<readonly Server[]> {
  const servers: Server[] = [];
  let missing: Problem | undefined;
  for (const host of hosts) {
    const [first] = servers;
    const wanted = first === undefined ? port : portOf(first);
    try {
      servers.push(await listen(handle, host, wanted));
    } catch (error) {
      missing ??= listenFailureProblem(host, wanted, error);
      if (NO_SUCH_ADDRESS.includes(errorCode(error))) continue;
      closeServersAndConnections(servers);
      // Another program could get the answer at this address.
      throw listenFailureProblem(host, wanted, error);
    }
  }
  if (servers.length === 0 && missing !== undefined) throw missing;
  return servers;
}

/**
 * Listens on loopback for the redirect that ends a login. One request of the exact path with the right state is the answer;
 * it is redirected to a page without the code, which is served once.
 *
 * @throws {Problem} if the port can't be opened.
 */
export async function startCallbackListener(options: ListenOptions) {
  const desk = new CallbackRequestHandler(options);
  const servers = await listenOnEachHost(options, desk.handle);
  const [first] = servers;
  const port = first === undefined ? 0 : portOf(first);
  desk.setPort(port);
  return {
    port,
    /** Resolves with the parameters of the one answer. Before it is called, every request is answered with 404. */
    expect: (expected: ExpectedAnswer): Promise<string> => desk.expect(expected),
    /** Resolves once the browser has the page after the answer, but two seconds after the answer at most; at once without one. */
    finished: (): Promise<void> => desk.finished(),
    async [Symbol.asyncDispose](): Promise<void> {
      closeServersAndConnections(servers);
    },
  };
}
