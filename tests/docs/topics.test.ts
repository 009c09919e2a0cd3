import assert from "node:assert/strict";
import { globSync, readFileSync, statSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import { join } from "node:path";
import { describe, test } from "node:test";
import { rootCertificates } from "node:tls";
import { everyCommand } from "../../.ci/docs.ts";
import { followCommandWords } from "../../lib/app/resolve-command.ts";
import { isGroup, isLeaf } from "../../lib/command.ts";
import { CLIENT_RULES } from "../../lib/core/client/rules.ts";
import { type Flag, indexFlags } from "../../lib/core/flags/flag.ts";
import { parseFlagsWithFallbacks } from "../../lib/core/flags/parse.ts";
import { TOPICS, type Topic, type TopicPart } from "../../lib/core/help/topics.ts";
import { EXIT_CODES } from "../../lib/core/problem.ts";
import { type Sandbox, type SandboxVersion, startSandbox } from "../../lib/sandbox/index.ts";
import { type Played, play, type Scene } from "../app/in-process.ts";
import { temporaryFolder } from "../e2e/binary.ts";

const ROOT = join(import.meta.dirname, "../..");

function topicOf(name: string): Topic {
  const topic = TOPICS.find((known) => known.name === name);
  assert.ok(topic !== undefined, name);
  return topic;
}

/** Every text of a topic, with its backquotes. */
function textsOf(parts: readonly TopicPart[]): readonly string[] {
  return parts.flatMap((part) => {
    if (part.kind === "rows") return part.rows.flatMap(([term, meaning]) => [`\`${term}\``, meaning]);
    return part.kind === "lines" ? part.lines.map((line) => `\`${line}\``) : [part.text];
  });
}

/** The terms in the rows of a topic. */
function termsOf(name: string): readonly string[] {
  return topicOf(name).parts.flatMap((part) => (part.kind === "rows" ? part.rows.map(([term]) => term) : []));
}

/** The code in a topic. */
function quotedIn(topic: Topic): readonly string[] {
  return textsOf(topic.parts).flatMap((text) => [...text.matchAll(/`([^`]+)`/g)].map(([, code = ""]) => code));
}

const NOTHING = { environment: () => undefined, file: () => undefined };

describe("hydra help TOPIC", () => {
  for (const topic of TOPICS) {
    test(`${topic.name} fits a terminal and contains no markup`, async () => {
      const played = await play(["help", topic.name]);
      assert.equal(played.status, 0, played.stderr);
      assert.equal(played.stderr, "");
      assert.ok(played.stdout.startsWith(`${topic.title}\n\n`));
      assert.doesNotMatch(played.stdout, /`|\u001b|\n\n\n/);
      const typed = new Set(
        topic.parts.flatMap((part) => (part.kind === "lines" ? part.lines : [])).map((line) => `  ${line}`),
      );
      for (const line of played.stdout.split("\n")) if (!typed.has(line)) assert.ok(line.length <= 80, line);
    });
  }

  test("environment lists each variable once", () => {
    const terms = termsOf("environment");
    assert.deepEqual(terms, [...new Set(terms)]);
  });

  test("no topic has the name of a command, except keys, which also shows the help of its commands", async () => {
    const { command } = await followCommandWords([]);
    assert.ok(isGroup(command));
    for (const { name } of TOPICS)
      assert.equal((await followCommandWords([name])).stray, name === "keys" ? undefined : name);
    assert.match((await play(["help", "keys"])).stdout, /^JSON Web Keys\n/);
    assert.deepEqual(await play(["help", "keys", "create"]), await play(["keys", "create", "--help"]));
    assert.match((await play(["keys", "--help"])).stdout, /rotate/);
  });

  test("hydra help lists the topics, and a typo gets a suggestion", async () => {
    const { stdout } = await play(["help"]);
    for (const { name } of TOPICS) assert.ok(stdout.includes(name), name);
    assert.deepEqual(await play(["help", "format"]), {
      status: 2,
      stdout: "",
      stderr: 'Error: No help about "format"\nHint: did you mean hydra help formats?\n',
    });
  });

  test("headings are bold only on a terminal", async () => {
    const onTerminal = await play(["help", "formats"], { columns: 100 });
    assert.ok(onTerminal.stdout.startsWith("\u001b[1mOutput formats\u001b[22m\n"));
    const without = await play(["help", "formats"], { columns: 100, environment: { NO_COLOR: "1" } });
    assert.doesNotMatch(without.stdout, /\u001b/);
  });
});

