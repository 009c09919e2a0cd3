import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, describe, test } from "node:test";
import { rootCertificates } from "node:tls";
import type { CommandDef } from "citty";
import { formatProblems } from "../../lib/app/combined-problems.ts";
import { childrenByName, loadCommand, resolveCommand } from "../../lib/app/resolve-command.ts";
import { PLAIN_STYLE } from "../../lib/app/terminal-style.ts";
import { type Group, isGroup, isLeaf, type Leaf } from "../../lib/command.ts";
import { ROOT } from "../../lib/commands/index.ts";
import { adviceInSyntax, usageError } from "../../lib/core/problem.ts";
import { codesOf, type Played, play, type Scene } from "./in-process.ts";

/** A command of the tree with the words that call it. */
interface Called<Command> {
  readonly path: readonly string[];
  readonly command: Command;
}

async function children(group: Group): Promise<readonly (readonly [string, CommandDef])[]> {
  const table = await childrenByName(group);
  return Promise.all(Object.entries(table).map(async ([name, child]) => [name, await loadCommand(child)] as const));
}

async function walk(group: Group, path: readonly string[] = []): Promise<readonly Called<Leaf | Group>[]> {
  const all: Called<Leaf | Group>[] = [{ path, command: group }];
  for (const [name, child] of await children(group)) {
    if (isGroup(child)) all.push(...(await walk(child, [...path, name])));
    else if (isLeaf(child)) all.push({ path: [...path, name], command: child });
    else assert.fail(`${name} is neither a command nor a group`);
  }
  return all;
}

const COMMANDS = walk(ROOT);

async function leaves(): Promise<readonly Called<Leaf>[]> {
  return (await COMMANDS).flatMap(({ path, command }) => (isLeaf(command) ? [{ path, command }] : []));
}

async function groups(): Promise<readonly Called<Group>[]> {
  return (await COMMANDS).flatMap(({ path, command }) => (isGroup(command) ? [{ path, command }] : []));
}

/** A port that counts who comes; nobody should. */
const visitors = { count: 0 };

const server = createServer((_, response) => {
  visitors.count++;
  response.writeHead(500).end();
});

let endpoint = "";

before(async () => {
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  endpoint = `http://127.0.0.1:${address.port}`;
});

after(() => new Promise((done) => server.close(done)));

/** Runs a line with a server in reach, and makes sure that it was left alone. */
async function quiet(args: readonly string[], scene: Scene = {}): Promise<Played> {
  const came = visitors.count;
  const played = await play(args, { ...scene, environment: { HYDRA_ADMIN_URL: endpoint, ...scene.environment } });
  assert.equal(visitors.count, came, "something was sent");
  return played;
}

function errors({ stderr }: Played): readonly string[] {
  return stderr.split("\n").filter((line) => line.startsWith("Error: ") || line.startsWith("Hint: "));
}

test("the tree has the commands of both syntaxes, each with a unique name", async () => {
  const paths = (await leaves()).map(({ path }) => path.join(" "));
  for (const path of ["clients create", "create oauth2-client", "sandbox", "version"])
    assert.ok(paths.includes(path), path);
  assert.equal(new Set(paths).size, paths.length);
});

test("the noun of a 2.x command may come after its flags", async () => {
  const noun = await quiet(["diff", "oauth2-clients", "--stack", "x", "/no.yaml"]);
  assert.match(noun.stderr, /\/no\.yaml/);
  for (const line of ["diff --stack x oauth2-clients /no.yaml", "diff --stack=x -v oauth2-client /no.yaml"]) {
    const played = await quiet(line.split(" "));
    assert.deepEqual(errors(played), errors(noun), line);
  }
  assert.match((await quiet(["diff", "--", "oauth2-clients"])).stderr, /"oauth2-clients"/);
});

test("a line that cannot be parsed is reported without validating its client", async () => {
  const { status, stdout, stderr } = await play([
    "clients",
    "create",
    "--calbacks",
    "http://localhost/cb",
    "-e",
    endpoint,
  ]);
  assert.deepEqual(
    { status, stdout, stderr },
    { status: 2, stdout: "", stderr: "Error: Unknown flag --calbacks\nHint: did you mean --callbacks?\n" },
  );
  const update = await play(["clients", "update", "app", "--nmae", "x", "-e", endpoint]);
  assert.equal(update.stderr, "Error: Unknown flag --nmae\nHint: did you mean --name?\n");
  const understood = await play(["clients", "create", "--fail-after", "soon", "-e", endpoint]);
  assert.equal(understood.status, 2);
  assert.match(understood.stderr, /^Warning: .*\[no-callback\]/m);
});

test("an update without an ID is not reported as one without changes too", async () => {
  const { stderr } = await play(["clients", "update", "-e", endpoint]);
  assert.equal(
    stderr,
    "Error: Missing ID after hydra clients update\nHint: hydra clients update --help shows the usage\n",
  );
});

test("hints show every command of the tree in its color, and nothing after it", async () => {
  const painter = { paint: (role: string, text: string) => (role === "command" ? `<${text}>` : text) };
  for (const { path } of await COMMANDS) {
    const command = ["hydra", ...path].join(" ");
    const hint = formatProblems(
      [usageError("It fails", `${command} --yes shows more; see ${command}ish and ${command}`, "stray-argument")],
      { json: false, syntax: "1.x" },
      { ...PLAIN_STYLE, ...painter },
    );
    assert.match(hint, new RegExp(`^Hint: <${command} --yes> shows more; see .*<${command}>$`, "m"));
    assert.ok(!hint.includes(`<${command}ish`), hint);
  }
});

