import { and, desc, eq, isNotNull, lt, not, or, type SQL, sql } from "drizzle-orm";
import type { Database } from "../db/client.ts";
import { apiKeys } from "../db/tables.ts";
import { usageDays } from "../db/usage-tables.ts";
import { isKey } from "./conditions.ts";
import { fold } from "./fold.ts";
import type { ListKeys } from "./listing.ts";

/** A key as stored, less its digest. */
export type StoredKey = Omit<NewKeyRow, "digest">;
export type NewKeyRow = Omit<typeof apiKeys.$inferSelect, "labelFolded">;

/** A key whose verdict has changed, with its digest for those who verify it. */
export type ChangedKey = StoredKey & Pick<NewKeyRow, "digest">;

/** Of the days whose use is kept. */
const lastUse = sql`(SELECT ${usageDays.lastUsedAt} FROM ${usageDays}
  WHERE ${and(eq(usageDays.keyId, apiKeys.id), isNotNull(usageDays.lastUsedAt))}
  ORDER BY ${usageDays.day} DESC LIMIT 1)`;

/** What is read of a key. */
export const stored = {
  id: apiKeys.id,
  companyId: apiKeys.companyId,
  label: apiKeys.label,
  keyPrefix: apiKeys.keyPrefix,
  generation: apiKeys.generation,
  scopes: apiKeys.scopes,
  createdAt: apiKeys.createdAt,
  expiresAt: apiKeys.expiresAt,
  revokedAt: apiKeys.revokedAt,
  suspendedAt: apiKeys.suspendedAt,
  metadata: apiKeys.metadata,
  allowedIps: apiKeys.allowedIps,
  createdByIssuer: apiKeys.createdByIssuer,
  createdBySubject: apiKeys.createdBySubject,
  lastUsedAt: sql<number | null>`coalesce(${lastUse}, ${apiKeys.lastUsedAt})`,
  replacesId: apiKeys.replacesId,
};

/** What to select from where no table is read. */
export const ONE_ROW = sql`(SELECT 1)`;

/** The label as searches compare it. */
export const labelForm = sql`coalesce(${apiKeys.labelFolded}, upper(${apiKeys.label}))`;

/** Whether the key's label or prefix holds `q`. By instr, as D1 limits a LIKE pattern to 50 bytes. */
export function holds(q: string): SQL {
  const parts = [labelForm, sql`upper(${apiKeys.keyPrefix})`];
  return sql`(${or(...parts.map((part) => sql`instr(${part}, ${fold(q)}) > 0`))})`;
}

/** Newest first. @param isActive - Of keys that are good now. */
export function listQuery(db: Database, companyId: string, filter: ListKeys, isActive: SQL) {
  const { limit, cursor, active, q, expiresBefore, unusedSince } = filter;
  const conditions: (SQL | undefined)[] = [eq(apiKeys.companyId, companyId)];
  if (cursor)
    conditions.push(sql`(${apiKeys.createdAt}, ${apiKeys.id}) < (${cursor.createdAt}, ${cursor.id})`);
  if (active !== undefined) conditions.push(active ? isActive : not(isActive));
  if (expiresBefore !== undefined) conditions.push(lt(apiKeys.expiresAt, expiresBefore));
  if (unusedSince !== undefined) conditions.push(sql`${stored.lastUsedAt} < ${unusedSince}`);
  if (q) conditions.push(holds(q));
  return db
    .select(stored)
    .from(apiKeys)
    .where(and(...conditions))
    .orderBy(desc(apiKeys.createdAt), desc(apiKeys.id))
    .limit(limit);
}

export function selectKey(db: Database, companyId: string, id: string) {
  return db.select(stored).from(apiKeys).where(isKey(companyId, id));
}

export function selectChanged(db: Database, condition: SQL | undefined) {
  return db
    .select({ ...stored, digest: apiKeys.digest })
    .from(apiKeys)
    .where(condition);
}
