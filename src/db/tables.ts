import { isNotNull, isNull, type SQL, sql } from "drizzle-orm";
import {
  check,
  index,
  integer,
  primaryKey,
  type SQLiteColumn,
  sqliteTable,
  text,
  uniqueIndex,
} from "drizzle-orm/sqlite-core";
import { endOf, isCount, isList, isObject, isTime, names, texts } from "./columns.ts";

/** Times are milliseconds since 1970-01-01T00:00Z. */
export const apiKeys = sqliteTable(
  "api_keys",
  {
    id: text().primaryKey(),
    companyId: text("company_id").notNull(),
    label: text().notNull(),
    /** The label as searches compare it: see `fold`. Without it, of a row made by hand, the label is compared. */
    labelFolded: text("label_folded"),
    keyPrefix: text("key_prefix").notNull(),
    /** HMAC-SHA-256 of the key under its generation's pepper, base64url. */
    digest: text().notNull(),
    /** Which pepper the digest was made with. Unknown of a row made by hand. */
    generation: text(),
    scopes: names().notNull(),
    createdAt: integer("created_at").notNull(),
    expiresAt: integer("expires_at"),
    revokedAt: integer("revoked_at"),
    /** Of the days whose use is no longer kept. */
    lastUsedAt: integer("last_used_at"),
    /** The key whose rotation made this one. */
    replacesId: text("replaces_id"),
    /** Since when it is suspended, which can be turned back. */
    suspendedAt: integer("suspended_at"),
    /** Written by the company; comes with every verdict. */
    metadata: texts(),
    /** Addresses and CIDR blocks that it may be used from. `NULL`: anywhere; what cannot be read: nowhere. */
    allowedIps: names("allowed_ips"),
    /** Issuer and subject of the access token that it was made with. Unknown of a row made by hand. */
    createdByIssuer: text("created_by_issuer"),
    createdBySubject: text("created_by_subject"),
  },
  (table) => [
    uniqueIndex("api_keys_digest").on(table.digest),
    uniqueIndex("api_keys_replaces").on(table.replacesId),
    index("api_keys_newest").on(table.companyId, table.createdAt, table.id),
    index("api_keys_live").on(table.companyId, table.expiresAt).where(isNull(table.revokedAt)),
    // For the whole service: which dead keys are old, which peppers are still in use, and whose a key is.
    index("api_keys_revoked").on(table.revokedAt).where(isNotNull(table.revokedAt)),
    index("api_keys_expired").on(table.expiresAt, table.id).where(isNotNull(table.expiresAt)),
    index("api_keys_generation")
      .on(table.generation, endOf(table.expiresAt), table.id)
      .where(isNull(table.revokedAt)),
    index("api_keys_prefix").on(table.keyPrefix, table.id),
    index("api_keys_creator")
      .on(table.createdBySubject, table.createdAt, table.id)
      .where(isNotNull(table.createdBySubject)),
    check("api_keys_created_at", isTime(table.createdAt)),
    check("api_keys_expires_at", isTime(table.expiresAt)),
    check("api_keys_revoked_at", isTime(table.revokedAt)),
    check("api_keys_suspended_at", isTime(table.suspendedAt)),
    check("api_keys_last_used_at", isTime(table.lastUsedAt)),
    check("api_keys_metadata", isObject(table.metadata)),
    check("api_keys_scopes", sql`json_valid(${table.scopes}) AND json_type(${table.scopes}) = 'array'`),
    check("api_keys_allowed_ips", isList(table.allowedIps)),
  ],
);

/** A company for which anything was ever set. Without a row, and where a column is `NULL`, the settings hold. */
export const companies = sqliteTable(
  "companies",
  {
    id: text().primaryKey(),
    /** Since when all its keys are refused, which can be turned back. */
    suspendedAt: integer("suspended_at"),
    suspendedReason: text("suspended_reason"),
    /** Addresses and CIDR blocks that its keys may be used from, whatever they say themselves. `NULL`: anywhere. */
    allowedIps: names("allowed_ips"),
    maxLiveKeys: integer("max_live_keys"),
    /** 0: none. */
    maxKeyLifetimeDays: integer("max_key_lifetime_days"),
    /** Those of the catalogue that new keys may have. */
    scopes: names(),
    /** The limit of all its keys together: `free` is the binding `LIMIT_FREE`. `NULL`: none. */
    rateTier: text("rate_tier"),
  },
  (table) => [
    check("companies_suspended_at", isTime(table.suspendedAt)),
    check("companies_max_live_keys", isCount(table.maxLiveKeys)),
    check("companies_max_key_lifetime_days", isCount(table.maxKeyLifetimeDays)),
    check("companies_allowed_ips", isList(table.allowedIps)),
    check("companies_scopes", isList(table.scopes)),
  ],
);

/** Every company that has had a key or a setting, with how many keys it has that are not revoked; by triggers alone. */
export const keyCounts = sqliteTable(
  "key_counts",
  {
    companyId: text("company_id").primaryKey(),
    keys: integer().notNull(),
  },
  (table) => [index("key_counts_most").on(table.keys, table.companyId)],
);