test("advice names every command in the 2.x syntax that exists there", async () => {
  for (const { path } of await COMMANDS) {
    if (path.length < 2 || !["clients", "keys", "token"].includes(path[0] ?? "")) continue;
    const [, ...words] = adviceInSyntax(`hydra ${path.join(" ")}`, "2.x").split(" ");
    const [old, found] = await Promise.all([path, words].map(resolveCommand));
    assert.equal(found?.command, old?.command, path.join(" "));
    const hasOther = !["flush", "decode"].includes(path[1] ?? "");
    assert.equal(found?.path.join(" ") !== old?.path.join(" "), hasOther, path.join(" "));
    assert.equal(adviceInSyntax(`hydra ${path.join(" ")}`, "1.x"), `hydra ${path.join(" ")}`);
  }
});

describe("help", () => {
  test("for every command and group goes to standard output, however it is requested", async () => {
    for (const { path } of await COMMANDS) {
      const asked = await quiet([...path, "--help"]);
      assert.equal(asked.status, 0, path.join(" "));
      assert.equal(asked.stderr, "");
      assert.ok(asked.stdout.includes(`\n  ${["hydra", ...path].join(" ")}`), path.join(" "));
      for (const args of [
        [...path, "-h"],
        // The topic of this name is shown instead.
        ...(path.join(" ") === "keys" ? [] : [["help", ...path]]),
        ["--endpoint", "x", ...path, "-vh"],
      ])
        assert.deepEqual(await quiet(args), asked, args.join(" "));
    }
  });

  test("is shown by hydra without arguments", async () => {
    assert.deepEqual(await quiet([]), await quiet(["--help"]));
    assert.deepEqual(await quiet(["help"]), await quiet(["--help"]));
  });

  test("precedes any other error, except if --help is a value or follows --", async () => {
    assert.equal((await quiet(["clients", "create", "--bogus", "x", "--help"])).status, 0);
    assert.equal(
      (await quiet(["clients", "create", "--dry-run", "--name", "--help"])).stdout.includes("Usage:"),
      false,
    );
    assert.deepEqual(errors(await quiet(["clients", "create", "--", "--help"])).slice(0, 1), [
      'Error: Unexpected argument "--help"',
    ]);
  });

  test("is not shown if the command's words follow --", async () => {
    for (const args of [["--", "clients", "create"], ["--"], ["-v", "--", "--help"]])
      assert.deepEqual(
        [(await quiet(args)).status, ...errors(await quiet(args))],
        [2, "Error: Missing command after hydra", "Hint: hydra --help lists the commands"],
        args.join(" "),
      );
  });

  test("takes the flags of any command, and no others", async () => {
    const page = await quiet(["help", "clients"]);
    for (const line of ["help clients --color never", "--no-warnings help clients", "help -e http://a clients"])
      assert.deepEqual(await quiet(line.split(" ")), page, line);
    assert.deepEqual(await quiet(["--color", "never", "help", "formats"]), await quiet(["help", "formats"]));
    assert.deepEqual(
      await quiet(["--help=all", "help", "clients", "create"]),
      await quiet(["clients", "create", "--help=all"]),
    );
    const create = await quiet(["help", "clients", "create"]);
    for (const words of [["--name", "x"], ["--name"], ["-c", "http://a", "b"]])
      assert.deepEqual(await quiet(["help", "clients", "create", ...words]), create, words.join(" "));
    for (const words of [
      ["--nonsense"],
      ["clients", "--nonsense"],
      ["formats", "--nonsense"],
      ["clients", "create", "--name", "x", "--nonsense"],
    ]) {
      const wrong = await quiet(["help", ...words]);
      assert.equal(wrong.status, 2);
      assert.equal(errors(wrong)[0], "Error: Unknown flag --nonsense");
    }
  });

  test("for an alias is that of the command, under the alias", async () => {
    const { stdout } = await quiet(["create", "client", "--help"]);
    assert.ok(stdout.includes("hydra create client [flags]"));
  });

  test("is colored only on a terminal, and not with NO_COLOR or on a dumb terminal", async () => {
    const bold = (played: Played): boolean => played.stdout.includes("\u001b[1m");
    assert.equal(bold(await quiet(["--help"])), false);
    assert.equal(bold(await quiet(["--help"], { columns: 80 })), true);
    assert.equal(bold(await quiet(["--help"], { columns: 80, environment: { NO_COLOR: "1" } })), false);
    assert.equal(bold(await quiet(["--help"], { columns: 80, environment: { NO_COLOR: "" } })), true);
    assert.equal(bold(await quiet(["--help"], { columns: 80, environment: { TERM: "dumb" } })), false);
  });

  test("fits the terminal's width", async () => {
    const { stdout } = await quiet(["clients", "create", "--help"], { columns: 70, environment: { NO_COLOR: "1" } });
    const flags = stdout.slice(stdout.indexOf("\nClient:"));
    for (const line of flags.split("\n")) assert.ok(line.length <= 70 || /^ {2}\S*\s*--[\w-]+ \S+$/.test(line), line);
  });

  test("is as wide as on a terminal of 80 columns if the terminal doesn't know its width", async () => {
    for (const args of [["--help"], ["clients", "create", "--help"], ["help", "secrets"]])
      assert.equal((await quiet(args, { columns: 0 })).stdout, (await quiet(args, { columns: 80 })).stdout);
  });

  test("shows no values of variables", async () => {
    const environment = { OAUTH2_ACCESS_TOKEN: "s3cret", HYDRA_CLIENT_SECRET: "s3cret", ORY_SDK_URL: "http://s3cret" };
    for (const { path } of await leaves()) {
      assert.ok(!(await quiet([...path, "--help"], { environment })).stdout.includes("s3cret"));
    }
  });
});

