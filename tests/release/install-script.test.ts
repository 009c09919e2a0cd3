/** install.sh with a local server, on systems that stand-ins for `uname` and others describe. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { join } from "node:path";
import process from "node:process";
import { after, before, describe, test } from "node:test";
import { tarGz } from "../../.ci/release/archive.ts";
import { installScripts } from "../../.ci/release/installers.ts";
import { archiveName } from "../../.ci/release/pack.ts";
import { TARGETS } from "../../.ci/release/targets.ts";
import { temporaryFolder } from "../e2e/binary.ts";
import { openDisk } from "../e2e/disk.ts";
import { makeCertificates } from "../e2e/tls.ts";

const ROOT = join(import.meta.dirname, "../..");

const PAGE = "https://github.com/owner/repository";

/** An archive like that of a release, with a program that prints its target. */
function archiveOf(name: string, program = `echo "Version: 1.2.3"; echo ${name} >&2`): Uint8Array {
  const text = (path: string, content: string) => ({ path: `hydra-${name}/${path}`, content: Buffer.from(content) });
  return tarGz(
    [
      { ...text("hydra", `#!/bin/sh\n${program}\n`), executable: true },
      ...["completions/hydra.bash", "completions/_hydra", "completions/hydra.fish"].map((path) => text(path, path)),
      ...["man/man1/hydra.1", "man/man7/hydra-config.7"].map((path) => text(path, path)),
    ],
    0,
    1,
  );
}

const served = new Map<string, Uint8Array>();

let server: Server;

let base: string;

/** Serves the archives, and their checksums. */
function serve(archives: ReadonlyMap<string, Uint8Array>): void {
  served.clear();
  const sums = [...archives].map(([name, content]) => {
    served.set(`/${name}`, content);
    return `${createHash("sha256").update(content).digest("hex")}  ${name}\n`;
  });
  served.set("/SHA256SUMS", Buffer.from(sums.join("")));
}

const good = new Map(
  TARGETS.filter(({ archive }) => archive === "tar.gz").map((target) => [
    `${archiveName(target)}.tar.gz`,
    archiveOf(target.name),
  ]),
);

const answer: RequestListener = (request, response) => {
  const content = served.get(request.url?.replace(/\?.*$/, "") ?? "");
  response.writeHead(content === undefined ? 404 : 200).end(content);
};

async function portOf(listening: Server): Promise<number> {
  await new Promise<void>((done) => listening.listen(0, "127.0.0.1", done));
  const address = listening.address();
  assert.ok(address !== null && typeof address === "object");
  return address.port;
}

before(async () => {
  server = createServer(answer);
  base = `http://127.0.0.1:${await portOf(server)}`;
});
after(() => server.close());

