import { and, eq, notExists, type SQL, sql } from "drizzle-orm";
import type { Database } from "../db/client.ts";
import { apiKeys, auditEvents } from "../db/tables.ts";

/** Who acts: the access token's issuer and subject; `null`: the holder of the key itself. */
export type Actor = { issuer: string; subject: string } | null;

export interface AuditEvent {
  id: string;
  action: (typeof auditEvents.$inferInsert)["action"];
  actor: Actor;
  /** What the action alone does not tell. */
  detail?: Record<string, string>;
  /** Milliseconds since the epoch. */
  at: number;
}

/**
 * The statement that records `event` for the key that `condition` selects, and nothing where it
 * selects none or where it is recorded already. Belongs into the batch of the mutation it records.
 */
export function recordEvent(db: Database, event: AuditEvent, condition: SQL | undefined) {
  const recorded = db.select({ id: auditEvents.id }).from(auditEvents).where(eq(auditEvents.id, event.id));
  const values = sql`SELECT NULL, ${event.id}, ${apiKeys.companyId}, ${apiKeys.id}, ${event.action},
    ${event.actor?.issuer ?? null}, ${event.actor?.subject ?? null}, ${event.at}, ${event.detail ? JSON.stringify(event.detail) : null}
    FROM ${apiKeys} WHERE ${and(condition, notExists(recorded))}`;
  return db.insert(auditEvents).select(values);
}
