import { Hono } from "hono";
import { ApiError } from "../http/errors.ts";
import { withDeadline } from "../lib/deadline.ts";
import { describeFault } from "../lib/fault.ts";
import type { Settings } from "../lib/settings.ts";

/** A database that takes longer is not ready. */
export const READY_MS = 1_000;
/** Least time between two reads of the database, however often it is asked. */
export const PAUSE_MS = 5_000;
const POLL_MS = 20;

export interface HealthOptions {
  /** Throws where the database does not answer, or lacks what it needs of the settings. */
  probe: () => Promise<void>;
  settings: readonly Settings<unknown>[];
  /** Whether there are keys to check access tokens with. Nothing is fetched. */
  areKeysHeld: () => boolean;
  /** Milliseconds since the epoch. */
  now: () => number;
}

/** For load balancers and monitors, below `/health`. Answers also where the settings are wrong. */
export function healthRoutes({ probe, settings, areKeysHeld, now }: HealthOptions) {
  let probedAt = Number.NEGATIVE_INFINITY;
  /** What the last read came to; `null`: all is well. `undefined` while the first is under way. */
  let fault: string | null | undefined;

  async function look(): Promise<void> {
    if (Math.abs(now() - probedAt) >= PAUSE_MS) {
      probedAt = now();
      fault = await withDeadline(probe(), READY_MS).then(() => null, describeFault);
    }
    // A promise of another request must not be awaited, so what its read came to is looked for.
    for (let waited = 0; fault === undefined && waited < READY_MS; waited += POLL_MS)
      await scheduler.wait(POLL_MS);
  }

  return new Hono()
    .get("/", (c) => c.json({ status: "ok" }))
    .get("/ready", async (c) => {
      try {
        for (const check of settings) check();
      } catch (wrong) {
        throw new ApiError("UNAVAILABLE", { reason: describeFault(wrong) });
      }
      await look();
      if (fault !== null) throw new ApiError("UNAVAILABLE", { reason: fault ?? "no answer yet" });
      return c.json({ status: "ok", issuerKeys: areKeysHeld() ? "held" : "not held" });
    });
}
