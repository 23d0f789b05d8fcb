import { and, desc, eq, gte, inArray, lt, type SQL, sql } from "drizzle-orm";
import { type Database, isOneOf, onPrimary } from "../db/client.ts";
import { apiKeys, auditEvents } from "../db/tables.ts";
import { pageOf } from "../lib/page.ts";
import type { ShownEvent } from "./schema.ts";
import { seqQuery, shown } from "./store.ts";

/** Events that one search looks through, and that one file of an export is of: some 20 ms. */
export const PART_EVENTS = 10_000;

/** Of those who appear in the newest events, so many can be chosen. */
const MAX_PEOPLE = 100;
const RECENT_EVENTS = 2_000;

/** An event with what its key is called now; `null`: it is no longer kept, or the event is of the company. */
export interface LoggedEvent extends ShownEvent {
  label: string | null;
}

/** Who acted: somebody by the subject of the access token, whoever runs the service, or nobody who signed in. */
export type Person = { subject: string } | "operator" | "nobody";

/** Which events; all by default. Times are milliseconds since the epoch. */
export interface LogSearch {
  /** Ids. */
  keys?: readonly string[] | undefined;
  action?: ShownEvent["action"] | undefined;
  person?: Person | undefined;
  since?: number | undefined;
  before?: number | undefined;
  /** Id of the event behind which to begin. */
  cursor?: string | undefined;
}

export interface LogPage {
  events: LoggedEvent[];
  /** Cursor of what follows; `null`: nothing does. A page may have fewer events than its limit and yet not be the last. */
  next: string | null;
  /** Cursor of the part that follows, if one does. */
  nextPart: string | null;
}

/**
 * A page of the company's events, newest first: of those within one part of the log.
 *
 * @param until - Where a page of the same part was read before: its `nextPart`.
 * @throws DatabaseError
 */
export function searchLog(
  d1: D1Database,
  companyId: string,
  { limit, until, ...search }: LogSearch & { limit: number; until?: string | null },
): Promise<LogPage> {
  return onPrimary(d1, async (db) => {
    const range = rangeOf(db, companyId, search);
    const ends = db
      .select({ id: auditEvents.id, seq: auditEvents.seq })
      .from(auditEvents)
      .where(range)
      .orderBy(desc(auditEvents.seq))
      .limit(1)
      .offset(PART_EVENTS - 1);
    const end = until ? seqQuery(db, companyId, until) : sql`(SELECT seq FROM ${ends})`;
    const isInPart = until === null ? undefined : sql`${auditEvents.seq} >= coalesce(${end}, 0)`;
    const rows = selectLogged(db, companyId, and(range, isInPart, filterOf(search)), limit + 1);
    const [found, endOfPart] = await db.batch([rows, ends]);
    const { page, last } = pageOf(found, limit);
    const events = page.map(({ event, label }) => ({ ...shown(event), label }));
    const nextPart = until === undefined ? (endOfPart[0]?.id ?? null) : until;
    return { events, next: last?.event.id ?? nextPart, nextPart };
  });
}

/** What of an index is walked through. */
function rangeOf(db: Database, companyId: string, { keys, cursor }: LogSearch): SQL | undefined {
  const [key, other] = keys ?? [];
  return and(
    eq(auditEvents.companyId, companyId),
    key === undefined || other !== undefined ? undefined : eq(auditEvents.keyId, key),
    cursor === undefined ? undefined : lt(auditEvents.seq, seqQuery(db, companyId, cursor)),
  );
}

function filterOf({ keys, action, person, since, before }: LogSearch): SQL | undefined {
  return and(
    keys === undefined ? undefined : isOneOf(auditEvents.keyId, keys),
    action === undefined ? undefined : eq(auditEvents.action, action),
    person === undefined ? undefined : isBy(person),
    since === undefined ? undefined : gte(auditEvents.at, since),
    before === undefined ? undefined : lt(auditEvents.at, before),
  );
}

function isBy(person: Person): SQL | undefined {
  const { isOperator, actorSubject } = auditEvents;
  if (person === "operator") return eq(isOperator, true);
  if (person === "nobody") return sql`${actorSubject} IS NULL AND NOT ${isOperator}`;
  return and(eq(isOperator, false), eq(actorSubject, person.subject));
}

function selectLogged(db: Database, companyId: string, where: SQL | undefined, limit: number) {
  return db
    .select({ event: auditEvents, label: apiKeys.label })
    .from(auditEvents)
    .leftJoin(apiKeys, and(eq(apiKeys.id, auditEvents.keyId), eq(apiKeys.companyId, companyId)))
    .where(where)
    .orderBy(desc(auditEvents.seq))
    .limit(limit);
}

/**
 * How each key began, and what came after it: the events of its creation and its rotation.
 *
 * @throws DatabaseError
 */
export function originsOf(
  d1: D1Database,
  companyId: string,
  keyIds: readonly string[],
): Promise<ShownEvent[]> {
  return onPrimary(d1, async (db) => {
    const rows = await db
      .select()
      .from(auditEvents)
      .where(
        and(
          eq(auditEvents.companyId, companyId),
          isOneOf(auditEvents.keyId, keyIds),
          inArray(auditEvents.action, ["create", "rotate"]),
        ),
      );
    return rows.map(shown);
  });
}

/**
 * Subjects of those who did something lately, who did last first; neither whoever runs the service nor who reports leaks.
 *
 * @throws DatabaseError
 */
export function peopleIn(d1: D1Database, companyId: string): Promise<string[]> {
  return onPrimary(d1, async (db) => {
    const recent = db
      .select()
      .from(auditEvents)
      .where(eq(auditEvents.companyId, companyId))
      .orderBy(desc(auditEvents.seq))
      .limit(RECENT_EVENTS)
      .as("recent");
    const isReport = sql`coalesce(${recent.detail} ->> '$.reason', '') = 'leaked'`;
    const rows = await db
      .select({ subject: sql<string>`${recent.actorSubject}` })
      .from(recent)
      .where(and(eq(recent.isOperator, false), sql`${recent.actorSubject} IS NOT NULL AND NOT (${isReport})`))
      .groupBy(recent.actorSubject)
      .orderBy(sql`max(${recent.seq}) DESC`)
      .limit(MAX_PEOPLE);
    return rows.map(({ subject }) => subject);
  });
}
