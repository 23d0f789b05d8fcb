/** A chart as SVG, readable on light and dark pages. */

const WIDTH = 660;
const HEIGHT = 360;
const MARGIN = { top: 20, right: 190, bottom: 45, left: 84 };
const COLOURS = ["#0b7285", "#e8590c", "#5f3dc4", "#2b8a3e"];

export interface Series {
  title: string;
  /** Microseconds of CPU a request. */
  values: readonly number[];
}

/** CPU over the number of keys, both axes logarithmic. */
export function growthPlot(counts: readonly number[], series: readonly Series[]): string {
  const all = series.flatMap(({ values }) => values);
  const low = 10 ** Math.floor(Math.log10(Math.min(...all)));
  const high = 10 ** Math.ceil(Math.log10(Math.max(...all)));
  const width = WIDTH - MARGIN.left - MARGIN.right;
  const height = HEIGHT - MARGIN.top - MARGIN.bottom;
  const share = (value: number, from: number, to: number) => Math.log(value / from) / Math.log(to / from);
  const x = (count: number) =>
    Math.round(MARGIN.left + width * share(count, counts[0] ?? 1, counts.at(-1) ?? 1));
  const y = (cpu: number) => Math.round(MARGIN.top + height * (1 - share(cpu, low, high)));

  const ticks: string[] = [];
  for (let cpu = low; cpu <= high; cpu *= 10) {
    ticks.push(`<path class="grid" d="M${MARGIN.left} ${y(cpu)}h${width}"/>`);
    ticks.push(
      `<text x="${MARGIN.left - 8}" y="${y(cpu) + 4}" text-anchor="end">${cpu.toLocaleString("en-US")}</text>`,
    );
  }
  const bottom = HEIGHT - MARGIN.bottom;
  for (const count of counts) {
    ticks.push(
      `<text x="${x(count)}" y="${bottom + 18}" text-anchor="middle">${count.toLocaleString("en-US")}</text>`,
    );
  }
  const lines = series.map(({ title, values }, i) => {
    const points = values.map((cpu, at) => `${x(counts[at] ?? 0)},${y(cpu)}`);
    const colour = COLOURS[i % COLOURS.length];
    const dots = points.map(
      (point) => `<circle cx="${point.replace(",", '" cy="')}" r="3" fill="${colour}"/>`,
    );
    return `<polyline points="${points.join(" ")}" fill="none" stroke="${colour}" stroke-width="2"/>${dots.join("")}
<text x="${WIDTH - MARGIN.right + 10}" y="${y(values.at(-1) ?? low) + 4}" style="fill:${colour}">${title}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="CPU of a request over the number of keys in D1">
<style>text{font:13px system-ui,sans-serif;fill:#868e96}.grid{stroke:#868e96;stroke-opacity:.3}</style>
${ticks.join("\n")}
<text x="${MARGIN.left + width / 2}" y="${HEIGHT - 8}" text-anchor="middle">keys in D1</text>
<text x="14" y="${MARGIN.top + height / 2}" text-anchor="middle" transform="rotate(-90 14 ${MARGIN.top + height / 2})">µs of CPU a request</text>
${lines.join("\n")}
</svg>
`;
}
