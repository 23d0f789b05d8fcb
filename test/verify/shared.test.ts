import { env } from "cloudflare:workers";
import { describe, expect, test, vi } from "vitest";
import { withDeadline } from "../../src/lib/deadline.ts";
import { sharedFeed } from "../../src/verify/shared.ts";
import type { SharedTexts } from "../../src/verify/signed.ts";
import { type KeyChange, NO_KEY } from "../../src/verify/snapshot.ts";
import { feedStore } from "../../src/verify/store.ts";
import { createKey, manage } from "../support/api.ts";
import { hooked } from "../support/d1.ts";
import { BOUND_MS, isolate, memory } from "../support/verifier.ts";

/** How much older than its reading a shared answer counts: clocks may differ, and the cache is waited for. */
const OLDER_MS = 300;

const TWICE = [1, 2];

/** The real database as isolates of one data centre ask it, each by a store of its own. */
function dataCentre(texts: SharedTexts = memory(), boundMs = BOUND_MS) {
  const clock = { now: Date.now() };
  const chance = { next: 0 };
  const queries: string[] = [];
  const background: Promise<unknown>[] = [];
  /** Until it has ended no answer of the database comes back. */
  const held: { until: Promise<unknown> } = { until: Promise.resolve() };
  const d1 = hooked(env.DB, async (sql) => {
    queries.push(...sql);
    await held.until;
  });
  const store = () =>
    sharedFeed(feedStore(d1), {
      texts,
      boundMs,
      now: () => clock.now,
      random: () => chance.next,
      inTime: withDeadline,
      background: (work) => background.push(work),
    });
  return { clock, chance, held, queries, store, settle: () => Promise.all(background.splice(0)) };
}

async function change(count = 1, at = Date.now()): Promise<void> {
  const numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)";
  await env.DB.prepare(`INSERT INTO key_changes (digest, changed_at) ${numbers} SELECT 'key' || i, ? FROM n`)
    .bind(count, at)
    .run();
}

async function newest(): Promise<KeyChange> {
  const [found] = (await feedStore(env.DB).read(null, NO_KEY)).changes;
  if (found === undefined) throw new Error("The feed is empty");
  return found;
}

test("of the isolates of a data centre one asks the primary, and tells the others for a second", async () => {
  const { clock, queries, store, settle } = dataCentre();
  const cursor = await newest();
  await change();
  const asked = await store().read(cursor, NO_KEY);
  await settle();
  expect(asked.asOf).toBeUndefined();
  const readAt = clock.now;
  clock.now += 999;
  expect(await store().read(cursor, NO_KEY)).toEqual({ ...asked, asOf: readAt - OLDER_MS });
  expect(queries).toHaveLength(1);
  clock.now += 1;
  expect(await store().read(cursor, NO_KEY)).toEqual(asked);
  expect(queries).toHaveLength(2);
});

test("it counts as older by a random part of that second, so that not all look again when it is over", async () => {
  const { clock, chance, store, settle } = dataCentre();
  const cursor = await newest();
  await store().read(cursor, NO_KEY);
  await settle();
  chance.next = 0.25;
  expect((await store().read(cursor, NO_KEY)).asOf).toBe(clock.now - OLDER_MS - 250);
});

test("in a short bound an answer is shared for a fifth of it", async () => {
  const { clock, queries, store, settle } = dataCentre(memory(), 1_000);
  const cursor = await newest();
  for (const _ of TWICE) {
    await store().read(cursor, NO_KEY);
    await settle();
    clock.now += 200;
  }
  expect(queries).toHaveLength(2);
});

test("what is read with a key, or without a cursor, is not shared", async () => {
  const { queries, store, settle } = dataCentre();
  const cursor = await newest();
  for (const _ of TWICE) {
    await store().read(cursor, "key1");
    await store().read(null, NO_KEY);
    await settle();
  }
  expect(queries).toHaveLength(4);
});

test("a shared answer comes from the cursor on, wherever in it that stands", async () => {
  const { queries, store, settle } = dataCentre();
  const before = await newest();
  await change(3);
  const { changes } = await store().read(before, NO_KEY);
  await settle();
  for (const [i, cursor] of changes.entries())
    expect(await store().read(cursor, NO_KEY)).toMatchObject({
      changes: changes.slice(i),
      head: cursor.seq + 3 - i,
    });
  expect(queries).toHaveLength(1);
});

