import { and, eq, isNotNull, isNull, notExists, or, type SQL, sql } from "drizzle-orm";
import type { AuditEvent } from "../audit/event.ts";
import { recordCompanyEvent } from "../audit/record.ts";
import { type Database, isOneOf, onPrimary } from "../db/client.ts";
import { selectInto } from "../db/insert.ts";
import { companies } from "../db/tables.ts";
import { type Company, type Policy, usualCompany } from "./policy.ts";

/** One event for each thing that changes: it is recorded where that changes. */
export interface StoredChange {
  suspend?: { event: AuditEvent; reason: string | null } | undefined;
  resume?: { event: AuditEvent } | undefined;
  update?: { event: AuditEvent; policy: Partial<Policy> } | undefined;
}

/** @throws DatabaseError */
export function findCompany(d1: D1Database, id: string): Promise<Company> {
  return onPrimary(d1, async (db) => (await selectCompany(db, id).get()) ?? usualCompany(id));
}

/** Companies of one database, each with what is set for it. @throws DatabaseError */
export async function findCompanies(d1: D1Database, ids: readonly string[]): Promise<Company[]> {
  const rows = await onPrimary(d1, (db) => db.select().from(companies).where(isOneOf(companies.id, ids)));
  const set = new Map(rows.map((row) => [row.id, row]));
  return ids.map((id) => set.get(id) ?? usualCompany(id));
}

/**
 * The company afterwards. One that is suspended keeps its time of suspension and the reason.
 *
 * @throws DatabaseError
 */
export function changeCompany(
  d1: D1Database,
  id: string,
  { suspend, resume, update }: StoredChange,
): Promise<Company> {
  return onPrimary(d1, async (db) => {
    const isIt = eq(companies.id, id);
    const change = (
      event: AuditEvent | undefined,
      where: SQL | undefined,
      set: Partial<Omit<Company, "id">>,
    ) =>
      event === undefined
        ? []
        : [
            recordCompanyEvent(db, event, and(isIt, where)),
            db.update(companies).set(set).where(and(isIt, where)),
          ];
    const results = await db.batch([
      addCompany(db, id),
      ...change(suspend?.event, isNull(companies.suspendedAt), {
        suspendedAt: suspend?.event.at ?? null,
        suspendedReason: suspend?.reason ?? null,
      }),
      ...change(resume?.event, isNotNull(companies.suspendedAt), {
        suspendedAt: null,
        suspendedReason: null,
      }),
      ...change(update?.event, isOther(update?.policy ?? {}), update?.policy ?? {}),
      selectCompany(db, id),
    ]);
    const [company] = results.at(-1) as Company[];
    return company ?? usualCompany(id);
  });
}

function selectCompany(db: Database, id: string) {
  return db.select().from(companies).where(eq(companies.id, id));
}

/** A row without anything, where there is none: no upsert, for which the triggers would tell of each key. */
function addCompany(db: Database, id: string) {
  const known = notExists(selectCompany(db, id));
  return db.insert(companies).select(selectInto(companies, usualCompany(id), sql`WHERE ${known}`));
}

function isOther(policy: Partial<Policy>): SQL | undefined {
  const others = Object.entries(policy).map(([name, value]) => {
    const column = companies[name as keyof Policy];
    return sql`${column} IS NOT ${sql.param(value, column)}`;
  });
  return or(...others) ?? sql`false`;
}
