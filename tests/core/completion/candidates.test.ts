import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { everyCommand } from "../../../.ci/docs.ts";
import { completeCommandLine, createCompletionReply } from "../../../lib/app/complete-command-line.ts";
import { FLAGS_BEFORE_COMMAND } from "../../../lib/app/resolve-command.ts";
import { isLeaf } from "../../../lib/command.ts";
import { FIELD_FLAGS, FIELD_NAMES } from "../../../lib/core/client/fields.ts";
import { completeFlagValue, NO_CANDIDATES, parseWordsBeforeCursor } from "../../../lib/core/completion/candidates.ts";
import { USUAL_FIELD_VALUES } from "../../../lib/core/completion/possible-values.ts";
import { COMPLETION_SCRIPTS } from "../../../lib/core/completion/scripts.ts";
import { SHELLS } from "../../../lib/core/completion/shells.ts";
import { splitTypedLine } from "../../../lib/core/completion/tokenize.ts";
import { type CompletableValueKind, type Flag, indexFlags, longNames } from "../../../lib/core/flags/flag.ts";
import { parseFlagsWithFallbacks } from "../../../lib/core/flags/parse.ts";
import { FORMAT } from "../../../lib/core/flags/shared-flags.ts";
import { splitFlagsBeforeCommand } from "../../../lib/core/flags/split-command-line.ts";
import { TOPICS } from "../../../lib/core/help/topics.ts";
import { FORMAT_CHOICES } from "../../../lib/core/output/formats.ts";
import { shellQuoted } from "../../../lib/core/output/shell-quote.ts";
import { escapeControls } from "../../../lib/core/text.ts";
import { play } from "../../app/in-process.ts";
import { randomRuns } from "../../thorough.ts";

const NOBODY = { environment: () => undefined, output: () => assert.fail("a server is asked") };

/** What completes a line that ends at the cursor: whole words, or what is looked up elsewhere. */
async function candidates(line: string): Promise<readonly string[]> {
  const { words, last } = splitTypedLine(line);
  const { kind, head, candidates: found } = await completeCommandLine(words, last.text, NOBODY);
  return kind === "words" ? found.map(({ text }) => head + text) : [`${kind} behind ${JSON.stringify(head)}`];
}

describe("candidates", () => {
  const cases: readonly (readonly [line: string, ...found: readonly string[]])[] = [
    ["cli", "clients"],
    ["create cl", "client", "clients"],
    ["--endpoint http://a clients cr", "create"],
    ["--api ", "auto", "v1", "v2"],
    ["--api=v", "--api=v1", "--api=v2"],
    ["--format=js --api v1 --fail", "--fail-after"],
    ["clients nothing "],
    ["clients toString "],
    ["__proto__ "],
    ["-- "],
    ["-- cli"],
    ["-v -- cli"],
    ["clients -- cr"],
    ["diff oauth", "oauth2-clients", "oauth2-client"],
    ["diff --stack x oauth", "oauth2-clients", "oauth2-client"],
    ["diff --stack x oauth2-clients oauth", 'files behind ""'],
    ["diff -- oauth", 'files behind ""'],
    ["diff ", 'files behind ""'],
    ["-v help cl", "clients"],
    ["help --color never cl", "clients"],
    ["help --color n", "never"],
    ["help cl", "clients"],
    ["help clients rot", "rotate-secret"],
    ["help rules "],
    ["clients create --nam", "--name", "--namespace"],
    ["clients create --name x --nam", "--namespace"],
    ["clients create -nx --nam", "--namespace"],
    ["clients create --callbacks x --callb", "--callbacks"],
    ["clients create --redirect-", "--redirect-uri"],
    ["create oauth2-client --callb", "--callbacks"],
    ["create oauth2-client --post-l", "--post-logout-callback"],
    ["clients create -n", "-n"],
    ["clients create -nx"],
    ["clients create -- --nam"],
    ["clients create --name --form"],
    ["clients create --skip-consent=", "--skip-consent=true", "--skip-consent=false"],
    ["clients create --dry-run=c", "--dry-run=curl"],
    ["clients create --dry-run --if-exists sk", "skip"],
    ["clients create -vgim", "-vgimplicit"],
    ["clients create -g=im", "-g=implicit"],
    ["clients create -g implicit,im"],
    ["clients create -g implicit,cl", "implicit,client_credentials"],
    ["clients create --grant-type=implicit,cl", "--grant-type=implicit,client_credentials"],
    [`clients create -g '"a,b",im'`, '"a,b",implicit'],
    [`clients create -g '"a,im'`],
    ["clients update x -g im", "implicit"],
    ["clients update x --add-scope off", "offline_access", "offline"],
    ["clients update x --remove-grant-type=im", "--remove-grant-type=implicit"],
    ["clients update x --unset logo_uri,tos", "logo_uri,tos_uri"],
    ["clients create --set client_n", "client_name="],
    ["clients create --format raw", "raw="],
    ["diff --format raw", "raw="],
    ["clients create --ca-file ", 'files behind ""'],
    ["clients create --secret-file=a/b", 'files behind "--secret-file="'],
    ["clients create --jwks x", 'files behind ""'],
    ["clients create --pgp-key @k", 'files behind "@"'],
    ["clients create --pgp-key=@k", 'files behind "--pgp-key=@"'],
    ["clients create --pgp-key ", "@", "wkd:", "github:", "keybase:"],
    ["clients create --rescue-dir ", 'folders behind ""'],
    ["clients create --metadata "],
    ["clients create stray"],
    ["clients import ", 'files behind ""'],
    ["clients import a ", 'files behind ""'],
    ["pgp inspect key", "keybase:"],
    ["pgp inspect @a", 'files behind "@"'],
    ["completion po", "powershell"],
    ["completion bash ", "--format", "--verbose", "--help", "--config", "--color", "--no-warnings"],
    ["sandbox --as 1", "1.8", "1.11"],
    ["wait --for "],
  ];
  for (const [line = "", ...found] of cases) {
    test(`hydra ${line}`, async () => assert.deepEqual(await candidates(line), found));
  }

  test("are flags after a command that has no operands", async () => {
    const found = await candidates("clients list ");
    assert.ok(found.includes("--limit") && found.every((name) => name.startsWith("--")));
    assert.deepEqual(await candidates("clients list -- "), []);
  });

  test("include short flags after a single dash", async () => {
    const found = await candidates("clients create -");
    for (const name of ["-n", "-g", "--name", "--grant-types"]) assert.ok(found.includes(name), name);
  });
});

