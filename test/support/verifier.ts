import { env } from "cloudflare:workers";
import { keyFormat } from "../../src/keys/format.ts";
import { withDeadline } from "../../src/lib/deadline.ts";
import type { VerifyOptions, VerifyResult } from "../../src/verify/contract.ts";
import { Feed } from "../../src/verify/feed.ts";
import type { UseLimits } from "../../src/verify/limiter.ts";
import { reportRead, type VerifierHooks } from "../../src/verify/log.ts";
import { sharedRecords } from "../../src/verify/records.ts";
import { sharedFeed } from "../../src/verify/shared.ts";
import type { SharedTexts } from "../../src/verify/signed.ts";
import { feedStore } from "../../src/verify/store.ts";
import { Verifier, type VerifierParts } from "../../src/verify/verifier.ts";
import { type After, type Hook, hooked } from "./d1.ts";

export const BOUND_MS = 5_000;
export const OUTAGE_MS = 300_000;
export const RETRY_MS = 1_000;
export const WAIT_MS = 2_000;
/**
 * Waits are so many times shorter than an isolate believes; its clock is set by the test. Not shorter: on a busy machine a
 * read of the real database takes some 50 ms, and would be late.
 */
export const SPEED = 10;

/** The cache of a data centre, which keeps everything. */
export function memory() {
  const kept = new Map<string, string>();
  const texts: SharedTexts = {
    get: async (name) => kept.get(name) ?? null,
    put: async (name, text) => void kept.set(name, text),
  };
  return { ...texts, kept };
}

interface IsolateOptions extends Pick<VerifierParts, keyof UseLimits | "failureLimit" | keyof VerifierHooks> {
  capacity?: number;
  /** `SPEED` by default; 1 where a test itself holds a read back, so that no deadline passes meanwhile. */
  speed?: number;
  hook?: Hook;
  after?: After;
  /** The real database by default. */
  d1?: D1Database;
  /** What it shares with the isolates of its data centre; by default it is alone there. */
  texts?: SharedTexts;
  /** Of [0, 1): how often it looks at that, and how soon it asks anew. By default always, and as late as may be. */
  random?: () => number;
}

/** One isolate over the real database, with a clock to set and a count of what reaches the database. */
export function isolate({
  capacity = 1_000,
  speed = SPEED,
  d1 = env.DB,
  texts,
  random = () => 0,
  hook,
  after,
  ...parts
}: IsolateOptions = {}) {
  const clock = { now: Date.now() };
  const queries: string[] = [];
  const background: Promise<unknown>[] = [];
  const watches: (() => void)[] = [];
  const waits: number[] = [];
  let isWatch = false;
  const count: Hook = async (sql) => {
    queries.push(...sql);
    await hook?.(sql);
  };
  const db = hooked(d1, count, after);
  const feed = new Feed({
    boundMs: BOUND_MS,
    outageMs: OUTAGE_MS,
    retryMs: RETRY_MS,
    waitMs: WAIT_MS,
    capacity,
  });
  const now = () => clock.now;
  const work = (promise: Promise<unknown>) => void background.push(promise);
  const store = feedStore(db);
  const sharing = texts && { texts, random, inTime: withDeadline, background: work };
  const verifier = new Verifier({
    format: keyFormat(
      env.KEY_PREFIX,
      new Map(Object.entries(JSON.parse(env.KEY_PEPPERS))),
      crypto.getRandomValues,
    ),
    store: sharing ? sharedFeed(store, { ...sharing, boundMs: BOUND_MS, now }) : store,
    ...(sharing && { records: sharedRecords(sharing) }),
    feed,
    now,
    wait(milliseconds) {
      if (milliseconds < BOUND_MS / 2) return scheduler.wait(milliseconds / speed);
      isWatch = true;
      waits.push(milliseconds);
      return new Promise<void>((end) => watches.push(end));
    },
    inTime: (read, milliseconds) => withDeadline(read, milliseconds / speed),
    background(promise) {
      if (!isWatch) work(promise);
      isWatch = false;
    },
    onRead: (_, fault) => fault !== undefined && reportRead(fault, "00"),
    ...parts,
  });
  return {
    clock,
    feed,
    queries,
    /** Those of a bound or so, in milliseconds. */
    waits,
    verify: (rawKey: string, options: VerifyOptions = {}): Promise<VerifyResult> =>
      verifier.verify(rawKey, options),
    forget: (digests: readonly string[]) => verifier.forget(digests),
    /** Ends the waits of a whole bound. */
    passBound(): void {
      for (const end of watches.splice(0)) end();
    },
    /** Waits for what goes on behind the answers, but not for waits of a whole bound. @returns how much that was. */
    async settle(): Promise<number> {
      return (await Promise.all(background.splice(0))).length;
    },
  };
}