describe("names in topics", () => {
  test("flags exist", async () => {
    const flags = (await everyCommand()).flatMap(({ command }): readonly Flag[] =>
      isLeaf(command) ? command.spec.flags : [],
    );
    const { long } = indexFlags(flags);
    let seen = 0;
    for (const topic of TOPICS) {
      for (const code of quotedIn(topic)) {
        for (const [, name = ""] of code.matchAll(/(?<![\w-])--([a-z][a-z0-9-]*)/g)) {
          assert.ok(long.has(name) || /\b(?:gpg|kubectl)\b/.test(code), `${topic.name}: --${name}`);
          seen++;
        }
      }
    }
    assert.ok(seen > 40);
  });

  test("command lines are accepted", async () => {
    let seen = 0;
    for (const topic of TOPICS) {
      for (const code of quotedIn(topic)) {
        const [, line] = /^(?:eval "\$\()?hydra ([^|;)]+)/.exec(code) ?? [];
        if (line === undefined || line.startsWith("help ") || line.includes("…")) continue;
        const words = line
          .trim()
          .split(" ")
          .map((word) => word.replaceAll("'", ""));
        const { command, words: after, stray } = await followCommandWords(words);
        assert.equal(stray, undefined, code);
        assert.ok(isLeaf(command), code);
        assert.deepEqual(parseFlagsWithFallbacks(after, command.spec.flags, "", NOTHING).problems, [], code);
        seen++;
      }
      for (const code of quotedIn(topic)) {
        const [, name] = /^hydra help ([\w-]+)/.exec(code) ?? [];
        if (name !== undefined) assert.equal((await play(["help", name])).status, 0, code);
      }
    }
    assert.ok(seen >= 10);
  });

  test("environment lists exactly the variables that the program reads", async () => {
    const source = globSync("lib/**/*.ts", { cwd: ROOT }).map((file) => readFileSync(join(ROOT, file), "utf8"));
    const read = new Set(
      source.flatMap((text) => [...text.matchAll(/environment\("([A-Za-z_]+)"\)/g)].map(([, name = ""]) => name)),
    );
    for (const { command } of await everyCommand()) {
      for (const flag of isLeaf(command) ? command.spec.flags : []) for (const name of flag.env ?? []) read.add(name);
    }
    const listed = new Set(termsOf("environment").flatMap((term) => term.split(", ")));
    const text = textsOf(topicOf("environment").parts).join("\n");
    for (const name of read) assert.ok(listed.has(name) || text.includes(`\`${name}\``), name);
    // Variables that the runtime reads before the program starts, and those whose names are not fixed.
    const others = [
      "HYDRA_VAR_NAME",
      "HTTP_PROXY",
      "HTTPS_PROXY",
      "ALL_PROXY",
      "NO_PROXY",
      "SSL_CERT_FILE",
      "SSL_CERT_DIR",
      "BUN_OPTIONS",
      "BUN_BE_BUN",
    ];
    for (const name of listed) assert.ok(read.has(name) || others.includes(name), name);
  });

  test("exit-codes lists every exit code, and rules lists every rule", () => {
    assert.deepEqual(termsOf("exit-codes"), [...Object.values(EXIT_CODES).map(String), "128+N"]);
    assert.deepEqual([...termsOf("rules")].sort(), CLIENT_RULES.map(({ name }) => name).sort());
  });
});

/** Runs a test with a sandbox. */
async function on<T>(as: SandboxVersion, work: (sandbox: Sandbox) => Promise<T>): Promise<T> {
  const sandbox = await startSandbox({ as, listen: "127.0.0.1:0", publicListen: "127.0.0.1:0" });
  try {
    return await work(sandbox);
  } finally {
    await sandbox.close();
  }
}

/** Runs a test with a server of its own. */
async function at<T>(answer: RequestListener, work: (url: string) => Promise<T>): Promise<T> {
  const server = createServer(answer);
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  try {
    return await work(`http://127.0.0.1:${address.port}`);
  } finally {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  }
}

async function done(args: readonly string[], scene?: Scene): Promise<Played> {
  const played = await play(args, scene);
  assert.equal(played.status, 0, `${args.join(" ")}\n${played.stderr}`);
  return played;
}

const CREATE = ["clients", "create", "-g", "client_credentials"];

describe("the formats topic is right", () => {
  test("each syntax has its own default format", () =>
    on("26", async ({ url }) => {
      const environment = { HYDRA_ADMIN_URL: url };
      await done([...CREATE, "--id", "a"], { environment });
      const run = async (...args: string[]): Promise<string> => (await done(args, { environment })).stdout;
      assert.equal(await run("clients", "list"), await run("clients", "list", "--format", "text"));
      assert.equal(await run("list", "clients"), await run("list", "clients", "--format", "table"));
      assert.equal(await run("clients", "get", "a"), await run("clients", "get", "a", "--format", "json-pretty"));
      assert.equal(await run("list", "clients"), await run("list", "clients", "--format", "default"));
      assert.equal(await run("clients", "list", "-q"), "a\n");
      assert.equal(await run("clients", "list", "--format", "quiet"), "a\n");
    }));

  test("every command whose default in 2.x syntax is not table is named", async () => {
    const text = textsOf(topicOf("formats").parts).slice(0, 2).join(" ");
    for (const { command, path, syntax } of await everyCommand()) {
      if (!isLeaf(command) || command.spec.server === false || /^(?:wait|version)$/.test(command.spec.name)) continue;
      const { "1.x": v1, "2.x": v2 } = command.spec.format;
      const names = path.slice(1);
      const isNamed = names.some((name) => text.includes(`\`${name}\``)) || text.includes(`\`${names.join(" ")}\``);
      // A 2.x spelling is the same command as one in 1.x syntax.
      if ((v2 !== "table" || v1 !== "text") && syntax === "1.x") assert.ok(isNamed, path.join(" "));
    }
    assert.match(text, /`token decode`/);
  });

  test("a list is an object, several clients are an array, and paths start there", () =>
    on("26", async ({ url }) => {
      const environment = { HYDRA_ADMIN_URL: url };
      for (const id of ["a", "b"]) await done([...CREATE, "--id", id], { environment });
      const run = async (...args: string[]): Promise<string> => (await done(args, { environment })).stdout;
      const list: unknown = JSON.parse(await run("clients", "list", "--format", "json"));
      assert.ok(typeof list === "object" && list !== null);
      assert.deepEqual(Object.keys(list), ["items", "next_page_token", "is_last_page"]);
      assert.ok(Array.isArray(JSON.parse(await run("clients", "get", "a", "b", "--format", "json"))));
      assert.equal(await run("clients", "list", "--format", "raw=$.items[*].client_id"), "a\nb\n");
      assert.equal(await run("clients", "list", "--format", "raw=items.#.client_id"), "a\nb\n");
      assert.equal(await run("clients", "list", "--format", "raw=items.#"), "2\n");
      assert.equal(await run("clients", "list", "--format", "env"), "CLIENT_ID=a\n\nCLIENT_ID=b\n");
      for (const command of ["list", "get a"])
        assert.equal(
          (await play(["clients", ...command.split(" "), "--format", "k8s-secret"], { environment })).status,
          2,
        );
      const skipped = await done([...CREATE, "--id", "a", "--if-exists", "skip", "--format", "k8s-secret"], {
        environment,
      });
      assert.equal(skipped.stdout, "");
      assert.match(skipped.stderr, /^No Kubernetes Secret is written to standard output for client "a"/m);
      assert.equal((await run("clients", "list", "--format", "ndjson")).split("\n").length, 3);
      assert.equal(await run("clients", "get", "a", "--format", "jsonpointer=/client_id"), '"a"\n');
    }));

  test("if the format omits the secret, it is saved to a file that the message names", () =>
    on("26", async ({ url, secretOf }) => {
      using folder = temporaryFolder();
      const environment = { HYDRA_ADMIN_URL: url, XDG_STATE_HOME: folder.path };
      const { stderr } = await done([...CREATE, "--id", "a", "--format", "id"], { environment });
      const [, path = ""] = /its secret is in "([^"]+)"/.exec(stderr) ?? [];
      assert.ok(path.startsWith(join(folder.path, "hydra-rescue-a-")) && path.endsWith(".json"), stderr);
      assert.equal(statSync(path).mode & 0o777, 0o600);
      assert.equal(JSON.parse(readFileSync(path, "utf8")).client_secret, secretOf("a"));
    }));

  test("errors are JSON if the flag or the config file selects JSON", () =>
    on("26", async ({ url }) => {
      const environment = { HYDRA_ADMIN_URL: url };
      const files = { "/c": "format: json\n" };
      for (const more of [
        ["--format", "json"],
        ["--format", "ndjson"],
        ["--config", "/c"],
      ]) {
        const { stderr } = await play(["clients", "get", "nope", ...more], { environment, files });
        const error: unknown = JSON.parse(stderr);
        assert.ok(
          typeof error === "object" && error !== null && "error" in error && "hint" in error && "status" in error,
        );
        assert.equal(error.error, "not-found");
      }
      const plain = await play(["clients", "get", "nope"], { environment });
      assert.match(plain.stderr, /^Error: /);
      const { stderr } = await play(["clients", "list", "--limit", "0", "--page", "0", "--format", "json"], {
        environment,
      });
      assert.ok(Array.isArray(JSON.parse(stderr).more));
    }));
});

