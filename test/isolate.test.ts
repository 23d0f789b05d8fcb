import { env } from "cloudflare:workers";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { createIsolate } from "../src/isolate.ts";
import { servicesOf } from "../src/services.ts";
import type { UsageReport } from "../src/usage/recorder.ts";
import { COLUMNS } from "../src/verify/metrics.ts";
import { appWith, createKey } from "./support/api.ts";
import { setCompany } from "./support/companies.ts";
import { type Hook, hooked } from "./support/d1.ts";
import { threeDatabases } from "./support/database.ts";
import { logged } from "./support/expect.ts";

/** Settings of seconds, each with how often a database that does not answer is asked then, in milliseconds. */
const BOUNDS = [
  { REVOCATION_SECONDS: 2, OUTAGE_SECONDS: 60, retryMs: 400 },
  { REVOCATION_SECONDS: 20, OUTAGE_SECONDS: 90, retryMs: 1_000 },
];
const CALLER_WAIT_MS = 2_000;
/** Fewer than the reads that are begun while none has come back. */
const AT_ONCE = 40;

/** The parts as production joins them, over the real database. Their clock stands still until the test sets it. */
function joined(overrides: object = {}, hook: Hook = () => {}) {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
  const waits: { milliseconds: number; end: () => void }[] = [];
  vi.spyOn(scheduler, "wait").mockImplementation(
    (milliseconds) => new Promise((end) => waits.push({ milliseconds, end })),
  );
  onTestFinished(() => {
    for (const { end } of waits) end();
  });
  const isolate = createIsolate({ ...env, ...overrides, DB: hooked(env.DB, hook) } as Env)();
  const { format, verifier } = isolate;
  return {
    format,
    keys: servicesOf(isolate).keys,
    verify: (rawKey: string, clientIp = "") => verifier.verify(rawKey, { clientIp }),
    pass: (milliseconds: number) => vi.setSystemTime(Date.now() + milliseconds),
    /** Ends what waits for so long. */
    wake(milliseconds: number): void {
      for (const wait of waits) if (wait.milliseconds === milliseconds) wait.end();
    },
  };
}

const revoke = (id: string) =>
  env.DB.prepare("UPDATE api_keys SET revoked_at = unixepoch() * 1000 WHERE id = ?").bind(id).run();
const outcome = async (verdict: Promise<{ valid: boolean; error?: string; stale?: boolean }>) => {
  const { error, stale } = await verdict;
  return error ?? (stale ? "stale" : "valid");
};
const broken = () => Promise.reject(new Error("D1_ERROR: Network connection lost."));

describe.each(BOUNDS)("with a bound of $REVOCATION_SECONDS s", ({ retryMs, ...settings }) => {
  const boundMs = settings.REVOCATION_SECONDS * 1000;
  const outageMs = settings.OUTAGE_SECONDS * 1000;

  test.each([
    [-1, "valid"],
    [0, "KEY_REVOKED"],
  ])("a key revoked elsewhere is answered, %i ms past it, with %s", async (past, expected) => {
    const { id, rawKey } = await createKey();
    const { pass, verify } = joined(settings);
    await verify(rawKey);
    await revoke(id);
    pass(boundMs + past);
    expect(await outcome(verify(rawKey))).toBe(expected);
  });

  test.each([
    [-1, "stale"],
    [0, "UNAVAILABLE"],
  ])("a held key is answered, %i ms past the outage that is bridged, with %s", async (past, expected) => {
    logged();
    const { rawKey } = await createKey();
    const state = { isBroken: false };
    const { pass, verify } = joined(settings, () => (state.isBroken ? broken() : undefined));
    await verify(rawKey);
    state.isBroken = true;
    pass(outageMs + past);
    expect(await outcome(verify(rawKey))).toBe(expected);
  });

  test(`a database that does not answer is asked every ${retryMs} ms`, async () => {
    logged();
    const { rawKey } = await createKey();
    const state = { isBroken: false, readAt: [0] };
    const { pass, verify } = joined(settings, () => {
      state.readAt.push(Date.now());
      return state.isBroken ? broken() : undefined;
    });
    await verify(rawKey);
    state.isBroken = true;
    pass(boundMs);
    await verify(rawKey);
    const failedAt = Date.now();
    state.readAt = [];
    for (let ms = 0; ms < 10_000; ms += 100) {
      pass(100);
      await verify(rawKey);
      // For what is asked behind the answer.
      await new Promise((resolve) => setTimeout(resolve));
    }
    const expected = Array.from({ length: 10_000 / retryMs }, (_, i) => failedAt + (i + 1) * retryMs);
    expect(state.readAt).toEqual(expected);
  });

  test("what is known is past it by a timer as well, as a clock may be set back", async () => {
    const { id, rawKey } = await createKey();
    const { verify, wake } = joined(settings);
    await verify(rawKey);
    await revoke(id);
    expect(await outcome(verify(rawKey))).toBe("valid");
    wake(boundMs);
    await new Promise((resolve) => setTimeout(resolve));
    expect(await outcome(verify(rawKey))).toBe("KEY_REVOKED");
  });
});

