import { glob, readFile } from "node:fs/promises";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, test } from "vitest";
import { LIMITED, UNKNOWN } from "../../src/verify/decide.ts";
import { COLUMNS, Metrics } from "../../src/verify/metrics.ts";
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

/** Data points as Latchkey writes them, of which Analytics Engine has kept one in `sampleInterval`. */
async function pointsOf(use: (counted: Metrics) => void, sampleInterval: number) {
  const points: (string | number)[][] = [];
  const watches: Promise<unknown>[] = [];
  let now = 0;
  const counted = new Metrics({
    dataset: {
      writeDataPoint: ({ blobs = [], doubles = [] } = {}) =>
        void points.push([0, sampleInterval, `${blobs[0]}`, ...doubles]),
    },
    now: () => now,
    wait: async (milliseconds) => {
      now += milliseconds;
    },
    background: (work) => void watches.push(work),
  });
  use(counted);
  await Promise.all(watches);
  return points;
}

/** A query in SQLite. What that does not know is the whole time here. */
function run(query: string, points: (string | number)[][]) {
  const columns = ["timestamp", "_sample_interval", "blob1", ...COLUMNS.map((_, i) => `double${i + 1} REAL`)];
  const database = new DatabaseSync(":memory:");
  database.exec(`CREATE TABLE latchkey (${columns.join()})`);
  const insert = database.prepare(`INSERT INTO latchkey VALUES (${columns.map(() => "?").join()})`);
  for (const point of points) insert.run(...point);
  const known = query
    .replace(/NOW\(\) - INTERVAL '1' (DAY|HOUR)/, "-1")
    .replaceAll("$timeSeries", "timestamp")
    .replaceAll("$timeFilter", "timestamp > -1");
  return database
    .prepare(known)
    .all()
    .map((row) => ({ ...row }));
}

describe("run over data points of Latchkey's own, in SQLite,", async () => {
  const FORBIDDEN = { valid: false, error: "FORBIDDEN", message: "" } as const;
  const points = [
    ...(await pointsOf((counted) => {
      counted.verdict("acme", null, 1_000, 0);
      counted.verdict("acme", null, 3_000, 0);
      counted.verdict("acme", FORBIDDEN, null, 0);
      counted.verdict("", UNKNOWN, null, 0);
      counted.read(12, 0);
      counted.read(30, 0);
      counted.read(null, 0);
    }, 10)),
    ...(await pointsOf((counted) => {
      counted.verdict("acme", LIMITED, null, 0);
      counted.verdict("globex", null, 2_000, 0);
    }, 1)),
  ];

  test("the page's queries say what happened", () => {
    expect(blocksOf(page, "sql").map((query) => run(query, points))).toEqual([
      [{ valid: 21, refused: 20, limited: 1, unavailable: 0 }],
      [
        { company: "acme", valid: 20, refused: 10 },
        { company: "globex", valid: 1, refused: 0 },
      ],
      [{ cached: 0.5 }],
      [{ average_ms: 2_000, largest_ms: 3_000 }],
      [{ average_ms: 21, largest_ms: 30, failed: 10 }],
    ]);
  });

  test.each(dashboard.panels as Panel[])("the dashboard's panel has figures: $title", ({ targets }) => {
    const rows = run(targets[0]?.query ?? "", points);
    expect(rows.length).toBeGreaterThan(0);
    for (const value of rows.flatMap(({ company: _, ...figures }) => Object.values(figures)))
      expect(value).toEqual(expect.any(Number));
  });
});
