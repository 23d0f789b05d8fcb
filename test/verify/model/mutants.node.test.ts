import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { random } from "../../../bench/chance.ts";
import { load, type Mutant, sqlite } from "./code.ts";
import type { Sqlite } from "./database.ts";
import { examples, histories, live } from "./run.ts";
import { type Code, ISOLATES, KEYS, World } from "./world.ts";

/** Ways to break the code, each of which the model must notice: file, what stands there, what is put there. */
const MUTANTS: Record<string, Mutant> = {
  "an old read puts its record back": [
    "changes.ts",
    "return head >= Math.max(",
    "return head >= 0 * Math.max(",
  ],
  "a forgotten change is taken for none": ["changes.ts", "this.#forgetUpTo(this.#oldMax);", ""],
  "too many changes made here are forgotten": ["changes.ts", "this.#unconfirmed.set(EVERY_KEY, next);", ""],
  "an older read of the primary confirms a change": ["changes.ts", "if (next > number) break;", ""],
  "a read from before a restore undoes what the primary refused after it": [
    "changes.ts",
    "number < Math.max(this.#since",
    "0 * number > Math.max(this.#since",
  ],
  "a new beginning forgets what the primary refused": [
    "changes.ts",
    "const later = [...changes].filter(([, at]) => at > seq);",
    "const later = [];",
  ],
  "the first new change is passed over": ["feed.ts", "changes.slice(at + 1)", "changes.slice(at + 2)"],
  "changes are not applied": ["feed.ts", "        this.#records.delete(change.digest);\n", ""],
  "a change of every key is not applied": [
    "feed.ts",
    "if (change.digest === EVERY_KEY) this.#startAfresh(change);\n      else {",
    "{",
  ],
  "a read from before a restore puts its record in": ["feed.ts", "this.#startedAt = this.reads.next;", ""],
  "a page is taken for everything": [
    "feed.ts",
    "const isBehind = (this.#cursor?.seq ?? 0) < head;",
    "const isBehind = false;",
  ],
  "a read counts as of its end": ["freshness.ts", "this.#toldAt = askedAt;", "this.#toldAt = now;"],
  "starting afresh keeps the records": ["feed.ts", "void {\n    this.#records.clear();", "void {"],
  "another feed goes unnoticed": [
    "feed.ts",
    "if (at === -1 && question.cursor !== known) return false;",
    "if (at === -1 && (known !== null || question.cursor !== known)) return known !== null;",
  ],
  "a feed is known by its numbers alone": [
    "snapshot.ts",
    "a?.seq === b?.seq && a?.digest === b?.digest && a?.changedAt === b?.changedAt",
    "a?.seq === b?.seq",
  ],
  "a read of another feed puts its record in": [
    "feed.ts",
    "isFollowed || (question.number >= this.#startedAt && isSame(changes[0], question.cursor))",
    "true",
  ],
  "the bound is not kept": [
    "feed.ts",
    "this.limits = limits;",
    "this.limits = { ...limits, boundMs: 1.2 * limits.boundMs };",
  ],
  "an outage has no end": [
    "feed.ts",
    "(now - this.syncedAt >= outageMs || !this.reads.isFailing(now))",
    "!this.reads.isFailing(now)",
  ],
  "an answer does not end the failure": [
    "feed.ts",
    "if (now - question.askedAt < Math.max(boundMs, waitMs)) this.reads.answer();",
    "",
  ],
  "what the primary refused is not remembered": [
    "feed.ts",
    "      this.#records.delete(digest);\n      this.recent.noteRead(digest, number, head);",
    "",
  ],
  "a change made here is left to the feed": [
    "feed.ts",
    "this.recent.noteUnconfirmed(digests, this.reads.next);",
    "",
  ],
  "a change made here keeps the record": [
    "feed.ts",
    "for (const digest of digests) this.#records.delete(digest);",
    "",
  ],
  "a clock set back unseen makes knowledge new": [
    "freshness.ts",
    "if (this.#syncedBy !== watch) return;",
    "return;",
  ],
  "a clock set back after the bound makes knowledge new": [
    "freshness.ts",
    "this.#syncedAt = Number.NEGATIVE_INFINITY;\n  }",
    "this.#syncedAt = this.#toldAt;\n  }",
  ],
  "a clock set back during a read makes it new": ["freshness.ts", "!watch.isOver && ", ""],
  "one failure is enough": ["reads.ts", "(inDoubt && isNext)", "true"],
  "one failure excuses for ever": [
    "reads.ts",
    "now - this.#failedAt < this.#limits.waitMs",
    "Number.isFinite(this.#failedAt)",
  ],
  "every request asks in the background": [
    "feed.ts",
    'return this.reads.isDue(now) ? "background"',
    'return now > 0 ? "background"',
  ],
  "a late answer is thrown away": [
    "lookup.ts",
    "const absorbed = feed.absorb(asked",
    "if (now() - askedAt >= 1000) throw new Error('late');\n      const absorbed = feed.absorb(asked",
  ],
  "staleness is not told": ["verifier.ts", "feed.syncedAt, feed.isStale(now)", "feed.syncedAt, false"],
  "a failed read looks like an unknown key": [
    "verifier.ts",
    "this.#usable(digest, asked)) ?? this.#refuse(UNAVAILABLE)",
    "this.#usable(digest, asked)) ?? this.#refuse(UNKNOWN)",
  ],
  "the primary is not asked about a new key": [
    "lookup.ts",
    "near?.isCurrent && near.record !== null",
    "near?.isCurrent",
  ],
  "a record known to be old answers its caller": [
    "lookup.ts",
    "near?.isCurrent && near.record !== null",
    "near && near.record !== null",
  ],
  "the primary is not asked where it is asked for": [
    "verifier.ts",
    'options.consistency === "strong"',
    "false",
  ],
  "a clock set back makes a caller wait for the primary for longer": [
    "lookup.ts",
    "Math.min(waitMs, startedAt + waitMs - now())",
    "startedAt + waitMs - now()",
  ],
  "a read waits for another request's read": [
    "lookup.ts",
    "reads.push(this.#begin(question, digest));",
    "reads.push((feed.shared ??= this.#begin(question, digest).finally(() => (feed.shared = undefined))));",
  ],
  "the newest change is not the newest": ["store.ts", "(SELECT max(", "(SELECT min("],
  "a replica is asked in place of the primary": ["store.ts", "await primary(d1)", "await nearest(d1)"],
  "the feed is read from a replica": ["store.ts", "once(() => primaryAlone(d1))", "once(() => nearest(d1))"],
  "a record behind the cursor is kept": [
    "feed.ts",
    "this.#cursor !== null && this.recent.isCurrent(digest, number, head);",
    "this.#cursor !== null;",
  ],
  "a replica's record is used though what is known is too old to judge it by": [
    "feed.ts",
    'isCurrent && this.urgency(now) !== "first"',
    "isCurrent",
  ],
  "a replica's record counts as of now": ["feed.ts", "checkedAt: this.syncedAt", "checkedAt: now"],
  "a replica's record ahead of the cursor gives way to an older one": [
    "feed.ts",
    "if (head > cursor.seq) this.recent.note(digest, head);",
    "",
  ],
  "a replica of before a restore puts its record in": [
    "feed.ts",
    "number >= this.#startedAt && (head < cursor.seq || isSame(changes[0], cursor))",
    "true",
  ],
  "a shared record that the isolate knows to be old is used": [
    "changes.ts",
    "this.isCurrent(digest, Number.POSITIVE_INFINITY, change.seq)",
    "!this.#unconfirmed.has(digest)",
  ],
  "a shared record of a change that the isolate does not know is used": [
    "changes.ts",
    "this.#changes.findLast(({ seq }) => seq <= change.seq),\n        change,",
    "change,\n        change,",
  ],
  "a shared record undoes what the primary refused": [
    "changes.ts",
    "if (this.#since.has(digest) || this.#since.has(EVERY_KEY)) return false;",
    "",
  ],
  "a shared record undoes a change that was made here": [
    "changes.ts",
    "if (this.#unconfirmed.has(digest) || this.#unconfirmed.has(EVERY_KEY)) return false;",
    "if (number < Infinity && (this.#unconfirmed.has(digest) || this.#unconfirmed.has(EVERY_KEY))) return false;",
  ],
  "changes from before the first one are known, but not of which keys they are": [
    "changes.ts",
    "for (const { digest, seq } of known.slice(1)) this.note(digest, seq);",
    "",
  ],
  "a shared answer counts as of now": [
    "shared.ts",
    "return shared && { ...shared, asOf:",
    "return shared && { ...shared, notAsOf:",
  ],
  "a shared answer counts as of now for an idle isolate": [
    "lookup.ts",
    "feed.absorb(this.#backdate(question, snapshot.asOf), snapshot, NO_KEY, now());",
    "feed.absorb(question, snapshot, NO_KEY, now());",
  ],
  "a shared answer that does not reach back is used": [
    "shared.ts",
    "return at === -1 ? null : { ...rest, changes: changes.slice(at) };",
    "return { ...rest, changes: [cursor, ...changes.slice(at + 1)] };",
  ],
  "the skew allowance is dropped": ["shared.ts", "return readAt - CLOCK_SKEW_MS -", "return readAt -"],
  "a clock set back unseen makes a shared answer new": [
    "lookup.ts",
    "this.#expireIn(this.#parts.feed.limits.boundMs - (question.askedAt - asOf), asked);",
    "",
  ],
  "the cache grows past its capacity": [
    "../lib/cache.ts",
    "this.#room.youngWeight < this.#room.half",
    "this.#room.youngWeight <= this.#room.half",
  ],
  "a revocation does not count": ["decide.ts", "record.revokedAt !== null", "false"],
  "a suspension does not count": ["decide.ts", "record.suspendedAt !== null", "false"],
  "an address list does not count": ["decide.ts", "record.allowedIps !== null", "false"],
  "an address list is not read": ["store.ts", "allowedIps: listOf(record.allowedIps)", "allowedIps: null"],
  "a company's suspension does not count": ["decide.ts", "company.suspendedAt !== null", "false"],
  "a company's address list does not count": ["decide.ts", "company.allowedIps !== null", "false"],
  "what is set for a company is not read": ["store.ts", "company: companyOf(company)", "company: null"],
  "a suspension is not read": [
    "store.ts",
    "suspendedAt: apiKeys.suspendedAt,",
    "suspendedAt: sql<null>`NULL`,",
  ],
};