test("a caller waits for a database that does not answer for two seconds", async () => {
  logged();
  const { rawKey } = await createKey();
  const asked = Promise.withResolvers<void>();
  const asleep = Promise.withResolvers<void>();
  onTestFinished(() => asleep.reject(new Error("asleep for good")));
  const { verify } = joined({}, () => {
    asked.resolve();
    return asleep.promise;
  });
  vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"] });
  let said = "";
  void outcome(verify(rawKey)).then((verdict) => {
    said = verdict;
  });
  await asked.promise;
  await vi.advanceTimersByTimeAsync(CALLER_WAIT_MS - 1);
  expect(said).toBe("");
  await vi.advanceTimersByTimeAsync(1);
  expect(said).toBe("UNAVAILABLE");
});

test("far more than 2,000 keys are held", { timeout: 30_000 }, async () => {
  const state = { reads: 0 };
  const { format, verify } = joined({}, () => void state.reads++);
  const made = await Promise.all(Array.from({ length: 2_100 }, () => format.create()));
  await env.DB.prepare(`INSERT INTO api_keys (id, company_id, label, key_prefix, digest, scopes, created_at)
    SELECT value, 'acme', 'x', 'x', value, '[]', 1 FROM json_each(?)`)
    .bind(JSON.stringify(made.map(({ digest }) => digest)))
    .run();
  const verifyAll = async () => {
    for (let i = 0; i < made.length; i += AT_ONCE) {
      const some = made.slice(i, i + AT_ONCE).map(({ rawKey }) => outcome(verify(rawKey)));
      expect(new Set(await Promise.all(some))).toEqual(new Set(["valid"]));
    }
  };
  await verifyAll();
  state.reads = 0;
  await verifyAll();
  expect(state.reads).toBe(0);
});

test("uses reach the queue, and refusals the log", async () => {
  const lines = logged();
  const { id, rawKey } = await createKey();
  const sent: UsageReport[] = [];
  const { verify, wake } = joined({
    USAGE: { send: async (reports: UsageReport[]) => void sent.push(...reports) },
  });
  await verify(rawKey);
  await revoke(id);
  vi.setSystemTime(Date.now() + 10_000);
  await verify(rawKey);
  await verify("lk_live_x");
  for (let i = 0; i < 2; i++) wake(10_000);
  await new Promise((resolve) => setTimeout(resolve));
  expect(sent).toMatchObject([
    { database: "00", keys: [{ keyId: id, companyId: "acme", allowed: 1, denied: 1 }] },
  ]);
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    { event: "key_refused", keyId: id, error: "KEY_REVOKED", reason: "revoked" },
    { event: "unknown_keys_refused", count: 1 },
  ]);
});

test("a key that cannot be looked up in an outage is not logged as one that does not exist", async () => {
  const { rawKey } = await createKey();
  const lines = logged();
  const { verify } = joined({}, broken);
  expect(await outcome(verify(rawKey))).toBe("UNAVAILABLE");
  const told = lines.map((line) => JSON.parse(line).event);
  expect(new Set(told)).toEqual(new Set(["database_read_failed"]));
});

test("with a METRICS binding verdicts and reads are counted", async () => {
  const { rawKey } = await createKey();
  const points: AnalyticsEngineDataPoint[] = [];
  const METRICS = { writeDataPoint: (point: AnalyticsEngineDataPoint) => void points.push(point) };
  const { verify, pass, wake } = joined({ METRICS });
  await verify(rawKey);
  pass(1_000);
  await verify(rawKey);
  await verify("lk_live_x");
  wake(10_000);
  await new Promise((resolve) => setTimeout(resolve));
  const told = points.map(({ blobs, doubles = [] }) => [
    blobs?.[0],
    Object.fromEntries(COLUMNS.map((name, i) => [name, doubles[i]])),
  ]);
  expect(Object.fromEntries(told)).toMatchObject({
    acme: { VALID: 2, held: 1, age_ms: 1_000 },
    "": { UNAUTHORIZED: 1, reads: 1, reads_failed: 0 },
  });
});

