import { zValidator } from "@hono/zod-validator";
import { Hono } from "hono";
import * as z from "zod";
import { FORMATS, logFile } from "../audit/export.ts";
import { type LogSearch, type Person, peopleIn, searchLog } from "../audit/log.ts";
import { listEventsSchema, nameSchema } from "../audit/schema.ts";
import { nextLink } from "../http/paging.ts";
import { refuseUrl } from "../http/validation.ts";
import { listKeysSchema } from "../keys/listing.ts";
import { keyIdSchema } from "../keys/schema.ts";
import { filled, formOf, keyIn, textOf } from "./form.ts";
import { requireScope, type SessionVariables } from "./guard.ts";
import { EventsPage, type LogFilter } from "./pages/events.tsx";
import { page } from "./pages.tsx";
import { type DashboardParts, EVENTS_ON_A_PAGE, type SessionContext } from "./routes.tsx";
import { wordsOf } from "./words/words.ts";
import { endOf, startOf } from "./zone.ts";

/** Keys whose events are shown together, where a filter is like several. */
const MAX_KEYS = 100;
/** Events of an export that are in memory at a time. */
const EVENTS_AT_A_TIME = 1_000;

const BY = "by:";

const day = z.iso.date("must be a day: YYYY-MM-DD").optional();

const person = nameSchema
  .transform((text, context): Person => {
    if (text === "operator" || text === "nobody") return text;
    if (text.startsWith(BY)) return { subject: text.slice(BY.length) };
    context.addIssue("must be operator, nobody, or by: and a name");
    return z.NEVER;
  })
  .optional();

/** The audit log of a company and its export, below `/dashboard`. Wants `requireSession` before it. */
export function eventRoutes({ databases, keys: service, form, now, scopes }: DashboardParts) {
  const { action, cursor } = listEventsSchema.shape;
  const { q } = listKeysSchema({ form }).shape;
  const logQuery = z.preprocess(
    filled,
    z.strictObject({ key: q, action, person, since: day, until: day, cursor }),
  );
  const query = zValidator("query", logQuery, refuseUrl);
  const reads = requireScope(scopes.OAUTH_READ_SCOPE);

  /** What of the log a query asks for, in the visitor's days. */
  async function searchOf(c: SessionContext, asked: z.output<typeof logQuery>) {
    const { key, action, person, cursor } = asked;
    const { zone } = wordsOf(c);
    const id = keyIdSchema.shape.id.safeParse(key).data;
    const like =
      key === undefined || id !== undefined
        ? null
        : await service.list(c.var.principal.companyId, { q: key, limit: MAX_KEYS });
    const search: LogSearch = {
      keys: id !== undefined ? [id] : like?.keys.map(({ id }) => id),
      action,
      person,
      since: asked.since === undefined ? undefined : startOf(asked.since, zone),
      before: asked.until === undefined ? undefined : endOf(asked.until, zone) + 1_000,
      cursor,
    };
    return { search, isCut: like !== null && like.next !== null };
  }

  return (
    new Hono<{ Variables: SessionVariables }>()
      .get("/events", reads, query, async (c) => {
        const { companyId, subject } = c.var.principal;
        const { d1 } = await databases.of(companyId);
        const { search, isCut } = await searchOf(c, c.req.valid("query"));
        const [people, found] = await Promise.all([
          peopleIn(d1, companyId),
          searchLog(d1, companyId, { ...search, limit: EVENTS_ON_A_PAGE }),
        ]);
        const body = (
          <EventsPage
            {...found}
            filter={filterOf(c)}
            people={people}
            self={{ subject, name: c.var.visitorName }}
            isCut={isCut}
            cursor={search.cursor}
          />
        );
        return page(c, wordsOf(c).text.events.heading, body);
      })

      // It comes as a form, so that a key that was pasted into it is in no URL.
      .post("/events", reads, async (c) => {
        const data = await formOf(c);
        const fields = Object.fromEntries(FIELDS.map((name) => [name, textOf(data, name).trim()]));
        const { key = "" } = fields;
        if (form.isIn(key)) {
          const found = await service.identify(c.var.principal.companyId, keyIn(key, form));
          fields.key = found?.id ?? NO_KEY;
        }
        return c.redirect(
          `/dashboard/events?${new URLSearchParams(filled(fields) as Record<string, string>)}`,
          303,
        );
      })

      .get("/events/export/:format{csv|json}", reads, query, async (c) => {
        const { companyId } = c.var.principal;
        const { d1 } = await databases.of(companyId);
        const { search } = await searchOf(c, c.req.valid("query"));
        const part = { ...search, limit: EVENTS_AT_A_TIME };
        const first = await searchLog(d1, companyId, part);
        const format = c.req.param("format") === "csv" ? "csv" : "json";
        const following = (cursor: string) =>
          searchLog(d1, companyId, { ...part, cursor, until: first.nextPart });
        if (first.nextPart !== null) c.header("Link", nextLink(c.req.url, first.nextPart));
        return c.body(logFile(FORMATS[format], first, following), {
          headers: {
            "Content-Type": FORMATS[format].type,
            "Content-Disposition": `attachment; filename="audit-log-${new Date(now()).toISOString().slice(0, 10)}.${format}"`,
          },
        });
      })
  );
}

const FIELDS = ["key", "action", "person", "since", "until"] as const;

/** Stands for a whole key that is none of the company: it is not repeated. */
const NO_KEY = "00000000-0000-4000-8000-000000000000";

function filterOf(c: SessionContext): LogFilter {
  const [key = "", action = "", person = "", since = "", until = ""] = FIELDS.map((name) =>
    c.req.query(name),
  );
  return { key, action, person, since, until };
}