/** What people take the placeholder of a flag or an operand for. The ID of a flag may be one that no client has yet. */
function meantBy(placeholder: string): CompletableValueKind | undefined {
  if (/\bFILE\b/.test(placeholder)) return "file";
  if (/\bDIR\b/.test(placeholder)) return "folder";
  const meant = { KEY: "pgp-key", FIELD: "field", FORMAT: "output-format", "PATH=JSON": "field-path" } as const;
  return Object.entries(meant).find(([name]) => name === placeholder)?.[1];
}

describe("completion over the whole tree", () => {
  test("offers every command, flag and choice under the names of its syntax", async () => {
    let flags = 0;
    for (const { path, syntax, command } of await everyCommand()) {
      const line = path.slice(1).join(" ");
      if (!isLeaf(command)) continue;
      assert.ok((await candidates(line)).includes(path[path.length - 1] ?? ""), line);
      for (const flag of command.spec.flags) {
        const [name = ""] = longNames(flag, syntax);
        assert.ok((await candidates(`${line} --${name}`)).includes(`--${name}`), `${line} --${name}`);
        for (const other of longNames(flag)) {
          assert.ok((await candidates(`${line} --${other}`)).includes(`--${other}`), `${line} --${other}`);
        }
        if ((flag.kind === "text" || flag.kind === "list") && flag.choices !== undefined && flag.choices.length > 0) {
          const choices = flag.choices.filter((choice) => choice !== "");
          assert.deepEqual(
            await candidates(`${line} --${name}=`),
            choices.map((choice) => `--${name}=${choice}`),
          );
        }
        flags++;
      }
    }
    assert.ok(flags > 300);
  });

  test("offers only values that the parser accepts", async () => {
    for (const flag of [...FIELD_FLAGS, ...FLAGS_BEFORE_COMMAND]) {
      if (flag.kind === "switch") continue;
      const line = `clients create --${flag.name}=`;
      for (const word of await candidates(line)) {
        if (/^(?:files|folders) behind|=$|[@:]$/.test(word)) continue;
        const { problems } = parseFlagsWithFallbacks([word], [flag], "", {
          environment: () => undefined,
          file: () => undefined,
        });
        assert.deepEqual(problems, [], word);
      }
    }
  });

  test("offers all formats and topics", async () => {
    assert.deepEqual(
      await candidates("clients get x --format "),
      FORMAT_CHOICES.map((format) => format.replace(/=.*/, "=")),
    );
    const help = await candidates("help ");
    for (const { name } of TOPICS) assert.ok(help.includes(name), name);
  });

  test("knows the values of each flag and operand whose placeholder names something that it can complete", async () => {
    const missing: string[] = [];
    let flags = 0;
    let operands = 0;
    for (const { path, command } of await everyCommand()) {
      if (!isLeaf(command)) continue;
      const line = path.slice(1).join(" ");
      for (const flag of command.spec.flags) {
        if (flag.kind === "switch" || flag.kind === "duration" || flag.kind === "count") continue;
        const hasChoices = flag.kind !== "each" && flag.choices !== undefined;
        const meant = hasChoices ? undefined : meantBy(flag.value);
        if (flag.completes !== meant) missing.push(`${line} --${flag.name} ${flag.value} completes ${meant}`);
        if (meant !== undefined) flags++;
      }
      const { name = "", completes } = command.spec.operands ?? {};
      const meant = name === "ID" ? "client-id" : name === "SHELL" ? "shell" : meantBy(name);
      if (completes !== meant) missing.push(`${line} ${name} completes ${meant}`);
      if (meant !== undefined) operands++;
    }
    assert.deepEqual(missing, []);
    assert.ok(flags > 100 && operands > 20, `${flags} ${operands}`);
  });

  test("takes no placeholder for a rule", () => {
    const file: Flag = { kind: "text", name: "x", value: "PLACE", group: "input", help: "x", completes: "file" };
    assert.equal(completeFlagValue(file, "").kind, "files");
    assert.deepEqual(completeFlagValue({ ...FORMAT, help: "x" }, "j"), completeFlagValue(FORMAT, "j"));
    const unknown: Flag = { kind: "text", name: "x", value: "FILE", group: "input", help: "x" };
    assert.deepEqual(completeFlagValue(unknown, ""), NO_CANDIDATES);
  });

  test("offers common values only for client fields", () => {
    for (const name of USUAL_FIELD_VALUES.keys()) assert.ok(FIELD_NAMES.includes(name), name);
  });
});