test("it reaches back for two bounds, also from an isolate that knows everything, and to the change before", async () => {
  const { clock, queries, store, settle } = dataCentre();
  await change(1, clock.now - 3 * BOUND_MS);
  const tooOld = await newest();
  await change(1, clock.now - 2 * BOUND_MS - 1);
  const oldest = await newest();
  await change(5, clock.now - BOUND_MS);
  expect((await store().read(await newest(), NO_KEY)).changes).toHaveLength(1);
  await settle();
  expect((await store().read(oldest, NO_KEY)).changes).toHaveLength(6);
  expect(queries).toHaveLength(1);
  const answer = await store().read(tooOld, NO_KEY);
  expect(answer).toMatchObject({ changes: { length: 7 } });
  expect(answer.asOf).toBeUndefined();
  expect(queries).toHaveLength(2);
});

test("however much changes, no more than the newest 1,000 changes are shared, and a page that is not all of them is not", async () => {
  const texts = memory();
  const { store, settle } = dataCentre(texts);
  const cursor = await newest();
  await change(2_000);
  expect((await store().read(cursor, NO_KEY)).changes).toHaveLength(2_001);
  await settle();
  expect(JSON.parse(texts.kept.get("feed") ?? "").snapshot.changes).toHaveLength(1_000);
  texts.kept.clear();
  await change(9_000);
  expect((await store().read(cursor, NO_KEY)).changes).toHaveLength(10_001);
  await settle();
  expect(texts.kept.size).toBe(0);
});

test("an isolate that knows more than is shared asks by itself", async () => {
  const { queries, store, settle } = dataCentre();
  await store().read(await newest(), NO_KEY);
  await settle();
  await change();
  const cursor = await newest();
  expect(await store().read(cursor, NO_KEY)).toEqual({ changes: [cursor], head: cursor.seq, record: null });
  expect(queries).toHaveLength(2);
});

test.each<[string, Partial<KeyChange>]>([
  ["digest", { digest: "other" }],
  ["time", { changedAt: 1 }],
])(
  "a change with the number of the cursor, but another %s, is of another feed: the primary tells",
  async (_, other) => {
    const { queries, store, settle } = dataCentre();
    const cursor = await newest();
    await store().read(cursor, NO_KEY);
    await settle();
    const answer = await store().read({ ...cursor, ...other }, NO_KEY);
    expect(answer).toEqual({ changes: [cursor], head: cursor.seq, record: null });
    expect(queries).toHaveLength(2);
  },
);

test("an answer that seems to be of the future is used while clocks may differ so much, and no longer", async () => {
  const { clock, queries, store, settle } = dataCentre();
  const cursor = await newest();
  await store().read(cursor, NO_KEY);
  await settle();
  clock.now -= 250;
  expect((await store().read(cursor, NO_KEY)).asOf).toBe(clock.now + 250 - OLDER_MS);
  clock.now -= 1;
  await store().read(cursor, NO_KEY);
  expect(queries).toHaveLength(2);
});

test("before its end it is passed over at random, the earlier the longer a read takes, but not in its first half", async () => {
  const texts = memory();
  const { clock, chance, queries, store, settle } = dataCentre(texts);
  const cursor = await newest();
  const asksAfter = async (tookMs: number, ageMs: number, random: number) => {
    const readAt = clock.now;
    const answer = {
      readAt,
      tookMs,
      snapshot: { changes: [cursor], head: cursor.seq, record: null },
    };
    texts.kept.set("feed", JSON.stringify(answer));
    clock.now += ageMs;
    chance.next = random;
    queries.length = 0;
    await store().read(cursor, NO_KEY);
    await settle();
    return queries.length === 1;
  };
  expect(await asksAfter(100, 900, 0.6)).toBe(false);
  expect(await asksAfter(100, 900, 0.7)).toBe(true);
  expect(await asksAfter(10, 900, 0.7)).toBe(false);
  expect(await asksAfter(0, 999, 0.99)).toBe(false);
  expect(await asksAfter(-1_000, 1_000, 0.99)).toBe(true);
  expect(await asksAfter(60_000, 499, 0.99)).toBe(false);
  expect(await asksAfter(60_000, 500, 0.99)).toBe(true);
});

