import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import { bash, type CreatedKey, call } from "../e2e/support.ts";
import type { Site } from "./support.ts";

/** Labels of keys, one in each state and one without any use. */
export const SEEDED = {
  active: "Careers page",
  unused: "Data warehouse",
  expiring: "Slack notifier",
  overlap: "ATS sync, nightly",
  expired: "Partner: Initech",
  revoked: "Old integration",
} as const;

export const DAY_MS = 86_400_000;

/** Runs statements in the site's database. */
export async function execute(site: Site, sql: readonly string[]): Promise<void> {
  await writeFile(join(site.dir, "seed.sql"), sql.join("\n"));
  const { code, stderr } = await bash(site.dir, "npx wrangler d1 execute DB --local --file seed.sql");
  expect({ code, stderr }).toMatchObject({ code: 0 });
}

type Value = string | number | null;

/** A statement that adds a row. */
export function insert(table: string, row: Record<string, Value>): string {
  const values = Object.values(row).map((value) =>
    typeof value === "string" ? `'${value.replaceAll("'", "''")}'` : String(value),
  );
  return `INSERT INTO ${table} (${Object.keys(row)}) VALUES (${values});`;
}

export interface SeededKey {
  label: string;
  company?: string;
  /** Of the key's id and prefix: the same number makes the same key. */
  number: number;
  scopes?: readonly string[];
  /** Other columns. */
  columns?: Record<string, Value>;
}

export const idOf = (number: number) => `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`;

/** A statement that adds a key, which nobody can use: its digest is of none. */
export function keyRow({
  label,
  company = "acme",
  number,
  scopes = ["jobs:read"],
  columns,
}: SeededKey): string {
  return insert("api_keys", {
    id: idOf(number),
    company_id: company,
    label,
    key_prefix: `lk_live_${String(number).padStart(5, "0")}`,
    digest: `of no key, ${number}`,
    generation: "a",
    scopes: JSON.stringify(scopes),
    created_at: Date.now() - number * 1000,
    ...columns,
  });
}

/** Makes keys of the company `acme` in every state, with a month of use. @returns ids by state. */
export async function seedKeys(site: Site): Promise<Record<keyof typeof SEEDED, string>> {
  const { stdout } = await bash(site.dir, "npm run -s token -- --company acme");
  const headers = { Authorization: `Bearer ${stdout.trim()}`, "Content-Type": "application/json" };
  const keys = `${site.latchkey}/settings/api-keys`;
  const post = async (url: string, body: object) => {
    const answer = await call(url, { method: "POST", headers, body: JSON.stringify(body) });
    expect(answer).toMatchObject({ status: 201 });
    return (answer.body as CreatedKey).id;
  };
  const ids: Record<string, string> = {};
  for (const [state, label] of Object.entries(SEEDED)) {
    ids[state] = await post(keys, { label, scopes: ["jobs:read", "applications:read"] });
  }
  await post(`${keys}/${ids.overlap}/rotate`, { overlapSeconds: 86_400 });
  await call(`${keys}/${ids.revoked}`, { method: "DELETE", headers });

  const update = (state: string, changes: string) =>
    `UPDATE api_keys SET ${changes} WHERE id = '${ids[state]}';`;
  const now = Date.now();
  const use = (state: string, most: number) =>
    Array.from({ length: 30 }, (_, i) => {
      const day = new Date(now - i * DAY_MS).toISOString().slice(0, 10);
      const wave = 0.6 + 0.3 * Math.sin((i + 2) * 0.9) + (i % 7 < 2 ? -0.2 : 0.05);
      const [allowed, denied] = [Math.round(most * wave), (i * 7) % 13];
      return insert("usage_days", { key_id: ids[state] ?? "", company_id: "acme", day, allowed, denied });
    });
  const sql = [
    `UPDATE api_keys SET created_at = created_at - ${40 * DAY_MS};`,
    update("active", `last_used_at = ${now - 180_000}`),
    update("expiring", `expires_at = ${now + 3 * DAY_MS}, last_used_at = ${now - 7_200_000}`),
    update("overlap", `last_used_at = ${now - 600_000}`),
    update("expired", `expires_at = ${now - 2 * DAY_MS}`),
    ...use("active", 1_800),
    ...use("expiring", 120),
    ...use("overlap", 700),
  ];
  await execute(site, sql);
  return ids as Record<keyof typeof SEEDED, string>;
}
