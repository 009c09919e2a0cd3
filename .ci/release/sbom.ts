import { execFileSync } from "node:child_process";
import process from "node:process";
import * as v from "valibot";
import { BUN_PARTS, licencesIn } from "./bun-parts.ts";
import type { Shipped } from "./licences.ts";
import { compiler, type Pinned, pinned } from "./runtimes.ts";
import { TARGETS } from "./targets.ts";

const COMPONENT = v.looseObject({ "bom-ref": v.string() });

const DEPENDENCY = v.object({ ref: v.string(), dependsOn: v.optional(v.array(v.string()), []) });

const BOM = v.looseObject({
  metadata: v.looseObject({ component: COMPONENT }),
  components: v.array(COMPONENT),
  dependencies: v.array(DEPENDENCY),
});

/**
 * A software bill of materials (CycloneDX, JSON): what npm knows of the packages that went into the program, and the
 * runtimes of all targets with what they hold. It holds no time, serial number or version of the tool, so one checkout has
 * one.
 *
 * @param shipped the packages in the program. npm by itself would also list dependencies that no module loads.
 */
export function billOfMaterials(root: string, shipped: readonly Shipped[]): string {
  const written = execFileSync("npm", ["sbom", "--sbom-format=cyclonedx", "--package-lock-only"], {
    cwd: root,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
    shell: process.platform === "win32",
  });
  const bom = v.parse(BOM, JSON.parse(written));
  const { serialNumber: _serial, metadata, components, dependencies, ...rest } = bom;
  const { timestamp: _time, tools: _tools, component, ...about } = metadata;
  const self = component["bom-ref"];
  const packages = new Map(shipped.map((one) => [`${one.name}@${one.version}`, one]));
  const kept = (ref: string): boolean => packages.has(ref) || ref === self;
  const known = new Map(components.map((item) => [item["bom-ref"], item]));
  const bun = bunComponent(root);
  const sorted = <T>(items: readonly T[], key: (item: T) => string): readonly T[] =>
    items.toSorted((a, b) => (key(a) < key(b) ? -1 : 1));
  const listed = [...packages].map(([ref, { licence }]) => {
    const item = known.get(ref);
    if (item === undefined) throw new Error(`npm lists no ${ref}, which is in the program`);
    return { ...item, licenses: licences(licence) };
  });
  const whole = {
    ...rest,
    metadata: {
      ...about,
      tools: [{ vendor: "npm", name: "cli" }],
      // npm names the folder of the checkout here.
      component: { ...component, type: "application", name: self.replace(/@[^@]*$/, "") },
    },
    components: sorted([...listed, bun], (item) => item["bom-ref"]),
    dependencies: sorted(
      [
        ...dependencies
          .filter(({ ref }) => kept(ref))
          .map(({ ref, dependsOn }) => ({
            ref,
            dependsOn: [...dependsOn.filter(kept), ...(ref === self ? [bun["bom-ref"]] : [])].sort(),
          })),
        { ref: bun["bom-ref"], dependsOn: [] },
      ],
      (entry) => entry.ref,
    ),
  };
  return `${JSON.stringify(whole, undefined, 2)}\n`;
}

/** A license in CycloneDX: a single one by its ID, several as an expression. */
function licences(expression: string) {
  return licencesIn(expression).length === 1 ? [{ license: { id: expression } }] : [{ expression }];
}

/** The runtime as a component, with the package of each target and with what it is linked from inside it. */
function bunComponent(root: string) {
  const bun = pinned(root, "bun");
  return {
    ...component("platform", "bun", bun),
    description: "JavaScript runtime that the program is compiled with",
    licenses: licences("MIT AND LGPL-2.0-only AND LGPL-2.1-only"),
    components: [
      ...TARGETS.map(({ runtime }) => component("platform", runtime, pinned(root, runtime))),
      ...bunParts(root),
    ],
  };
}

function bunParts(root: string) {
  const said = execFileSync(compiler(root), ["--print", "JSON.stringify(process.versions)"], {
    encoding: "utf8",
    env: { NO_COLOR: "1" },
  });
  const versions = v.parse(v.record(v.string(), v.string()), JSON.parse(said));
  return BUN_PARTS.map(({ name, licence, source, version: key, only }) => {
    const version = key === undefined ? undefined : versions[key];
    if (key !== undefined && version === undefined) throw new Error(`this Bun tells no version of ${key}`);
    return {
      "bom-ref": `bun/${name}`,
      type: "library",
      name,
      ...(version === undefined ? {} : { version }),
      ...(only === undefined ? {} : { description: `On ${only} alone` }),
      licenses: licences(licence),
      externalReferences: [{ type: "vcs", url: source }],
    };
  });
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
