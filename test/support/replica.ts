import { env } from "cloudflare:workers";

/** The database with a replica that stands still until it is told to follow. */
export async function replicated() {
  const follow = () =>
    env.DB.batch(
      ["api_keys", "key_changes"].flatMap((table) => [
        env.DB.prepare(`DROP TABLE IF EXISTS replica_${table}`),
        env.DB.prepare(`CREATE TABLE replica_${table} AS SELECT * FROM ${table}`),
      ]),
    );
  const withSession = (start: D1SessionConstraint) => {
    const session = env.DB.withSession(start);
    if (start === "first-primary") return session;
    const prepare = (sql: string) =>
      session.prepare(sql.replace(/"(api_keys|key_changes)"/g, '"replica_$1"'));
    return Object.assign(Object.create(session), { prepare });
  };
  await follow();
  const d1: D1Database = Object.assign(Object.create(env.DB), { withSession });
  return { d1, follow };
}