describe("--version", () => {
  test("by itself prints the version", async () => {
    const version = await quiet(["version"]);
    assert.equal(version.status, 0);
    assert.match(version.stdout, /^Version: \S+\n/);
    assert.deepEqual(await quiet(["--version"]), version);
  });

  test("and completion need no setting, so that a wrong one doesn't break a login shell", async () => {
    const scenes: readonly Scene[] = [
      { environment: { HYDRA_ADMIN_URL: "nonsense", HYDRA_NO_WARNINGS: "nonsense" } },
      ...["format: env", "format: nonsense", "api: ["].map((text) => ({
        environment: { HOME: "/home/x" },
        files: { "/home/x/.hydra.yaml": `${text}\n` },
      })),
      { environment: { HOME: "/home/x" }, files: { "/home/x/.hydra.yaml": "format: json\n" }, mode: 0o666 },
    ];
    const lines = [["--version"], ["version"], ["completion", "bash"]];
    for (const line of lines) {
      const expected = await quiet(line);
      assert.equal(expected.status, 0);
      for (const scene of scenes) assert.deepEqual(await quiet(line, scene), expected, line.join(" "));
    }
  });

  test("checks the settings that it uses", async () => {
    assert.deepEqual(codesOf(await quiet(["--format=json", "version", "-e", "nonsense"])), ["bad-endpoint"]);
    const environment = { HYDRA_ADMIN_URL: "nonsense" };
    assert.deepEqual(codesOf(await quiet(["--format=json", "version", "--server"], { environment })), ["bad-endpoint"]);
    assert.deepEqual(codesOf(await quiet(["--format=json", "version", "--config", "/no"])), ["config-file"]);
  });

  test("after a command does not run it", async () => {
    for (const { path } of await leaves()) {
      const played = await quiet([...path, "--version"]);
      assert.equal(played.status, 2, path.join(" "));
      assert.equal(played.stdout, "");
      assert.ok(errors(played).includes("Error: Unknown flag --version"), played.stderr);
    }
  });

  test("before a command does not run it either", async () => {
    const played = await quiet(["--version", "clients", "create"]);
    assert.equal(played.status, 2);
    assert.equal(played.stdout, "");
  });
});

/** Lines that are wrong as such, with the status, the codes of their problems, and the errors and hints on stderr. */
const WRONG: readonly (readonly [line: string, codes: readonly string[], told: readonly string[]])[] = [
  ["clents", ["unknown-command"], ['Error: Unknown command "clents" after hydra', "Hint: did you mean hydra clients?"]],
  [
    "clients -v",
    ["missing-command"],
    ["Error: Missing command after hydra clients", "Hint: hydra clients --help lists the commands"],
  ],
  [
    "clients craete",
    ["unknown-command"],
    ['Error: Unknown command "craete" after hydra clients', "Hint: did you mean hydra clients create?"],
  ],
  [
    "create oauth2-clent",
    ["unknown-command"],
    ['Error: Unknown command "oauth2-clent" after hydra create', "Hint: did you mean hydra create oauth2-client?"],
  ],
  [
    "create bogus",
    ["unknown-command"],
    ['Error: Unknown command "bogus" after hydra create', "Hint: hydra create --help lists the commands"],
  ],
  [
    "help clents",
    ["unknown-command"],
    ['Error: Unknown command "clents" after hydra', "Hint: did you mean hydra clients?"],
  ],
  ["--bogus", ["unknown-flag"], ["Error: Unknown flag --bogus", "Hint: hydra help COMMAND lists the flags"]],
  [
    "--bogus x clients create",
    ["unknown-flag"],
    ["Error: Unknown flag --bogus", "Hint: hydra help COMMAND lists the flags"],
  ],
  ["--endpont x clients create", ["unknown-flag"], ["Error: Unknown flag --endpont", "Hint: did you mean --endpoint?"]],
  [
    "clients --endpoint",
    ["missing-value"],
    ["Error: --endpoint needs a value", "Hint: write --endpoint URL; hydra help COMMAND shows it"],
  ],
  ["clients create --nmae x", ["unknown-flag"], ["Error: Unknown flag --nmae", "Hint: did you mean --name?"]],
  [
    "clients create --constructor x",
    ["unknown-flag"],
    ["Error: Unknown flag --constructor", "Hint: hydra help clients create lists the flags"],
  ],
  [
    "clients create --name",
    ["missing-value"],
    ["Error: --name needs a value", "Hint: write --name TEXT; hydra help clients create shows it"],
  ],
  [
    "clients create stray",
    ["stray-argument"],
    [
      'Error: Unexpected argument "stray"',
      "Hint: hydra clients create takes only flags; put quotes around a value with spaces",
    ],
  ],
  [
    "clients create -n my app",
    ["stray-argument"],
    [
      'Error: Unexpected argument "app"',
      "Hint: hydra clients create takes only flags; put quotes around a value with spaces",
    ],
  ],
  [
    "clients list –format=hush",
    ["stray-argument"],
    ['Error: Unexpected argument "–format=hush"', "Hint: write two hyphens instead of the dash: --format"],
  ],
  ["-v --version", ["unknown-flag"], ["Error: Unknown flag --version", "Hint: write: hydra version"]],
  [
    "wait http://admin:pw@127.0.0.1:1",
    ["stray-argument"],
    ['Error: Unexpected argument "http://127.0.0.1:1/"', "Hint: write --endpoint URL"],
  ],
  [
    "http://admin:pw@127.0.0.1:1 clients list",
    ["unknown-command"],
    ['Error: Unknown command "http://127.0.0.1:1/" after hydra', "Hint: write --endpoint URL"],
  ],
  [
    "clients get --bogus web",
    ["unknown-flag"],
    ["Error: Unknown flag --bogus", "Hint: hydra help clients get lists the flags"],
  ],
  ["version --format jsn", ["bad-format"], []],
  ["clients create --format toString", ["bad-format"], []],
  [
    "clients create --fail-after soon",
    ["bad-value"],
    ['Error: --fail-after "soon" is not a duration', "Hint: write a number with a unit, such as 30s, 1m30s or 500ms"],
  ],
  [
    "clients create --api v3",
    ["bad-value"],
    ['Error: --api "v3" is not one of auto, v1 or v2', "Hint: did you mean v1?"],
  ],
  [
    "clients create --endpoint localhost:4445",
    ["bad-endpoint"],
    [
      'Error: --endpoint "localhost:4445" is not a valid URL',
      "Hint: put http:// or https:// in front: http://localhost:4445",
    ],
  ],
  [
    "clients create --secret-file s3cr3t-s3cr3t-s3cr3t",
    ["unreadable-file"],
    [
      "Error: Cannot read the file of --secret-file, which is not shown because it may be the credential itself: it does not exist",
      "Hint: check the path, or pass the credential itself on standard input with --secret-file -",
    ],
  ],
  [
    "clients list --access-token-file ory_at_t0ken",
    ["unreadable-file"],
    [
      "Error: Cannot read the file of --access-token-file, which is not shown because it may be the credential itself: it does not exist",
      "Hint: check the path, or pass the credential itself on standard input with --access-token-file -",
    ],
  ],
  [
    "clients create --secret-file secrets/of-the-billing-app",
    ["unreadable-file"],
    [
      'Error: Cannot read "secrets/of-the-billing-app" for --secret-file: the file does not exist',
      "Hint: check the path",
    ],
  ],
  [
    "clients create --config /nowhere.yaml",
    ["config-file"],
    [
      'Error: Cannot read the config file "/nowhere.yaml": the file does not exist',
      "Hint: check the path after --config",
    ],
  ],
  [
    "clients create --secret abc",
    ["secret-too-short"],
    [
      "Error: --secret is shorter than 6 characters",
      "Hint: use at least 6 characters, or omit the secret to generate a strong one",
    ],
  ],
  [
    "clients create -c http://a.example#x",
    ["redirect-uri-fragment"],
    ['Error: -c "http://a.example#x" has a fragment', "Hint: remove the # and everything after it (RFC 6749, 3.1.2)"],
  ],
];

