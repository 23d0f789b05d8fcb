import { env } from "cloudflare:workers";

/** Keys of `acme` that were put into the database by hand: no event tells of them. @returns the id of the last one. */
export async function insertByHand(count = 1): Promise<string> {
  await env.DB.prepare(
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
      INSERT INTO api_keys (id, company_id, label, key_prefix, digest, scopes, created_at)
      SELECT printf('00000000-0000-4000-8000-%012d', i), 'acme', 'by hand ' || i, 'lk_live_00000', i, '["jobs:read"]', ?2 FROM n`,
  )
    .bind(count, Date.now())
    .run();
  return `00000000-0000-4000-8000-${String(count).padStart(12, "0")}`;
}
