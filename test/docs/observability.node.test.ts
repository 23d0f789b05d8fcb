import { glob, readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { COLUMNS } from "../../src/verify/metrics.ts";
import { blocksOf, rowsOf } from "./markdown.ts";

const page = await readFile("docs/observability.md", "utf8");
const dashboard = JSON.parse(await readFile("docs/grafana.json", "utf8"));

interface Panel {
  title: string;
  targets: { query: string; table: string }[];
}

/** Lines of the log of these files, as `event level`; what is handed to `remote` is logged by it, as an error. */
async function eventsOf(pattern: string, exclude: string[] = []): Promise<string[]> {
  const events = new Set<string>();
  for await (const path of glob(pattern, { exclude })) {
    const source = await readFile(path, "utf8");
    for (const { 1: event, index } of source.matchAll(/\bevent: "(\w+)"/g)) {
      const level = /console\.(\w+)\(\s*JSON\.stringify\(\{\s*$/.exec(source.slice(0, index))?.[1] ?? "error";
      events.add(`${event} ${level}`);
    }
  }
  return [...events].sort();
}

/** Of the page's tables of events, the one at this position. */
function listed(position: number): string[] {
  const tables = page.split(/^(?=\| event \|)/m).slice(1);
  return rowsOf(tables[position] ?? "", "event", "level")
    .map(([event, level]) => `${event} ${level}`)
    .sort();
}

describe("docs/observability.md", () => {
  test("lists every event that Latchkey logs, with its level, and no other", async () => {
    expect(listed(0)).toEqual(await eventsOf("src/**/*.{ts,tsx}", ["src/client"]));
  });

  test("lists every event that the package logs where it is used", async () => {
    expect(listed(1)).toEqual(await eventsOf("src/client/*.ts"));
  });

  test("says what to do about each", () => {
    const tables = page.split(/^(?=\| event \|)/m).slice(1);
    for (const [event, , means, todo] of tables.flatMap((table) => rowsOf(table, "event", "level"))) {
      expect([means, todo], event).toEqual([expect.stringMatching(/\w{2}/), expect.stringMatching(/\w{2}/)]);
    }
  });

  test("names the columns of a data point as they are written", () => {
    const columns = rowsOf(page, "column", "name").map(([column, name]) => [column, name]);
    expect(columns).toEqual(COLUMNS.map((name, i) => [`double${i + 1}`, name]));
  });

  test("has the binding that wrangler.toml has to be uncommented for", async () => {
    const config = await readFile("wrangler.toml", "utf8");
    const [block = ""] = blocksOf(page, "toml");
    expect(config).toContain(block.trim().replace(/^/gm, "# "));
  });
});

const queries = [
  ...blocksOf(page, "sql").map((query, i): [string, string] => [`the page's ${i + 1}.`, query]),
  ...dashboard.panels.map(({ title, targets }: Panel): [string, string] => [title, targets[0]?.query ?? ""]),
];

test("the page and the dashboard have queries", () => {
  expect(queries.length).toBeGreaterThan(10);
});

test.each(queries)("a query asks the dataset for columns that there are, and weighs sums: %s", (_, query) => {
  expect(query).toMatch(/^FROM latchkey$/m);
  const columns = query.match(/\b(double|blob)\d+\b/g) ?? [];
  expect(columns.length).toBeGreaterThan(0);
  const known = ["blob1", ...COLUMNS.map((_, i) => `double${i + 1}`)];
  for (const column of columns) expect(known).toContain(column);
  expect(query.replaceAll("SUM(_sample_interval * ", "")).not.toContain("SUM(");
});

test("an alias that is an outcome stands for that outcome's column", () => {
  const aliases = queries.flatMap(([, query]) => [...query.matchAll(/\* double(\d+)\) AS ([A-Z_]+)\b/g)]);
  expect(aliases.length).toBeGreaterThan(0);
  for (const [, column, name = ""] of aliases) expect(COLUMNS[Number(column) - 1]).toBe(name);
});