describe("reading what is typed", () => {
  const rows: readonly Flag[] = [...FIELD_FLAGS, ...FLAGS_BEFORE_COMMAND];
  const index = indexFlags(rows);
  const names = rows.flatMap((flag) => [
    ...longNames(flag).map((name) => `--${name}`),
    ...(flag.short === undefined ? [] : [`-${flag.short}`]),
  ]);
  const word = fc.oneof(
    fc.constantFrom(...names),
    fc.tuple(fc.constantFrom(...names), fc.string()).map(([name, rest]) => name + rest),
    fc.stringMatching(/^-[a-zA-Z=]{1,5}$/),
    fc.string(),
  );

  test("expects a flag's value exactly if the parser does", () => {
    fc.assert(
      fc.property(word, (text) => {
        fc.pre(text.startsWith("-") && text !== "-" && text !== "--");
        const takes = splitFlagsBeforeCommand([text, "x", "y"], index).flags.length === 2;
        assert.equal(parseWordsBeforeCursor([text], index).pending !== undefined, takes, text);
      }),
      { numRuns: randomRuns(2000) },
    );
  });

  test("reads words quoted for a shell as the shell does", () => {
    // Control characters are written as calls of printf, which are never run here.
    const plain = fc.array(fc.string().filter((text) => text === escapeControls(text)));
    fc.assert(
      fc.property(plain, (texts) => {
        const { words, last } = splitTypedLine(`${texts.map(shellQuoted).join(" ")} `);
        assert.deepEqual(words, texts);
        assert.equal(last.raw, "");
      }),
    );
  });

  test("treats open quotes, a final escape and shell code as text", () => {
    assert.deepEqual(splitTypedLine(`a 'b c`), { words: ["a"], last: { raw: "'b c", text: "b c", quote: "'" } });
    assert.deepEqual(splitTypedLine('a "b\\"'), { words: ["a"], last: { raw: '"b\\"', text: 'b"', quote: '"' } });
    assert.deepEqual(splitTypedLine('"\\a').last.text, "\\a");
    assert.deepEqual(splitTypedLine("a\\").last, { raw: "a\\", text: "a", quote: "" });
    assert.deepEqual(splitTypedLine("$(x y)").words, ["$(x"]);
    assert.deepEqual(splitTypedLine('a`"b c', "`").last.text, "c");
  });
});