test("verifications are counted by key, and failures by network", async () => {
  const { id, rawKey } = await createKey();
  const counted: Record<string, string[]> = { keys: [], failures: [] };
  const limiter = (name: string) => ({
    limit: async ({ key }: { key: string }) => {
      counted[name]?.push(key);
      return { success: false };
    },
  });
  const { verify } = joined({ VERIFICATIONS_LIMIT: limiter("keys"), FAILURES_LIMIT: limiter("failures") });
  expect(await outcome(verify(rawKey, "2001:db8::1"))).toBe("valid");
  expect(await outcome(verify(rawKey, "2001:db8::1"))).toBe("RATE_LIMITED");
  expect(await outcome(verify("lk_live_x", "2001:db8::2"))).toBe("UNAUTHORIZED");
  expect(await outcome(verify("lk_live_x", "2001:db8::3"))).toBe("RATE_LIMITED");
  expect(counted.keys).toEqual([id, id]);
  expect(new Set(counted.failures)).toEqual(new Set(["2001:db8:0:0::/64"]));
});

test("all keys of a company with a rate tier have one limit, and those of other companies none", async () => {
  const keys = await Promise.all(Array.from({ length: 20 }, () => createKey()));
  const [other, untiered] = [
    await createKey({}, { company: "globex" }),
    await createKey({}, { company: "initech" }),
  ];
  await setCompany({ rateTier: "free" });
  await setCompany({ rateTier: "pro" }, "globex");
  await setCompany({ maxLiveKeys: 1 }, "initech");
  const counted: string[] = [];
  const LIMIT_FREE = {
    limit: async ({ key }: { key: string }) => ({ success: counted.push(key) < 5 }),
  };
  const state = { reads: 0 };
  const { verify } = joined({ LIMIT_FREE }, () => void state.reads++);
  const verifyAll = async () => {
    const outcomes: string[] = [];
    for (const { rawKey } of keys) outcomes.push(await outcome(verify(rawKey)));
    return outcomes;
  };
  expect(await verifyAll()).toEqual([...Array(5).fill("valid"), ...Array(15).fill("RATE_LIMITED")]);
  expect(counted).toEqual(Array(5).fill("acme"));
  state.reads = 0;
  expect(await verifyAll()).toEqual(Array(20).fill("RATE_LIMITED"));
  expect([state.reads, counted.length]).toEqual([0, 5]);
  for (const { rawKey } of [other, untiered]) expect(await outcome(verify(rawKey))).toBe("valid");
  expect(counted).toHaveLength(5);
});

test("a company's tier changes everywhere within the bound", async () => {
  const { rawKey } = await createKey();
  await setCompany({ rateTier: "free" });
  const limit = (success: boolean) => ({ limit: async () => ({ success }) });
  const { verify, pass } = joined({ LIMIT_FREE: limit(false), LIMIT_PRO: limit(true) });
  await verify(rawKey);
  expect(await outcome(verify(rawKey))).toBe("RATE_LIMITED");
  for (const [rateTier, expected] of [
    ["pro", "valid"],
    ["free", "RATE_LIMITED"],
    [null, "valid"],
  ] as const) {
    await setCompany({ rateTier });
    pass(env.REVOCATION_SECONDS * 1000);
    await verify(rawKey);
    expect(await outcome(verify(rawKey))).toBe(expected);
  }
});

test("a tier whose limit is taken out of wrangler.toml limits nobody", async () => {
  const { rawKey } = await createKey();
  await setCompany({ rateTier: "free" });
  const { verify } = joined({ LIMIT_FREE: undefined });
  for (let i = 0; i < 3; i++) expect(await outcome(verify(rawKey))).toBe("valid");
});

test("an isolate refuses at once what it has revoked itself", async () => {
  const { rawKey } = await createKey();
  const { keys, verify } = joined();
  await verify(rawKey);
  await keys.revokePresented(rawKey);
  expect(await outcome(verify(rawKey))).toBe("KEY_REVOKED");
});

test("isolates of a data centre share records: the first use of a key that another one has looked up reads nothing", async () => {
  const [key, other] = [await createKey(), await createKey()];
  const one = joined();
  expect(await outcome(one.verify(other.rawKey))).toBe("valid");
  expect(await outcome(one.verify(key.rawKey))).toBe("valid");
  await vi.waitFor(async () => {
    let reads = 0;
    const two = joined({}, () => void reads++);
    expect(await outcome(two.verify(other.rawKey))).toBe("valid");
    const before = reads;
    expect(await outcome(two.verify(key.rawKey))).toBe("valid");
    expect(reads).toBe(before);
  });
});