/** An https server with redirects, and the variables with which curl and wget trust it. */
interface Mirror extends AsyncDisposable {
  readonly base: string;
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Serves the archives over https. Below `/plain`, everything is redirected to http; below `/https`, `/root`, `/host`, `/near`, `/query`
 * and `/relative` to the archives, by the forms that a redirect may have; below `/loop` to itself.
 */
async function openMirror(): Promise<Mirror> {
  const { authority, good: identity } = makeCertificates();
  const secure = createTlsServer({ key: identity.key, cert: identity.cert }, (request, response) => {
    const [, kind = "", name = ""] = /^\/(\w+)\/(.+)$/.exec(request.url ?? "") ?? [];
    const targets: Readonly<Record<string, string>> = {
      plain: `${base}/${name}?signature=secret`,
      https: `https://user:secret@127.0.0.1:${port}/${name}?signature=secret`,
      root: `/${name}`,
      host: `//127.0.0.1:${port}/${name}`,
      near: `../${name}`,
      query: `/${name}?from=http://127.0.0.1/`,
      relative: `../${name}?from=http://127.0.0.1/`,
      loop: `${name}`,
    };
    const location = targets[kind];
    if (location === undefined) answer(request, response);
    else response.writeHead(302, { location }).end();
  });
  const port = await portOf(secure);
  const folder = temporaryFolder();
  const authorities = join(folder.path, "ca.pem");
  writeFileSync(authorities, authority.cert);
  writeFileSync(join(folder.path, "wgetrc"), `ca_certificate = ${authorities}\n`);
  return {
    base: `https://127.0.0.1:${port}`,
    env: { CURL_CA_BUNDLE: authorities, WGETRC: join(folder.path, "wgetrc") },
    async [Symbol.asyncDispose]() {
      folder[Symbol.dispose]();
      await new Promise((closed) => {
        secure.close(closed);
        secure.closeAllConnections();
      });
    },
  };
}

/** The surroundings of one run. */
interface System {
  /** Tools with the lines of their scripts; one without lines is not installed. */
  readonly tools?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  /** Whether the script is that of a release. */
  readonly released?: boolean;
  /** Whether an older program is installed, in a folder on the PATH. */
  readonly older?: boolean;
  /** A folder to create in the home folder. */
  readonly folder?: string;
  /** The umask of the user's shell. */
  readonly umask?: string;
}

interface Run extends Disposable {
  readonly status: number | null;
  readonly output: string;
  readonly home: string;
  /** The files in the home folder. */
  readonly files: readonly string[];
}

const LINUX = { uname: "case $1 in -s) echo Linux ;; *) echo x86_64 ;; esac", getconf: "echo glibc 2.36" };

/** Tools of the system that the script may use. */
const USED = [
  "awk",
  "cat",
  "chmod",
  "cp",
  "curl",
  "cut",
  "dirname",
  "basename",
  "grep",
  "ls",
  "mkdir",
  "mktemp",
  "mv",
  "rm",
  "sed",
  "sh",
  "sha256sum",
  "tar",
  "gzip",
];

/** Where a tool of this system is. */
function placeOf(name: string): string {
  const place = (process.env["PATH"] ?? "").split(":").find((path) => existsSync(join(path, name)));
  assert.ok(place !== undefined, `${name} is not installed`);
  return join(place, name);
}

/** Runs the script with a PATH that has only what it needs, and the tools of the system. */
async function install(system: System = {}): Promise<Run> {
  const folder = temporaryFolder();
  const [bin, home, temporary] = ["bin", "home", "tmp"].map((name) => join(folder.path, name));
  assert.ok(bin !== undefined && home !== undefined && temporary !== undefined);
  for (const path of [bin, home, temporary]) mkdirSync(path);
  const tools = { id: "echo 1000", ldd: "exit 1", sysctl: "exit 1", ...LINUX, ...system.tools };
  for (const name of USED.filter((used) => !Object.hasOwn(tools, used))) symlinkSync(placeOf(name), join(bin, name));
  for (const [name, lines] of Object.entries(tools).filter(([, lines]) => lines !== ""))
    writeFileSync(join(bin, name), `#!/bin/sh\n${lines}\n`, { mode: 0o755 });
  const scripts = installScripts(ROOT, { page: system.released === true ? PAGE : undefined, version: "1.2.3" });
  const script = scripts.find(({ name }) => name === "install.sh")?.text ?? "";
  const programs = join(home, ".local/bin");
  if (system.older === true) {
    mkdirSync(programs, { recursive: true });
    writeFileSync(join(programs, "hydra"), "old", { mode: 0o700 });
  }
  if (system.folder !== undefined) mkdirSync(join(home, system.folder), { recursive: true });
  const env = {
    PATH: system.older === true ? `${bin}:${programs}` : bin,
    HOME: home,
    TMPDIR: temporary,
    HYDRA_INSTALL_BASE: base,
    ...system.env,
  };
  const child = spawn("/bin/sh", ["-s", "--", ...(system.args ?? [])], { env, cwd: folder.path });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  child.stdin.end(`umask ${system.umask ?? "022"}\n${script}`);
  const status = await new Promise<number | null>((ended) => child.once("close", ended));
  assert.deepEqual(readdirSync(temporary), [], "the script left files in the temporary folder");
  const files = readdirSync(home, { recursive: true, encoding: "utf8" }).filter((name) =>
    statSync(join(home, name)).isFile(),
  );
  return { status, output, home, files: files.sort(), [Symbol.dispose]: () => folder[Symbol.dispose]() };
}

function assertRejected(run: Run, message: RegExp): void {
  assert.match(run.output, message);
  assert.deepEqual([run.status, run.files], [1, []], run.output);
}

const WGET = `exec ${placeOf("wget")} "$@"`;

describe("install.sh", () => {
  const uname = (system: string, processor: string) => `case $1 in -s) echo ${system} ;; *) echo ${processor} ;; esac`;
  const musl = { getconf: "exit 1", ldd: "echo 'musl libc (x86_64)' >&2; exit 1" };
  const systems: readonly (readonly [name: string, tools: Readonly<Record<string, string>>])[] = [
    ["linux-x64", {}],
    ["linux-arm64", { uname: uname("Linux", "aarch64") }],
    ["linux-x64-musl", musl],
    ["linux-arm64-musl", { uname: uname("Linux", "aarch64"), ...musl }],
    ["darwin-x64", { uname: uname("Darwin", "x86_64") }],
    ["darwin-arm64", { uname: uname("Darwin", "arm64") }],
    ["darwin-arm64", { uname: uname("Darwin", "x86_64"), sysctl: "echo 1" }],
  ];
  test("knows a system for every target", () => {
    const names = TARGETS.filter(({ archive }) => archive === "tar.gz").map(({ name }) => name);
    assert.deepEqual(new Set(systems.map(([name]) => name)), new Set(names));
  });

  for (const [name, tools] of systems) {
    test(`installs ${name} on ${JSON.stringify(tools)}`, async () => {
      serve(good);
      using run = await install({ tools });
      assert.equal(run.status, 0, run.output);
      assert.match(
        run.output,
        new RegExp(`^${name}\nInstalled hydra 1\\.2\\.3 to \\S+/home/\\.local/bin/hydra\nAdd it to`),
      );
      assert.deepEqual(run.files, [
        ".local/bin/hydra",
        ".local/share/bash-completion/completions/hydra",
        ".local/share/fish/vendor_completions.d/hydra.fish",
        ".local/share/man/man1/hydra.1",
        ".local/share/man/man7/hydra-config.7",
        ".local/share/zsh/site-functions/_hydra",
      ]);
      assert.equal(statSync(join(run.home, ".local/bin/hydra")).mode & 0o777, 0o755);
    });
  }

  test("rejects systems without a program", async () => {
    using system = await install({ tools: { uname: uname("SunOS", "x86_64") } });
    assertRejected(system, /there is no program for SunOS/);
    using processor = await install({ tools: { uname: uname("Linux", "riscv64") } });
    assertRejected(processor, /there is no program for riscv64/);
    using windows = await install({ tools: { uname: uname("MINGW64_NT", "x86_64") } });
    assertRejected(windows, /install\.ps1/);
  });

  test("installs nothing from an archive that was changed or that has no checksum", async () => {
    serve(good);
    served.set("/hydra-linux-x64.tar.gz", archiveOf("linux-x64", "echo changed"));
    using changed = await install();
    assertRejected(changed, /hydra-linux-x64\.tar\.gz has the checksum [0-9a-f]{64} instead of [0-9a-f]{64}; nothing/);
    served.set("/SHA256SUMS", Buffer.from(`${"0".repeat(64)}  hydra-linux-x64.tar.gz.old\n`));
    using unlisted = await install();
    assertRejected(unlisted, /SHA256SUMS does not list hydra-linux-x64\.tar\.gz/);
    served.delete("/SHA256SUMS");
    using missing = await install();
    assertRejected(missing, /cannot download http:\/\/127\.0\.0\.1:\d+\/SHA256SUMS/);
  });

  test("installs no program that does not start, and explains what musl needs", async () => {
    serve(new Map([["hydra-linux-x64-musl.tar.gz", archiveOf("linux-x64-musl", "exit 127")]]));
    using run = await install({ tools: musl });
    assertRejected(
      run,
      /it needs musl 1\.2\.4 or newer, libstdc\+\+ \(apk add libstdc\+\+\), and a processor with SSE4\.2/,
    );
  });

  test("starts the program without the user's settings, and refers to its own message when it rejects something else", async () => {
    const names = ["HOME", "XDG_CONFIG_HOME", "BUN_INSPECT", "BUN_OPTIONS"];
    const checks = names.map((name) => `[ -z "$${name}" ] || { echo "Error: ${name} is not usable" >&2; exit 2; }`);
    serve(
      new Map([["hydra-linux-x64.tar.gz", archiveOf("linux-x64", [...checks, 'echo "Version: 1.2.3"'].join("\n"))]]),
    );
    const env = Object.fromEntries(names.slice(1).map((name) => [name, "set"]));
    using run = await install({ env });
    assert.equal(run.status, 0, run.output);
    const rejecting = 'echo "Error: no ticket" >&2; exit 2';
    serve(new Map([["hydra-linux-x64.tar.gz", archiveOf("linux-x64", rejecting)]]));
    using rejected = await install();
    assertRejected(rejected, /^Error: no ticket\ninstall\.sh: .*\nHint: its own message above says why$/m);
  });

  test("needs gzip and awk, and says so before it downloads", async () => {
    serve(good);
    for (const name of ["gzip", "awk"]) {
      using run = await install({ tools: { [name]: "" } });
      assertRejected(run, new RegExp(`^install\\.sh: ${name} is not installed\nHint: install ${name}`));
    }
  });

  test("installs for everybody with any umask, and keeps files that have the names of drafts", async () => {
    serve(good);
    using run = await install({ umask: "077", folder: ".local/bin/hydra.new" });
    assert.equal(run.status, 0, run.output);
    const modeOf = (path: string): number => statSync(join(run.home, path)).mode & 0o777;
    for (const path of [".local/share/man/man1", ".local/bin/hydra"]) assert.equal(modeOf(path), 0o755, path);
    assert.equal(modeOf(".local/share/man/man1/hydra.1"), 0o644);
    assert.ok(existsSync(join(run.home, ".local/bin/hydra.new")));
  });

  test("checks the attestation if GitHub's CLI is logged in", async () => {
    serve(good);
    const log = 'echo "$*" >>"$HOME/../gh.log"';
    using valid = await install({ released: true, tools: { gh: log } });
    assert.equal(valid.status, 0, valid.output);
    const [help, login, verify = "", ...more] = readFileSync(join(valid.home, "../gh.log"), "utf8")
      .trimEnd()
      .split("\n");
    assert.match(verify, /^attestation verify \S+\/hydra-linux-x64\.tar\.gz --repo owner\/repository$/);
    assert.deepEqual([help, login, more], ["attestation verify --help", "auth status", []]);
    const rejecting = '[ "$1" = auth ] || [ "$3" = --help ] || { echo "Error: no attestations found" >&2; exit 1; }';
    using invalid = await install({ released: true, tools: { gh: rejecting } });
    assertRejected(
      invalid,
      /^Error: no attestations found\n.* no valid attestation of hydra-linux-x64\.tar\.gz; nothing was installed\nHint: /m,
    );
    using anonymous = await install({ released: true, tools: { gh: '[ "$3" = --help ]' } });
    assert.equal(anonymous.status, 0, anonymous.output);
    assert.match(anonymous.output, /^The attestation is not checked, because gh is not logged in; run gh auth login/m);
  });

  test("does not check the attestation with a GitHub CLI that cannot do it", async () => {
    serve(good);
    const gh = '[ "$1" = auth ] || { echo "unknown command \\"$1\\" for \\"gh\\"" >&2; exit 1; }';
    using run = await install({ released: true, tools: { gh } });
    assert.equal(run.status, 0, run.output);
    assert.match(run.output, /^The attestation is not checked, because gh is older than 2\.49; update gh/m);
  });

  test("downloads its own version from the repository of the release, over https only", async () => {
    const curl = 'echo "curl $*"; exit 22';
    using run = await install({ released: true, env: { HYDRA_INSTALL_BASE: "" }, tools: { curl } });
    const url = `${PAGE}/releases/download/v1.2.3/SHA256SUMS`;
    assertRejected(run, /cannot download/);
    assert.match(run.output, new RegExp(`^curl -fsSL --proto =https --tlsv1.2 -o \\S+/SHA256SUMS ${url}\n`));
    using unreleased = await install({ env: { HYDRA_INSTALL_BASE: "" } });
    assertRejected(unreleased, /not from a release\nHint: set HYDRA_INSTALL_BASE/);
  });

  test("downloads with wget if there is no curl", async () => {
    serve(good);
    using run = await install({ tools: { wget: WGET, curl: "" } });
    assert.equal(run.status, 0, run.output);
    using neither = await install({ tools: { curl: "" } });
    assertRejected(neither, /neither curl nor wget is installed\nHint: install curl, then run this script again$/m);
  });

  for (const [name, tools] of Object.entries({ curl: {}, wget: { wget: WGET, curl: "" } })) {
    test(`follows redirects from https to https only, with ${name}`, async () => {
      serve(good);
      await using mirror = await openMirror();
      const from = (path: string) =>
        install({ tools, env: { ...mirror.env, HYDRA_INSTALL_BASE: `${mirror.base}${path}` } });
      for (const path of ["", "/https", "/root", "/host", "/near", "/query", "/relative"]) {
        using run = await from(path);
        assert.equal(run.status, 0, `${path}: ${run.output}`);
      }
      using plain = await from("/plain");
      assertRejected(
        plain,
        name === "curl" ? /cannot download https:/ : /redirects to http:\S+\/SHA256SUMS, which is not https/,
      );
      using loop = await from("/loop");
      assertRejected(loop, /cannot download https:/);
      using missing = await from("/missing");
      assertRejected(missing, /404[\s\S]*cannot download https:\S+\/missing\/SHA256SUMS\nHint: check the network/);
      for (const { output } of [plain, loop, missing]) assert.doesNotMatch(output, /secret|=/);
      using untrusted = await install({ tools, env: { HYDRA_INSTALL_BASE: mirror.base } });
      assertRejected(untrusted, /certificate[\s\S]*cannot download/);
    });
  }

  test("uses a wget that cannot stop at a redirect only without https", async () => {
    serve(good);
    const wget = `[ "$1" = --version ] && echo "wget: unrecognized option: version" && exit 1\n${WGET}`;
    using plain = await install({ tools: { wget, curl: "" } });
    assert.equal(plain.status, 0, plain.output);
    await using mirror = await openMirror();
    const env = { ...mirror.env, HYDRA_INSTALL_BASE: mirror.base };
    using secure = await install({ tools: { wget, curl: "" }, env });
    assertRejected(secure, /this wget follows redirects from https to http\nHint: install curl/);
  });

  test("lets Wget2 skip redirects to http, and fails without the file", async () => {
    serve(good);
    await using mirror = await openMirror();
    // As Wget2 does, it ends with 0 where it skips a URL.
    const wget = `case $1 in --version) echo "GNU Wget2 2.2.0 - downloader"; exit ;; esac
[ "$1 $2 $3" = "-q --https-only -O" ] || exit 2
case $5 in */plain/*) exit ;; esac
exec ${placeOf("wget")} -q -O "$4" "$5"`;
    const from = (path: string) =>
      install({ tools: { wget, curl: "" }, env: { ...mirror.env, HYDRA_INSTALL_BASE: `${mirror.base}${path}` } });
    using run = await from("/https");
    assert.equal(run.status, 0, run.output);
    using plain = await from("/plain");
    assertRejected(plain, /cannot download https:/);
  });

  test("hides the password and the query of a URL", async () => {
    const env = { HYDRA_INSTALL_BASE: "http://me:secret@127.0.0.1:1/x?key=secret&file=" };
    using run = await install({ env });
    assertRejected(run, /cannot download http:\/\/127\.0\.0\.1:1\/x$/m);
    assert.doesNotMatch(run.output, /secret/);
  });

  test("replaces an older program, and says nothing about a PATH that is right", async () => {
    serve(good);
    using run = await install({ older: true });
    assert.equal(run.status, 0, run.output);
    assert.match(readFileSync(join(run.home, ".local/bin/hydra"), "utf8"), /1\.2\.3/);
    assert.doesNotMatch(run.output, /PATH/);
  });

  test("installs for all users as root, or into a given folder", async () => {
    serve(good);
    using given = await install({ args: ["--prefix", "home/opt"] });
    assert.equal(given.status, 0, given.output);
    assert.ok(given.files.includes("opt/bin/hydra"));
    using root = await install({ tools: { id: "echo 0", mkdir: 'echo "mkdir $*"; exit 1' } });
    assert.match(root.output, /^mkdir -p \/usr\/local\//m);
    assert.equal(root.status, 1);
    using usage = await install({ args: ["--to", "x"] });
    assertRejected(usage, /usage: sh install\.sh \[--prefix FOLDER\]/);
  });

  test("requires a folder to install into", async () => {
    serve(good);
    for (const args of [["--prefix", ""], ["--prefix="], ["--prefix"]]) {
      using empty = await install({ args });
      assertRejected(empty, /--prefix needs a folder\nHint: use for example --prefix \/opt\/hydra/);
    }
    using homeless = await install({ env: { HOME: "" } });
    assertRejected(homeless, /HOME is not set\nHint: choose a folder: --prefix/);
    for (const prefix of [".local", ".local/"]) {
      using taken = await install({ args: ["--prefix", `home/${prefix}`], folder: ".local/bin/hydra" });
      assertRejected(taken, /cannot write \S+\/home\/\.local\/bin\/hydra: it is a folder\nHint: remove it/);
    }
    using page = await install({ folder: ".local/share/man/man1/hydra.1" });
    assert.equal(page.status, 1);
    assert.match(page.output, /cannot write \S+\/man1\/hydra\.1: it is a folder/);
    assert.deepEqual(page.files, []);
  });

  test("names the program by an absolute path, as the PATH needs it", async () => {
    serve(good);
    for (const args of [["--prefix", "home/opt"], ["--prefix=home/opt/"]]) {
      using run = await install({ args });
      assert.equal(run.status, 0, run.output);
      const bin = join(run.home, "opt/bin");
      assert.ok(run.output.endsWith(`to ${bin}/hydra\nAdd it to your PATH: export PATH="${bin}:$PATH"\n`), run.output);
    }
  });

  test("works if programs in the temporary folder may not run, and explains it for the target folder", async () => {
    serve(good);
    using disk = openDisk(1_048_576, "noexec");
    using run = await install({ env: { TMPDIR: disk.path } });
    assert.equal(run.status, 0, run.output);
    assert.deepEqual(readdirSync(disk.path), [], "the script left files in the temporary folder");
    using blocked = await install({ args: ["--prefix", disk.path] });
    assertRejected(blocked, /bin\/hydra\.\w+ cannot be started\nHint: if its folder is mounted noexec, choose another/);
    assert.deepEqual(readdirSync(join(disk.path, "bin")), []);
  });
});
