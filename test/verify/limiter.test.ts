import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { networkOf } from "../../src/lib/address.ts";
import { Limiter } from "../../src/verify/limiter.ts";
import { appWith, createKey, manage } from "../support/api.ts";
import { setCompany } from "../support/companies.ts";
import { logged } from "../support/expect.ts";
import { BOUND_MS, isolate } from "../support/verifier.ts";

/** What the limiter of the tests allows in a minute. */
const LIMIT = 20;
const BLOCK_MS = 10_000;
const someone = () => crypto.randomUUID();
const counts: Promise<unknown>[] = [];
const limiter = (binding: RateLimit) => new Limiter(binding, (work) => counts.push(work));
const failureLimit = () => limiter(env.FAILURES_LIMIT);

/** Waits until what was counted behind the answers is counted. */
const counted = () => Promise.all(counts.splice(0));

async function floods(verifier: ReturnType<typeof isolate>, clientIp: string) {
  const errors: unknown[] = [];
  for (let i = 0; i < 2 * LIMIT; i++) {
    const verdict = await verifier.verify("lk_live_forged", { clientIp });
    errors.push(!verdict.valid && verdict.error);
    await counted();
  }
  return errors;
}

test("failed verifications of one address over the limit are RATE_LIMITED", async () => {
  const errors = await floods(isolate({ failureLimit: failureLimit() }), someone());
  expect(errors.slice(0, LIMIT)).toEqual(Array(LIMIT).fill("UNAUTHORIZED"));
  expect(errors.slice(-LIMIT / 2)).toEqual(Array(LIMIT / 2).fill("RATE_LIMITED"));
});

test("an address over the limit reaches the database no more, but good keys that are held still pass", async () => {
  const [held, other] = [await createKey(), await createKey()];
  const verifier = isolate({ failureLimit: failureLimit() });
  const clientIp = someone();
  await verifier.verify(held.rawKey, { clientIp });
  await floods(verifier, clientIp);
  verifier.queries.length = 0;
  expect((await verifier.verify(held.rawKey, { clientIp })).valid).toBe(true);
  expect(await verifier.verify(other.rawKey, { clientIp })).toMatchObject({ error: "RATE_LIMITED" });
  expect(verifier.queries).toEqual([]);
  expect((await verifier.verify(other.rawKey, { clientIp: someone() })).valid).toBe(true);
});

test("whoever is over the limit is refused for ten seconds, then the limiter is asked again", async () => {
  const { rawKey } = await createKey();
  const verifier = isolate({ failureLimit: failureLimit() });
  const clientIp = someone();
  await floods(verifier, clientIp);
  verifier.clock.now += BLOCK_MS - 1;
  expect(await verifier.verify(rawKey, { clientIp })).toMatchObject({ error: "RATE_LIMITED" });
  verifier.clock.now += 1;
  expect((await verifier.verify(rawKey, { clientIp })).valid).toBe(true);
});

test("to ask for strong consistency is no way round the limit of failures", async () => {
  const { rawKey } = await createKey();
  const verifier = isolate({ failureLimit: failureLimit() });
  const clientIp = someone();
  await floods(verifier, clientIp);
  verifier.queries.length = 0;
  const verdict = await verifier.verify(rawKey, { clientIp, consistency: "strong" });
  expect(verdict).toMatchObject({ error: "RATE_LIMITED" });
  expect(verifier.queries).toEqual([]);
});

test.each(["bounded", "strong"] as const)(
  "a genuine key that the database does not have is a failure of its address, asked %s",
  async (consistency) => {
    const { rawKey } = await createKey();
    await env.DB.prepare("DELETE FROM api_keys").run();
    const verifier = isolate({ failureLimit: failureLimit() });
    const clientIp = someone();
    for (let i = 0; i < 2 * LIMIT; i++) {
      await verifier.verify(rawKey, { clientIp, consistency });
      await verifier.settle();
    }
    expect(await verifier.verify(rawKey, { clientIp })).toMatchObject({ error: "RATE_LIMITED" });
  },
);

test("failures without an address, and refusals of genuine keys, count for nobody", async () => {
  const { rawKey } = await createKey({ scopes: ["jobs:read"] });
  const verifier = isolate({ failureLimit: failureLimit() });
  const clientIp = someone();
  for (let i = 0; i < 2 * LIMIT; i++) {
    expect(await verifier.verify("x")).toMatchObject({ error: "UNAUTHORIZED" });
    expect(await verifier.verify(rawKey, { clientIp, scopes: ["jobs:write"] })).toMatchObject({
      error: "FORBIDDEN",
    });
    await counted();
  }
});

