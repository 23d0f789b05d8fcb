import { zValidator } from "@hono/zod-validator";
import { Hono } from "hono";
import * as z from "zod";
import { searchEventsSchema } from "../audit/schema.ts";
import { searchAllEvents } from "../audit/store.ts";
import type { CompanyService } from "../companies/service.ts";
import type { Databases } from "../db/databases.ts";
import { badCursor, nextLink } from "../http/paging.ts";
import { knownQuery, refuseBody, refuseUrl } from "../http/validation.ts";
import { keyIdSchema } from "../keys/schema.ts";
import { dayOf } from "../lib/time.ts";
import type { OperatorVariables } from "../oauth/operator.ts";
import { busiestOfAll } from "../usage/totals.ts";
import { searchCompanies } from "./companies.ts";
import { importAll } from "./import.ts";
import type { HomeParts } from "./import-home.ts";
import { IMPORT_PATH, importKeysSchema } from "./import-schema.ts";
import { identifyKeySchema, revokeAllSchema, searchKeysSchema } from "./key-schema.ts";
import type { OperatedKeys } from "./keys.ts";
import {
  type CompanyOptions,
  changeCompanySchema,
  companyIdSchema,
  listCompaniesSchema,
  shownCompany,
} from "./schema.ts";
import { type StatusParts, statusOf } from "./status.ts";
import { shownBusiest, usageOfDaySchema } from "./usage-schema.ts";

export interface CompanyParts {
  databases: Pick<Databases, "all">;
  /** Milliseconds since the epoch. */
  now: () => number;
  companies: CompanyService;
  keys: OperatedKeys;
}

/** What whoever runs the service does with companies, below `/operator`. Wants `operatorBearer` before it. */
export function companyRoutes({ databases, now, companies, keys }: CompanyParts, options: CompanyOptions) {
  const list = zValidator("query", listCompaniesSchema, refuseUrl);
  const id = zValidator("param", companyIdSchema, refuseUrl);
  const change = zValidator("json", changeCompanySchema(options), refuseBody);
  const revocation = zValidator("json", revokeAllSchema, refuseBody);

  return new Hono<{ Variables: OperatorVariables }>()
    .get("/companies", knownQuery(listCompaniesSchema), list, async (c) => {
      const { rows, next } = await searchCompanies({ databases, now }, c.req.valid("query"));
      if (next !== null) c.header("Link", nextLink(c.req.url, JSON.stringify(next)));
      return c.json(rows.map(shownCompany));
    })
    .get("/companies/:id", knownQuery(), id, async (c) => {
      return c.json(shownCompany(await companies.get(c.req.valid("param").id)));
    })
    .patch("/companies/:id", knownQuery(), id, change, async (c) => {
      const company = await companies.change(c.req.valid("param").id, c.var.operator, c.req.valid("json"));
      return c.json(shownCompany(company));
    })
    .post("/companies/:id/revoke-all", knownQuery(), id, revocation, async (c) => {
      const { dryRun } = c.req.valid("json");
      return c.json(await keys.revokeAll(c.req.valid("param").id, c.var.operator, dryRun));
    });
}

/** The same with keys, whosever they are. */
export function keyRoutes(keys: OperatedKeys, parts: HomeParts) {
  const { form } = parts.format;
  const search = searchKeysSchema({ form });
  const id = zValidator("param", keyIdSchema, refuseUrl);
  const importation = zValidator("json", importKeysSchema(z.unknown()), refuseBody);
  const identification = zValidator("json", identifyKeySchema, refuseBody);
  const routes = new Hono<{ Variables: OperatorVariables }>()
    .get("/keys", knownQuery(search), zValidator("query", search, refuseUrl), async (c) => {
      const { cursor, ...wanted } = c.req.valid("query");
      const page = await keys.search({ ...wanted, after: cursor });
      if (page.next !== null) c.header("Link", nextLink(c.req.url, JSON.stringify(page.next)));
      return c.json(page.keys);
    })
    .post("/keys/identify", knownQuery(), identification, async (c) => {
      return c.json(await keys.identify(c.req.valid("json").key));
    })
    .post(IMPORT_PATH, knownQuery(), importation, async (c) => {
      return c.json(await importAll(parts, c.var.operator, c.req.valid("json").keys));
    })
    .get("/keys/:id", knownQuery(), id, async (c) => c.json(await keys.get(c.req.valid("param").id)));
  for (const act of ["revoke", "suspend", "resume"] as const) {
    routes.post(`/keys/:id/${act}`, knownQuery(), id, async (c) => {
      return c.json(await keys.change(c.req.valid("param").id, act, c.var.operator));
    });
  }
  return routes;
}

/** What happened, and how the service is doing. */
export function stateRoutes(parts: StatusParts) {
  return new Hono<{ Variables: OperatorVariables }>()
    .get(
      "/events",
      knownQuery(searchEventsSchema),
      zValidator("query", searchEventsSchema, refuseUrl),
      async (c) => {
        const { cursor: after, ...wanted } = c.req.valid("query");
        const { rows, next } = (await searchAllEvents(parts.databases, { ...wanted, after })) ?? badCursor();
        if (next !== null) c.header("Link", nextLink(c.req.url, JSON.stringify(next)));
        return c.json(rows);
      },
    )
    .get(
      "/usage",
      knownQuery(usageOfDaySchema),
      zValidator("query", usageOfDaySchema, refuseUrl),
      async (c) => {
        const { day = dayOf(parts.now()), limit } = c.req.valid("query");
        return c.json(shownBusiest(day, await busiestOfAll(parts.databases, day, limit)));
      },
    )
    .get("/status", knownQuery(), async (c) => c.json(await statusOf(parts)));
}