describe("over several databases", () => {
  /** A key in each database but `DB`, and an isolate whose `DB_01` does what `state` says. */
  async function two() {
    const bindings = await threeDatabases();
    const place = (name: string) => appWith({ ...bindings, PLACE_NEW_COMPANIES: name });
    const first = await createKey({}, { company: "acme", target: place("01") });
    const second = await createKey({}, { company: "globex", target: place("02") });
    const state: { isAsleep: boolean; reads: Record<string, number> } = { isAsleep: false, reads: {} };
    const watched = (name: string, d1: D1Database) =>
      hooked(d1, () => {
        state.reads[name] = (state.reads[name] ?? 0) + 1;
        return state.isAsleep && name === "01" ? broken() : undefined;
      });
    const joint = joined({
      DB_01: watched("01", bindings.DB_01),
      DB_02: watched("02", bindings.DB_02),
    });
    return { ...joint, ...bindings, first, second, state };
  }
  const change = (d1: D1Database, count: number) =>
    d1
      .prepare("INSERT INTO key_changes (digest) SELECT value FROM json_each(?)")
      .bind(JSON.stringify(Array.from({ length: count }, (_, i) => `other ${i}`)))
      .run();
  const revokeIn = (d1: D1Database, { id }: { id: string }) =>
    d1.prepare("UPDATE api_keys SET revoked_at = unixepoch() * 1000 WHERE id = ?").bind(id).run();

  test("each key is looked up in its own database alone", async () => {
    const { verify, first, second, state } = await two();
    expect(await outcome(verify(first.rawKey))).toBe("valid");
    expect(state.reads).toEqual({ "01": 1 });
    expect(await outcome(verify(second.rawKey))).toBe("valid");
    expect(state.reads).toEqual({ "01": 1, "02": 1 });
    expect(await outcome(verify("lk_live_x"))).toBe("UNAUTHORIZED");
    expect(state.reads).toEqual({ "01": 1, "02": 1 });
  });

  test("a key whose database is not bound is told of in the log", async () => {
    const { second } = await two();
    const lines = logged();
    const { verify } = joined();
    expect(await outcome(verify(second.rawKey))).toBe("UNAUTHORIZED");
    const told = lines.map((line) => JSON.parse(line));
    expect(told).toContainEqual({ event: "database_missing", database: "02", keys: 1 });
  });

  test("a database that is asleep makes its own keys stale, and no others", async () => {
    logged();
    const { verify, pass, first, second, state } = await two();
    for (const { rawKey } of [first, second]) expect(await outcome(verify(rawKey))).toBe("valid");
    state.isAsleep = true;
    for (let seconds = 0; seconds < 80; seconds += 10) {
      pass(10_000);
      expect(await outcome(verify(first.rawKey))).toBe("stale");
      expect(await outcome(verify(second.rawKey))).toBe("valid");
    }
    state.isAsleep = false;
    pass(10_000);
    expect(await outcome(verify(first.rawKey))).toBe("valid");
  });

  // Where one cursor stood for both, the shorter feed would seem to have nothing new.
  test.each([
    ["shorter", 0],
    ["longer", 50],
  ])(
    "a key revoked elsewhere is refused after the bound, where the feed of its database is %s",
    async (_, more) => {
      const { verify, pass, first, second, DB_01, DB_02 } = await two();
      await change(DB_01, 20);
      await change(DB_02, more);
      for (const { rawKey } of [first, second]) expect(await outcome(verify(rawKey))).toBe("valid");
      await revokeIn(DB_02, second);
      pass(5_000);
      expect(await outcome(verify(first.rawKey))).toBe("valid");
      expect(await outcome(verify(second.rawKey))).toBe("KEY_REVOKED");
    },
  );

  test("after a restore of one database, keys of that one alone are looked up afresh", async () => {
    const { verify, pass, first, second, state, DB_02 } = await two();
    await change(DB_02, 5);
    for (const { rawKey } of [first, second]) await verify(rawKey);
    await DB_02.exec("DELETE FROM key_changes WHERE seq > 1");
    pass(5_000);
    state.reads = {};
    for (const { rawKey } of [first, second]) expect(await outcome(verify(rawKey))).toBe("valid");
    expect(state.reads["01"]).toBe(1);
    pass(1_000);
    state.reads = {};
    for (const { rawKey } of [first, second]) expect(await outcome(verify(rawKey))).toBe("valid");
    expect(state.reads).toEqual({});
  });

  test("an isolate refuses at once what it has revoked itself in any of them", async () => {
    const { keys, verify, first, second } = await two();
    for (const { rawKey } of [first, second]) {
      expect(await outcome(verify(rawKey))).toBe("valid");
      await keys.revokePresented(rawKey);
      expect(await outcome(verify(rawKey))).toBe("KEY_REVOKED");
    }
  });
});
