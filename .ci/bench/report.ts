/** A table of figures with its heading row. */
type Rows = readonly (readonly string[])[];

/** A bar of the chart: this program and another one, in the same unit. */
export interface Bar {
  readonly name: string;
  readonly unit: string;
  readonly ours: number;
  readonly other: number | undefined;
}

function markdownTable([head = [], ...rows]: Rows): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |\n`;
  const rule = head.map((_, column) => (column < 2 ? "---" : "---:"));
  return [head, rule, ...rows].map(line).join("");
}

const ROW = 44;

const LEFT = 180;

const WIDTH = 560;

/** A small chart without scripts or outside fonts: each pair of bars is scaled to its longer one. */
export function chart(bars: readonly Bar[], other: string): string {
  const height = bars.length * ROW + 40;
  const parts = bars.map(({ name, unit, ours, other: theirs }, at) => {
    const y = 30 + at * ROW;
    const longest = Math.max(ours, theirs ?? 0);
    const bar = (value: number, top: number, color: string): string => {
      const width = Math.max(2, Math.round((value / longest) * (WIDTH - LEFT - 90)));
      return `<rect x="${LEFT}" y="${top}" width="${width}" height="14" fill="${color}"/><text x="${LEFT + width + 6}" y="${top + 12}">${value.toFixed(1)} ${unit}</text>`;
    };
    const pair = bar(ours, y, "#2b6cb0") + (theirs === undefined ? "" : bar(theirs, y + 17, "#a0aec0"));
    return `<text x="${LEFT - 10}" y="${y + 20}" text-anchor="end">${name}</text>${pair}`;
  });
  const title = `Times and memory of this program${bars.some((bar) => bar.other !== undefined) ? ` compared with ${other}` : ""}`;
  const legend = `<text x="${LEFT}" y="18"><tspan fill="#2b6cb0">this program</tspan> <tspan fill="#718096">${other}</tspan></text>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12" role="img"><title>${title}</title>${legend}${parts.join("")}</svg>\n`;
}

/** The results of a benchmark run, as a page of the docs. */
export function page(run: {
  readonly date: string;
  readonly machine: string;
  readonly other: string;
  readonly size: number;
  readonly rows: Rows;
  readonly bulk: Rows;
}): string {
  return `# Benchmark

Measured by \`npm run bench -- --write\` on ${run.date}, on ${run.machine}. All figures are medians over
whole processes. The two programs run in alternation, and a ratio is the median over pairs of runs. Compare only figures from the same
run. "Other" is ${run.other};
in rows with "floor", it is a program on the same runtime that only sends one POST and prints the response, or only prints.

A freshly copied program starts faster than one that was read from a cold disk, because the system keeps a fresh copy in larger pieces
of memory. Memory is measured with a program that was read from disk. All but about 5 MiB of the memory of a create is the program's
file, which processes share.

![this program compared with the other one](bench.svg)

${markdownTable(run.rows)}
The program is ${run.size.toFixed(1)} MiB, most of it the Bun runtime.

## Many clients

${markdownTable(run.bulk)}`;
}
