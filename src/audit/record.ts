import { and, eq, notExists, type SQL, sql } from "drizzle-orm";
import type { SQLiteColumn } from "drizzle-orm/sqlite-core";
import type { Database } from "../db/client.ts";
import { selectInto } from "../db/insert.ts";
import { apiKeys, auditEvents, companies } from "../db/tables.ts";
import { type AuditEvent, NO_KEY_ID } from "./event.ts";

/**
 * The statement that records `event` for the key that `condition` selects, and nothing where it
 * selects none or where it is recorded already. Belongs into the batch of the mutation it records.
 *
 * @param detail - In place of the event's own: made from the key as it is.
 */
export function recordEvent(db: Database, event: AuditEvent, condition: SQL | undefined, detail?: SQL) {
  const of = { companyId: apiKeys.companyId, keyId: apiKeys.id };
  const recorded = detail === undefined ? event : { ...event, detail };
  return record(db, recorded, of, sql`FROM ${apiKeys} WHERE ${and(condition, isNew(db, event))}`);
}

/** The same for the company that `condition` selects. */
export function recordCompanyEvent(db: Database, event: AuditEvent, condition: SQL | undefined) {
  const of = { companyId: companies.id, keyId: NO_KEY_ID };
  return record(db, event, of, sql`FROM ${companies} WHERE ${and(condition, isNew(db, event))}`);
}

function record(
  db: Database,
  event: Omit<AuditEvent, "detail"> & { detail?: AuditEvent["detail"] | SQL },
  of: { companyId: SQLiteColumn; keyId: SQLiteColumn | string },
  rest: SQL,
) {
  const { id, action, actor, at, detail } = event;
  const values = selectInto(
    auditEvents,
    {
      seq: null,
      id,
      ...of,
      action,
      actorIssuer: actor?.issuer ?? null,
      actorSubject: actor?.subject ?? null,
      isOperator: actor?.isOperator ?? false,
      at,
      detail: detail ?? null,
    },
    rest,
  );
  return db.insert(auditEvents).select(values);
}

function isNew(db: Database, { id }: AuditEvent): SQL {
  return notExists(db.select({ id: auditEvents.id }).from(auditEvents).where(eq(auditEvents.id, id)));
}

/** The same for many keys at once: each of `events` is that of the key of its digest. */
export function recordEvents(
  db: Database,
  events: ReadonlyMap<string, AuditEvent>,
  condition: SQL | undefined,
) {
  const values = selectInto(
    auditEvents,
    {
      seq: null,
      id: sql`value ->> '$[1].id'`,
      companyId: apiKeys.companyId,
      keyId: apiKeys.id,
      action: sql`value ->> '$[1].action'`,
      actorIssuer: sql`value ->> '$[1].actor.issuer'`,
      actorSubject: sql`value ->> '$[1].actor.subject'`,
      isOperator: sql`coalesce(value ->> '$[1].actor.isOperator', false)`,
      at: sql`value ->> '$[1].at'`,
      detail: sql`value -> '$[1].detail'`,
    },
    // A join that SQLite does not turn round: one look-up for each event.
    sql`FROM json_each(${JSON.stringify([...events])}) CROSS JOIN ${apiKeys} ON ${apiKeys.digest} = value ->> '$[0]'
      WHERE ${condition}`,
  );
  return db.insert(auditEvents).select(values);
}