describe("replies to shells", () => {
  const ids = (...found: readonly string[]) => ({
    environment: () => undefined,
    output: async () => found.map((id) => `${JSON.stringify({ client_id: id, client_name: "N\u0000: n" })}\n`).join(""),
  });

  test("bash gets the replacement for the part that it replaces", async () => {
    const line = "hydra clients create -g a,urn:ie";
    assert.equal(
      await createCompletionReply(["bash", line, "ie"], NOBODY),
      "words 0\nietf:params:oauth:grant-type:device_code \nietf:params:oauth:grant-type:jwt-bearer \n",
    );
    // With other word breaks bash replaces the whole word.
    assert.ok(
      (await createCompletionReply(["bash", line, "a,urn:ie"], NOBODY)).includes(
        "\na,urn:ietf:params:oauth:grant-type:jwt-bearer \n",
      ),
    );
    assert.equal(
      await createCompletionReply(["bash", "hydra clients create --ca-file=x", "--ca-file=x"], NOBODY),
      "files 10\n",
    );
    assert.equal(await createCompletionReply(["bash", "hydra clients create --ca-file=x", "x"], NOBODY), "files 0\n");
  });

  test("bash reads back each ID unchanged", async () => {
    const id = fc.string({ minLength: 1 }).filter((text) => text === escapeControls(text) && text.trim() === text);
    await fc.assert(
      fc.asyncProperty(id, async (text) => {
        const told = await createCompletionReply(["bash", "hydra clients get -- ", ""], ids(text));
        assert.ok(told.startsWith("words 0\n") && told.endsWith(" \n"), told);
        const { words } = splitTypedLine(told.slice("words 0\n".length));
        assert.deepEqual(words, [text]);
      }),
    );
  });

  test("inside an open quote, IDs that it cannot hold are left out", async () => {
    const all = ids("it's", "a$b", "plain", "wide id");
    assert.equal(
      await createCompletionReply(["bash", "hydra clients get '", ""], all),
      "words 0\na$b\nplain\nwide id\n",
    );
    assert.equal(
      await createCompletionReply(["bash", 'hydra clients get "', ""], all),
      "words 0\nit's\nplain\nwide id\n",
    );
  });

  test("an ID that would be read as a flag is offered only after --", async () => {
    const all = ids("-x", "--yes", "plain");
    assert.equal(await createCompletionReply(["bash", "hydra clients delete ", ""], all), "words 0\nplain \n");
    assert.equal(
      await createCompletionReply(["bash", "hydra clients delete -- ", ""], all),
      "words 0\n-x \n--yes \nplain \n",
    );
  });

  test("zsh, fish and PowerShell get descriptions, and a name with a line break stays on one line", async () => {
    const odd = ids("a:b", "wide id", "line\nbreak", "tab\tid");
    assert.equal(
      await createCompletionReply(["zsh", "clients", "get", ""], odd),
      "words 0\n+a\\:b:N\\x00: n\n+wide id:N\\x00: n\n",
    );
    assert.equal(
      await createCompletionReply(["fish", "clients", "get", ""], odd),
      "words 0\na:b\tN\\x00: n\nwide id\tN\\x00: n\n",
    );
    assert.equal(
      await createCompletionReply(["powershell", "hydra clients get "], odd),
      "words\na:b\tN\\x00: n\n'wide id'\tN\\x00: n\n",
    );
    assert.equal(
      await createCompletionReply(["powershell", "hydra clients create --api 'v"], NOBODY),
      "words\nv1\t\nv2\t\n",
    );
    assert.equal(
      await createCompletionReply(["zsh", "clients", "create", "--format=raw"], NOBODY).then(
        (text) => text.split(":")[0],
      ),
      "words 9\n-raw=",
    );
  });

  test("PowerShell gets each quote that it knows doubled, so that an ID ends no string", async () => {
    // PowerShell ends a string in single quotes at each of these.
    const id = "a'\u2018\u2019\u201a\u201b;calc";
    assert.match(
      await createCompletionReply(["powershell", "hydra clients get "], ids(id)),
      /^words\n'a''\u2018\u2018\u2019\u2019\u201a\u201a\u201b\u201b;calc'\t/,
    );
  });

  test("the list of bash escapes the names of clients", async () => {
    const line = ["bash", "hydra clients get ", "", "63", "80"];
    const list = await createCompletionReply(line, ids("one", "two"));
    assert.match(list, /^one {2}\(N\\x00: n\)$/m);
    assert.ok(!list.includes("\u0000"));
  });

  test("zsh and fish get the length of what stays, as each of them counts it", async () => {
    const skip = async (shell: string, word: string): Promise<string> =>
      (await createCompletionReply([shell, "clients", "create", "-g", word], NOBODY)).split("\n")[0] ?? "";
    // zsh cuts the word on the line, fish the one without quotes, both by letters and not by UTF-16.
    assert.equal(await skip("zsh", "a\\ b,impl"), "words 5");
    assert.equal(await skip("fish", "a\\ b,impl"), "words 4");
    assert.equal(await skip("zsh", "😀,impl"), "words 2");
    assert.equal(await skip("fish", "😀,impl"), "words 2");
    assert.equal(
      await createCompletionReply(["fish", "clients", "create", "'--ca-file=te"], NOBODY),
      "files 10\n--ca-file=te\n",
    );
    assert.match(
      await createCompletionReply(["zsh", "clients", "get", "back\\\\sl"], ids("back\\slash")),
      /^words 0\n\+back/,
    );
  });

  test("other shells get an empty reply", async () => {
    assert.equal(await createCompletionReply([], NOBODY), "");
    assert.equal(await createCompletionReply(["tcsh", "clients", ""], NOBODY), "");
  });
});

