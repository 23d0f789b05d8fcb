import worker from "../src/index.ts";

/** Reads of D1 by the verifier of one isolate. */
export interface Reads {
  /** Tells isolates apart. */
  isolate: string;
  /** To catch up with the feed, beside an answer. */
  background: number;
  /** Before an answer: of a key that is not held, or because the feed had to be asked first. */
  first: number;
}

const reads: Reads = { isolate: "", background: 0, first: 0 };
let counted: Env | undefined;

/** How long a late read takes: longer than its deadline. */
const LATE_MS = 1_500;

/**
 * Latchkey as it is, and beside it:
 *
 * - `POST /ask` presents each API key of a JSON array to this isolate, as requests of their own, and
 *   answers with their statuses.
 * - `GET /reads` tells what this isolate has read so far.
 * - `POST /sql` revokes the key of an id as a hand would, past Latchkey.
 */
export default {
  ...worker,
  async fetch(request: Parameters<typeof worker.fetch>[0], env: BenchEnv, ctx: ExecutionContext) {
    counted ??= { ...env, DB: countReads(env.DB, env.LATE_SHARE) };
    const latchkey = counted;
    const { pathname } = new URL(request.url);
    if (pathname === "/reads") {
      reads.isolate ||= crypto.randomUUID();
      return Response.json(reads);
    }
    if (pathname === "/sql") {
      const revoke = env.DB.prepare("UPDATE api_keys SET revoked_at = unixepoch() * 1000 WHERE id = ?");
      return Response.json(await revoke.bind(await request.text()).run());
    }
    if (pathname !== "/ask") return worker.fetch(request, latchkey, ctx);
    const url = new URL("/public/v1/key", request.url);
    const rawKeys = await request.json<string[]>();
    const answers = rawKeys.map((rawKey) =>
      worker.fetch(new Request(url, { headers: { "X-API-Key": rawKey } }) as typeof request, latchkey, ctx),
    );
    return Response.json((await Promise.all(answers)).map(({ status }) => status));
  },
};

interface BenchEnv extends Env {
  /** Of the verifier's reads, so many are late: 0 to 1. */
  LATE_SHARE: number;
}

function countReads(d1: D1Database, lateShare: number): D1Database {
  const withSession: D1Database["withSession"] = (start) => {
    const session = d1.withSession(start);
    const prepare: D1Database["prepare"] = (sql) => {
      const statement = session.prepare(sql);
      if (!/^select .* from "key_changes"/is.test(sql)) return statement;
      const bind: D1PreparedStatement["bind"] = (...values) => {
        // Where the feed alone is asked for, the digest is empty.
        reads[values.includes("") ? "background" : "first"]++;
        const bound = statement.bind(...values);
        if (Math.random() >= lateShare) return bound;
        const raw = async () => {
          await scheduler.wait(LATE_MS);
          return bound.raw();
        };
        return Object.create(bound, { raw: { value: raw } });
      };
      return Object.create(statement, { bind: { value: bind } });
    };
    return Object.create(session, { prepare: { value: prepare } });
  };
  return Object.create(d1, { withSession: { value: withSession } });
}
