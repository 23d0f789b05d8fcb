import { Hono } from "hono";
import { parseConfig } from "../lib/config.ts";
import { withDeadline } from "../lib/deadline.ts";
import { ApiError, describeFault } from "../lib/errors.ts";

/** A database that takes longer is not ready. */
export const READY_MS = 1_000;

/** For load balancers and monitors, below `/health`. Answers also where the settings are wrong. */
export function healthRoutes(env: Env) {
  return new Hono()
    .get("/", (c) => c.json({ status: "ok" }))
    .get("/ready", async (c) => {
      try {
        parseConfig(env);
        await withDeadline(env.DB.prepare("SELECT 1").run(), READY_MS);
      } catch (fault) {
        throw new ApiError("UNAVAILABLE", { reason: describeFault(fault) });
      }
      return c.json({ status: "ok" });
    });
}
