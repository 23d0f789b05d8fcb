import { zValidator } from "@hono/zod-validator";
import { Hono } from "hono";
import type { Databases } from "../db/databases.ts";
import { ApiError } from "../http/errors.ts";
import { knownQuery, refuseUrl } from "../http/validation.ts";
import { keyIdSchema } from "../keys/schema.ts";
import { DAY_MS, dayOf } from "../lib/time.ts";
import type { BearerVariables } from "../oauth/bearer.ts";
import { lastDays, SHOWN_DAYS, useOn } from "./recent.ts";
import { MAX_DAYS, type UsageQuery, usageQuerySchema } from "./schema.ts";

/** The use of keys, below `/settings`. Wants `bearer` before it. */
export function usageRoutes(databases: Pick<Databases, "of">, now: () => number) {
  return new Hono<{ Variables: BearerVariables }>().get(
    "/api-keys/:id/usage",
    knownQuery(usageQuerySchema),
    zValidator("param", keyIdSchema, refuseUrl),
    zValidator("query", usageQuerySchema, refuseUrl),
    async (c) => {
      const { id } = c.req.valid("param");
      const days = daysOf(c.req.valid("query"), dayOf(now()));
      const { companyId } = c.var.principal;
      const { d1 } = await databases.of(companyId);
      const used = (await useOn(d1, companyId, [id], days)).get(id);
      if (used === undefined) throw new ApiError("NOT_FOUND", { message: "No such API key" });
      return c.json(used);
    },
  );
}

/** @throws ApiError `BAD_REQUEST` */
function daysOf({ from, to }: UsageQuery, today: string): string[] {
  const last = to ?? today;
  if (from === undefined) return lastDays(last, SHOWN_DAYS);
  const count = (Date.parse(last) - Date.parse(from)) / DAY_MS + 1;
  if (count < 1) throw new ApiError("BAD_REQUEST", { message: "from: must not be after to" });
  if (count > MAX_DAYS)
    throw new ApiError("BAD_REQUEST", { message: `from: must be at most ${MAX_DAYS} days before to` });
  return lastDays(last, count);
}