/** `RUNS=1000000 npm run test:model` goes on for three quarters of an hour or so. */
const RUNS = Number(process.env.RUNS ?? 5_000);
const MAX_FLOOD = 10;

const all = histories(fc.integer({ min: 1, max: MAX_FLOOD }));
let directory: string;
let databases: [Sqlite, Sqlite, Sqlite];
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "mutants-"));
  databases = [await sqlite(), await sqlite(), await sqlite()];
});
afterAll(() => rm(directory, { recursive: true }));
/** No spy: it would keep every line of a run of hours. */
beforeEach(() => {
  const { error } = console;
  console.error = () => {};
  return () => {
    console.error = error;
  };
});

async function survives(code: Code): Promise<boolean> {
  const outcome = await fc.check(
    fc.asyncProperty(all, async (history) => (await live(code, databases, history)).fault === undefined),
    { numRuns: 20_000, endOnFailure: true, examples: examples.map((history) => [history]) },
  );
  return !outcome.failed;
}

test("the code as it is keeps its promises", { timeout: 24 * 3_600_000 }, async () => {
  const code = await load(directory);
  await fc.assert(
    fc.asyncProperty(all, async (history) => {
      const { fault } = await live(code, databases, history);
      if (fault) throw fault;
    }),
    { numRuns: RUNS, examples: examples.map((history) => [history]) },
  );
});

