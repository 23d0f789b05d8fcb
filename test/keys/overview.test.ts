import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { type KeyView, keyOverview } from "../../src/keys/overview.ts";
import { planOf, statementsOf } from "../support/statements.ts";

const DAY_MS = 86_400_000;
const NOW = Date.UTC(2026, 10, 27, 12);
const at = (days: number) => NOW + days * DAY_MS;
const ALL: KeyView = { sort: "created", isDescending: true, unusedDays: 30, limit: 1_000 };
const context = { generations: ["1"], now: NOW };
const overview = (view: Partial<KeyView> = {}, company = "acme") =>
  keyOverview(env.DB, company, { ...ALL, ...view }, context);
const labels = async (view: Partial<KeyView> = {}) => (await overview(view)).rows.map(({ label }) => label);

interface Row {
  label: string;
  createdAt?: number;
  expiresAt?: number;
  revokedAt?: number;
  suspendedAt?: number;
  generation?: string;
  /** Before the days whose use is kept. */
  lastUsedAt?: number;
}

/** Keys of these times, the newest last. @returns their ids. */
async function insert(rows: Row[], company = "acme"): Promise<string[]> {
  const ids = rows.map(() => crypto.randomUUID());
  const statement =
    env.DB.prepare(`INSERT INTO api_keys (id, company_id, label, label_folded, key_prefix, digest, generation,
    scopes, created_at, expires_at, revoked_at, suspended_at, last_used_at) VALUES (?1, ?2, ?3, upper(?3), 'lk_live_00000', ?1, ?4, '[]', ?5, ?6, ?7, ?8, ?9)`);
  await env.DB.batch(
    rows.map((row, i) =>
      statement.bind(
        ids[i],
        company,
        row.label,
        row.generation ?? "1",
        row.createdAt ?? at(-60) + i,
        row.expiresAt ?? null,
        row.revokedAt ?? null,
        row.suspendedAt ?? null,
        row.lastUsedAt ?? null,
      ),
    ),
  );
  return ids;
}

async function use(id: string | undefined, time: number, lastUsedAt: number | null = time): Promise<void> {
  await env.DB.prepare(
    "INSERT INTO usage_days (key_id, company_id, day, allowed, denied, last_used_at) VALUES (?, 'acme', ?, 1, 0, ?)",
  )
    .bind(id, new Date(time).toISOString().slice(0, 10), lastUsedAt)
    .run();
}

describe("the groups of keys", () => {
  async function seed() {
    const ids = await insert([
      { label: "used", generation: "1" },
      { label: "idle" },
      { label: "new", createdAt: at(-2) },
      { label: "soon", createdAt: at(-2), expiresAt: at(6.9) },
      { label: "later", createdAt: at(-2), expiresAt: at(7.1) },
      { label: "suspended", createdAt: at(-2), suspendedAt: at(-1) },
      { label: "expired", expiresAt: at(-1) },
      { label: "revoked", revokedAt: at(-1), suspendedAt: at(-2) },
      { label: "unverifiable", createdAt: at(-2), generation: "q" },
    ]);
    await use(ids[0], at(-29));
    await use(ids[1], at(-31));
    await use(ids[1], at(-3), null);
  }

  test.each([
    [undefined, ["unverifiable", "revoked", "expired", "suspended", "later", "soon", "new", "idle", "used"]],
    ["active", ["later", "soon", "new", "idle", "used"]],
    ["expiring", ["soon"]],
    ["unused", ["idle"]],
    ["suspended", ["suspended"]],
    ["ended", ["revoked", "expired"]],
  ] as const)("%s: those that are in it, and no other", async (group, expected) => {
    await seed();
    expect((await labels({ group })).sort()).toEqual([...expected].sort());
  });

  test("are counted as they are listed, of this company alone", async () => {
    await seed();
    await insert([{ label: "theirs" }], "globex");
    const { counts, isCapped } = await overview();
    expect({ counts, isCapped }).toEqual({
      counts: { all: 9, active: 5, expiring: 1, unused: 1, suspended: 1, ended: 2 },
      isCapped: false,
    });
    expect((await overview({}, "initech")).counts.all).toBe(0);
  });

  test("are counted among what a search finds", async () => {
    await seed();
    const { counts } = await overview({ q: "ED", group: "ended" });
    expect(counts).toEqual({ all: 4, active: 1, expiring: 0, unused: 0, suspended: 1, ended: 2 });
    expect(await labels({ q: "ED", group: "ended" })).toEqual(["revoked", "expired"]);
  });

  test("unused: a use that is no longer kept by day counts, and so does the creation", async () => {
    await insert([
      { label: "once", lastUsedAt: at(-40) },
      { label: "lately", lastUsedAt: at(-29) },
      { label: "young", createdAt: at(-29) },
      { label: "old", createdAt: at(-31) },
    ]);
    expect((await labels({ group: "unused" })).sort()).toEqual(["old", "once"]);
    expect(await labels({ group: "unused", unusedDays: 35 })).toEqual(["once"]);
    expect(await labels({ group: "unused", unusedDays: 90 })).toEqual([]);
  });

  test("of more keys than are counted are counted among the newest", async () => {
    await insert(Array.from({ length: 2_001 }, (_, i) => ({ label: `${i}`, createdAt: at(-60) + i })));
    const { counts, isCapped } = await overview({ limit: 25 });
    expect({ isCapped, all: counts.all }).toEqual({ isCapped: true, all: 2_001 });
  });
});

