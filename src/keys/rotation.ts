import { and, exists, gt, isNull, notExists, or, sql } from "drizzle-orm";
import type { AuditEvent } from "../audit/event.ts";
import { recordEvent } from "../audit/record.ts";
import { onPrimary } from "../db/client.ts";
import { selectInto } from "../db/insert.ts";
import { apiKeys } from "../db/tables.ts";
import { isFirst, keepAnswer } from "./answers.ts";
import { type Caps, fullCap, isKey, isLive, isSuccessor } from "./conditions.ts";
import type { SealedAnswer } from "./idempotency.ts";
import {
  type ChangedKey,
  type NewKeyRow,
  ONE_ROW,
  type StoredKey,
  selectChanged,
  stored,
} from "./queries.ts";

export interface Successor
  extends Pick<
    NewKeyRow,
    "id" | "keyPrefix" | "digest" | "generation" | "expiresAt" | "createdByIssuer" | "createdBySubject"
  > {
  /** When the old key ends. */
  endsAt: number;
  rotated: AuditEvent;
  created: AuditEvent;
  caps: Caps;
  /** Kept with the successor. Where there is one already for a request of this id, none is made. */
  answer?: SealedAnswer | undefined;
}

export interface Rotation {
  /** `null`: there is no such key. */
  old: ChangedKey | null;
  /** Its successor, whoever made it; `null`: none. */
  successor: StoredKey | null;
  /** The cap that the company is at. */
  full: keyof Caps | null;
}

/**
 * Makes `successor` from the key of `id`, of the same label and scopes, and ends that key at `endsAt` or when it would
 * have ended anyway, whichever is first: one batch, which does nothing where the key cannot be rotated.
 *
 * @throws DatabaseError
 */
export function rotateKey(
  d1: D1Database,
  companyId: string,
  id: string,
  { endsAt, rotated, created, caps, answer, ...successor }: Successor,
): Promise<Rotation> {
  return onPrimary(d1, async (db) => {
    const now = created.at;
    const old = and(isKey(companyId, id), isLive(now), isNull(apiKeys.suspendedAt));
    const full = fullCap(companyId, now, caps, endsAt > now ? undefined : id);
    const replaced = db.select({ id: apiKeys.id }).from(apiKeys).where(isSuccessor(companyId, id));
    const values = selectInto(
      apiKeys,
      {
        ...successor,
        companyId: apiKeys.companyId,
        label: apiKeys.label,
        labelFolded: apiKeys.labelFolded,
        scopes: apiKeys.scopes,
        createdAt: now,
        metadata: apiKeys.metadata,
        allowedIps: apiKeys.allowedIps,
        revokedAt: null,
        suspendedAt: null,
        lastUsedAt: null,
        replacesId: apiKeys.id,
      },
      sql`FROM ${apiKeys} WHERE ${and(old, notExists(replaced), isFirst(db, answer, now))} AND ${full} IS NULL`,
    );
    const made = db.select({ id: apiKeys.id }).from(apiKeys).where(isKey(companyId, successor.id));
    const endsLater = or(isNull(apiKeys.expiresAt), gt(apiKeys.expiresAt, endsAt));
    const [, , , , olds, successors, caught] = await db.batch([
      db.insert(apiKeys).select(values),
      recordEvent(db, rotated, and(isKey(companyId, id), exists(made))),
      recordEvent(db, created, isKey(companyId, successor.id)),
      db
        .update(apiKeys)
        .set({ expiresAt: endsAt })
        .where(and(isKey(companyId, id), exists(made), endsLater)),
      selectChanged(db, isKey(companyId, id)),
      db.select(stored).from(apiKeys).where(isSuccessor(companyId, id)),
      db.select({ full }).from(ONE_ROW),
      ...(answer ? [keepAnswer(db, answer)] : []),
    ]);
    return { old: olds[0] ?? null, successor: successors[0] ?? null, full: caught[0]?.full ?? null };
  });
}
