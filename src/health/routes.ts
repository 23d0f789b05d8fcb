import { Hono } from "hono";
import { ApiError } from "../http/errors.ts";
import { withDeadline } from "../lib/deadline.ts";
import { describeFault } from "../lib/fault.ts";
import type { Settings } from "../lib/settings.ts";

/** A database that takes longer is not ready. */
export const READY_MS = 1_000;

/**
 * For load balancers and monitors, below `/health`. Answers also where the settings are wrong.
 *
 * @param probe - Throws where the database does not answer, or lacks what it needs of the settings.
 */
export function healthRoutes(probe: () => Promise<void>, settings: readonly Settings<unknown>[]) {
  return new Hono()
    .get("/", (c) => c.json({ status: "ok" }))
    .get("/ready", async (c) => {
      try {
        for (const check of settings) check();
        await withDeadline(probe(), READY_MS);
      } catch (fault) {
        throw new ApiError("UNAVAILABLE", { reason: describeFault(fault) });
      }
      return c.json({ status: "ok" });
    });
}
