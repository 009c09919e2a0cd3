/** A section of the changelog. */
interface Section {
  /** The version, or `Unreleased`. */
  readonly version: string;
  /** The day of the release as YYYY-MM-DD, or undefined where the heading names none. */
  readonly date: string | undefined;
  readonly text: string;
}

/** The sections of a changelog in the format of Keep a Changelog, in their order: the newest first. */
export function sectionsOf(changelog: string): readonly Section[] {
  const [, ...parts] = changelog.split(/^## /m);
  return parts.map((part) => {
    const [, version, date] = /^\[([^\]]+)\](?: - (\d{4}-\d{2}-\d{2}))?\n/.exec(part) ?? [];
    if (version === undefined) throw new Error(`not the heading of a version: ## ${part.split("\n", 1)[0]}`);
    return { version, date, text: part.slice(part.indexOf("\n")).trim() };
  });
}

/** The day of the newest release in a changelog, or undefined before the first. */
export function newestRelease(changelog: string): string | undefined {
  return sectionsOf(changelog).find(({ date }) => date !== undefined)?.date;
}