/** What requests with an `Idempotency-Key` made, sealed, for whoever repeats them. */
export const sealedAnswers = sqliteTable(
  "sealed_answers",
  {
    companyId: text("company_id").notNull(),
    /** Of the request: a hash. */
    id: text().notNull(),
    keyId: text("key_id").notNull(),
    /** Of the request's body: a hash. */
    fingerprint: text().notNull(),
    sealed: text().notNull(),
    expiresAt: integer("expires_at").notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.companyId, table.id] }),
    index("sealed_answers_over").on(table.expiresAt),
    check("sealed_answers_expires_at", isTime(table.expiresAt)),
  ],
);

/** In which database a company lives, for ever. Of use in `DB` alone; others have the table, as the schema is one. */
export const placements = sqliteTable("placements", {
  companyId: text("company_id").primaryKey(),
  database: text().notNull(),
});

/** In which database a key is that was made elsewhere: others say so themselves. Of use in `DB` alone, as the one above. */
export const importedKeys = sqliteTable("imported_keys", {
  digest: text().primaryKey(),
  database: text().notNull(),
});

/** The change feed: a row for each change of what a verdict depends on, written by triggers alone. */
export const keyChanges = sqliteTable("key_changes", {
  seq: integer().primaryKey({ autoIncrement: true }),
  digest: text().notNull(),
  changedAt: integer("changed_at").notNull().default(sql`(unixepoch() * 1000)`),
});

/** Whether a key was found in public. Without parameters, so that SQLite knows the index by it. */
export function isLeak({ action, detail }: { action: SQLiteColumn; detail: SQLiteColumn }): SQL {
  return sql`${action} = 'revoke' AND ${detail} ->> '$.reason' = 'leaked'`;
}

/** Who did what to which key or company; append-only, by triggers. */
export const auditEvents = sqliteTable(
  "audit_events",
  {
    seq: integer().primaryKey({ autoIncrement: true }),
    id: text().notNull().unique(),
    companyId: text("company_id").notNull(),
    /** `""`: of the company itself. */
    keyId: text("key_id").notNull(),
    action: text({
      enum: [
        "create",
        "rename",
        "update",
        "rotate",
        "suspend",
        "resume",
        "revoke",
        "expiring",
        "expired",
        "dismiss",
        "suspend_company",
        "resume_company",
        "update_company",
      ],
    }).notNull(),
    /** Issuer and subject of the access token, or the like; null where the key's holder acted with the key itself. */
    actorIssuer: text("actor_issuer"),
    actorSubject: text("actor_subject"),
    at: integer().notNull(),
    /** What the action alone does not tell: the new label, the successor, why and where from. */
    detail: texts(),
    /** Whether the actor is whoever runs the service, whose name the company is not told. */
    isOperator: integer("is_operator", { mode: "boolean" }).notNull().default(false),
  },
  (table) => [
    check("audit_events_at", isTime(table.at)),
    check("audit_events_detail", isObject(table.detail)),
    index("audit_events_newest").on(table.companyId, table.seq),
    index("audit_events_key").on(table.companyId, table.keyId, table.seq),
    index("audit_events_leaked").on(table.companyId, table.seq).where(isLeak(table)),
  ],
);

/** Jobs that `progress` knows and that others ask of. */
export const EVENTS_JOB = "events";
export const RETENTION_JOB = "retention";
export const TOTALS_JOB = "usage_totals";

/** How far jobs got that go on from there: the last event told, the time up to which keys were looked at. */
export const progress = sqliteTable("progress", {
  job: text().primaryKey(),
  done: integer().notNull(),
  /** Which run has the job for itself, and until when. */
  holder: text(),
  heldUntil: integer("held_until").notNull().default(0),
});

/** What may be done once in the dashboard, and was: the way back of a login, the showing of a new key. */
export const dashboardUses = sqliteTable(
  "dashboard_uses",
  {
    id: text().primaryKey(),
    /** The request that did it. */
    user: text().notNull(),
    /** Until when it is remembered. */
    endsAt: integer("ends_at").notNull(),
  },
  (table) => [index("dashboard_uses_end").on(table.endsAt)],
);

/** Who is signed in to the dashboard. */
export const dashboardSessions = sqliteTable(
  "dashboard_sessions",
  {
    /** SHA-256 of the secret in the browser's cookie, base64url. */
    id: text().primaryKey(),
    /** Of the access token, as the next one. */
    issuer: text().notNull(),
    subject: text().notNull(),
    /** Tokens, sealed under a pepper. */
    sealed: text().notNull(),
    endsAt: integer("ends_at").notNull(),
    /** The request that renews the tokens, and until when others wait for it. */
    renewer: text(),
    renewingUntil: integer("renewing_until").notNull().default(0),
  },
  (table) => [
    index("dashboard_sessions_newest").on(table.issuer, table.subject, table.endsAt),
    index("dashboard_sessions_end").on(table.endsAt),
  ],
);
