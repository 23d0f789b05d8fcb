import { env } from "cloudflare:workers";
import { hooked } from "./d1.ts";

/** The statements that `work` sends to the database. */
export async function statementsOf(work: (db: D1Database) => Promise<unknown>): Promise<string[]> {
  const seen: string[] = [];
  await work(hooked(env.DB, (sql) => void seen.push(...sql)));
  if (seen.length === 0) throw new Error("There was no statement");
  return seen;
}

/** What SQLite does for `sql`, a step an entry. */
export async function planOf(sql: string): Promise<string[]> {
  const values = Array(sql.split("?").length - 1).fill(1);
  const plan = await env.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`)
    .bind(...values)
    .all<{ detail: string }>();
  return plan.results.map((step) => step.detail);
}
