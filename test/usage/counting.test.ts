import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { countReports } from "../../src/usage/counting.ts";
import type { KeyUsage, UsageReport } from "../../src/usage/recorder.ts";
import { ALL, AT_ONCE, dueParts, mergeWaiting } from "../../src/usage/waiting.ts";
import { createKey } from "../support/api.ts";
import { hooked } from "../support/d1.ts";
import { planOf, statementsOf } from "../support/statements.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const NOW = Date.UTC(2026, 10, 26, 12);

let reports = 0;
const reportOf = (...keys: KeyUsage[]): UsageReport => ({
  id: `${reports++}`.padStart(10, "0"),
  database: "00",
  day: "2026-11-26",
  keys,
});
const use = (keyId: string, more: Partial<KeyUsage> = {}): KeyUsage => ({
  keyId,
  companyId: "acme",
  allowed: 1,
  denied: 0,
  lastUsedAt: NOW - 1_000,
  ...more,
});
const report = (keyId: string, more: Partial<KeyUsage> = {}) => reportOf(use(keyId, more));

const counted = (keyId: string) =>
  env.DB.prepare(
    "SELECT allowed, denied, denied_scope AS scope, last_used_at AS lastUsedAt FROM usage_days WHERE key_id = ?",
  )
    .bind(keyId)
    .first();

/** So many days after the first. */
const day = (days: number) => new Date(NOW + days * DAY_MS).toISOString().slice(0, 10);
const rememberedDays = async () =>
  (await env.DB.prepare("SELECT DISTINCT day FROM usage_reports ORDER BY day").raw()).flat();

test("a report counts once however its ways and batches go wrong", async () => {
  const { id } = await createKey();
  const reports = [report(id, { allowed: 2 }), report(id, { allowed: 3 })];
  let answers = 0;
  const losing = hooked(
    env.DB,
    () => {},
    () => {
      if (answers++ === 1) throw new Error("D1_ERROR: Network connection lost.");
    },
  );
  await countReports(losing, reports, NOW);
  await countReports(env.DB, reports.slice(0, 1), NOW);
  await countReports(env.DB, [...reports, report(id, { allowed: 4 })], NOW);
  expect(answers).toBe(3);
  expect(await counted(id)).toMatchObject({ allowed: 9 });
});

test("a report that comes again days later, in whatever order, counts once", async () => {
  const { id } = await createKey();
  const reports = Array.from({ length: 300 }, () => report(id));
  for (let i = 0; i < 300; i += 60) await countReports(env.DB, reports.slice(i, i + 60), NOW);
  await countReports(env.DB, reports.toReversed(), NOW + 2 * DAY_MS);
  expect(await counted(id)).toMatchObject({ allowed: 300 });
});

test("reports of a key, however many, write one row for it, and one for each of them", async () => {
  const { id } = await createKey();
  await countReports(env.DB, [report(id)], NOW);
  let written = 0;
  const counting = hooked(
    env.DB,
    () => {},
    (answers) => {
      for (const { meta } of answers as Partial<D1Result>[]) written += meta?.rows_written ?? 0;
    },
  );
  await countReports(counting, [report(id), report(id), report(id)], NOW);
  expect(written).toBe(1 + 3);
});

test("as many reports are forgotten as are counted, at whatever rate, and no day of which some are on their way", async () => {
  const { id } = await createKey();
  for (let today = 0; today < 8; today++) {
    const reports = Array.from({ length: 90 }, () => ({ ...report(id), day: day(today) }));
    for (let i = 0; i < 90; i += 15)
      await countReports(env.DB, reports.slice(i, i + 15), NOW + today * DAY_MS);
  }
  expect(await rememberedDays()).toEqual([5, 6, 7].map(day));
  expect(await env.DB.prepare("SELECT count(*) AS n FROM usage_reports").first("n")).toBe(3 * 90);
});

test("where fewer reports come than before, those of old days are forgotten all the same", async () => {
  const { id } = await createKey();
  for (const [today, count] of [60, 20, 20, 20, 20, 20].entries()) {
    const reports = Array.from({ length: count }, () => ({ ...report(id), day: day(today) }));
    await countReports(env.DB, reports, NOW + today * DAY_MS);
  }
  expect(await rememberedDays()).toEqual([3, 4, 5].map(day));
});

