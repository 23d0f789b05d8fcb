import { and, desc, eq, getTableColumns, lt, sql } from "drizzle-orm";
import { type Database, onPrimary } from "../db/client.ts";
import type { Databases } from "../db/databases.ts";
import { apiKeys, auditEvents } from "../db/tables.ts";
import { type Page, type Place, placeIn, walk } from "../db/walk.ts";
import { pageOf } from "../lib/page.ts";
import { type Actor, NO_KEY_ID } from "./event.ts";
import type { ListEvents, OperatedEvent, ShownEvent } from "./schema.ts";

/** Whoever runs the service, as companies see them. */
const OPERATOR = { issuer: "latchkey", subject: "operator" };

/** Whether an actor, as companies see it, is whoever runs the service. */
export function isOperator(actor: Actor): boolean {
  return actor?.issuer === OPERATOR.issuer && actor.subject === OPERATOR.subject;
}

/**
 * The company's events, newest first. `next` is the cursor of the next page, if there is one.
 *
 * @throws DatabaseError
 */
export function listEvents(
  d1: D1Database,
  companyId: string,
  query: ListEvents,
): Promise<{ events: ShownEvent[]; next: string | null }> {
  const { limit, cursor, key, action } = query;
  return onPrimary(d1, async (db) => {
    const rows = await db
      .select()
      .from(auditEvents)
      .where(
        and(
          eq(auditEvents.companyId, companyId),
          key === undefined ? undefined : eq(auditEvents.keyId, key),
          action === undefined ? undefined : eq(auditEvents.action, action),
          cursor === undefined ? undefined : lt(auditEvents.seq, seqQuery(db, companyId, cursor)),
        ),
      )
      .orderBy(desc(auditEvents.seq))
      .limit(limit + 1);
    const { page, last } = pageOf(rows, limit);
    return { events: page.map(shown), next: last?.id ?? null };
  });
}

/** The place in the log of the company's event `id`. */
export function seqQuery(db: Database, companyId: string, id: string) {
  return db
    .select({ seq: auditEvents.seq })
    .from(auditEvents)
    .where(and(eq(auditEvents.companyId, companyId), eq(auditEvents.id, id)));
}

/** Which events of all companies. */
export interface EventSearch extends Pick<ListEvents, "limit" | "action" | "key"> {
  company?: string | undefined;
  after?: Place | undefined;
}

/**
 * A page of the events of all companies, newest first. It may have fewer of them than `limit`, or none, and yet not be
 * the last.
 *
 * @param search - A key that is no longer there has events by its company alone.
 * @returns `null` where `after` is no place of the log.
 * @throws DatabaseError
 */
export function searchEvents(d1: D1Database, search: EventSearch): Promise<Page<OperatedEvent> | null> {
  const { company, key, action, after, limit } = search;
  const order = [auditEvents.seq];
  return onPrimary(d1, async (db) => {
    const ofKey = db
      .select({ companyId: apiKeys.companyId })
      .from(apiKeys)
      .where(eq(apiKeys.id, key ?? ""));
    const whose = company ?? (key === undefined ? undefined : ofKey);
    const range = and(
      whose === undefined ? undefined : sql`${auditEvents.companyId} = ${whose}`,
      key === undefined ? undefined : eq(auditEvents.keyId, key),
    );
    const filter = action === undefined ? undefined : eq(auditEvents.action, action);
    const way = { table: auditEvents, key: auditEvents.seq, range, order, isDescending: true };
    const page = await walk(db, { ...way, filter, after, limit }, (part) =>
      db
        .select({ ...getTableColumns(auditEvents), place: placeIn(order) })
        .from(auditEvents)
        .where(part.where)
        .orderBy(...part.orderBy)
        .limit(part.limit),
    );
    return page && { ...page, rows: page.rows.map(operated) };
  });
}

/**
 * The same out of all databases, each of which counts its events by itself: `after` and `next` are a place for each. Newest
 * first, where the clocks of those who wrote them agree.
 */
export async function searchAllEvents(
  { all }: Pick<Databases, "all">,
  { after = all.map(() => Number.MAX_SAFE_INTEGER), ...search }: EventSearch,
): Promise<Pick<Page<OperatedEvent>, "rows" | "next"> | null> {
  if (after.length !== all.length || !after.every(Number.isSafeInteger)) return null;
  const pages = await Promise.all(
    all.map(({ d1 }, i) => searchEvents(d1, { ...search, after: [Number(after[i])] })),
  );
  const entries = pages.flatMap((page, database) =>
    (page?.rows ?? []).map((row, i) => ({ row, database, seq: Number(page?.places[i]?.[0]) })),
  );
  entries.sort((a, b) => Date.parse(b.row.at) - Date.parse(a.row.at) || b.seq - a.seq);
  const taken = entries.slice(0, search.limit);
  const next = pages.map((page, database) => {
    const ofIt = taken.filter((entry) => entry.database === database);
    if (ofIt.length === page?.rows.length) return Number(page.next?.[0] ?? 0);
    return ofIt.at(-1)?.seq ?? Number(after[database]);
  });
  return { rows: taken.map(({ row }) => row), next: next.some((seq) => seq > 0) ? next : null };
}

/** As whoever runs the service sees it: with its company, and who of them did it. */
function operated(row: typeof auditEvents.$inferSelect): OperatedEvent {
  const { companyId, isOperator } = row;
  return { ...shown({ ...row, isOperator: false }), companyId, isOperator };
}

/** As its company sees it. */
export function shown(row: typeof auditEvents.$inferSelect): ShownEvent {
  const { id, action, detail } = row;
  const keyId = row.keyId === NO_KEY_ID ? null : row.keyId;
  return { id, action, keyId, actor: shownActor(row), at: new Date(row.at).toISOString(), detail };
}

/** Who did it, as the company is told. */
export function shownActor({
  actorIssuer: issuer,
  actorSubject: subject,
  isOperator,
}: Pick<typeof auditEvents.$inferSelect, "actorIssuer" | "actorSubject" | "isOperator">): Actor {
  if (isOperator) return OPERATOR;
  return issuer === null || subject === null ? null : { issuer, subject };
}
