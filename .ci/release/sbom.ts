import { execFileSync } from "node:child_process";
import process from "node:process";
import * as v from "valibot";
import { type Pinned, pinned, readLock } from "./runtimes.ts";
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
  const written = execFileSync("npm", ["sbom", "--sbom-format=cyclonedx", "--package-lock-only"], {
    cwd: root,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
    shell: process.platform === "win32",
  });
  const bom = v.parse(BOM, JSON.parse(written));
  const { serialNumber: _serial, metadata, components, dependencies, ...rest } = bom;
  const { timestamp: _time, tools: _tools, component, ...about } = metadata;
  const self = component["bom-ref"];
  const production = productionPackages(root);
  const kept = (ref: string): boolean => production.has(ref) || ref === self;
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
    components: sorted([...components.filter((item) => kept(item["bom-ref"])), runtime], (item) => item["bom-ref"]),
    dependencies: sorted(
      [
        ...dependencies
          .filter(({ ref }) => kept(ref))
          .map(({ ref, dependsOn }) => ({
            ref,
            dependsOn: [...dependsOn.filter(kept), ...(ref === self ? [runtime["bom-ref"]] : [])].sort(),
          })),
        { ref: runtime["bom-ref"], dependsOn: [] },
      ],
      (entry) => entry.ref,
    ),
  };
  return `${JSON.stringify(whole, undefined, 2)}\n`;
}

/**
 * What the program depends on, at first and at any hand, as `name@version`, by the lockfile alone. npm's own `--omit=dev`
 * leaves out of a bill what a development package depends on too, and keeps packages of other platforms.
 */
function productionPackages(root: string): ReadonlySet<string> {
  const packages = readLock(root);
  const found = new Set<string>();
  const visit = (path: string): void => {
    for (const name of Object.keys(packages[path]?.dependencies ?? {})) {
      const at = nearest(path, name);
      const ref = `${name}@${packages[at]?.version ?? ""}`;
      if (found.has(ref)) continue;
      found.add(ref);
      visit(at);
    }
  };
  // A dependency lies in the folder of its dependent or, as for modules, in the first folder above it that has one.
  const nearest = (from: string, name: string): string => {
    const path = `${from === "" ? "" : `${from}/`}node_modules/${name}`;
    return path in packages || from === ""
      ? path
      : nearest(from.replace(/(^|\/)node_modules\/(@[^/]+\/)?[^/]+$/, ""), name);
  };
  visit("");
  return found;
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