describe.each([
  ["created", ["a", "C", "b", "d"]],
  ["label", ["a", "b", "C", "d"]],
  ["expires", ["d", "b", "C", "a"]],
  ["used", ["C", "b", "d", "a"]],
] as const)("sorted by %s", (sort, expected) => {
  async function seed() {
    const ids = await insert([
      { label: "a" },
      { label: "C", expiresAt: at(300) },
      { label: "b", expiresAt: at(200), lastUsedAt: at(-500) },
      { label: "d", expiresAt: at(100) },
    ]);
    await use(ids[0], at(-1));
    await use(ids[3], at(-2));
    if (sort === "expires") return;
    await env.DB.prepare("UPDATE api_keys SET expires_at = NULL").run();
  }

  test("keys come in that order, and the other way round", async () => {
    await seed();
    expect(await labels({ sort, isDescending: false })).toEqual(expected);
    expect(await labels({ sort, isDescending: true })).toEqual(expected.toReversed());
  });

  test.each([true, false])("pages go on and back, each key once (descending: %s)", async (isDescending) => {
    await seed();
    const all = await labels({ sort, isDescending });
    const page = async (from?: KeyView["from"]) => {
      const { rows, hasNext, hasPrevious } = await overview({ sort, isDescending, limit: 2, from });
      return { labels: rows.map(({ label }) => label), ids: rows.map(({ id }) => id), hasNext, hasPrevious };
    };
    const first = await page();
    const second = await page({ id: first.ids.at(-1) ?? "", isBackward: false });
    const back = await page({ id: second.ids[0] ?? "", isBackward: true });
    expect([...first.labels, ...second.labels]).toEqual(all);
    expect(first).toMatchObject({ hasPrevious: false, hasNext: true });
    expect(second).toMatchObject({ hasPrevious: true, hasNext: false });
    expect(back).toEqual(first);
  });
});

test("a page from a key of another company, or of none, is empty", async () => {
  await insert([{ label: "ours" }]);
  const [theirs] = await insert([{ label: "theirs" }], "globex");
  for (const id of [theirs ?? "", crypto.randomUUID()])
    expect(await labels({ from: { id, isBackward: false } })).toEqual([]);
});

test("every statement finds the company's keys by an index; the newest, and where a page begins, without sorting", async () => {
  const from = { id: crypto.randomUUID(), isBackward: false };
  for (const view of [
    {},
    { from },
    { from: { ...from, isBackward: true } },
    { group: "unused", q: "x" },
  ] as const) {
    const statements = await statementsOf((db) => keyOverview(db, "acme", { ...ALL, ...view }, context));
    for (const sql of statements) {
      const plan = (await planOf(sql)).join("\n");
      expect(plan).not.toMatch(/SCAN (?!api_keys$|json_each|CONSTANT)/m);
      const isFrom = "from" in view && sql.includes("SELECT created_at");
      expect(plan).toContain(`USING INDEX api_keys_newest (company_id=?${isFrom ? " AND (created_at" : ""}`);
      expect(plan).not.toContain("TEMP B-TREE");
    }
  }
});