describe("while one isolate asks anew", () => {
  const TOOK_MS = 200;

  /** A data centre in which a read of the feed took 200 ms, and where one isolate asks anew once `ageMs` have passed since. */
  async function asking(ageMs = 1_000) {
    const texts = memory();
    const centre = dataCentre(texts);
    const { clock, held, queries, store } = centre;
    const cursor = await newest();
    const readAt = clock.now;
    const first = Promise.withResolvers<void>();
    held.until = first.promise;
    const read = store().read(cursor, NO_KEY);
    await vi.waitUntil(() => queries.length === 1);
    clock.now += TOOK_MS;
    first.resolve();
    await read;
    await centre.settle();
    clock.now = readAt + ageMs;
    const next = Promise.withResolvers<void>();
    held.until = next.promise;
    const asked = store().read(cursor, NO_KEY);
    await vi.waitUntil(() => queries.length === 2);
    await centre.settle();
    /** Whether an isolate that looks at this age of the answer asks the primary. */
    const asksAt = async (milliseconds: number) => {
      clock.now = readAt + milliseconds;
      held.until = Promise.resolve();
      const { asOf } = await store().read(cursor, NO_KEY);
      return asOf === undefined;
    };
    return { ...centre, texts, cursor, readAt, asked, asksAt, answer: next.resolve, fail: next.reject };
  }

  test("the others use the answer that is past its end, however many look at once", async () => {
    const { cursor, queries, store, answer, asked } = await asking();
    const answers = await Promise.all(Array.from({ length: 5 }, () => store().read(cursor, NO_KEY)));
    expect(answers.every(({ asOf }) => asOf !== undefined)).toBe(true);
    expect(queries).toHaveLength(2);
    answer();
    expect((await asked).asOf).toBeUndefined();
  });

  test("that answer counts as of when it was read", async () => {
    const { cursor, readAt, store } = await asking();
    expect((await store().read(cursor, NO_KEY)).asOf).toBe(readAt - OLDER_MS);
  });

  test("it is used for as long as the last reading took, and not longer", async () => {
    const { asksAt } = await asking();
    expect(await asksAt(1_000 + TOOK_MS - 1)).toBe(false);
    expect(await asksAt(1_000 + TOOK_MS)).toBe(true);
  });

  test("where that isolate asked late, it is used no longer either", async () => {
    const { asksAt } = await asking(1_150);
    expect(await asksAt(1_000 + TOOK_MS - 1)).toBe(false);
    expect(await asksAt(1_000 + TOOK_MS)).toBe(true);
  });

  test("what is told when it comes takes its place", async () => {
    const { cursor, clock, queries, settle, store, answer, asked } = await asking();
    await change();
    answer();
    await asked;
    await settle();
    expect((await store().read(cursor, NO_KEY)).changes).toHaveLength(2);
    expect((await store().read(cursor, NO_KEY)).asOf).toBe(clock.now - OLDER_MS);
    expect(queries).toHaveLength(2);
  });

  test("and fails, another one asks as soon as the last reading's time has passed", async () => {
    const { asksAt, asked, fail, queries } = await asking();
    fail(new Error("D1_ERROR: Network connection lost."));
    await expect(asked).rejects.toThrow();
    expect(await asksAt(1_000 + TOOK_MS - 1)).toBe(false);
    expect(await asksAt(1_000 + TOOK_MS)).toBe(true);
    expect(queries).toHaveLength(3);
  });

  test("an idle isolate uses the answer that is past its end as well", async () => {
    const { clock, cursor, readAt, store } = await asking();
    const look = async (ageMs: number) => {
      clock.now = readAt + ageMs;
      return await store().readShared?.(cursor);
    };
    expect(await look(1_000 + TOOK_MS - 1)).toMatchObject({ asOf: readAt - OLDER_MS });
    expect(await look(1_000 + TOOK_MS)).toBeNull();
  });

  /** What is shared where somebody has begun to ask anew so long after the reading. */
  async function shared(answer: { tookMs: number; askedAfterMs: number }, random = 0) {
    const texts = memory();
    const { clock, chance, queries, store, settle } = dataCentre(texts);
    const cursor = await newest();
    const readAt = clock.now;
    const { tookMs, askedAfterMs } = answer;
    const snapshot = { changes: [cursor], head: cursor.seq, record: null };
    const text = JSON.stringify({ readAt, tookMs, askedAt: readAt + askedAfterMs, snapshot });
    chance.next = random;
    const asksAt = async (ageMs: number) => {
      texts.kept.set("feed", text);
      clock.now = readAt + ageMs;
      queries.length = 0;
      await store().read(cursor, NO_KEY);
      await settle();
      return queries.length === 1;
    };
    return { asksAt };
  }

  test("others do not pass the answer over before its end, but do once that question has had its time", async () => {
    const { asksAt } = await shared({ tookMs: 200, askedAfterMs: 700 }, 0.999);
    expect(await asksAt(899)).toBe(false);
    expect(await asksAt(900)).toBe(true);
  });

  test("an answer whose time has passed since somebody asked ends where it ends without that", async () => {
    const { asksAt } = await shared({ tookMs: 200, askedAfterMs: 700 });
    expect(await asksAt(999)).toBe(false);
    expect(await asksAt(1_000)).toBe(true);
  });

  test.each([
    ["took longer than an answer is shared", 2_000, 60_000],
    ["took no time", 1_000, 0],
    ["took less than none, by a clock that was set back", 1_000, -500],
  ])("an answer whose reading %s is used for less than %i ms", async (_, endMs, tookMs) => {
    const { asksAt } = await shared({ tookMs, askedAfterMs: 1_000 });
    expect(await asksAt(endMs - 1)).toBe(false);
    expect(await asksAt(endMs)).toBe(true);
  });

  test("by a clock that is ahead, that makes the answer hold no longer", async () => {
    const { asksAt } = await shared({ tookMs: 200, askedAfterMs: 60_000 });
    expect(await asksAt(1_199)).toBe(false);
    expect(await asksAt(1_200)).toBe(true);
  });
});