/** One request of an idle isolate at a time, whose key was revoked seven seconds ago; a share of reads is late. */
async function singleRequests(code: Code, count: number): Promise<World> {
  const chance = random(1);
  const world = new World(code, databases, 0);
  await world.begin();
  for (let i = 0; i < count; i++) {
    const [isolate, key] = [i % ISOLATES, i % (KEYS - 1)];
    await world.restart(isolate);
    await world.revive(key);
    await world.verify(isolate, key, false);
    await world.execute(0, 0);
    await world.deliver(0);
    await world.revoke(key);
    await world.tick(7_000);
    await world.verify(isolate, key, false);
    await world.execute(0, 0);
    // The second read is begun when the first has taken a second.
    if (chance() < 0.3) await world.tick(1_100 + Math.floor(400 * chance()));
    for (const _ of "twice") {
      await world.execute(0, 0);
      await world.deliver(0);
    }
  }
  await world.finish();
  return world;
}

test("of 1,000 single requests of idle isolates, three in ten of whose reads are late, none accepts a revoked key", async () => {
  const world = await singleRequests(await load(directory), 1_000);
  expect(world.fault).toBeUndefined();
  expect(world.verdicts).toBe(2_000);
  expect(world.stale).toBe(0);
  const [file, from, to] = MUTANTS["one failure is enough"] ?? ["", "", ""];
  const careless = await singleRequests(await load(directory, [file, from, to]), 1_000);
  expect(careless.stale).toBeGreaterThan(200);
});

test.each(Object.entries(MUTANTS))("the model notices that %s", { timeout: 300_000 }, async (_, mutant) => {
  expect(await survives(await load(directory, mutant))).toBe(false);
});
