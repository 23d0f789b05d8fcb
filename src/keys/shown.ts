import { timestamp } from "../lib/time.ts";
import type { StoredKey } from "./queries.ts";
import type { ApiKey } from "./schema.ts";

/** Neither revoked nor expired. A suspended key lives: it can be resumed. @param now - Milliseconds since the epoch. */
export function isLive({ revokedAt, expiresAt }: StoredKey, now: number): boolean {
  return revokedAt === null && (expiresAt === null || expiresAt > now);
}

/**
 * A key as its company sees it.
 *
 * @param generations - Those whose keys can be checked.
 * @param now - Milliseconds since the epoch.
 */
export function shownKey(row: StoredKey, generations: readonly string[], now: number): ApiKey {
  const canBeChecked = row.generation === null || generations.includes(row.generation);
  return {
    id: row.id,
    keyPrefix: row.keyPrefix,
    label: row.label,
    scopes: row.scopes,
    createdAt: new Date(row.createdAt).toISOString(),
    expiresAt: timestamp(row.expiresAt),
    revokedAt: timestamp(row.revokedAt),
    suspendedAt: timestamp(row.suspendedAt),
    lastUsedAt: timestamp(row.lastUsedAt),
    replaces: row.replacesId,
    createdBy: createdBy(row),
    allowedIps: row.allowedIps,
    metadata: row.metadata ?? {},
    active: isLive(row, now) && row.suspendedAt === null && canBeChecked,
  };
}

function createdBy({ createdByIssuer: issuer, createdBySubject: subject }: StoredKey): ApiKey["createdBy"] {
  return issuer === null || subject === null ? null : { issuer, subject };
}
