import { describeFault } from "./fault.ts";

/** Least time between two fetches where there is nothing to go on with. */
export const RETRY_MS = 5_000;
/** A fetch that takes longer, whatever it consists of, has failed. */
export const TIMEOUT_MS = 2_000;
/** How often a request looks whether another one has fetched. */
const POLL_MS = 20;

export interface RemoteOptions<T> {
  /** Fetches; throws where what came is of no use. */
  load: (signal: AbortSignal) => Promise<T>;
  /** What is older is fetched anew. */
  maxAgeMs: number;
  /** While fetches fail, the last good one goes on this long after it came. */
  staleLimitMs: number;
  /** Least time between two fetches, whatever is asked for. */
  cooldownMs: number;
  /** What a failed fetch is called in the log. */
  event: string;
  /** Milliseconds since the epoch. */
  now: () => number;
}

/**
 * What is held, fetched first where it is missing or old, or where `renewed` asks for it and the
 * cool-down lets it. `undefined`: nothing could be had that may still be used.
 */
export type Remote<T> = (renewed?: boolean) => Promise<T | undefined>;

/**
 * Something of another server, held by the isolate. A fetch, good or bad, is followed by a cool-down,
 * and the last good one stays until a better one has come.
 */
export function remote<T>(options: RemoteOptions<T>): Remote<T> {
  const { load, maxAgeMs, staleLimitMs, cooldownMs, event, now } = options;
  let held: { value: T; fetchedAt: number } | undefined;
  let triedAt = Number.NEGATIVE_INFINITY;
  let fetching = false;

  const age = () => (held === undefined ? Number.POSITIVE_INFINITY : now() - held.fetchedAt);

  async function refresh(): Promise<void> {
    if (now() - triedAt < (age() < staleLimitMs ? cooldownMs : RETRY_MS)) return;
    triedAt = now();
    fetching = true;
    try {
      held = { value: await load(AbortSignal.timeout(TIMEOUT_MS)), fetchedAt: triedAt };
    } catch (fault) {
      console.error(JSON.stringify({ event, fault: describeFault(fault) }));
    } finally {
      fetching = false;
    }
  }

  /** A promise of another request must not be awaited, so the outcome of its fetch is looked for. */
  async function othersFetch(): Promise<void> {
    while (fetching && now() - triedAt < TIMEOUT_MS) await sleep(POLL_MS);
  }

  return async function current(renewed = false) {
    if (renewed || age() >= maxAgeMs) await refresh();
    if (renewed || age() >= staleLimitMs) await othersFetch();
    return age() < staleLimitMs ? held?.value : undefined;
  };
}

/** @throws Error where the answer is not 200 with JSON. Redirects are not followed. */
export async function fetchJson(url: string, signal: AbortSignal): Promise<unknown> {
  const response = await fetch(url, {
    // GitHub refuses requests without a User-Agent, and Workers send none by themselves.
    headers: { Accept: "application/json, application/jwk-set+json", "User-Agent": "latchkey" },
    redirect: "manual",
    signal,
  });
  if (response.status !== 200) throw new Error(`${new URL(url).pathname} answered ${response.status}`);
  return response.json();
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