describe("an invalid line is reported on stderr with exit code 2, and nothing is sent", () => {
  for (const [line, codes, told] of WRONG) {
    test(line, async () => {
      const words = line.split(" ");
      const played = await quiet(words);
      assert.equal(played.status, 2, played.stderr);
      assert.equal(played.stdout, "");
      if (told.length > 0) assert.deepEqual(errors(played), told);
      assert.equal(errors(played).length, 2);
      if (words.some((word) => word.startsWith("--format")) || words[0] === "help" || words.at(-1) === "--endpoint")
        return;
      const asJson = await quiet(["--format=json", ...words]);
      assert.equal(asJson.status, 2);
      assert.equal(asJson.stdout, "");
      assert.deepEqual(codesOf(asJson), codes);
    });
  }

  test("names from an object's prototype are no commands, anywhere", async () => {
    for (const { path } of await groups()) {
      for (const name of ["constructor", "toString", "__proto__", "hasOwnProperty", "valueOf"]) {
        const played = await quiet([...path, name]);
        assert.equal(played.status, 2);
        assert.deepEqual(codesOf(await quiet(["--format=json", ...path, name])), ["unknown-command"]);
        const shown = name === "__proto__" ? "(not shown)" : `"${name}"`;
        assert.ok(errors(played)[0]?.startsWith(`Error: Unknown command ${shown} after hydra`), played.stderr);
      }
    }
  });

  test("without an endpoint, every command that needs one reports that", async () => {
    for (const { path, command } of await leaves()) {
      if (command.spec.server !== true) continue;
      const operands = command.spec.operands === undefined ? [] : ["x"];
      const played = await play(["--format=json", ...path, ...operands], { environment: { HYDRA_ADMIN_URL: "" } });
      assert.equal(played.status, 2, path.join(" "));
      assert.ok(codesOf(played).includes("no-endpoint"), `${path.join(" ")}: ${played.stderr}`);
    }
  });

  test("a command requires its operands, and rejects too many", async () => {
    for (const { path, command } of await leaves()) {
      const { operands } = command.spec;
      if (operands !== undefined && operands.least > 0)
        assert.ok(codesOf(await quiet(["--format=json", ...path])).includes("missing-argument"), path.join(" "));
      const most = operands?.most ?? 0;
      if (most > 50) continue;
      const many = Array.from({ length: most + 1 }, (_, i) => `stray${i}`);
      const played = await quiet([...path, ...many]);
      assert.equal(played.status, 2);
      const shown = operands?.secret === true ? "(not shown)" : `"stray${most}"`;
      assert.ok(errors(played).includes(`Error: Unexpected argument ${shown}`), path.join(" "));
    }
  });
});

