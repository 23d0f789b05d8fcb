import { and, isNull, ne, or, type SQL, sql } from "drizzle-orm";
import type { AuditEvent } from "../audit/event.ts";
import { recordEvent } from "../audit/record.ts";
import { onPrimary } from "../db/client.ts";
import { apiKeys } from "../db/tables.ts";
import { fold } from "./fold.ts";
import { type ChangedKey, type NewKeyRow, selectChanged } from "./queries.ts";

/** What is left out stays. */
export interface KeyChange {
  label?: string | undefined;
  metadata?: Record<string, string> | undefined;
  allowedIps?: string[] | null | undefined;
  /** Recorded where the label has changed, with both. */
  renamed: AuditEvent;
  /** Recorded where something else has. */
  updated: AuditEvent;
}

const NEVER = sql`false`;

/** Changes what is in `change` of the key that `isIt` selects, where it is not revoked. The key afterwards. */
export function updateKey(
  d1: D1Database,
  isIt: SQL | undefined,
  { label, renamed, updated, ...settings }: KeyChange,
): Promise<ChangedKey | null> {
  return onPrimary(d1, async (db) => {
    const open = and(isIt, isNull(apiKeys.revokedAt));
    const relabels = label === undefined ? NEVER : ne(apiKeys.label, label);
    const labels = sql`json_object('label', ${label ?? null}, 'previousLabel', ${apiKeys.label})`;
    const changes = or(isOtherMetadata(settings), isOtherPlace(settings)) ?? NEVER;
    const [, , , rows] = await db.batch([
      recordEvent(db, renamed, and(open, relabels), labels),
      recordEvent(db, updated, and(open, changes)),
      db
        .update(apiKeys)
        .set({ ...settings, ...(label !== undefined && { label, labelFolded: fold(label) }) })
        .where(and(open, or(relabels, changes))),
      selectChanged(db, isIt),
    ]);
    return rows[0] ?? null;
  });
}

function isOtherMetadata({ metadata }: Pick<KeyChange, "metadata">): SQL | undefined {
  if (metadata === undefined) return undefined;
  return sql`coalesce(${apiKeys.metadata}, '{}') <> ${sql.param(metadata, apiKeys.metadata)}`;
}

function isOtherPlace({ allowedIps }: Pick<KeyChange, "allowedIps">): SQL | undefined {
  if (allowedIps === undefined) return undefined;
  return sql`${apiKeys.allowedIps} IS NOT ${sql.param(allowedIps, apiKeys.allowedIps)}`;
}

/** Changes the key that `isIt` selects, where it is not revoked and `where` holds, with its event. */
export function changeUnrevoked(
  d1: D1Database,
  isIt: SQL | undefined,
  { where, set }: { where?: SQL; set: Partial<Pick<NewKeyRow, "revokedAt" | "suspendedAt">> },
  event: AuditEvent,
): Promise<ChangedKey | null> {
  return onPrimary(d1, async (db) => {
    const changes = and(isIt, isNull(apiKeys.revokedAt), where);
    const [, , rows] = await db.batch([
      recordEvent(db, event, changes),
      db.update(apiKeys).set(set).where(changes),
      selectChanged(db, isIt),
    ]);
    return rows[0] ?? null;
  });
}
