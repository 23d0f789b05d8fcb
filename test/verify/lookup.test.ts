import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { type CreatedKey, createKey, manage } from "../support/api.ts";
import { hooked } from "../support/d1.ts";
import { logged } from "../support/expect.ts";
import { replicated } from "../support/replica.ts";
import { BOUND_MS, isolate } from "../support/verifier.ts";

const revoke = ({ id }: CreatedKey) => manage(`/settings/api-keys/${id}`, { method: "DELETE" });
const outcome = async (verdict: Promise<{ valid: boolean; error?: string }>) =>
  (await verdict).error ?? "valid";

/** The database, and with what each session of it was begun. */
function watched(d1 = env.DB) {
  const sessions: unknown[] = [];
  const withSession: D1Database["withSession"] = (start) => {
    sessions.push(start);
    return d1.withSession(start);
  };
  return { d1: Object.assign(Object.create(env.DB), { withSession }) as D1Database, sessions };
}

test("changes come from the primary, and records from the nearest replica, each in a session of its own", async () => {
  const keys = [await createKey(), await createKey(), await createKey()];
  const { d1, sessions } = watched();
  const { clock, settle, verify } = isolate({ d1 });
  for (const { rawKey } of keys) expect(await outcome(verify(rawKey))).toBe("valid");
  clock.now += BOUND_MS / 2;
  await verify(keys[0]?.rawKey ?? "");
  await settle();
  expect(sessions).toEqual(["first-primary", "first-unconstrained", "first-unconstrained", "first-primary"]);
});

test("a replica that lags adds nothing to the bound; new keys, strong consistency and management do not wait for it", async () => {
  const { d1, follow } = await replicated();
  const [held, key] = [await createKey(), await createKey()];
  const { clock, verify } = isolate({ d1 });
  expect(await outcome(verify(held.rawKey))).toBe("valid");
  expect(await outcome(verify(key.rawKey))).toBe("valid");
  await follow();
  await revoke(held);
  expect(await outcome(verify(held.rawKey, { consistency: "strong" }))).toBe("KEY_REVOKED");
  const listed = await (await manage(`/settings/api-keys/${held.id}`)).json();
  expect(listed).toMatchObject({ active: false });
  await revoke(key);
  clock.now += BOUND_MS;
  expect(await outcome(verify(key.rawKey))).toBe("KEY_REVOKED");
});

test("a record that a replica has is used where none of the changes since is of its key", async () => {
  const keys = [await createKey(), await createKey(), await createKey()];
  const [known, changed, other] = keys.map(({ rawKey }) => rawKey);
  const { d1, follow } = await replicated();
  await follow();
  const { d1: counted, sessions } = watched(d1);
  const { clock, settle, verify } = isolate({ d1: counted });
  await verify(known ?? "");
  if (keys[1]) await revoke(keys[1]);
  clock.now += BOUND_MS / 2;
  await verify(known ?? "");
  await settle();
  sessions.length = 0;
  expect(await outcome(verify(other ?? ""))).toBe("valid");
  expect(sessions).toEqual(["first-unconstrained"]);
  expect(await outcome(verify(changed ?? ""))).toBe("KEY_REVOKED");
  expect(sessions).toEqual(["first-unconstrained", "first-unconstrained", "first-primary"]);
});

test("a record of before the isolate's first change is not used", async () => {
  const { d1, follow } = await replicated();
  const [known, key] = [await createKey(), await createKey()];
  await follow();
  await revoke(key);
  const { verify } = isolate({ d1 });
  await verify(known.rawKey);
  expect(await outcome(verify(key.rawKey))).toBe("KEY_REVOKED");
});

test("what a replica says counts as of what is known of the changes", async () => {
  const [known, key] = [await createKey(), await createKey()];
  const { clock, verify } = isolate();
  await verify(known.rawKey);
  const { now } = clock;
  clock.now += 1_000;
  expect(await verify(key.rawKey)).toMatchObject({
    valid: true,
    checkedAt: new Date(now).toISOString(),
    stale: false,
  });
});

test("where the nearest replica fails the primary is asked, and after two failures for a while it alone", async () => {
  const keys = [await createKey(), await createKey(), await createKey(), await createKey()];
  const { d1, sessions } = watched();
  let isBroken = false;
  const { verify } = isolate({
    d1: hooked(d1, () => {
      if (isBroken && sessions.at(-1) === "first-unconstrained")
        throw new Error("D1_ERROR: Network connection lost.");
    }),
  });
  logged();
  await verify(keys[0]?.rawKey ?? "");
  isBroken = true;
  for (const { rawKey } of keys) expect(await outcome(verify(rawKey))).toBe("valid");
  expect(sessions.filter((start) => start === "first-unconstrained")).toHaveLength(2);
});

test("of the reads that begin within a second, of the primary or of a replica, the first alone goes on behind its answer and is watched", async () => {
  const keys = await Promise.all(Array.from({ length: 6 }, () => createKey()));
  const { settle, verify, waits } = isolate();
  await Promise.all(keys.slice(0, 3).map(({ rawKey }) => verify(rawKey)));
  expect(await settle()).toBe(1);
  await Promise.all(keys.slice(3).map(({ rawKey }) => verify(rawKey)));
  expect(await settle()).toBe(1);
  expect(waits).toEqual([BOUND_MS]);
});

test("a key that is not held is asked for at once, however many reads are under way", async () => {
  const { rawKey } = await createKey();
  const { clock, feed, verify } = isolate();
  for (let i = 0; i < 100; i++) feed.reads.begin(clock.now);
  expect(await outcome(verify(rawKey))).toBe("valid");
});
