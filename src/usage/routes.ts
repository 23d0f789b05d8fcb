import { zValidator } from "@hono/zod-validator";
import { Hono } from "hono";
import { keyIdSchema } from "../keys/schema.ts";
import { DAY_SECONDS } from "../lib/config.ts";
import { ApiError } from "../lib/errors.ts";
import { refuseUrl } from "../lib/validation.ts";
import type { BearerVariables } from "../oauth/bearer.ts";
import type { DayUsage } from "./schema.ts";
import { usageOf } from "./store.ts";

const SHOWN_DAYS = 30;

/** The use of keys, below `/settings`. Wants `bearer` before it. */
export function usageRoutes(d1: D1Database, now: () => number) {
  return new Hono<{ Variables: BearerVariables }>().get(
    "/api-keys/:id/usage",
    zValidator("param", keyIdSchema, refuseUrl),
    async (c) => {
      const days = lastDays(now());
      const used = await usageOf(d1, c.var.principal.companyId, c.req.valid("param").id, days[0] ?? "");
      if (used === null) throw new ApiError("NOT_FOUND", { message: "No such API key" });
      const byDay = new Map(used.map((usage) => [usage.day, usage]));
      return c.json(days.map((day): DayUsage => byDay.get(day) ?? { day, allowed: 0, denied: 0 }));
    },
  );
}

/** Oldest first, today last. */
function lastDays(now: number): string[] {
  return Array.from({ length: SHOWN_DAYS }, (_, i) => dayOf(now - (SHOWN_DAYS - 1 - i) * DAY_SECONDS * 1000));
}

function dayOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}