test("all problems of a line are reported together, each with its hint", async () => {
  const line = [
    "clients",
    "create",
    "--bogus",
    "--limit=5",
    "--fail-after",
    "soon",
    "--api",
    "v3",
    "stray",
    "--endpoint",
    "x",
    "-H",
    "none",
    "-c",
    "https://a.example#f",
    "--secret",
    "abc",
    "--format",
    "jsn",
    "--token-endpoint-auth-method",
    "private_key_jwt",
  ];
  const played = await quiet(line);
  assert.equal(played.status, 2);
  assert.equal(errors(played).length % 2, 0);
  const codes = codesOf(await quiet(line.map((word) => (word === "jsn" ? "json" : word))));
  assert.deepEqual(codes, [
    "unknown-flag",
    "unknown-flag",
    "bad-value",
    "bad-value",
    "stray-argument",
    "bad-endpoint",
    "bad-header",
    "secret-too-short",
    "private-key-jwt-without-keys",
    "redirect-uri-fragment",
  ]);
  assert.equal(errors(played).filter((text) => text.startsWith("Error: ")).length, codes.length + 1);
});

describe("recipients on a command line", () => {
  /** The lines that can encrypt, in both syntaxes. */
  const LINES: readonly (readonly string[])[] = [
    ["clients", "create", "-g", "client_credentials"],
    ["create", "oauth2-client", "--grant-type", "client_credentials"],
    [
      ...["clients", "create", "-g", "client_credentials", "--token-endpoint-auth-method", "private_key_jwt"],
      ...["--generate-key", "ES256", "--key-out", "never-made.pem"],
    ],
    ["clients", "update", "app", "--secret-file", "/secret"],
    ["update", "oauth2-client", "app", "--secret-file", "/secret"],
    ["clients", "rotate-secret", "app"],
    ["rotate-secret", "oauth2-client", "app"],
    ["clients", "import", "/clients"],
    ["import", "oauth2-client", "/clients"],
  ];
  const scene: Scene = { files: { "/secret": "a-secret-of-the-user", "/clients": '{"client_id":"app"}' } };

  test("are a usage error if a value is empty, as with an unset shell variable", async () => {
    const hint = "Hint: give a value or leave the flag out; a shell variable that is not set looks like this";
    const pin = "A".repeat(40);
    const cases: readonly (readonly [words: readonly string[], error: string])[] = [
      [["--keybase", ""], '--keybase "" is empty'],
      [["--keybase="], '--keybase "" is empty'],
      [["--keybase", "alice", "--keybase", " "], '--keybase " " is empty'],
      [["--keybase", "alice,"], '--keybase "alice," has an empty value'],
      [["--pgp-key", ""], '--pgp-key "" is empty'],
      [["--pgp-key-url", ""], '--pgp-key-url "" is empty'],
      [["--pgp-key", "x", "--pgp-fingerprint", ""], '--pgp-fingerprint "" is empty'],
      [["--keybase", "alice", "--pgp-fingerprint", `${pin},`], `--pgp-fingerprint "${pin}," has an empty value`],
    ];
    for (const line of LINES) {
      for (const [words, error] of cases) {
        const played = await quiet([...line, ...words], scene);
        assert.equal(played.status, 2, played.stderr);
        assert.equal(played.stdout, "");
        assert.deepEqual(errors(played), [`Error: ${error}`, hint], line.join(" "));
      }
    }
  });

  test("are checked together, with all other problems, before any key is fetched", async () => {
    const wrong = [
      ...["--pgp-fingerprint", "DEADBEEF", "--pgp-fingerprint", "x", "--pgp-key", "wkd:nobody"],
      ...["--pgp-key-url", `${endpoint}/key.asc`, "--pgp-key-url", "ftp://x/key", "--pgp-key-url", "wkd:nobody@"],
      ...["--keybase", "alice,a-b", "--fail-after", "soon"],
    ];
    for (const line of LINES) {
      const environment = { HYDRA_KEYBASE_URL: endpoint };
      const played = await quiet([...line, ...wrong, "--format", "json"], { ...scene, environment });
      assert.equal(played.status, 2, played.stderr);
      assert.deepEqual(codesOf(played), [
        ...["bad-value", "pgp-fingerprint-short", "pgp-fingerprint-invalid", "wkd-address", "bad-address"],
        ...["wkd-address", "keybase-name"],
      ]);
    }
    const clear = ["clients", "create", "-g", "client_credentials", "--keybase", "alice"];
    const played = await quiet([...clear, "--pgp-key-url", "http://keys.example/a", "--pgp-key-url", endpoint], {
      environment: { HYDRA_KEYBASE_URL: endpoint },
    });
    assert.deepEqual(errors(played), [
      'Error: Cannot fetch the key of --pgp-key-url "http://keys.example/a": http://keys.example/a uses plain http, so anyone on the network path could replace the key',
      "Hint: use https, or pin the key with --pgp-fingerprint",
    ]);
  });

  test("are required if there is only a fingerprint", async () => {
    const played = await quiet(["clients", "rotate-secret", "app", "--pgp-fingerprint", "A".repeat(40), "--api", "x"]);
    assert.deepEqual(errors(played).slice(2), [
      "Error: --pgp-fingerprint requires a key",
      "Hint: add --pgp-key, --pgp-key-url or --keybase",
    ]);
  });
});

