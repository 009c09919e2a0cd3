/** What came of one run of a test runner or of one check. */
export interface Verdict {
  readonly passed: number;
  /** A name for each test that failed, and for each other reason why the run as a whole did. */
  readonly failed: readonly string[];
}

/** How a test runner ended, with all that it left behind. */
export interface RunnerEnd {
  /** Its exit status, or null when a signal or the time limit ended it. */
  readonly status: number | null;
  /** Its report as JUnit XML, undefined where it wrote none. */
  readonly report: string | undefined;
  /** Errors that nothing caught, as the runner did not count them. */
  readonly uncaught: string;
}

interface Case {
  readonly name: string;
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

/** The tests of a JUnit report, or undefined where it is not whole or does not hold what it says it does. */
function readCases(report: string): readonly Case[] | undefined {
  const text = report.replace(/<!\[CDATA\[[\s\S]*?\]\]>/g, "");
  if (!/^\s*(<\?xml[^>]*\?>)?\s*<testsuites\b/.test(text) || !/<\/testsuites>\s*$/.test(text)) return undefined;
  const cases: Case[] = [];
  let name: string | undefined;
  let outcome: Case["outcome"] = "passed";
  for (const [tag, closing, kind] of text.matchAll(/<(\/?)([a-z-]+)\b(?:[^">]|"[^"]*")*>/g)) {
    if (kind === "testcase" && closing === "") {
      if (name !== undefined) return undefined;
      name = attribute(tag, "name");
      outcome = "passed";
    } else if (kind === "failure" || kind === "error") outcome = "failed";
    else if (kind === "skipped" && outcome === "passed") outcome = "skipped";
    if (kind === "testcase" && (closing !== "" || tag.endsWith("/>"))) {
      if (name === undefined) return undefined;
      cases.push({ name, outcome });
      name = undefined;
    }
  }
  const said = Number(attribute(/<testsuites\b(?:[^">]|"[^"]*")*>/.exec(text)?.[0] ?? "", "tests"));
  return name === undefined && said === cases.length ? cases : undefined;
}

/** Leaves out a group of tests where its members are listed too: they are what is counted. */
function membersOnly(cases: readonly Case[]): readonly Case[] {
  return cases.filter(({ name, outcome }) => {
    const members = cases.filter((other) => other.name.startsWith(`${name} > `));
    if (members.length === 0) return true;
    return outcome === "failed" && members.every((member) => member.outcome === "passed");
  });
}

/**
 * Judges one run of a test runner. A run that crashed, ended by `process.exit`, left no whole report, executed no test,
 * skipped one, or had an error that nothing caught has failed, whatever its exit status says.
 */
export function judge(end: RunnerEnd): Verdict {
  const cases = end.report === undefined ? undefined : readCases(end.report);
  if (cases === undefined) {
    return { passed: 0, failed: [`no readable report, exit status ${end.status ?? "none"}`] };
  }
  const counted = membersOnly(cases);
  const failed = counted.flatMap(({ name, outcome }) =>
    outcome === "passed" ? [] : [outcome === "skipped" ? `${name} (skipped)` : name],
  );
  if (end.uncaught !== "") failed.push(`uncaught: ${end.uncaught.split("\n", 1)[0]}`);
  if (counted.length === 0) failed.push("no test was executed");
  if (end.status !== 0 && failed.length === 0) failed.push(`exit status ${end.status ?? "none"}`);
  return { passed: counted.filter(({ outcome }) => outcome === "passed").length, failed };
}
