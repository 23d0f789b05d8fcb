import { zValidator } from "@hono/zod-validator";
import { Hono } from "hono";
import { ApiError } from "../http/errors.ts";
import { knownQuery, refuseUrl } from "../http/validation.ts";
import { keyIdSchema } from "../keys/schema.ts";
import type { BearerVariables } from "../oauth/bearer.ts";
import { recentUse } from "./recent.ts";

/** The use of keys, below `/settings`. Wants `bearer` before it. */
export function usageRoutes(d1: D1Database, now: () => number) {
  return new Hono<{ Variables: BearerVariables }>().get(
    "/api-keys/:id/usage",
    knownQuery(),
    zValidator("param", keyIdSchema, refuseUrl),
    async (c) => {
      const { id } = c.req.valid("param");
      const used = (await recentUse(d1, c.var.principal.companyId, [id], now())).get(id);
      if (used === undefined) throw new ApiError("NOT_FOUND", { message: "No such API key" });
      return c.json(used);
    },
  );
}