describe("the exit-codes topic is right", () => {
  const answering =
    (status: number, body = "{}"): RequestListener =>
    (_, response) => {
      response.writeHead(status, { "content-type": "application/json" }).end(body);
    };
  const status = async (url: string, ...args: readonly string[]): Promise<number> =>
    (await play(args, { environment: { HYDRA_ADMIN_URL: url } })).status;

  test("0, 2, 4, 5, 7 and 8", () =>
    on("26", async ({ url }) => {
      assert.equal(await status(url, ...CREATE, "--id", "a"), 0);
      assert.equal(await status(url, ...CREATE, "--bogus"), 2);
      assert.equal(await status(url, "clients", "get", "nope"), 4);
      assert.equal(await status(url, ...CREATE, "--id", "a"), 5);
      assert.equal(await status(url, ...CREATE, "--pgp-key", "garbage"), 7);
      assert.equal(await status(url, "clients", "get", "a", "nope"), 8);
      assert.equal(await status(url, "clients", "get", "a", "nope", "--format", "json"), 8);
    }));

  test("3, 4 and 5 for tokens and keys, which it names", () =>
    on("26", async ({ url, publicUrl = "" }) => {
      const asClient = ["token", "client", "--client-id", "a", "--auth-method", "none", "--public-url", publicUrl];
      assert.equal(await status(url, ...asClient), 3);
      assert.equal(await status(url, "token", "introspect", "--active", "garbage"), 4);
      assert.equal(await status(url, "keys", "get", "nope"), 4);
      assert.equal(await status(url, "keys", "create", "app", "--kid", "one"), 0);
      assert.equal(await status(url, "keys", "create", "app", "--kid", "one"), 5);
      const { stdout } = await play(["help", "exit-codes"]);
      const [, unauthorised = "", missing = "", taken = ""] =
        /^ *3 (.*?)^ *4 (.*?)^ *5 (.*?)^ *6 /ms.exec(stdout)?.map((part) => part.replace(/\s+/g, " ")) ?? [];
      assert.match(unauthorised, /credentials of a client/);
      assert.match(missing, /client, the key or the key set .* token is inactive/);
      assert.match(taken, /client or a key/);
    }));

  test("1, 3 and 6", async () => {
    const refusal = '{"error":"invalid_request","error_description":"no"}';
    assert.equal(await at(answering(400, refusal), (url) => status(url, ...CREATE)), 1);
    for (const door of [401, 403]) assert.equal(await at(answering(door), (url) => status(url, "clients", "list")), 3);
    assert.equal(await at(answering(429), (url) => status(url, "clients", "list", "--fail-after", "0")), 6);
    assert.equal(await status("http://127.0.0.1:1", "clients", "list", "--fail-after", "0"), 6);
  });
});

