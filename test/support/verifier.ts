import { env } from "cloudflare:workers";
import { keyFormat } from "../../src/keys/format.ts";
import { withDeadline } from "../../src/lib/deadline.ts";
import type { VerifyOptions, VerifyResult } from "../../src/verify/contract.ts";
import { Feed } from "../../src/verify/feed.ts";
import { feedStore } from "../../src/verify/store.ts";
import { Verifier, type VerifierParts } from "../../src/verify/verifier.ts";
import { type Hook, hooked } from "./d1.ts";

export const BOUND_MS = 5_000;
export const OUTAGE_MS = 300_000;
export const RETRY_MS = 1_000;
export const READ_DEADLINE_MS = 50;

interface IsolateOptions extends Pick<VerifierParts, "keyLimit" | "failureLimit" | "onVerdict"> {
  capacity?: number;
  hook?: Hook;
  /** The real database by default. */
  d1?: D1Database;
}

/** One isolate over the real database, with a clock to set and a count of what reaches the database. */
export function isolate({ capacity = 1_000, d1 = env.DB, hook, ...parts }: IsolateOptions = {}) {
  const clock = { now: Date.now() };
  const queries: string[] = [];
  const background: Promise<unknown>[] = [];
  const db = hooked(d1, async (sql) => {
    queries.push(...sql);
    await hook?.(sql);
  });
  const feed = new Feed({ boundMs: BOUND_MS, outageMs: OUTAGE_MS, retryMs: RETRY_MS, capacity });
  const verifier = new Verifier({
    format: keyFormat(
      env.KEY_PREFIX,
      new Map(Object.entries(JSON.parse(env.KEY_PEPPERS))),
      crypto.getRandomValues,
    ),
    store: feedStore(db),
    feed,
    now: () => clock.now,
    inTime: (read) => withDeadline(read, READ_DEADLINE_MS),
    background: (work) => background.push(work),
    ...parts,
  });
  return {
    clock,
    feed,
    queries,
    verify: (rawKey: string, options: VerifyOptions = {}): Promise<VerifyResult> =>
      verifier.verify(rawKey, options),
    catchUp: () => verifier.catchUp(),
    /** Waits for what goes on behind the answers. */
    async settle(): Promise<void> {
      await Promise.all(background.splice(0));
    },
  };
}
