import { check, index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";
import { isTime } from "./columns.ts";

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
    /** Of the denied, those for each reason. */
    expired: integer("denied_expired").notNull().default(0),
    revoked: integer("denied_revoked").notNull().default(0),
    suspended: integer("denied_suspended").notNull().default(0),
    scope: integer("denied_scope").notNull().default(0),
    address: integer("denied_address").notNull().default(0),
    limit: integer("denied_limit").notNull().default(0),
    lastUsedAt: integer("last_used_at"),
  },
  (table) => [
    primaryKey({ columns: [table.keyId, table.day] }),
    index("usage_days_day").on(table.day),
    check("usage_days_last_used_at", isTime(table.lastUsedAt)),
  ],
);

/** Reports of uses that were counted, so that one delivered again counts once. Without rowid. */
export const usageReports = sqliteTable(
  "usage_reports",
  {
    /** `YYYY-MM-DD`. */
    day: text().notNull(),
    id: text().notNull(),
  },
  (table) => [primaryKey({ columns: [table.day, table.id] })],
);

/** Sums of uses that wait, so that each key's are written once in a while. Without rowid. */
export const waitingSums = sqliteTable(
  "waiting_sums",
  {
    /** How the ids of its keys end, or `at once`. */
    part: text().notNull(),
    /** In the order of `since`. */
    id: text().notNull(),
    since: integer().notNull(),
    /** A list, as JSON. */
    sums: text().notNull(),
  },
  (table) => [primaryKey({ columns: [table.part, table.id] })],
);

/** Uses of all keys of a company on one day, added up every hour. Without rowid. */
export const companyDays = sqliteTable(
  "company_days",
  {
    /** `YYYY-MM-DD`. */
    day: text().notNull(),
    companyId: text("company_id").notNull(),
    allowed: integer().notNull(),
    denied: integer().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.day, table.companyId] }),
    index("company_days_most").on(table.day, table.allowed, table.companyId),
  ],
);

/** The keys with the most uses of a day, and those with the most refusals. Without rowid. */
export const busyKeys = sqliteTable(
  "busy_keys",
  {
    /** `YYYY-MM-DD`. */
    day: text().notNull(),
    keyId: text("key_id").notNull(),
    companyId: text("company_id").notNull(),
    allowed: integer().notNull(),
    denied: integer().notNull(),
  },
  (table) => [primaryKey({ columns: [table.day, table.keyId] })],
);
