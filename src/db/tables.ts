import { isNull, sql } from "drizzle-orm";
import { check, index, integer, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";

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
    lastUsedAt: integer("last_used_at"),
  },
  (table) => [
    uniqueIndex("api_keys_digest").on(table.digest),
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
    action: text({ enum: ["create", "rename", "revoke"] }).notNull(),
    /** Issuer and subject of the access token; null where the key's holder acted with the key itself. */
    actorIssuer: text("actor_issuer"),
    actorSubject: text("actor_subject"),
    at: integer().notNull(),
  },
  (table) => [
    index("audit_events_newest").on(table.companyId, table.seq),
    index("audit_events_key").on(table.companyId, table.keyId, table.seq),
  ],
);
