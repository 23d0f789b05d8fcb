import { zValidator } from "@hono/zod-validator";
import { Hono } from "hono";
import { nextLink } from "../lib/paging.ts";
import { refuseUrl } from "../lib/validation.ts";
import type { BearerVariables } from "../oauth/bearer.ts";
import { listEventsSchema } from "./schema.ts";
import { listEvents } from "./store.ts";

/** The audit log, below `/settings`. Wants `bearer` before it. */
export function auditRoutes(d1: D1Database) {
  return new Hono<{ Variables: BearerVariables }>().get(
    "/events",
    zValidator("query", listEventsSchema, refuseUrl),
    async (c) => {
      const query = c.req.valid("query");
      const events = await listEvents(d1, c.var.principal.companyId, { ...query, limit: query.limit + 1 });
      const page = events.slice(0, query.limit);
      const last = page.at(-1);
      if (last && events.length > page.length) c.header("Link", nextLink(c.req.url, last.id));
      return c.json(page);
    },
  );
}
