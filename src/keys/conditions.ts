import { and, eq, gt, isNull, ne, or, type SQL, sql } from "drizzle-orm";
import { isOneOf } from "../db/client.ts";
import { apiKeys } from "../db/tables.ts";

/** How many keys a company may have. */
export interface Caps {
  live: number;
  /** Dead ones counted. */
  stored: number;
}

export function isKey(companyId: string, id: string): SQL | undefined {
  return and(eq(apiKeys.companyId, companyId), eq(apiKeys.id, id));
}

export function isSuccessor(companyId: string, id: string): SQL | undefined {
  return and(eq(apiKeys.companyId, companyId), eq(apiKeys.replacesId, id));
}

/** The cap that the company is at, a key of the id `except` not counted among the live; `NULL`: it has room. */
export function fullCap(companyId: string, now: number, caps: Caps, except = ""): SQL<keyof Caps | null> {
  const isOurs = eq(apiKeys.companyId, companyId);
  const live = sql`(SELECT count(*) FROM ${apiKeys} WHERE ${and(isOurs, isLive(now), ne(apiKeys.id, except))})`;
  const all = sql`(SELECT count(*) FROM ${apiKeys} WHERE ${isOurs})`;
  return sql`CASE WHEN ${live} >= ${caps.live} THEN 'live' WHEN ${all} >= ${caps.stored} THEN 'stored' END`;
}

export function isActive(now: number, generations: readonly string[]): SQL {
  const canBeChecked = or(isNull(apiKeys.generation), isOneOf(apiKeys.generation, generations));
  return sql`(${isLive(now)} AND ${isNull(apiKeys.suspendedAt)} AND (${canBeChecked}))`;
}

/** Neither revoked nor expired. A suspended key lives: it can be resumed. */
export function isLive(now: number): SQL {
  return sql`(${isNull(apiKeys.revokedAt)} AND (${or(isNull(apiKeys.expiresAt), gt(apiKeys.expiresAt, now))}))`;
}
