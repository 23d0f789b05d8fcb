import { createExecutionContext, createMessageBatch, getQueueResult } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import worker from "../../src/index.ts";
import type { ApiKey } from "../../src/keys/schema.ts";
import type { UsageReport } from "../../src/usage/recorder.ts";
import type { DayUsage } from "../../src/usage/schema.ts";
import { mergeReports } from "../../src/usage/store.ts";
import { createKey, manage } from "../support/api.ts";
import { hooked } from "../support/d1.ts";

const today = () => new Date().toISOString().slice(0, 10);
const report = (
  keyId: string,
  uses: Partial<UsageReport["keys"][number]> = {},
  day = today(),
): UsageReport => ({
  id: crypto.randomUUID(),
  day,
  keys: [{ keyId, companyId: "acme", allowed: 1, denied: 0, lastUsedAt: 1_000, ...uses }],
});
const usage = async (id: string, options = {}) => manage(`/settings/api-keys/${id}/usage`, options);
const lastDay = async (id: string) => (await (await usage(id)).json<DayUsage[]>()).at(-1);

async function deliver(...reports: UsageReport[]) {
  const messages = reports.map((body, i) => ({ id: `m${i}`, timestamp: new Date(), attempts: 1, body }));
  const batch = createMessageBatch<UsageReport>("latchkey-usage", messages);
  const context = createExecutionContext();
  await worker.queue(batch, env);
  return getQueueResult(batch, context);
}

test("reports are added up by key and day", async () => {
  const { id } = await createKey();
  await deliver(report(id, { allowed: 2, denied: 1 }), report(id, { allowed: 3 }));
  expect(await lastDay(id)).toEqual({ day: today(), allowed: 5, denied: 1 });
});

test("a report that is delivered twice counts once", async () => {
  const { id } = await createKey();
  const once = report(id, { allowed: 2 });
  await deliver(once, once);
  await deliver(once, report(id));
  expect(await lastDay(id)).toMatchObject({ allowed: 3 });
});

test("a batch that is cut off in the middle and delivered again counts exactly", async () => {
  const { id } = await createKey();
  const reports = [report(id, { allowed: 2 }), report(id, { allowed: 3 })];
  let lost = 0;
  const losing = hooked(env.DB, async () => {
    if (lost++ < 3) throw new Error("D1_ERROR: Network connection lost.");
  });
  await expect(mergeReports(losing, reports, Date.now())).rejects.toThrow();
  await mergeReports(env.DB, reports.slice(0, 1), Date.now());
  await mergeReports(env.DB, reports, Date.now());
  expect(await lastDay(id)).toMatchObject({ allowed: 5 });
});

test("the time of the last use moves forward only, and not by refusals", async () => {
  const { id } = await createKey();
  const lastUsedAt = async () => (await (await manage(`/settings/api-keys/${id}`)).json<ApiKey>()).lastUsedAt;
  await deliver(report(id, { allowed: 0, denied: 1, lastUsedAt: null }));
  expect(await lastUsedAt()).toBeNull();
  await deliver(report(id, { lastUsedAt: 5_000 }));
  await deliver(report(id, { lastUsedAt: 4_000 }));
  expect(await lastUsedAt()).toBe("1970-01-01T00:00:05.000Z");
});

test("counting is no change that isolates must hear of", async () => {
  const { id } = await createKey();
  const changes = async () =>
    (await env.DB.prepare("SELECT count(*) AS n FROM key_changes").first<number>("n")) ?? 0;
  const before = await changes();
  await deliver(report(id));
  expect(await changes()).toBe(before);
});

test("the last 30 days are shown, oldest first, those without a use as zero", async () => {
  const { id } = await createKey();
  const ago = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10);
  await deliver(report(id, { allowed: 4 }, ago(29)), report(id, { allowed: 9 }, ago(30)));
  const days = await (await usage(id)).json<DayUsage[]>();
  expect(days).toHaveLength(30);
  expect(days[0]).toEqual({ day: ago(29), allowed: 4, denied: 0 });
  expect(days.slice(1)).toEqual(
    Array.from({ length: 29 }, (_, i) => ({ day: ago(28 - i), allowed: 0, denied: 0 })),
  );
});

test("another company's key has no usage: 404", async () => {
  const { id } = await createKey();
  await deliver(report(id));
  expect((await usage(id, { company: "globex" })).status).toBe(404);
  expect((await usage(crypto.randomUUID())).status).toBe(404);
});

test("a report that names another company than the key's moves nothing of the key", async () => {
  const { id } = await createKey();
  await deliver(report(id, { companyId: "globex", lastUsedAt: 9_000 }));
  expect(await (await manage(`/settings/api-keys/${id}`)).json()).toMatchObject({ lastUsedAt: null });
});

test("a batch of nothing is nothing", async () => {
  let queries = 0;
  await mergeReports(
    hooked(env.DB, () => void queries++),
    [],
    0,
  );
  expect(queries).toBe(0);
});
