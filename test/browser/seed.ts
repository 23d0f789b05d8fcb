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

const DAY_MS = 86_400_000;

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
      return `INSERT INTO usage_days (key_id, company_id, day, allowed, denied) VALUES ('${ids[state]}', 'acme', '${day}', ${Math.round(most * wave)}, ${(i * 7) % 13});`;
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
  await writeFile(join(site.dir, "seed.sql"), sql.join("\n"));
  const { code, stderr } = await bash(site.dir, "npx wrangler d1 execute DB --local --file seed.sql");
  expect({ code, stderr }).toMatchObject({ code: 0 });
  return ids as Record<keyof typeof SEEDED, string>;
}
