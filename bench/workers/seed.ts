import { keyFormat } from "../../src/keys/format.ts";
import { formatSettings } from "../../src/keys/settings.ts";
import { readSettings } from "../../src/lib/settings.ts";

/** Keys of one statement. */
const CHUNK = 5_000;

/** A key as it was made. */
export interface SeededKey {
  rawKey: string;
  digest: string;
}

/**
 * Fills the database, past Latchkey:
 *
 * - `POST /keys?count=&company=` makes keys, and answers with them.
 * - `POST /rows?count=&companies=` stores rows of keys that nobody has, spread over companies.
 * - `POST /sql` runs a statement, and answers with its rows.
 */
export default {
  async fetch(request, env) {
    const { pathname, searchParams } = new URL(request.url);
    const count = Number(searchParams.get("count"));
    if (pathname === "/keys")
      return Response.json(await makeKeys(env, count, searchParams.get("company") ?? ""));
    if (pathname === "/rows")
      return Response.json(await storeRows(env, count, Number(searchParams.get("companies"))));
    return Response.json((await env.DB.prepare(await request.text()).all()).results);
  },
} satisfies ExportedHandler<Env>;

async function makeKeys(env: Env, count: number, company: string): Promise<SeededKey[]> {
  const { KEY_PREFIX, KEY_PEPPERS } = readSettings(formatSettings, env)();
  const format = keyFormat(KEY_PREFIX, KEY_PEPPERS, (bytes) => crypto.getRandomValues(bytes));
  const keys: SeededKey[] = [];
  for (let left = count; left > 0; left -= CHUNK) {
    const chunk = await Promise.all(Array.from({ length: Math.min(left, CHUNK) }, () => format.create()));
    const rows = chunk.map(({ keyPrefix, digest }) => ({ id: crypto.randomUUID(), keyPrefix, digest }));
    await env.DB.prepare(
      `INSERT INTO api_keys (id, company_id, label, key_prefix, digest, scopes, created_at)
       SELECT value ->> 'id', ?, 'bench', value ->> 'keyPrefix', value ->> 'digest', '["jobs:read"]', ? FROM json_each(?)`,
    )
      .bind(company, Date.now(), JSON.stringify(rows))
      .run();
    keys.push(...chunk.map(({ rawKey, digest }) => ({ rawKey, digest })));
  }
  return keys;
}

async function storeRows(env: Env, count: number, companies: number): Promise<number> {
  for (let left = count; left > 0; left -= CHUNK) {
    await env.DB.prepare(
      `WITH RECURSIVE n (i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2)
       INSERT INTO api_keys (id, company_id, label, key_prefix, digest, scopes, created_at)
       SELECT lower(hex(randomblob(16))), 'company-' || (i % ?3), 'bench', 'lk_live_' || i, lower(hex(randomblob(21))),
         '["jobs:read"]', ?4 + i FROM n`,
    )
      .bind(count - left, count - Math.max(left - CHUNK, 0) - 1, companies, Date.now() - count)
      .run();
  }
  return count;
}
