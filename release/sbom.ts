import { execFileSync } from "node:child_process";
import process from "node:process";
import * as v from "valibot";
import { type Pinned, pinned } from "./runtimes.ts";
import { TARGETS } from "./targets.ts";

const COMPONENT = v.looseObject({ "bom-ref": v.string() });
const DEPENDENCY = v.object({ ref: v.string(), dependsOn: v.optional(v.array(v.string()), []) });
const BOM = v.looseObject({
  metadata: v.looseObject({ component: COMPONENT }),
  components: v.array(COMPONENT),
  dependencies: v.array(DEPENDENCY),
});

/**
 * A software bill of materials (CycloneDX, JSON): what npm knows of the production dependencies, and the runtimes of
 * all targets. It holds no time, serial number or version of the tool, so one checkout has one.
 */
export function billOfMaterials(root: string): string {
  const written = execFileSync("npm", ["sbom", "--sbom-format=cyclonedx", "--omit=dev", "--package-lock-only"], {
    cwd: root,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
    shell: process.platform === "win32",
  });
  const bom = v.parse(BOM, JSON.parse(written));
  const { serialNumber: _serial, metadata, components, dependencies, ...rest } = bom;
  const { timestamp: _time, tools: _tools, component, ...about } = metadata;
  const self = component["bom-ref"];
  const runtime = bunComponent(root);
  const sorted = <T>(items: readonly T[], key: (item: T) => string): readonly T[] =>
    items.toSorted((a, b) => (key(a) < key(b) ? -1 : 1));
  const whole = {
    ...rest,
    metadata: {
      ...about,
      tools: [{ vendor: "npm", name: "cli" }],
      // npm names the folder of the checkout here.
      component: { ...component, type: "application", name: self.replace(/@[^@]*$/, "") },
    },
    components: sorted([...components, runtime], (item) => item["bom-ref"]),
    dependencies: sorted(
      [
        ...dependencies.map((entry) =>
          entry.ref === self ? { ...entry, dependsOn: [...entry.dependsOn, runtime["bom-ref"]].sort() } : entry,
        ),
        { ref: runtime["bom-ref"], dependsOn: [] },
      ],
      (entry) => entry.ref,
    ),
  };
  return `${JSON.stringify(whole, undefined, 2)}\n`;
}

/** The runtime as a component, with the package of each target inside it. */
function bunComponent(root: string) {
  const bun = pinned(root, "bun");
  return {
    ...component("platform", "bun", bun),
    description: "JavaScript runtime that the program is compiled with; it holds JavaScriptCore (LGPL-2.0)",
    licenses: [{ license: { id: "MIT" } }, { license: { id: "LGPL-2.0-only" } }],
    components: TARGETS.map(({ runtime }) => component("platform", runtime, pinned(root, runtime))),
  };
}

function component(type: "platform", name: string, { version, integrity }: Pinned) {
  return {
    "bom-ref": `${name}@${version}`,
    type,
    name,
    version,
    purl: `pkg:npm/${name.replace(/^@/, "%40")}@${version}`,
    hashes: [{ alg: "SHA-512", content: Buffer.from(integrity.replace("sha512-", ""), "base64").toString("hex") }],
  };
}
