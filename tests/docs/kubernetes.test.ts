/** The manifests and the workflow in docs/kubernetes.md. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { describe, test } from "node:test";
import { parseYamlDocuments } from "../../lib/adapters/yaml.ts";
import { childrenByName, followCommandWords } from "../../lib/app/resolve-command.ts";
import { isLeaf } from "../../lib/command.ts";
import { ROOT } from "../../lib/commands/index.ts";
import { NO_VALUE_SOURCES, parseFlagsWithFallbacks } from "../../lib/core/flags/parse.ts";
import { isJsonObject, isStringList, type JsonObject } from "../../lib/core/json/json.ts";
import { objectsIn } from "../objects-in.ts";

const PAGE = readFileSync(join(import.meta.dirname, "../../docs/kubernetes.md"), "utf8");

/** The YAML of the page by the name of its file. */
const FILES: ReadonlyMap<string, string> = new Map(
  [...PAGE.matchAll(/^```yaml file=(\S+)\n([\s\S]*?)^```/gm)].map(([, name = "", text = ""]) => [name, text]),
);

async function documentsOf(name: string): Promise<readonly JsonObject[]> {
  const documents = await parseYamlDocuments(FILES.get(name) ?? "", name);
  return documents.filter(isJsonObject);
}

/** The arguments of the program in the containers and the steps of a file. */
async function commandLines(name: string): Promise<readonly (readonly string[])[]> {
  return objectsIn(await documentsOf(name)).flatMap((object) => {
    const { image, args, run } = object;
    if (typeof run === "string" && run.startsWith("hydra "))
      return [
        run
          .replace(/ > \S+$/, "")
          .split(" ")
          .slice(1),
      ];
    return typeof image === "string" && image.includes("hydra-clients") && isStringList(args) ? [args] : [];
  });
}

/** A manifest with the members of a patch. */
function merged(base: unknown, patch: unknown): unknown {
  if (!isJsonObject(base) || !isJsonObject(patch)) return patch;
  const changed = Object.entries(patch).map(([key, value]) => [key, merged(base[key], value)] as const);
  return { ...base, ...Object.fromEntries(changed) };
}

/** The manifests that the page gives a cluster, those of Argo CD and Flux patched. */
async function manifests(): Promise<readonly (readonly [name: string, manifest: JsonObject])[]> {
  const [job] = await documentsOf("job.yaml");
  const plain = await Promise.all(
    ["access.yaml", "job.yaml", "drift.yaml"].map(async (name) =>
      (await documentsOf(name)).map((manifest) => [name, manifest] as const),
    ),
  );
  const patched = await Promise.all(
    ["argocd.yaml", "flux.yaml"].map(async (name) => {
      const patches = objectsIn(await documentsOf(name)).flatMap(({ patch }) =>
        typeof patch === "string" ? [patch] : [],
      );
      const read = await Promise.all(patches.map(async (text) => (await parseYamlDocuments(text, name))[0]));
      const whole = read.filter((patch) => isJsonObject(patch)).reduce<unknown>(merged, job);
      assert.ok(isJsonObject(whole));
      return [name, whole] as const;
    }),
  );
  return [...plain.flat(), ...patched];
}

