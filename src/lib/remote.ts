import type { Background } from "./background.ts";
import { describeFault } from "./fault.ts";

/** Least time between two loads where there is nothing to go on with. */
export const RETRY_MS = 5_000;
/** A request that takes longer has failed. */
export const TIMEOUT_MS = 2_000;
/** A load is three requests at most. One that takes longer died with its isolate's request, and no longer counts. */
export const LOAD_LIMIT_MS = 3 * TIMEOUT_MS;
/** How often a request looks whether a load has ended. */
const POLL_MS = 10;

export interface RemoteOptions<T> {
  /** Fetches, by at most three requests one after the other; throws where what came is of no use. */
  load: () => Promise<T>;
  /** What is older is loaded anew, behind the answer. */
  maxAgeMs: number;
  /** While loads fail, the last good one goes on this long after it began. */
  staleLimitMs: number;
  /** Least time between two loads, whatever is asked for. */
  cooldownMs: number;
  /** What a failed load is called in the log. */
  event: string;
  /** Milliseconds since the epoch. */
  now: () => number;
  background: Background;
}

/** Something of another server, held by the isolate. All give `undefined` where nothing usable can be had. */
export interface Remote<T> {
  /** What is held, at once; loaded first where nothing is. */
  current(): Promise<T | undefined>;
  /** What is held after another load, where the cool-down lets there be one. */
  renewed(): Promise<T | undefined>;
  /** What is held, and nothing is loaded. */
  held(): T | undefined;
}

/**
 * Something of another server, held by the isolate. A load that has ended, well or badly, is followed by a
 * cool-down, and what the last good one brought stays until a better one has come.
 *
 * Loads go on behind the answer, so that no client can end one by hanging up. Requests share what a load brings
 * and not its promise, which hangs for ever in workerd once the request that made it has ended.
 */
export function remote<T>(options: RemoteOptions<T>): Remote<T> {
  const { load, maxAgeMs, staleLimitMs, cooldownMs, event, now, background } = options;
  let last: { value: T; loadedAt: number } | undefined;
  /** When the last load began that has ended, and the one that has not. */
  let endedAt = Number.NEGATIVE_INFINITY;
  let loadingSince: number | undefined;

  const age = () => (last === undefined ? Number.POSITIVE_INFINITY : now() - last.loadedAt);
  const held = () => (age() < staleLimitMs ? last?.value : undefined);
  const isLoading = () => loadingSince !== undefined && now() - loadingSince < LOAD_LIMIT_MS;

  function refresh(): void {
    const cooldown = held() === undefined ? RETRY_MS : cooldownMs;
    if (isLoading() || now() - endedAt < cooldown) return;
    loadingSince = now();
    background(loadAnew(loadingSince));
  }

  async function loadAnew(begun: number): Promise<void> {
    try {
      const value = await load();
      if (last === undefined || last.loadedAt <= begun) last = { value, loadedAt: begun };
    } catch (fault) {
      console.error(JSON.stringify({ event, fault: describeFault(fault) }));
    } finally {
      endedAt = Math.max(endedAt, begun);
      if (loadingSince === begun) loadingSince = undefined;
    }
  }

  async function loaded(): Promise<T | undefined> {
    while (isLoading()) await sleep(POLL_MS);
    return held();
  }

  return {
    held,
    async current() {
      if (age() >= maxAgeMs) refresh();
      return held() ?? loaded();
    },
    async renewed() {
      refresh();
      return loaded();
    },
  };
}

/** @throws Error where the answer is not 200 with JSON within 2 s. Redirects are not followed. */
export async function fetchJson(url: string): Promise<unknown> {
  const response = await fetch(url, {
    // GitHub refuses requests without a User-Agent, and Workers send none by themselves.
    headers: { Accept: "application/json, application/jwk-set+json", "User-Agent": "latchkey" },
    redirect: "manual",
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (response.status !== 200) throw new Error(`${url} answered ${response.status}`);
  return response.json();
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