test.each<[string, () => Promise<never>]>([
  ["throws", () => Promise.reject(new Error("no cache"))],
  ["hangs", () => new Promise(() => {})],
])("a cache that %s is like none", async (_, fault) => {
  const { queries, store, settle } = dataCentre({ get: fault, put: fault });
  const cursor = await newest();
  for (const _ of TWICE) {
    expect((await store().read(cursor, NO_KEY)).head).toBe(cursor.seq);
    await settle();
  }
  expect(queries).toHaveLength(2);
});

test("a shared answer makes a revocation known later than one of the primary, but not later than the bound", async () => {
  const texts = memory();
  const [other, reader] = [isolate({ texts }), isolate({ texts })];
  const key = await createKey();
  for (const { verify, settle } of [other, reader]) {
    expect(await verify(key.rawKey)).toMatchObject({ valid: true });
    await settle();
  }
  const at = (now: number) => {
    other.clock.now = now;
    reader.clock.now = now;
  };
  const start = other.clock.now;
  at(start + BOUND_MS / 2);
  await other.verify(key.rawKey);
  await other.settle();
  await manage(`/settings/api-keys/${key.id}`, { method: "DELETE" });
  at(start + BOUND_MS / 2 + 900);
  reader.queries.length = 0;
  await reader.verify(key.rawKey);
  await reader.settle();
  expect(reader.queries).toEqual([]);
  const checkedAt = start + BOUND_MS / 2 - OLDER_MS;
  expect(await reader.verify(key.rawKey)).toMatchObject({ checkedAt: new Date(checkedAt).toISOString() });
  at(checkedAt + BOUND_MS);
  expect(await reader.verify(key.rawKey)).toMatchObject({ error: "KEY_REVOKED" });
});

test("what a shared answer tells ends by a timer as well: a bound after it was read, though the clock is set back", async () => {
  const texts = memory();
  const [other, reader] = [isolate({ texts }), isolate({ texts })];
  const key = await createKey();
  reader.clock.now = other.clock.now;
  for (const { verify } of [other, reader]) await verify(key.rawKey);
  for (const { clock } of [other, reader]) clock.now += BOUND_MS / 2;
  await other.verify(key.rawKey);
  await other.settle();
  reader.clock.now += 500;
  await reader.verify(key.rawKey);
  await reader.settle();
  expect(reader.waits.at(-1)).toBe(BOUND_MS - 500 - OLDER_MS);
  await manage(`/settings/api-keys/${key.id}`, { method: "DELETE" });
  reader.clock.now -= 60;
  reader.passBound();
  await Promise.resolve();
  expect(await reader.verify(key.rawKey)).toMatchObject({ error: "KEY_REVOKED" });
});

