/** Which parts of the program each command loads into memory. */

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import * as v from "valibot";
import { type Gpg, openGpg } from "../adapters/gpg.ts";
import { startBinary, temporaryFolder } from "./binary.ts";
import { assertExit, isStored, openScenario, printed, type Scenario, SEED, SLOW } from "./scenario.ts";

/**
 * Names that only the evaluated code of a part can have put on the heap of the program; their text in the program's image
 * does not, because a property comes to be when the statement that makes it runs.
 */
const PARTS = {
  openpgp: "brainpoolP256r1",
  yaml: "YAMLParseError",
  jsonpath: "nondeterministicVisit",
  sandbox: "postLogoutTail",
} as const;

/** Runs in the program, before it: writes down at the end which properties there are on its heap. */
const RECORDER = `
delete process.env.BUN_OPTIONS; // The program refuses to start with it; code that runs before can hide it.
process.on("exit", () => {
  const { edgeNames } = Bun.generateHeapSnapshot();
  require("node:fs").writeFileSync(process.env.HEAP_FILE, JSON.stringify(edgeNames));
});`;

describe("the start of the program", () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let gpg: Gpg;

  before(() => {
    folder = temporaryFolder();
    writeFileSync(join(folder.path, "recorder.cjs"), RECORDER);
    gpg = openGpg();
  });

  after(() => {
    gpg.close();
    folder[Symbol.dispose]();
  });

  function recorded(): { readonly env: Record<string, string>; loaded(): readonly string[] } {
    const file = join(folder.path, "heap.json");
    writeFileSync(file, "");
    return {
      env: { HEAP_FILE: file, BUN_OPTIONS: `--preload ${join(folder.path, "recorder.cjs")}` },
      loaded() {
        const names = new Set(v.parse(v.array(v.string()), JSON.parse(readFileSync(file, "utf8"))));
        return Object.entries(PARTS).flatMap(([part, name]) => (names.has(name) ? [part] : []));
      },
    };
  }

  /** The parts that a command line has loaded by its end. */
  async function loadedBy(scenario: Scenario, args: readonly string[]): Promise<readonly string[]> {
    const { env, loaded } = recorded();
    assertExit(await scenario.run(args, { env }), 0);
    return loaded();
  }

  it("loads none of the large parts for a create without encryption", SLOW, async () => {
    await using scenario = await openScenario();
    const { env, loaded } = recorded();
    isStored(scenario, await scenario.run(SEED, { env }));
    assert.deepEqual(loaded(), []);
    for (const format of ["json", "table", "env"]) {
      assert.deepEqual(await loadedBy(scenario, [...SEED, "--format", format]), [], format);
    }
    assert.deepEqual(await loadedBy(scenario, ["version"]), []);
    assert.deepEqual(await loadedBy(scenario, ["--help"]), []);
    assert.deepEqual(await loadedBy(scenario, ["clients", "create", "--help"]), []);
  });

  it("loads each of them only for the commands that need it", SLOW, async () => {
    await using scenario = await openScenario();
    const key = gpg.exported(gpg.quick("alice@example.com", "future-default"));
    const pgp = ["--pgp-key", Buffer.from(key.binary).toString("base64")];
    assert.deepEqual(await loadedBy(scenario, [...SEED, ...pgp]), ["openpgp"]);
    assert.deepEqual(await loadedBy(scenario, [...SEED, "--format", "yaml"]), ["yaml"]);
    assert.deepEqual(await loadedBy(scenario, [...SEED, "--format", "jsonpath=$"]), ["jsonpath"]);
    const config = join(folder.path, "config.yaml");
    writeFileSync(config, "format: text\n");
    assert.deepEqual(await loadedBy(scenario, [...SEED, "--config", config]), ["yaml"]);
  });

  it("loads the sandbox only for the sandbox command", SLOW, async () => {
    const { env, loaded } = recorded();
    await using sandbox = startBinary(["sandbox", "--listen", "127.0.0.1:0"], { env });
    await sandbox.seen("stdout", "HYDRA_ADMIN_URL=");
    sandbox.kill("SIGTERM");
    await sandbox.ended;
    assert.deepEqual(loaded(), ["sandbox"]);
    await using scenario = await openScenario();
    assert.match(printed(await scenario.run(SEED)).id, /./);
  });
});
