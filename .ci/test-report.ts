/** The outcome of one run of a test runner or of one check. */
export interface Verdict {
  readonly passed: number;
  /** The names of the failed tests, and every other reason why the run failed. */
  readonly failed: readonly string[];
}

/** How a test runner ended. */
interface RunnerEnd {
  /** Its exit code, or null when a signal or the time limit ended it. */
  readonly status: number | null;
  /** Its report as JUnit XML; undefined where it wrote none. */
  readonly report: string | undefined;
  /** Uncaught errors, which the runner does not count. */
  readonly uncaught: string;
}

interface Case {
  readonly name: string;
  /** The test file, if the runner states it. */
  readonly file: string | undefined;
  readonly outcome: "passed" | "failed" | "skipped";
}

const ENTITIES: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

function unescaped(text: string): string {
  return text.replace(/&(#x[0-9a-f]+|#\d+|\w+);/gi, (whole, name: string) => {
    if (!name.startsWith("#")) return ENTITIES[name] ?? whole;
    const code = name[1] === "x" ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1));
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}

function attribute(tag: string, name: string): string | undefined {
  const [, value] = new RegExp(`\\s${name}="([^"]*)"`).exec(tag) ?? [];
  return value === undefined ? undefined : unescaped(value);
}

const TEST_CASE = /<testcase\b(?<attributes>(?:[^">]|"[^"]*")*?)(?:\/>|>(?<body>[\s\S]*?)<\/testcase>)/g;

function outcomeOf(body: string): Case["outcome"] {
  if (/<(failure|error)\b/.test(body)) return "failed";
  return /<skipped\b/.test(body) ? "skipped" : "passed";
}

/** The tests of a JUnit report, or undefined where it is incomplete or lists fewer tests than it states. */
function readCases(report: string): readonly Case[] | undefined {
  const text = report.replace(/<!\[CDATA\[[\s\S]*?\]\]>/g, "");
  if (!/^\s*(<\?xml[^>]*\?>)?\s*<testsuites\b/.test(text) || !/<\/testsuites>\s*$/.test(text)) return undefined;
  const cases: Case[] = [];
  for (const { groups: { attributes = "", body = "" } = {} } of text.matchAll(TEST_CASE)) {
    const name = attribute(attributes, "name");
    if (name === undefined || body.includes("<testcase")) return undefined;
    cases.push({ name, file: attribute(attributes, "file"), outcome: outcomeOf(body) });
  }
  const stated = Number(attribute(/<testsuites\b(?:[^">]|"[^"]*")*>/.exec(text)?.[0] ?? "", "tests"));
  return stated === cases.length ? cases : undefined;
}

/** Leaves out a group of tests where its members are listed too, so that each test counts once. */
function membersOnly(cases: readonly Case[]): readonly Case[] {
  return cases.filter(({ name, outcome }) => {
    const members = cases.filter((other) => other.name.startsWith(`${name} > `));
    if (members.length === 0) return true;
    return outcome === "failed" && members.every((member) => member.outcome === "passed");
  });
}

/**
 * Evaluates one run of a test runner. A run that crashed, called `process.exit`, left no complete report, executed no
 * test, skipped one, or had an uncaught error has failed, whatever its exit code.
 *
 * @param files files of a runner that states the file of each test: each of them must have a test
 */
export function evaluate(end: RunnerEnd, files: readonly string[] = []): Verdict {
  const cases = end.report === undefined ? undefined : readCases(end.report);
  if (cases === undefined) {
    return { passed: 0, failed: [`no readable report, exit code ${end.status ?? "none"}`] };
  }
  const counted = membersOnly(cases);
  const failed = counted.flatMap(({ name, outcome }) =>
    outcome === "passed" ? [] : [outcome === "skipped" ? `${name} (skipped)` : name],
  );
  if (end.uncaught !== "") failed.push(`uncaught: ${end.uncaught.split("\n", 1)[0]}`);
  const empty = files.filter((file) => !cases.some((one) => one.file === file));
  failed.push(...empty.map((file) => `${file}: no test was executed`));
  if (counted.length === 0 && empty.length === 0) failed.push("no test was executed");
  if (end.status !== 0 && failed.length === 0) failed.push(`exit code ${end.status ?? "none"}`);
  return { passed: counted.filter(({ outcome }) => outcome === "passed").length, failed };
}