test("a recipient for a client without a secret is rejected, naming where its method was set", async () => {
  const line = ["clients", "create", "--pgp-key", "x", "-c", "https://a.example/cb"];
  const cases: readonly (readonly [words: readonly string[], named: string, scene?: Scene])[] = [
    [["--token-endpoint-auth-method", "none"], "--token-endpoint-auth-method"],
    [["--set", 'token_endpoint_auth_method="none"'], "--set token_endpoint_auth_method"],
    [
      ["--file", "/c.json"],
      '"token_endpoint_auth_method" in /c.json',
      { files: { "/c.json": '{"token_endpoint_auth_method":"none"}' } },
    ],
  ];
  for (const [words, named, scene] of cases) {
    assert.equal(
      errors(await quiet([...line, ...words], scene))[0],
      `Error: ${named} "none" creates a client without a secret, so there is nothing to encrypt`,
    );
  }
});

test("an ID that would name the collection of clients is never requested", async () => {
  for (const path of [
    ["clients", "get"],
    ["get", "oauth2-client"],
    ["clients", "delete"],
  ]) {
    const played = await quiet([...path, "app", "", ".", "..", "--format", "json"]);
    assert.equal(played.status, 2);
    assert.deepEqual(codesOf(played), ["bad-id", "bad-id", "bad-id"]);
    assert.match(played.stderr, /"message":"\\"\\" is not a valid client ID"/);
  }
  for (const line of [
    ["clients", "rotate-secret"],
    ["clients", "rotate-secret", "--drop-old-secrets"],
    ["clients", "update", "-n", "x"],
  ]) {
    for (const id of ["", ".", ".."]) {
      const played = await quiet([...line, id, "--format", "json"]);
      assert.deepEqual([played.status, codesOf(played)], [2, ["bad-id"]], line.join(" "));
    }
  }
});

test("help ignores a closed pipe, and reports a full disk", async () => {
  const gone = Object.assign(new Error("gone"), { code: "EPIPE" });
  const full = Object.assign(new Error("full"), { code: "ENOSPC" });
  for (const line of [["--help"], ["help", "formats"], ["clients", "create", "--help"]]) {
    assert.deepEqual(await play(line, { stdoutFails: gone }), { status: 0, stdout: "", stderr: "" });
    const { status, stderr } = await play(line, { stdoutFails: full });
    assert.equal(status, 1);
    assert.match(stderr, /^Error: Cannot write the result: full\nHint: /);
  }
});

test("a list printed by list is not accepted as one client", async () => {
  const files = { "/list.json": '{"items":[{"client_id":"a"}],"is_last_page":true}' };
  for (const line of [
    ["clients", "create"],
    ["clients", "update", "app"],
  ]) {
    const played = await quiet([...line, "--file", "/list.json"], { files });
    assert.equal(played.status, 2);
    assert.deepEqual(errors(played).slice(0, 2), [
      'Error: --file "/list.json" does not hold one client',
      "Hint: create several with hydra clients import",
    ]);
  }
});

test("an ID or a new secret that is empty is a usage error, as with an unset shell variable", async () => {
  for (const [line, flag] of [
    [["clients", "create", "-g", "client_credentials"], "--id"],
    [["create", "oauth2-client", "--grant-type", "client_credentials"], "--id"],
    [["clients", "rotate-secret", "app"], "--secret"],
    [["clients", "update", "app", "-n", "n"], "--secret"],
  ] as const) {
    const played = await quiet([...line, flag, ""]);
    assert.equal(played.status, 2, played.stderr);
    assert.equal(errors(played)[0], `Error: ${flag} "" is empty`);
  }
});

test("one page of a list is imported with a warning that others are missing, unless it is the last one", async () => {
  const page = (isLast: boolean): string =>
    JSON.stringify({ items: [{ grant_types: ["client_credentials"] }], next_page_token: "", is_last_page: isLast });
  const files = { "/first.json": page(false), "/last.json": page(true), "/all.json": page(false) + page(true) };
  for (const [name, warning] of [
    [
      "/first.json",
      "Warning: /first.json is one page of a longer list: the clients of its other pages are not in it\n",
    ],
    ["/last.json", ""],
    ["/all.json", ""],
  ] as const) {
    const played = await quiet(["clients", "import", "--dry-run", name], { files });
    assert.equal(played.status, 0, played.stderr);
    assert.equal(played.stderr.match(/^Warning: .*\n/gm)?.join("") ?? "", warning);
  }
});

describe("errors as JSON", () => {
  test("are one object per line on stderr: error, message and hint, with further errors under more", async () => {
    const { stderr, stdout } = await quiet(["clients", "create", "--format", "json", "--bogus", "--name"]);
    assert.equal(stdout, "");
    assert.deepEqual(JSON.parse(stderr.split("\n").find((line) => line.startsWith("{")) ?? ""), {
      error: "unknown-flag",
      message: "Unknown flag --bogus",
      hint: "hydra help clients create lists the flags",
      more: [
        {
          error: "missing-value",
          message: "--name needs a value",
          hint: "write --name TEXT; hydra help clients create shows it",
        },
      ],
    });
  });

  test("are selected by any JSON format, before or after the command, by flag or by the config file", async () => {
    const asked: readonly (readonly [args: readonly string[], scene: Scene])[] = [
      [["clients", "create", "--bogus", "--format=json"], {}],
      [["clients", "create", "--bogus", "--format=json-pretty"], {}],
      [["--format", "json", "clients", "create", "--bogus"], {}],
      [["clients", "--format", "json", "bogus"], {}],
      [["clients", "bogus", "--format", "json"], {}],
      [
        ["clients", "create", "--bogus"],
        { environment: { HOME: "/home/x" }, files: { "/home/x/.hydra.yaml": "format: json\n" } },
      ],
    ];
    for (const [args, scene] of asked) assert.equal(codesOf(await quiet(args, scene)).length, 1, args.join(" "));
  });

  test("are not printed if another format was selected", async () => {
    for (const args of [
      ["clients", "create", "--bogus"],
      ["clients", "create", "--bogus", "--format=yaml"],
    ])
      assert.deepEqual(codesOf(await quiet(args)), [], args.join(" "));
  });
});

