import { zValidator } from "@hono/zod-validator";
import { Hono } from "hono";
import { nextLink } from "../http/paging.ts";
import { knownQuery, refuseUrl } from "../http/validation.ts";
import type { BearerVariables } from "../oauth/bearer.ts";
import { listEventsSchema } from "./schema.ts";
import { listEvents } from "./store.ts";

/** The audit log, below `/settings`. Wants `bearer` before it. */
export function auditRoutes(d1: D1Database) {
  return new Hono<{ Variables: BearerVariables }>().get(
    "/events",
    knownQuery(listEventsSchema),
    zValidator("query", listEventsSchema, refuseUrl),
    async (c) => {
      const { events, next } = await listEvents(d1, c.var.principal.companyId, c.req.valid("query"));
      if (next !== null) c.header("Link", nextLink(c.req.url, next));
      return c.json(events);
    },
  );
}