describe("completing client IDs", () => {
  /** The command lines that completing a line runs. */
  async function runs(
    words: readonly string[],
    environment: Readonly<Record<string, string>> = {},
  ): Promise<readonly string[]> {
    const lines: string[] = [];
    await completeCommandLine(words, "", {
      environment: (name) => environment[name],
      output: async (args) => {
        lines.push(args.join(" "));
        return "";
      },
    });
    return lines;
  }

  test("uses the settings of the line, takes at most a second, and happens only where an ID belongs", async () => {
    const list = "clients list --format ndjson --limit 1000 --fail-after 1s";
    assert.deepEqual(await runs(["clients", "get"]), [list]);
    const line = [
      "-e",
      "http://a",
      "clients",
      "get",
      "--fail-after=9m",
      "-H",
      "A: b",
      "--skip-tls-verify=false",
      "--config",
      "c",
    ];
    assert.deepEqual(await runs(line), [
      `${list} --endpoint=http://a --header=A: b --skip-tls-verify=false --config=c`,
    ]);
    for (const command of [
      ["rotate-secret", "oauth2-client"],
      ["update", "client"],
      ["clients", "delete", "x"],
    ])
      assert.equal((await runs(command)).length, 1, command.join(" "));
    for (const line of [["clients", "update", "x"], ["clients", "create"], ["clients", "get", "--config"], ["clients"]])
      assert.deepEqual(await runs(line), [], line.join(" "));
  });

  test("can be disabled, and never reads standard input", async () => {
    assert.deepEqual(await runs(["clients", "get"], { HYDRA_COMPLETE_IDS: "0" }), []);
    assert.deepEqual(await runs(["clients", "get", "--access-token-file", "-"]), []);
  });
});

describe("hydra completion", () => {
  for (const shell of SHELLS) {
    test(`prints only the script for ${shell}`, async () => {
      const played = await play(["completion", shell]);
      assert.deepEqual(played, { status: 0, stdout: `${COMPLETION_SCRIPTS[shell]}\n`, stderr: "" });
      assert.ok(COMPLETION_SCRIPTS[shell].includes(`__complete ${shell}`));
      assert.doesNotMatch(
        COMPLETION_SCRIPTS[shell],
        /--[a-z]+-[a-z]+|oauth2-client/,
        "a script names no flag and no command",
      );
    });
  }

  test("prints the script whatever the format in the config file, and JSON if a flag asks for it", async () => {
    const files = { "/c.yaml": "format: json\n" };
    const played = await play(["completion", "zsh", "--config", "/c.yaml"], { files });
    assert.equal(played.stdout, `${COMPLETION_SCRIPTS.zsh}\n`);
    const asked = await play(["completion", "zsh", "--format", "json"]);
    assert.deepEqual(JSON.parse(asked.stdout), { shell: "zsh", script: COMPLETION_SCRIPTS.zsh });
  });

  test("rejects any other shell", async () => {
    const empty = await play(["completion", ""]);
    assert.equal(empty.status, 2);
    assert.match(empty.stderr, /^Error: Unknown shell ""/);
    const played = await play(["completion", "fsh"]);
    assert.deepEqual(played, {
      status: 2,
      stdout: "",
      stderr: 'Error: Unknown shell "fsh": supported are bash, zsh, fish and powershell\nHint: did you mean zsh?\n',
    });
  });

  test("notes which scripts are untested", () => assert.match(COMPLETION_SCRIPTS.powershell, /^# Not tested/m));

  test("calls the program in PowerShell by its path, without the quotes of the command line", () => {
    assert.match(COMPLETION_SCRIPTS.powershell, /^ {2}\$program = \$commandAst\.GetCommandName\(\)\n/m);
    assert.match(COMPLETION_SCRIPTS.powershell, /& \$program __complete powershell \$line/);
    assert.doesNotMatch(COMPLETION_SCRIPTS.powershell, /CommandElements\[0\]/);
  });
});