test("verifications of one key over the limit are RATE_LIMITED, and counted as denied", async () => {
  const [busy, other] = [await createKey(), await createKey()];
  const seen: boolean[] = [];
  const keyLimit = limiter(env.FAILURES_LIMIT);
  const verifier = isolate({ keyLimit, onVerdict: (_, refusal) => seen.push(refusal === null) });
  for (let i = 0; i < 2 * LIMIT; i++) {
    await verifier.verify(busy.rawKey);
    await counted();
  }
  expect(await verifier.verify(busy.rawKey)).toMatchObject({ error: "RATE_LIMITED" });
  expect(seen.filter(Boolean).length).toBeGreaterThanOrEqual(LIMIT);
  expect(seen.at(-1)).toBe(false);
  expect((await verifier.verify(other.rawKey)).valid).toBe(true);
});

test("refusals of a genuine key count in its limit", async () => {
  const { rawKey } = await createKey({ scopes: ["jobs:read"] });
  const verifier = isolate({ keyLimit: limiter(env.FAILURES_LIMIT) });
  for (let i = 0; i < 2 * LIMIT; i++) {
    await verifier.verify(rawKey, { scopes: ["jobs:write"] });
    await counted();
  }
  expect(await verifier.verify(rawKey)).toMatchObject({ error: "RATE_LIMITED" });
});

test("a limiter that fails limits nobody", async () => {
  const limit = () => Promise.reject(new Error("no limiter"));
  const verifier = isolate({ failureLimit: limiter({ limit }) });
  expect(await floods(verifier, someone())).toEqual(Array(2 * LIMIT).fill("UNAUTHORIZED"));
});

test("management calls of one company over the limit are 429 with Retry-After, others are not", async () => {
  const target = appWith({ MANAGEMENT_LIMIT: env.FAILURES_LIMIT });
  const company = someone();
  const statuses: number[] = [];
  for (let i = 0; i < 2 * LIMIT; i++)
    statuses.push((await manage("/settings/scopes", { target, company })).status);
  expect(statuses).toEqual([...Array(LIMIT).fill(200), ...Array(LIMIT).fill(429)]);
  const refused = await manage("/settings/api-keys", { target, company });
  expect(refused.headers.get("Retry-After")).toBe("60");
  expect(await refused.json()).toMatchObject({ status: 429, error: "RATE_LIMITED" });
  expect((await manage("/settings/scopes", { target, company: someone() })).status).toBe(200);
});

test("without a limiter there is no limit", async () => {
  const target = appWith({ MANAGEMENT_LIMIT: undefined });
  for (let i = 0; i < 2 * LIMIT; i++) expect((await manage("/settings/scopes", { target })).status).toBe(200);
});

