/** Runs `diff` and `apply` in this process against a sandbox, with files of the test's own. */

import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { isJsonObject, type JsonObject } from "../../lib/core/json/json.ts";
import { type SandboxVersion, startSandbox } from "../../lib/sandbox/index.ts";
import { temporaryFolder } from "../e2e/binary.ts";
import { type Played, play, type Scene } from "./in-process.ts";

/** A server and a folder of files. */
export interface StateSetup {
  readonly url: string;
  /** The folder of the files. */
  readonly folder: string;
  write(files: Readonly<Record<string, string>>): void;
  run(args: readonly string[], scene?: Scene): Promise<Played>;
  /** Sends a request to the server itself. */
  ask(method: string, id: string, body?: unknown): Promise<JsonObject>;
  /** The requests since the last call that changed something. */
  writes(): readonly string[];
}

/** The clients of NDJSON on standard output. */
export function jsonLines(stdout: string): readonly JsonObject[] {
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => jsonObject(line));
}

/** A JSON object. */
export function jsonObject(text: string): JsonObject {
  const value: unknown = JSON.parse(text);
  assert.ok(isJsonObject(value), text);
  return value;
}

/** Runs a test with a server of a version and an empty folder. */
export async function withStateSetup(as: SandboxVersion, work: (bench: StateSetup) => Promise<void>): Promise<void> {
  let requests: string[] = [];
  const sandbox = await startSandbox({
    as,
    listen: "127.0.0.1:0",
    publicListen: "127.0.0.1:0",
    onRequest: (line) => requests.push(line),
  });
  const prefix = as.startsWith("1.") ? "/clients" : "/admin/clients";
  using folder = temporaryFolder();
  const write: StateSetup["write"] = (files) => {
    for (const [name, text] of Object.entries(files)) {
      const path = join(folder.path, name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
    }
  };
  try {
    await work({
      url: sandbox.url,
      folder: folder.path,
      write,
      run: (args, scene = {}) =>
        play(args, {
          realFiles: true,
          ...scene,
          environment: {
            HYDRA_ADMIN_URL: sandbox.url,
            HYDRA_PUBLIC_URL: sandbox.publicUrl ?? "",
            ...scene.environment,
          },
        }),
      ask: async (method, id, body) => {
        const answer = await fetch(`${sandbox.url}${prefix}${id === "" ? "" : `/${encodeURIComponent(id)}`}`, {
          method,
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        });
        const text = await answer.text();
        return text === "" ? {} : { ...jsonObject(text.startsWith("[") ? `{"items":${text}}` : text) };
      },
      writes: () => {
        const found = requests.filter((line) => !line.startsWith("GET "));
        requests = [];
        return found;
      },
    });
  } finally {
    await sandbox.close();
  }
}