describe("no message contains a credential", () => {
  const lines = [
    "--access-token Bearer s3cret clients create",
    "--acces-token s3cret clients create",
    "--acces-token=s3cret clients create",
    "clients create --access-token Bearer s3cret",
    "clients create -H Authorization: Bearer s3cret",
    "clients create --secret my s3cret",
    "clients create --fail-after --secret=s3cret",
    "clients create --fail-after --secret s3cret",
    "clients create --secrt s3cret",
    "clients create --secrt=s3cret",
    "clients create -- --secret s3cret",
    "clients create -- --secret=s3cret",
    "clients create --endpoint http://u:s3cret@a.example:port",
    "clients create --endpoint u:s3cret@a.example",
    "clients create --endpoint http://a.example?t=s3cret",
    "clients create -H s3cret",
    "clients create --format=json --secret s3c%ret --bogus -v",
    "wait http://admin:s3cret@127.0.0.1:1",
    "http://admin:s3cret@127.0.0.1:1 clients list",
    "clients list --api http://a:s3cret@b:1",
    "clients list --limit http://a:s3cret@b:1",
    "clients create --http://a:s3cret@b:1",
    "clients create --file http://a:s3cret@b:1",
    "clients create --config http://a:s3cret@b:1",
    "apply http://a:s3cret@b:1/clients.yaml",
    "completion http://a:s3cret@b:1",
    "keys get http://a:s3cret@b:1",
    "clients list --format http://a:s3cret@b:1",
    "clients update a --unset http://a:s3cret@b:1",
    "clients create --callbacks http://a:s3cret@b:1/#x",
    "token introspect Bearer s3cret",
    "token decode Bearer s3cret",
    "token revoke a s3cret",
    "token introspect s3cret -o json",
    "introspect ory_at_s3cret",
    "revoke s3cret.s3cret",
    "token s3cret.s3cret",
    "s3cret.s3cret",
  ];
  for (const line of lines) {
    test(line, async () => {
      for (const format of [[], ["--format=json"]]) {
        const played = await quiet([...format, ...line.split(" ")]);
        assert.equal(played.status, 2);
        assert.ok(!/s3c%?ret/.test(played.stderr + played.stdout), played.stderr);
      }
    });
  }
});

describe("the config file", () => {
  const HOME = { HOME: "/home/x" };
  const PATH = "/home/x/.hydra.yaml";
  const LINE = ["clients", "create", "--dry-run", "-c", "https://a.example/cb", "--id", "i"];

  /** What is printed in addition to the note about the dry run. */
  function told({ stderr }: Played): string {
    return stderr.replace(/^Dry run\b.*\n/m, "");
  }

  test("is optional, and so is HOME", async () => {
    for (const environment of [HOME, { HOME: "" }, {}]) {
      const played = await quiet(LINE, { environment });
      assert.equal(played.status, 0, played.stderr);
      assert.equal(told(played), "");
    }
  });

  test("is overridden by flags and the environment, and each error names its source", async () => {
    const scene = { environment: HOME, files: { [PATH]: "fail_after: later\napi: v3\n" } };
    assert.deepEqual(errors(await quiet(LINE, scene)), [
      'Error: "fail_after" in /home/x/.hydra.yaml "later" is not a duration',
      "Hint: write a number with a unit, such as 30s, 1m30s or 500ms",
      'Error: "api" in /home/x/.hydra.yaml "v3" is not one of auto, v1 or v2',
      "Hint: did you mean v1?",
    ]);
    assert.equal((await quiet([...LINE, "--fail-after=1s", "--api=v1"], scene)).status, 0);
  });

  test("gets hints that mention no flags, and its tokens are sent unchanged", async () => {
    const files = { "/c.yaml": `endpoint: ${endpoint}\nskip_tls_verify: "yes"\nheaders: [X-A: 1, X-B: 0x1F]\n` };
    const played = await quiet(["clients", "list", "--config", "/c.yaml"], { files });
    assert.deepEqual(errors(played), [
      'Error: "skip_tls_verify" in /c.yaml "yes" is neither true nor false',
      "Hint: write true or false",
    ]);
    const sent: (string | undefined)[] = [];
    const listening = createServer(({ headers }, response) => {
      sent.push(headers.authorization, headers["x-n"]?.toString());
      response.writeHead(200, { "content-type": "application/json" }).end("[]");
    });
    await new Promise<void>((done) => listening.listen(0, "127.0.0.1", done));
    try {
      const at = listening.address();
      assert.ok(at !== null && typeof at === "object");
      const config = `endpoint: http://127.0.0.1:${at.port}\naccess_token: 0012345678901234567890\nheaders: [X-N: 0x1F]\n`;
      const listed = await play(["clients", "list", "--config", "/c.yaml"], { files: { "/c.yaml": config } });
      assert.equal(listed.status, 0, listed.stderr);
      assert.deepEqual(sent, ["Bearer 0012345678901234567890", "0x1F"]);
    } finally {
      await new Promise((done) => listening.close(done));
    }
  });

  test("with a syntax error is reported with the line", async () => {
    const played = await quiet(LINE, { environment: HOME, files: { [PATH]: "endpoint: http://a\napi: [\n" } });
    assert.equal(played.status, 2);
    assert.match(errors(played)[0] ?? "", /hydra\.yaml, line [23]\b/);
  });

  test("that is broken hides no other problem of the line", async () => {
    const scene = { environment: HOME, files: { [PATH]: "api: [\n" } };
    const codes = codesOf(await quiet(["clients", "get", "--nmae", "--format=json", "--fail-after=soon"], scene));
    assert.equal(codes.length, 3);
    assert.deepEqual(codes.slice(0, 2), ["unknown-flag", "bad-value"]);
    assert.deepEqual(codesOf(await quiet(["clients", "get", "--format=json"], scene)).slice(0, 1), [
      "missing-argument",
    ]);
  });

  test("has unknown keys reported only with -v", async () => {
    const scene = { environment: HOME, files: { [PATH]: "dsn: memory\nserve: {}\n" } };
    assert.equal(told(await quiet(LINE, scene)), "");
    assert.equal(
      told(await quiet([...LINE, "-v"], scene)),
      'Config file: unknown key "dsn" is ignored\nConfig file: unknown key "serve" is ignored\n',
    );
  });

  test("with credentials that others can read causes a warning", async () => {
    const files = { [PATH]: "endpoint: http://127.0.0.1:1\naccess_token: s3cret\n" };
    const environment = { ...HOME, HYDRA_ADMIN_URL: "" };
    const open = await quiet(LINE, { environment, files, mode: 0o644 });
    assert.equal(told(open), `Warning: ${PATH} contains credentials and others can read it: chmod 600 ${PATH}\n`);
    assert.equal(told(await quiet(LINE, { environment, files })), "");
  });

  test("never sends its credentials to another endpoint", async () => {
    const scene = { environment: HOME, files: { [PATH]: "endpoint: http://127.0.0.1:1\naccess_token: s3cret\n" } };
    const played = await quiet(["--format=json", ...LINE], scene);
    assert.equal(played.status, 2);
    assert.deepEqual(codesOf(played), ["foreign-credentials"]);
    assert.ok(played.stderr.includes("HYDRA_ADMIN_URL") && played.stderr.includes(PATH));
  });

  test("given by the flag must exist, unless the command has no settings", async () => {
    assert.deepEqual(codesOf(await quiet([...LINE, "--format=json", "--config", "/no"], {})), ["config-file"]);
    assert.equal((await quiet(["clients", "--help", "--config", "/no"])).status, 0);
  });
});

