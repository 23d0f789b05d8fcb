import { keyFormat } from "../keys/format.ts";
import { type Limiters, parseConfig } from "../lib/config.ts";
import { withDeadline } from "../lib/deadline.ts";
import { UsageRecorder } from "../usage/recorder.ts";
import { Feed } from "./feed.ts";
import { Limiter } from "./limiter.ts";
import { feedStore } from "./store.ts";
import { Verifier } from "./verifier.ts";

/** Records held at most, half of them for certain: some 45 MB of an isolate's 128. */
const CACHE_CAPACITY = 200_000;

/** A read of the database has failed after this time, and after a fifth of the bound. */
const READ_DEADLINE_MS = 1_000;

let verifier: Verifier | undefined;

/**
 * The isolate's verifier, shared by HTTP and RPC.
 *
 * @throws ConfigError
 */
export function verifierOf(env: Env): Verifier {
  verifier ??= createVerifier(env);
  return verifier;
}

function createVerifier(env: Env): Verifier {
  const config = parseConfig(env);
  const boundMs = config.REVOCATION_SECONDS * 1000;
  const deadlineMs = Math.min(READ_DEADLINE_MS, boundMs / 5);
  const outageMs = config.OUTAGE_SECONDS * 1000;
  const limiters: Limiters = env;
  const now = () => Date.now();
  const usage = new UsageRecorder({ queue: env.USAGE, now, wait: (ms) => scheduler.wait(ms) });
  return new Verifier({
    format: keyFormat(config.KEY_PREFIX, config.KEY_PEPPERS, (bytes) => crypto.getRandomValues(bytes)),
    store: feedStore(env.DB),
    feed: new Feed({ boundMs, outageMs, retryMs: deadlineMs, capacity: CACHE_CAPACITY }),
    now,
    inTime: (read) => withDeadline(read, deadlineMs),
    record: (key, allowed, at, waitUntil) => usage.record(key, allowed, at, waitUntil),
    ...(limiters.VERIFICATIONS_LIMIT && { keyLimit: new Limiter(limiters.VERIFICATIONS_LIMIT) }),
    ...(limiters.FAILURES_LIMIT && { failureLimit: new Limiter(limiters.FAILURES_LIMIT) }),
  });
}