test("counting looks up each report, each key and its day by their index", async () => {
  const [known = "", , merge = ""] = await statementsOf((db) => countReports(db, [report("a")], NOW));
  expect(await planOf(known)).toContain("SEARCH usage_reports USING PRIMARY KEY (day=? AND id=?)");
  expect(await planOf(merge)).toEqual([
    "SCAN json_each VIRTUAL TABLE INDEX 1:",
    "SEARCH api_keys USING INDEX sqlite_autoindex_api_keys_1 (id=?)",
  ]);
});

describe("reports of more keys than one statement writes", () => {
  /** More keys than one statement writes, none of them used so far. */
  async function manyKeys(count = 1_200, end = ""): Promise<string[]> {
    const ids = Array.from({ length: count }, () => crypto.randomUUID().slice(end.length) + end);
    await env.DB.prepare(
      `INSERT INTO api_keys (id, company_id, label, key_prefix, digest, scopes, created_at)
       SELECT value, 'acme', 'x', 'lk_live_', value, '[]', 0 FROM json_each(?)`,
    )
      .bind(JSON.stringify(ids))
      .run();
    return ids;
  }
  const usedBefore = (ids: readonly string[], lastUsedAt: number) =>
    env.DB.prepare(
      `INSERT INTO usage_days (key_id, company_id, day, allowed, denied, last_used_at)
       SELECT value, 'acme', '2026-11-26', 1, 0, ? FROM json_each(?)`,
    )
      .bind(lastUsedAt, JSON.stringify(ids))
      .run();
  const rows = () => env.DB.prepare("SELECT count(*) AS n, sum(allowed) AS uses FROM usage_days").first();
  const waiting = () => env.DB.prepare("SELECT count(*) AS n FROM waiting_sums").first("n");
  /** As often as it takes: what is divided goes to other parts. */
  async function mergeAll(now: number, d1 = env.DB): Promise<void> {
    for (let parts = await dueParts(d1, now); parts.length > 0; parts = await dueParts(d1, now))
      for (const part of parts) while ((await mergeWaiting(d1, part)) > 0);
  }

  test("are written at once where their keys were idle, in statements of bounded size", async () => {
    const ids = await manyKeys();
    expect(await countReports(env.DB, [reportOf(...ids.map((id) => use(id)))], NOW)).toBe(true);
    expect(await dueParts(env.DB, NOW)).toEqual([AT_ONCE]);
    const changed: number[] = [];
    const counting = hooked(
      env.DB,
      () => {},
      (answers) => {
        const [merged] = answers as Partial<D1Result>[];
        if (merged?.meta?.changes) changed.push(merged.meta.changes);
      },
    );
    await mergeAll(NOW, counting);
    expect(changed.toSorted()).toEqual([200, 500, 500]);
    expect(await rows()).toEqual({ n: 1_200, uses: 1_200 });
    expect(await waiting()).toBe(0);
  });

  test("are written at once where their keys were idle for more than half an hour", async () => {
    const ids = await manyKeys();
    await usedBefore(ids.slice(0, 600), NOW - 30 * MINUTE_MS);
    await usedBefore(ids.slice(600), NOW - 30 * MINUTE_MS - 1);
    await countReports(env.DB, [reportOf(...ids.map((id) => use(id)))], NOW);
    await mergeAll(NOW);
    const written = "SELECT key_id FROM usage_days WHERE allowed = 2 ORDER BY key_id";
    expect((await env.DB.prepare(written).raw()).flat()).toEqual(ids.slice(600).toSorted());
  });

  test("are written at once in one statement while they are as many as it writes", async () => {
    const half = [...Array(501).keys()].map((i) => use(`${i}`, i < 250 ? {} : { lastUsedAt: null }));
    await countReports(env.DB, [reportOf(...half)], NOW);
    await countReports(env.DB, [reportOf(...half)], NOW);
    expect(await mergeWaiting(env.DB, AT_ONCE)).toBe(2);
  });

  test("wait for ten minutes where their keys are in use, and are then written once", async () => {
    const ids = await manyKeys();
    await usedBefore(ids, NOW - 19 * MINUTE_MS);
    for (let minute = 0; minute < 10; minute++) {
      const at = NOW + minute * MINUTE_MS;
      const uses = ids.map((id) => use(id, { allowed: 2, lastUsedAt: at }));
      expect(await countReports(env.DB, [reportOf(...uses)], at)).toBe(true);
      expect(await dueParts(env.DB, at)).toEqual([]);
    }
    expect(await rows()).toEqual({ n: 1_200, uses: 1_200 });
    await env.DB.exec(
      "CREATE TRIGGER counted AFTER UPDATE ON usage_days BEGIN INSERT INTO key_changes (digest) VALUES (NEW.key_id); END",
    );
    await mergeAll(NOW + 10 * MINUTE_MS);
    const writes = "SELECT count(*) AS n, count(DISTINCT digest) AS keys FROM key_changes WHERE digest <> ''";
    expect(await env.DB.prepare(writes).first()).toEqual({ n: 1_200, keys: 1_200 });
    expect(await rows()).toEqual({ n: 1_200, uses: 1_200 + 10 * 2 * 1_200 });
    expect(await counted(ids[7] ?? "")).toMatchObject({ lastUsedAt: NOW + 9 * MINUTE_MS });
    expect(await waiting()).toBe(0);
  });

  test("wait where they are refusals alone, which move no time of use", async () => {
    const ids = await manyKeys();
    const refused = ids.map((id) =>
      use(id, { allowed: 0, denied: 1, denials: [0, 0, 0, 1, 0, 0], lastUsedAt: null }),
    );
    expect(await countReports(env.DB, [reportOf(...refused)], NOW)).toBe(true);
    expect(await dueParts(env.DB, NOW)).toEqual([]);
    await mergeAll(NOW + 10 * MINUTE_MS);
    expect(await counted(ids[0] ?? "")).toEqual({ allowed: 0, denied: 1, scope: 1, lastUsedAt: null });
  });

  test("wait over midnight, UTC, as well", async () => {
    const ids = await manyKeys();
    await usedBefore(ids, NOW);
    const midnight = Date.UTC(2026, 10, 27);
    await env.DB.prepare("UPDATE usage_days SET last_used_at = ?")
      .bind(midnight - 1)
      .run();
    const uses = { ...reportOf(...ids.map((id) => use(id))), day: "2026-11-27" };
    expect(await countReports(env.DB, [uses], midnight + 1)).toBe(true);
    expect(await dueParts(env.DB, midnight + 1)).toEqual([]);
  });

  test("count once, however their ways go wrong", async () => {
    const ids = await manyKeys();
    const uses = reportOf(...ids.map((id) => use(id)));
    const losing = () => {
      let answers = 0;
      return hooked(
        env.DB,
        () => {},
        () => {
          if (answers++ === 1) throw new Error("D1_ERROR: Network connection lost.");
        },
      );
    };
    await countReports(losing(), [uses], NOW);
    await countReports(env.DB, [uses, uses], NOW);
    await mergeWaiting(losing(), AT_ONCE);
    await mergeAll(NOW);
    expect(await rows()).toEqual({ n: 1_200, uses: 1_200 });
  });

  test("count once where two runs write what waits at the same time", async () => {
    const ids = await manyKeys();
    await countReports(env.DB, [reportOf(...ids.map((id) => use(id)))], NOW);
    let isFirst = true;
    const overtaken = hooked(env.DB, async (sql) => {
      if (!isFirst || !sql[0]?.startsWith("insert")) return;
      isFirst = false;
      await mergeWaiting(env.DB, AT_ONCE);
    });
    await mergeAll(NOW, overtaken);
    await mergeAll(NOW);
    expect(await rows()).toEqual({ n: 1_200, uses: 1_200 });
  });

  describe("that wait", () => {
    /** Keys in use, reported so many times. */
    async function reported(ids: readonly string[], times: number): Promise<void> {
      await usedBefore(ids, NOW);
      for (let i = 0; i < times; i++)
        await countReports(env.DB, [reportOf(...ids.map((id) => use(id)))], NOW);
    }
    const parts = async () =>
      (await env.DB.prepare("SELECT DISTINCT part FROM waiting_sums ORDER BY part").raw()).flat();

    test("are one row for each batch, until what waits is more than one statement writes", async () => {
      await reported(await manyKeys(), 3);
      expect(await parts()).toEqual([ALL]);
      expect(await waiting()).toBe(3);
      expect(await mergeWaiting(env.DB, ALL)).toBe(3);
      expect(await parts()).toEqual([..."0123456789abcdef"]);
      expect(await waiting()).toBe(16);
    });

    test("are in rows that are far smaller than one of D1 may be", async () => {
      const many = Array.from({ length: 12_000 }, (_, i) => use(`key ${i}`, { lastUsedAt: null }));
      await countReports(env.DB, [reportOf(...many)], NOW);
      const largest = "SELECT max(octet_length(sums)) AS n FROM waiting_sums";
      expect(await env.DB.prepare(largest).first("n")).toBeLessThan(250_000);
      const sums = "SELECT count(*) AS n FROM waiting_sums, json_each(sums)";
      expect(await env.DB.prepare(sums).first("n")).toBe(12_000);
    });

    test("are divided as often as it takes, and count once where ways back are lost", async () => {
      await reported(await manyKeys(600, "0"), 2);
      let answers = 0;
      const losing = hooked(
        env.DB,
        () => {},
        () => {
          if (answers++ % 3 === 1) throw new Error("D1_ERROR: Network connection lost.");
        },
      );
      await mergeAll(NOW + 10 * MINUTE_MS, losing);
      expect(await rows()).toEqual({ n: 600, uses: 3 * 600 });
      expect(await waiting()).toBe(0);
    });

    test("count once where two runs divide them at the same time", async () => {
      await reported(await manyKeys(), 2);
      let isFirst = true;
      const overtaken = hooked(env.DB, async (sql) => {
        if (!isFirst || sql.length === 1) return;
        isFirst = false;
        await mergeWaiting(env.DB, ALL);
      });
      expect(await mergeWaiting(overtaken, ALL)).toBe(0);
      expect(await waiting()).toBe(16);
      await mergeAll(NOW + 10 * MINUTE_MS);
      expect(await rows()).toEqual({ n: 1_200, uses: 3 * 1_200 });
    });

    test("are found in one range of the index, of bounded length, and those of a part by their index", async () => {
      const [due = ""] = await statementsOf((db) => dueParts(db, NOW));
      expect(await planOf(due)).toEqual([
        "CO-ROUTINE (subquery-1)",
        "SEARCH waiting_sums USING PRIMARY KEY (part>?)",
        "SCAN (subquery-1)",
      ]);
      expect(due).toMatch(/ LIMIT \?\n/);
      const [pieces = ""] = await statementsOf((db) => mergeWaiting(db, ALL));
      expect(await planOf(pieces)).toContain("SEARCH waiting_sums USING PRIMARY KEY (part=?)");
    });

    test("are found however many there are, 10,000 rows in one statement at most", async () => {
      const insert = env.DB.prepare(
        `WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ? - 1)
         INSERT INTO waiting_sums SELECT ?, format('%06d', i), ?, '[]' FROM n`,
      );
      const old = NOW - 10 * MINUTE_MS;
      const pieces: [count: number, part: string, since: number][] = [
        [1, ALL, old],
        [9_998, "0", old + 1],
        [1, "1", old],
        [12_000, "a", old],
        [1, AT_ONCE, NOW],
        [1, "b", old],
        [1, "c", old + 1],
      ];
      await env.DB.batch(pieces.map((of) => insert.bind(...of)));
      const read: number[] = [];
      const looking = hooked(
        env.DB,
        () => {},
        (answers) => void read.push(...(answers as D1Result[]).map(({ meta }) => meta.rows_read)),
      );
      const [first, ...others] = await dueParts(looking, NOW);
      expect(first).toBe(AT_ONCE);
      expect(others.toSorted()).toEqual([ALL, "1", "a", "b"]);
      expect(read).toEqual([10_000, 10_000, 3]);
    });
  });
});