describe("--ca-file", () => {
  const LINE = ["--format=json", "clients", "list", "--endpoint", "https://127.0.0.1:1", "--fail-after=0"];

  test("is read once, because a pipe can be read only once", async () => {
    let read = 0;
    const files = {
      get "/dev/fd/63"(): string {
        read++;
        return read === 1 ? (rootCertificates[0] ?? "") : "";
      },
    };
    assert.deepEqual(codesOf(await quiet([...LINE, "--ca-file", "/dev/fd/63"], { files })), ["unreachable"]);
    assert.equal(read, 1);
    const piped = await quiet([...LINE, "--ca-file", "-"], { stdin: rootCertificates[0] ?? "" });
    assert.deepEqual(codesOf(piped), ["unreachable"]);
  });

  test("is checked before anything is sent, even for http", async () => {
    const block = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for (const text of ["", "no certificate", block, `${rootCertificates[0]}\n${block}`]) {
      const played = await quiet([...LINE, "--ca-file", "/ca.pem"], { files: { "/ca.pem": text } });
      assert.equal(played.status, 2, text);
      assert.deepEqual(codesOf(played), ["bad-ca-file"]);
    }
    assert.equal((await quiet([...LINE, "--ca-file", "/nowhere"])).status, 2);
    const plain = await quiet([...LINE, "--ca-file", "/nowhere", "--endpoint", "http://127.0.0.1:1"]);
    assert.deepEqual([plain.status, ...codesOf(plain)], [2, "unreadable-file"]);
  });
});

describe("standard output", () => {
  function failure(code: string): Error {
    return Object.assign(new Error(`${code}: write`), { code });
  }

  test("without a reader ends a reading command quietly", async () => {
    const played = await quiet(["version"], { stdoutFails: failure("EPIPE") });
    assert.deepEqual([played.status, played.stderr], [0, ""]);
  });

  test("that fails for another reason is reported", async () => {
    const played = await quiet(["version", "--format=json"], { stdoutFails: failure("ENOSPC") });
    assert.equal(played.status, 1);
    assert.deepEqual(codesOf(played), ["unwritable"]);
  });
});

test("an internal error is reported without a stack trace, and with one if HYDRA_DEBUG is set", async () => {
  const fault = (): never => {
    throw new RangeError("s3cret");
  };
  const line = ["clients", "create", "--dry-run", "-c", "https://a.example/cb"];
  const played = await quiet(line, { uuid: fault });
  assert.equal(played.status, 1);
  assert.equal(played.stdout, "");
  assert.equal(errors(played)[0], "Error: Unexpected failure (RangeError)");
  assert.ok(!played.stderr.includes("s3cret"));
  const debugged = await quiet(line, { uuid: fault, environment: { HYDRA_DEBUG: "1" } });
  assert.ok(debugged.stderr.includes("main.test.ts"), debugged.stderr);
});