describe("the environment and config topics are right", () => {
  test("flags override variables, variables override the file, and empty variables are ignored", () =>
    on("26", async ({ url }) => {
      const files = { "/h/.hydra.yaml": `endpoint: ${url}\n`, "/other": "endpoint: http://127.0.0.1:1\n" };
      const runs = async (environment: Readonly<Record<string, string>>, ...more: string[]): Promise<number> =>
        (await play(["clients", "list", "--fail-after", "0", ...more], { environment, files })).status;
      const wrong = "http://127.0.0.1:1";
      assert.equal(await runs({ HOME: "/h" }), 0);
      assert.equal(await runs({ HOME: "/h", HYDRA_ADMIN_URL: wrong }), 6);
      assert.equal(await runs({ HOME: "/h", HYDRA_ADMIN_URL: "" }), 0);
      assert.equal(await runs({ HOME: "/h", HYDRA_ADMIN_URL: wrong }, "--endpoint", url), 0);
      assert.equal(await runs({ ORY_SDK_URL: wrong, HYDRA_ADMIN_URL: url }), 0);
      assert.equal(await runs({ ORY_SDK_URL: url }), 0);
      assert.equal(await runs({ HOME: "/h" }, "--config", "/other"), 6);
      assert.equal(await runs({ HOME: "/h" }, "--config", "/missing"), 2);
      assert.equal(await runs({}), 2);
    }));

  test("errors name the source of a value, and help shows no value of a variable", async () => {
    const files = { "/c": "endpoint: http://127.0.0.1:1\nfail_after: soon\n" };
    const { stderr } = await play(["clients", "list", "--config", "/c"], { files });
    assert.match(stderr, /"fail_after" in \/c "soon"/);
    const bad = await play(["clients", "list"], { environment: { HYDRA_ADMIN_URL: "nonsense" } });
    assert.match(bad.stderr, /Environment variable HYDRA_ADMIN_URL "nonsense"/);
    const help = await play(["clients", "create", "--help"], { environment: { HYDRA_CLIENT_SECRET: "hush-hush" } });
    assert.doesNotMatch(help.stdout, /hush/);
  });

  test("every key of the example works, headers in both forms, and -v lists unknown keys", async () => {
    const lines = topicOf("config").parts.flatMap((part) => (part.kind === "lines" ? part.lines : []));
    const seen: (string | undefined)[] = [];
    const listen: RequestListener = (request, response) => {
      seen.push(`${request.headers["x-tenant"]} ${request.headers.authorization}`);
      response.writeHead(200, { "content-type": "application/json" }).end("[]");
    };
    await at(listen, async (url) => {
      const example = lines
        .join("\n")
        .replace(/endpoint: .*/, `endpoint: ${url}`)
        .replace("…", "token");
      for (const text of [example, example.replace(/headers: .*/, "headers:\n  X-Tenant: a")]) {
        const [certificate = ""] = rootCertificates;
        const files = { "/c": `${text}\nserve: {}\n`, "/etc/ssl/private-ca.pem": certificate };
        const { stdout, stderr } = await done(["clients", "list", "--config", "/c", "-v"], { files });
        assert.match(stdout, /^\{"items"/);
        assert.match(stderr, /unknown key "serve" is ignored/);
        assert.equal(seen.pop(), "a Bearer token");
      }
    });
  });

  test("credentials of the file are only sent to its own endpoint, and there is a warning if others can read them", () =>
    on("26", async ({ url }) => {
      const files = { "/c": `endpoint: ${url}\naccess_token: t\n`, "/without": "access_token: t\n" };
      const own = await done(["clients", "list", "--config", "/c"], { files, mode: 0o644 });
      assert.match(own.stderr, /contains credentials and others can read it/);
      for (const config of ["/c", "/without"]) {
        const args = ["clients", "list", "--config", config, "--endpoint", "http://127.0.0.1:1"];
        const foreign = await play(args, { files });
        assert.equal(foreign.status, 2);
        assert.match(foreign.stderr, /"access_token" in \/(?:c|without) belongs to .* and --endpoint is/);
      }
    }));
});

describe("the servers topic is right", () => {
  test("a path is kept, /admin is not, a user becomes Basic credentials, a redirect is an error", async () => {
    const seen: string[] = [];
    const listen: RequestListener = (request, response) => {
      seen.push(`${request.url} ${request.headers.authorization ?? ""}`);
      response.writeHead(200, { "content-type": "application/json" }).end("[]");
    };
    await at(listen, async (url) => {
      const { stderr } = await done(["clients", "list", "-e", `${url.replace("//", "//me:pw@")}/base/admin`]);
      assert.match(stderr, /\/admin at the end of -e is ignored/);
      assert.match(seen[0] ?? "", new RegExp(`^/base/admin/clients\\?.* Basic ${btoa("me:pw")}$`));
    });
    const moved: RequestListener = (_, response) => {
      response.writeHead(307, { location: "https://elsewhere.example/x" }).end();
    };
    await at(moved, async (url) => {
      const played = await play(["clients", "list", "-e", url]);
      assert.equal(played.status, 1);
      assert.match(played.stderr, /redirects to "https:\/\/elsewhere\.example\/x"/);
    });
  });

  test("updates are PATCH on 2.x, GET and PUT on 1.x", async () => {
    for (const [as, methods] of [
      ["26", ["GET", "PATCH"]],
      ["2.1", ["GET", "PATCH"]],
      ["1.11", ["GET", "PUT"]],
      ["1.8", ["GET", "PUT"]],
    ] as const) {
      await on(as, async ({ url }) => {
        const { stdout } = await done([...CREATE, "-e", url, "--format", "raw=client_id"]);
        const { stderr } = await done(["clients", "update", stdout.trim(), "--name", "n", "-v", "-e", url]);
        const sent = [...stderr.matchAll(/^> (\w+) \S*\/clients\/[^\s?]+$/gm)].map(([, method = ""]) => method);
        assert.deepEqual(sent.slice(-2), methods, `${as}\n${stderr}`);
      });
    }
  });

  test("2.1 rejects chosen IDs, and an unknown client of 1.8 is reported as not found", async () => {
    await on("2.1", async ({ url }) => {
      const refused = await play([...CREATE, "--id", "mine", "-e", url]);
      assert.equal(refused.status, 1);
      await done([...CREATE, "-e", url]);
    });
    await on("1.8", async ({ url }) => {
      assert.equal((await play(["clients", "get", "nope", "-e", url])).status, 4);
      const { stderr, status } = await play([...CREATE, "--skip-consent", "-e", url]);
      assert.equal(status, 2);
      assert.match(stderr, /--skip-consent/);
      await done([...CREATE, "--name", "a", "-e", url]);
      await done([...CREATE, "--name", "b", "-e", url]);
      const { stdout } = await done(["clients", "list", "--name", "b", "--format", "raw=items.#", "-e", url]);
      assert.equal(stdout, "1\n");
    });
  });

  test("429, 502, 503 and 504 are retried, a 500 with an error from Hydra and other statuses are not", async () => {
    for (const [status, body, tries] of [
      [429, "{}", 2],
      [502, "", 2],
      [503, "", 2],
      [504, "", 2],
      [500, "", 2],
      [500, '{"error":"server_error","error_description":"x"}', 1],
      [400, "{}", 1],
      [418, "{}", 1],
    ] as const) {
      let asked = 0;
      const answer: RequestListener = (_, response) => {
        asked++;
        const over = asked > 1;
        response.writeHead(over ? 200 : status, { "content-type": "application/json" }).end(over ? "[]" : body);
      };
      await at(answer, (url) => play(["clients", "list", "-e", url]));
      assert.equal(asked, tries, `${status} ${body}`);
      asked = 0;
      await at(answer, (url) => play(["clients", "list", "-e", url, "--fail-after", "0"]));
      assert.equal(asked, 1, `${status} ${body} with a single try`);
    }
  });

  test("without an endpoint there is an error", async () => {
    assert.match((await play(["clients", "list"])).stderr, /^Error: No endpoint/);
  });
});

describe("the secrets topic is right", () => {
  const given = "a-secret-of-mine.1";

  test("a secret can come from a file, stdin, the environment or the command line, and is not printed", () =>
    on("26", async ({ url, secretOf }) => {
      const files = { "/s": `${given}\n` };
      const ways: readonly (readonly [string[], Scene])[] = [
        [["--secret-file", "/s"], { files }],
        [["--secret-file", "-"], { stdin: `${given}\n` }],
        [[], { environment: { HYDRA_CLIENT_SECRET: given } }],
        [["--secret", given], {}],
      ];
      for (const [n, [args, scene]] of ways.entries()) {
        const { stdout, stderr } = await done([...CREATE, "-e", url, "--id", `c${n}`, ...args], scene);
        assert.equal(secretOf(`c${n}`), given);
        assert.doesNotMatch(stdout + stderr, /a-secret-of-mine/);
        assert.equal(/^Warning: --secret is visible/.test(stderr), args[0] === "--secret", stderr);
      }
      const token = await done(["clients", "list", "-e", url, "--access-token-file", "/s"], { files });
      assert.equal(token.stderr, "");
    }));

  test("a short secret is rejected; long ones and special characters cause a warning, or an error with --strict", () =>
    on("26", async ({ url }) => {
      const create = (secret: string, ...more: string[]): Promise<Played> =>
        play([...CREATE, "-e", url, ...more], { environment: { HYDRA_CLIENT_SECRET: secret } });
      assert.equal((await create("short")).status, 2);
      for (const [secret, rule] of [
        ["x".repeat(73), "secret-too-long"],
        ["per%cent", "secret-characters"],
      ] as const) {
        const warned = await create(secret);
        assert.equal(warned.status, 0);
        assert.ok(warned.stderr.includes(`[${rule}]`), warned.stderr);
        const refused = await create(secret, "--strict", "--format", "json");
        assert.equal(refused.status, 2);
        assert.ok(refused.stderr.includes(`"error":"${rule}"`), refused.stderr);
      }
    }));

  test("a generated secret has the requested length, from 26 to 72", () =>
    on("26", async ({ url, secretOf }) => {
      await done([...CREATE, "-e", url, "--id", "a"]);
      assert.match(secretOf("a") ?? "", /^[A-Za-z0-9._~-]{26}$/);
      await done([...CREATE, "-e", url, "--id", "b", "--secret-length", "72"]);
      assert.equal(secretOf("b")?.length, 72);
      for (const length of ["25", "73"]) {
        assert.equal((await play([...CREATE, "-e", url, "--secret-length", length])).status, 2);
      }
    }));

  test("--secret-out only writes to a new file, with mode 0600, in the format of the extension", () =>
    on("26", async ({ url, secretOf, clients }) => {
      using folder = temporaryFolder();
      for (const [n, [ending, form]] of (
        [
          ["env", /^CLIENT_ID=c0\nCLIENT_SECRET=\S+\n$/],
          ["json", /^\{\n {2}"client_id": "c1",\n {2}"client_secret": "\S+"\n\}\n$/],
          ["yaml", /^apiVersion: v1\nkind: Secret\n/],
          ["yml", /^apiVersion: v1\nkind: Secret\n/],
          ["txt", /^CLIENT_ID=c4\n/],
        ] as const
      ).entries()) {
        const path = join(folder.path, `out.${ending}`);
        const { stdout } = await done([...CREATE, "-e", url, "--id", `c${n}`, "--secret-out", path]);
        assert.match(readFileSync(path, "utf8"), form);
        assert.equal(statSync(path).mode & 0o777, 0o600);
        assert.ok(!stdout.includes(secretOf(`c${n}`) ?? "?"));
        const again = await play([...CREATE, "-e", url, "--id", `again${n}`, "--secret-out", path]);
        assert.equal(again.status, 2);
      }
      const names = ["--id-field", "APP_ID", "--secret-field", "APP_SECRET", "--format", "env"];
      assert.match((await done([...CREATE, "-e", url, ...names])).stdout, /^APP_ID=.*\nAPP_SECRET=.*\n$/);
      const missing = await play([...CREATE, "-e", url, "--secret-out", join(folder.path, "no/where")]);
      assert.equal(missing.status, 2);
      assert.equal(clients().length, 6);
    }));

  test("a client whose secret cannot be written to standard output is deleted again", () =>
    on("26", async ({ url, clients }) => {
      const stdoutFails = Object.assign(new Error("no space"), { code: "ENOSPC" });
      const played = await play([...CREATE, "-e", url], { stdoutFails });
      assert.equal(played.status, 1);
      assert.match(played.stderr, /was deleted again/);
      assert.equal(clients().length, 0);
    }));

  test("an unusable --rescue-dir is a usage error", () =>
    on("26", async ({ url, secretOf }) => {
      await done([...CREATE, "-e", url, "--id", "a"]);
      const secret = secretOf("a");
      using folder = temporaryFolder();
      const nowhere = join(folder.path, "missing");
      for (const args of [["clients", "rotate-secret", "a"], ["clients", "delete", "a"], CREATE]) {
        const played = await play([...args, "-e", url, "--rescue-dir", nowhere]);
        assert.equal(played.status, 2);
        assert.ok(
          played.stderr.includes(`Error: Cannot use --rescue-dir "${nowhere}": the directory does not exist\n`),
          played.stderr,
        );
      }
      assert.equal(secretOf("a"), secret);
    }));
});

describe("the encryption topic is right", () => {
  test("a recipient for a client without a secret is a usage error, and so is http from another machine", () =>
    on("26", async ({ url }) => {
      const none = ["--token-endpoint-auth-method", "none", "--keybase", "alice"];
      assert.equal((await play([...CREATE, "-e", url, ...none])).status, 2);
      const plain = await play([...CREATE, "-e", url, "--pgp-key-url", "http://key.example/k.asc"]);
      assert.equal(plain.status, 2);
      assert.match(plain.stderr, /plain http/);
    }));
});