test("with the Cache API of the platform isolates share what they read", async () => {
  const { signedTexts } = await import("../../src/verify/signed.ts");
  const texts = () => signedTexts("s1", new Map([["a", "a pepper, of 32 characters or more, for this"]]));
  const [one, two] = [dataCentre(texts()), dataCentre(texts())];
  const cursor = await newest();
  await one.store().read(cursor, NO_KEY);
  await one.settle();
  expect((await two.store().read(cursor, NO_KEY)).asOf).toBe(one.clock.now - OLDER_MS);
  expect(two.queries).toEqual([]);
});

/** Two isolates of a data centre that hold a key; the one has asked what changed just now, the other a bound ago. */
async function idle(texts: SharedTexts = memory()) {
  const [other, reader] = [isolate({ texts }), isolate({ texts })];
  const key = await createKey();
  reader.clock.now = other.clock.now;
  for (const { verify, settle } of [other, reader]) {
    await verify(key.rawKey);
    await settle();
  }
  for (const { clock } of [other, reader]) clock.now += BOUND_MS / 2;
  await other.verify(key.rawKey);
  await other.settle();
  for (const { clock } of [other, reader]) clock.now += BOUND_MS / 2;
  await other.verify(key.rawKey);
  await other.settle();
  reader.queries.length = 0;
  return { other, reader, key };
}

test("an isolate that has not asked for a bound looks at what is shared first, and what it holds answers", async () => {
  const { reader, key } = await idle();
  const readAt = reader.clock.now;
  reader.clock.now += 900;
  expect(await reader.verify(key.rawKey)).toMatchObject({
    valid: true,
    checkedAt: new Date(readAt - OLDER_MS).toISOString(),
    stale: false,
  });
  expect(reader.queries).toEqual([]);
});

test("a key that it does not hold then comes from the nearest replica", async () => {
  const { reader } = await idle();
  const key = await createKey();
  const { withSession } = env.DB;
  const sessions: unknown[] = [];
  vi.spyOn(env.DB, "withSession").mockImplementation((start) => {
    sessions.push(start);
    return withSession.call(env.DB, start);
  });
  expect(await reader.verify(key.rawKey)).toMatchObject({ valid: true });
  expect(sessions).toEqual(["first-unconstrained"]);
});

test("a revocation that what is shared tells of counts", async () => {
  const { other, reader, key } = await idle();
  await manage(`/settings/api-keys/${key.id}`, { method: "DELETE" });
  for (const { clock } of [other, reader]) clock.now += BOUND_MS;
  await other.verify((await createKey()).rawKey);
  other.clock.now += BOUND_MS / 2;
  await other.verify((await createKey()).rawKey);
  await other.settle();
  reader.clock.now = other.clock.now;
  expect(await reader.verify(key.rawKey)).toMatchObject({ error: "KEY_REVOKED" });
});

test("what is shared answers an idle isolate up to its end; then the primary is asked, in one round trip", async () => {
  const { reader, key } = await idle();
  reader.clock.now += 1_000;
  expect(await reader.verify(key.rawKey)).toMatchObject({
    checkedAt: new Date(reader.clock.now).toISOString(),
  });
  expect(reader.queries).toHaveLength(1);
});

test.each<[string, () => Promise<never>]>([
  ["throws", () => Promise.reject(new Error("no cache"))],
  ["hangs", () => new Promise(() => {})],
])("an idle isolate whose cache %s asks the primary", async (_, fault) => {
  const texts = memory();
  const { reader, key } = await idle(texts);
  texts.get = fault;
  expect(await reader.verify(key.rawKey)).toMatchObject({ valid: true, stale: false });
  expect(reader.queries).toHaveLength(1);
});

test("what is shared with an idle isolate ends by a timer as well, though the clock is set back", async () => {
  const { reader, key } = await idle();
  reader.clock.now += 500;
  await reader.verify(key.rawKey);
  expect(reader.waits.at(-1)).toBe(BOUND_MS - 500 - OLDER_MS);
});

test("an isolate whose clock was set back asks the primary: it cannot tell how old what is shared is", async () => {
  const { reader, key } = await idle();
  await manage(`/settings/api-keys/${key.id}`, { method: "DELETE" });
  reader.feed.urgency(reader.clock.now);
  reader.clock.now -= 200;
  expect(await reader.verify(key.rawKey)).toMatchObject({ error: "KEY_REVOKED" });
});
