import { isNull, sql } from "drizzle-orm";
import { check, index, integer, primaryKey, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";

/** Times are milliseconds since 1970-01-01T00:00Z. */
export const apiKeys = sqliteTable(
  "api_keys",
  {
    id: text().primaryKey(),
    companyId: text("company_id").notNull(),
    label: text().notNull(),
    keyPrefix: text("key_prefix").notNull(),
    /** HMAC-SHA-256 of the key under its generation's pepper, base64url. */
    digest: text().notNull(),
    scopes: text({ mode: "json" }).$type<string[]>().notNull(),
    createdAt: integer("created_at").notNull(),
    expiresAt: integer("expires_at"),
    revokedAt: integer("revoked_at"),
    /** Of the days whose use is no longer kept. */
    lastUsedAt: integer("last_used_at"),
    /** The key whose rotation made this one. */
    replacesId: text("replaces_id"),
  },
  (table) => [
    uniqueIndex("api_keys_digest").on(table.digest),
    uniqueIndex("api_keys_replaces").on(table.replacesId),
    index("api_keys_newest").on(table.companyId, table.createdAt, table.id),
    index("api_keys_live").on(table.companyId, table.expiresAt).where(isNull(table.revokedAt)),
    // A time that is not a number would never be reached: refused, whoever writes it.
    check("api_keys_expires_at", sql`typeof(${table.expiresAt}) IN ('integer', 'null')`),
    check("api_keys_revoked_at", sql`typeof(${table.revokedAt}) IN ('integer', 'null')`),
  ],
);

/** The change feed: a row for each change of what a verdict depends on, written by triggers alone. */
export const keyChanges = sqliteTable("key_changes", {
  seq: integer().primaryKey({ autoIncrement: true }),
  digest: text().notNull(),
  changedAt: integer("changed_at").notNull().default(sql`(unixepoch() * 1000)`),
});

/** Who did what to which key; append-only, by triggers. */
export const auditEvents = sqliteTable(
  "audit_events",
  {
    seq: integer().primaryKey({ autoIncrement: true }),
    id: text().notNull().unique(),
    companyId: text("company_id").notNull(),
    keyId: text("key_id").notNull(),
    action: text({ enum: ["create", "rename", "rotate", "revoke"] }).notNull(),
    /** Issuer and subject of the access token, or the like; null where the key's holder acted with the key itself. */
    actorIssuer: text("actor_issuer"),
    actorSubject: text("actor_subject"),
    at: integer().notNull(),
    /** What the action alone does not tell: the new label, the successor, why and where from. */
    detail: text({ mode: "json" }).$type<Record<string, string>>(),
  },
  (table) => [
    index("audit_events_newest").on(table.companyId, table.seq),
    index("audit_events_key").on(table.companyId, table.keyId, table.seq),
  ],
);

/** Verifications of a key on one day, UTC. */
export const usageDays = sqliteTable(
  "usage_days",
  {
    keyId: text("key_id").notNull(),
    companyId: text("company_id").notNull(),
    /** `YYYY-MM-DD`. */
    day: text().notNull(),
    allowed: integer().notNull(),
    denied: integer().notNull(),
    lastUsedAt: integer("last_used_at"),
    /** Ids of the reports merged last, the newest first, so that one delivered again counts once. */
    reports: text().notNull().default(""),
  },
  (table) => [primaryKey({ columns: [table.keyId, table.day] }), index("usage_days_day").on(table.day)],
);
