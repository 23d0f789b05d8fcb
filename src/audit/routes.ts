import { zValidator } from "@hono/zod-validator";
import { Hono } from "hono";
import type { Databases } from "../db/databases.ts";
import { nextLink } from "../http/paging.ts";
import { knownQuery, refuseUrl } from "../http/validation.ts";
import type { BearerVariables } from "../oauth/bearer.ts";
import { listEventsSchema } from "./schema.ts";
import { listEvents } from "./store.ts";

/** The audit log, below `/settings`. Wants `bearer` before it. */
export function auditRoutes(databases: Pick<Databases, "of">) {
  return new Hono<{ Variables: BearerVariables }>().get(
    "/events",
    knownQuery(listEventsSchema),
    zValidator("query", listEventsSchema, refuseUrl),
    async (c) => {
      const { companyId } = c.var.principal;
      const { d1 } = await databases.of(companyId);
      const { events, next } = await listEvents(d1, companyId, c.req.valid("query"));
      if (next !== null) c.header("Link", nextLink(c.req.url, next));
      return c.json(events);
    },
  );
}
