import { and, desc, eq, exists, notExists, type SQL } from "drizzle-orm";
import { alias, type SQLiteColumn } from "drizzle-orm/sqlite-core";
import { type Database, onPrimary } from "../db/client.ts";
import { apiKeys, auditEvents, isLeak } from "../db/tables.ts";
import type { AuditEvent } from "./event.ts";
import { recordEvent } from "./record.ts";

/** A key that was found in public, and revoked for it. */
export interface Leak {
  keyId: string;
  label: string;
  /** Where it was found, as the reporter says. */
  url: string;
  /** Milliseconds since the epoch. */
  at: number;
}

/** Leaks of one page. Once some are dismissed the next ones come. */
const MAX_LEAKS = 10;

/**
 * The company's leaks that nobody has dismissed yet, the newest first.
 *
 * @param keyId - Of this key alone.
 * @throws DatabaseError
 */
export function leaksOf(d1: D1Database, companyId: string, keyId?: string): Promise<Leak[]> {
  return onPrimary(d1, async (db) => {
    const rows = await db
      .select({ keyId: apiKeys.id, label: apiKeys.label, detail: auditEvents.detail, at: auditEvents.at })
      .from(auditEvents)
      .innerJoin(apiKeys, and(eq(apiKeys.id, auditEvents.keyId), eq(apiKeys.companyId, companyId)))
      .where(
        and(
          eq(auditEvents.companyId, companyId),
          isLeak(auditEvents),
          keyId === undefined ? undefined : eq(auditEvents.keyId, keyId),
          notExists(dismissals(db)),
        ),
      )
      .orderBy(desc(auditEvents.seq))
      .limit(MAX_LEAKS);
    return rows.map(({ detail, ...leak }) => ({ ...leak, url: detail?.url ?? "" }));
  });
}

/**
 * Records `event` for a key that was found in public, so that nobody is told of it any more; nothing for any other key,
 * nor a second time.
 *
 * @throws DatabaseError
 */
export function dismissLeak(
  d1: D1Database,
  companyId: string,
  keyId: string,
  event: AuditEvent,
): Promise<void> {
  return onPrimary(d1, async (db) => {
    const leaked = db
      .select({ id: auditEvents.id })
      .from(auditEvents)
      .where(and(ofKey(auditEvents), isLeak(auditEvents)));
    const isIt = and(eq(apiKeys.companyId, companyId), eq(apiKeys.id, keyId));
    await recordEvent(db, event, and(isIt, exists(leaked), notExists(dismissals(db))));
  });
}

function dismissals(db: Database) {
  const dismissal = alias(auditEvents, "dismissal");
  return db
    .select({ id: dismissal.id })
    .from(dismissal)
    .where(and(ofKey(dismissal), eq(dismissal.action, "dismiss")));
}

function ofKey(events: { companyId: SQLiteColumn; keyId: SQLiteColumn }): SQL | undefined {
  return and(eq(events.companyId, apiKeys.companyId), eq(events.keyId, apiKeys.id));
}