test.each([
  ["192.0.2.7", "192.0.2.7"],
  ["::ffff:192.0.2.7", "192.0.2.7"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
  ["2001:0DB8:1:2::9", "2001:db8:1:2::/64"],
  ["2001:db8::1", "2001:db8:0:0::/64"],
  ["::1", "0:0:0:0::/64"],
])("what one caller has of addresses is one: %s", (address, network) => {
  expect(networkOf(address)).toBe(network);
});

test("failures from one /64 are those of one caller", async () => {
  const failureLimit = new Limiter(env.FAILURES_LIMIT, (work) => counts.push(work), networkOf);
  const verifier = isolate({ failureLimit });
  const network = `2001:db8:${Math.floor(Math.random() * 65_536).toString(16)}:1`;
  const errors: unknown[] = [];
  for (let i = 0; i < 2 * LIMIT; i++) {
    const verdict = await verifier.verify("lk_live_forged", { clientIp: `${network}::${i.toString(16)}` });
    errors.push(!verdict.valid && verdict.error);
    await counted();
  }
  expect(errors.at(-1)).toBe("RATE_LIMITED");
});

test("a good key that is held passes from an address over the limit, also when the feed must be read first", async () => {
  const { rawKey } = await createKey();
  const verifier = isolate({ failureLimit: failureLimit() });
  const clientIp = someone();
  await verifier.verify(rawKey, { clientIp });
  for (const pause of [0, BOUND_MS / 2, BOUND_MS]) {
    await floods(verifier, clientIp);
    verifier.clock.now += pause;
    await floods(verifier, clientIp);
    expect(await verifier.verify(rawKey, { clientIp })).toMatchObject({ valid: true });
    await verifier.settle();
  }
});

test("a company's tier limits its keys together, at its own limiter, and beside the limit of each key", async () => {
  const company = someone();
  const keys = [await createKey({}, { company }), await createKey({}, { company })];
  await setCompany({ rateTier: "free" }, company);
  const tierLimits = new Map([["free", limiter(env.FAILURES_LIMIT)]]);
  const verifier = isolate({ tierLimits });
  const outcomes: unknown[] = [];
  for (let i = 0; i < 2 * LIMIT; i++) {
    const verdict = await verifier.verify(keys[i % 2]?.rawKey ?? "");
    outcomes.push(verdict.valid || verdict.error);
    await counted();
  }
  expect(outcomes.slice(0, LIMIT)).toEqual(Array(LIMIT).fill(true));
  expect(outcomes.slice(LIMIT + 2)).toEqual(Array(LIMIT - 2).fill("RATE_LIMITED"));
  const full = { limit: async () => ({ success: false }) };
  const both = isolate({ keyLimit: limiter(full), tierLimits: new Map([["free", limiter(env.LIMIT_FREE)]]) });
  await both.verify(keys[0]?.rawKey ?? "");
  await counted();
  expect(await both.verify(keys[0]?.rawKey ?? "")).toMatchObject({ error: "RATE_LIMITED" });
  expect(await both.verify(keys[1]?.rawKey ?? "")).toMatchObject({ valid: true });
});

test("refused keys take nothing of their company's tier, and stay what they are when it is used up", async () => {
  const company = someone();
  const [good, revoked] = [await createKey({}, { company }), await createKey({}, { company })];
  await manage(`/settings/api-keys/${revoked.id}`, { method: "DELETE", company });
  await setCompany({ rateTier: "free" }, company);
  let counts = 0;
  const binding = { limit: async () => ({ success: ++counts < 1 }) };
  const { verify } = isolate({ tierLimits: new Map([["free", limiter(binding)]]) });
  for (let i = 0; i < 3; i++) expect(await verify(revoked.rawKey)).toMatchObject({ error: "KEY_REVOKED" });
  expect(await verify(good.rawKey, { scopes: ["none"] })).toMatchObject({ error: "FORBIDDEN" });
  expect(counts).toBe(0);
  expect(await verify(good.rawKey)).toMatchObject({ valid: true });
  await counted();
  expect(await verify(good.rawKey)).toMatchObject({ error: "RATE_LIMITED" });
  expect(await verify(revoked.rawKey)).toMatchObject({ error: "KEY_REVOKED" });
  expect(counts).toBe(1);
});

test("a refusal of a genuine key that cost a read counts as a failure", async () => {
  const { id, rawKey } = await createKey();
  await manage(`/settings/api-keys/${id}`, { method: "DELETE" });
  const verifier = isolate({ failureLimit: failureLimit() });
  const clientIp = someone();
  const errors: unknown[] = [];
  for (let i = 0; i < 2 * LIMIT; i++) {
    const verdict = await verifier.verify(rawKey, { clientIp, consistency: "strong" });
    errors.push(!verdict.valid && verdict.error);
    await counted();
  }
  expect(errors[0]).toBe("KEY_REVOKED");
  expect(errors.at(-1)).toBe("RATE_LIMITED");
});

test("a revocation is never refused by a limit, and one subject's calls are not another's", async () => {
  const { id } = await createKey();
  const target = appWith({ MANAGEMENT_LIMIT: env.FAILURES_LIMIT });
  const sub = someone();
  const ask = async () => (await manage("/settings/scopes", { target, claims: { sub } })).status;
  // They may begin in one period of the limiter and end in the next.
  let calls = 0;
  while (calls++ < 3 * LIMIT && (await ask()) === 200);
  expect(await ask()).toBe(429);
  expect((await manage("/settings/scopes", { target, claims: { sub: someone() } })).status).toBe(200);
  const revoked = await manage(`/settings/api-keys/${id}`, { method: "DELETE", target, claims: { sub } });
  expect(revoked.status).toBe(204);
});

test("a limiter of the management API that fails limits nobody, and the log says so", async () => {
  const lines = logged();
  const limit = () => Promise.reject(new Error("no limiter"));
  const target = appWith({ MANAGEMENT_LIMIT: { limit } });
  expect((await manage("/settings/scopes", { target })).status).toBe(200);
  expect(lines.join()).toContain("rate_limiter_failed");
});