describe("docs/kubernetes.md", () => {
  test("has all files", () => {
    assert.deepEqual(
      [...FILES.keys()],
      [
        "kustomization.yaml",
        "access.yaml",
        "job.yaml",
        "drift.yaml",
        "argocd.yaml",
        "flux.yaml",
        ".github/workflows/clients.yml",
      ],
    );
  });

  for (const name of FILES.keys())
    test(`${name} calls commands and flags that exist`, async () => {
      const known = Object.keys(await childrenByName(ROOT));
      for (const words of await commandLines(name)) {
        assert.ok(known.includes(words[0] ?? ""), words.join(" "));
        const { command, words: rest } = await followCommandWords(words);
        assert.ok(isLeaf(command), words.join(" "));
        const { problems } = parseFlagsWithFallbacks(rest, command.spec.flags, "", NO_VALUE_SOURCES);
        assert.deepEqual(
          problems.map(({ message }) => message),
          [],
          words.join(" "),
        );
      }
    });

  test("calls the program everywhere it should", async () => {
    const lines = await Promise.all([...FILES.keys()].map(commandLines));
    assert.deepEqual(
      lines.flat().map(([command]) => command),
      ["wait", "apply", "diff", "diff", "apply", "diff"],
    );
  });

  test("has no container that may become root or write into its own file system", async () => {
    for (const [name, manifest] of await manifests())
      for (const { image, securityContext } of objectsIn(manifest)) {
        if (typeof image !== "string") continue;
        assert.deepEqual(
          securityContext,
          { readOnlyRootFilesystem: true, allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
          name,
        );
      }
  });

  test("lets only one run apply at a time, and never applies Secrets on the client side", async () => {
    const [drift] = await documentsOf("drift.yaml");
    assert.ok(objectsIn(drift).some(({ concurrencyPolicy }) => concurrencyPolicy === "Forbid"));
    const [workflow] = await documentsOf(".github/workflows/clients.yml");
    const applying = objectsIn(workflow).filter(({ concurrency }) => concurrency !== undefined);
    assert.equal(applying.length, 1);
    assert.match(JSON.stringify(applying), /hydra apply/);
    for (const [, text] of FILES) assert.doesNotMatch(text, /kubectl apply (?!--server-side)/);
  });

  test("replaces the Job, which can't be changed, on a second run", () => {
    assert.match(PAGE, /kubectl delete job hydra-clients --namespace ory --ignore-not-found && kubectl apply -k \./);
  });

  test("gives the token only to the program, and warns of pull requests that others could open", async () => {
    const [workflow = {}] = await documentsOf(".github/workflows/clients.yml");
    assert.ok(!Object.keys(isJsonObject(workflow["env"]) ? workflow["env"] : {}).includes("OAUTH2_ACCESS_TOKEN"));
    for (const { run, uses, env } of objectsIn(workflow)) {
      if (typeof run !== "string" && typeof uses !== "string") continue;
      const hasToken = isJsonObject(env) && Object.hasOwn(env, "OAUTH2_ACCESS_TOKEN");
      assert.equal(hasToken, typeof run === "string" && run.startsWith("hydra "), `${run ?? uses}`);
    }
    assert.match(PAGE, /only in a private repository/);
  });

  test("edits the comment that has its marker, and no other", async () => {
    const workflow = await documentsOf(".github/workflows/clients.yml");
    const script = objectsIn(workflow).find(({ run }) => typeof run === "string" && run.includes("gh "))?.["run"];
    assert.ok(typeof script === "string");
    const folder = mkdtempSync(join(tmpdir(), "hydra-comment-"));
    try {
      const gh = '#!/bin/sh\necho "$*" >>gh.log\ncase $* in *--paginate*) printf "$FOUND" ;; esac\n';
      writeFileSync(join(folder, "gh"), gh, { mode: 0o755 });
      const run = (found: string): readonly string[] => {
        rmSync(join(folder, "gh.log"), { force: true });
        writeFileSync(join(folder, "diff.md"), "No differences\n");
        const env = { PATH: `${folder}:${process.env["PATH"]}`, GITHUB_REPOSITORY: "o/r", NUMBER: "7", FOUND: found };
        const { status, stderr } = spawnSync("bash", ["-e", "-c", script], { cwd: folder, env, encoding: "utf8" });
        assert.equal(status, 0, stderr);
        assert.equal(readFileSync(join(folder, "diff.md"), "utf8"), "No differences\n<!-- hydra diff prod -->\n");
        return readFileSync(join(folder, "gh.log"), "utf8").trimEnd().split("\n");
      };
      const [search = "", ...commented] = run("");
      assert.match(
        search,
        /^api --paginate repos\/o\/r\/issues\/7\/comments --jq .*contains\("<!-- hydra diff prod -->"\)/,
      );
      assert.deepEqual(commented, ["pr comment 7 --body-file diff.md"]);
      const [, ...edited] = run("11\n12\n");
      assert.deepEqual(edited, ["api --silent --method PATCH repos/o/r/issues/comments/11 --field body=@diff.md"]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test("has hooks in the right order", async () => {
    const found = await manifests();
    const [, argo] = found.find(([name]) => name === "argocd.yaml") ?? [];
    assert.deepEqual(objectsIn(argo).find((object) => object["annotations"])?.["annotations"], {
      "argocd.argoproj.io/hook": "PreSync",
      "argocd.argoproj.io/hook-delete-policy": "BeforeHookCreation",
    });
    const [, flux] = found.find(([name]) => name === "flux.yaml") ?? [];
    assert.ok(objectsIn(flux).some(({ ttlSecondsAfterFinished }) => ttlSecondsAfterFinished === 300));
  });

  test("has manifests with a kind and a name", async () => {
    for (const [name, manifest] of await manifests()) {
      const { apiVersion, kind, metadata } = manifest;
      assert.match(`${apiVersion} ${kind}`, /^(?:[a-z.0-9]+\/)?v1 [A-Z]\w+$/, name);
      assert.ok(isJsonObject(metadata) && typeof metadata["name"] === "string", name);
    }
  });

  const validator = process.env["TEST_KUBERNETES_VALIDATE"];

  // .ci/run --all installs the validator, which brings the schemas of Kubernetes with it.
  if (validator !== undefined)
    test("has manifests that the API of Kubernetes accepts", async () => {
      const folder = mkdtempSync(join(tmpdir(), "hydra-manifests-"));
      try {
        const found = await manifests();
        const paths = found.map(([, manifest], at) => {
          const path = join(folder, `${at}.json`);
          writeFileSync(path, JSON.stringify(manifest));
          return path;
        });
        const { status, stdout, stderr } = spawnSync(validator, ["--strict", ...paths], { encoding: "utf8" });
        assert.equal(status, 0, stdout + stderr);
        // A mistake is found.
        const wrong = join(folder, "wrong.json");
        writeFileSync(wrong, JSON.stringify({ ...found[0]?.[1], unknownMember: 1 }));
        assert.notEqual(spawnSync(validator, ["--strict", wrong]).status, 0);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    });
});
