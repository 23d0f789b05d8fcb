import worker from "../src/index.ts";
import { attackedCaches } from "./attack.ts";

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

/** Who presents the keys. */
const CALLER = { "CF-Connecting-IP": "192.0.2.7" };

/** How long a late read takes: longer than its deadline. */
const LATE_MS = 1_500;
/** Of the verifier's reads, so many are late: 0 to 1. */
let lateShare = 0;

/**
 * Latchkey as it is, and beside it:
 *
 * - `POST /ask?late=0.3` presents each API key of a JSON array to this isolate, as requests of their own, and answers
 *   with lines of JSON, each as soon as it is known: `[index, status, checkedAt, isStale]`. From then on, so many of
 *   the reads are late.
 * - `GET /reads` tells what this isolate has read so far.
 * - `POST /sql?binding=DB_01` runs statements, `[[sql, ...parameters], …]`, in one transaction, as a hand would, past
 *   Latchkey. It answers with the rows of each.
 */
export default {
  ...worker,
  async fetch(request: Parameters<typeof worker.fetch>[0], env: Env, ctx: ExecutionContext) {
    counted ??= prepare(env);
    const latchkey = counted;
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/reads") {
      reads.isolate ||= crypto.randomUUID();
      return Response.json(reads);
    }
    if (pathname === "/sql") {
      const d1 = databasesOf(env).get(searchParams.get("binding") ?? "DB") as D1Database;
      const statements = await request.json<[string, ...unknown[]][]>();
      const batch = statements.map(([sql, ...values]) => d1.prepare(sql).bind(...values));
      return Response.json((await d1.batch(batch)).map(({ results }) => results));
    }
    if (pathname !== "/ask") return worker.fetch(request, latchkey, ctx);
    lateShare = Number(searchParams.get("late"));
    const url = new URL("/public/v1/verify", request.url);
    const rawKeys = await request.json<string[]>();
    const { readable, writable } = new TransformStream();
    const writer = writable.getWriter();
    const present = async (rawKey: string, i: number) => {
      const headers = { ...CALLER, "X-API-Key": rawKey };
      const answer = await worker.fetch(new Request(url, { headers }) as typeof request, latchkey, ctx);
      const line = JSON.stringify([
        i,
        answer.status,
        answer.headers.get("X-Key-Checked-At"),
        answer.headers.has("X-Key-Stale"),
      ]);
      await writer.write(new TextEncoder().encode(`${line}\n`));
    };
    ctx.waitUntil(Promise.all(rawKeys.map(present)).finally(() => writer.close()));
    return new Response(readable);
  },
};

function prepare(env: Env): Env {
  const { ATTACK: attack } = env as Env & { ATTACK?: string };
  if (attack !== undefined)
    Object.defineProperty(globalThis, "caches", { value: attackedCaches(caches, attack) });
  const databases = databasesOf(env);
  const prepared = [...databases].map(([binding, d1]) => {
    const replica = databases.get(binding.replace("DB", "REPLICA"));
    return [binding, countReads(replica === undefined ? d1 : readNearest(d1, replica))];
  });
  return { ...env, ...Object.fromEntries(prepared) };
}

/** What is bound as `DB`, `DB_01`, … and `REPLICA`, `REPLICA_01`, … */
function databasesOf(env: Env): Map<string, D1Database> {
  const bindings = Object.entries(env).filter(([name]) => /^(DB|REPLICA)(_\d\d)?$/.test(name));
  return new Map(bindings as unknown as [string, D1Database][]);
}

/** The nearest is now the primary and now its replica, at random. */
function readNearest(primary: D1Database, replica: D1Database): D1Database {
  const withSession: D1Database["withSession"] = (start) => {
    const isAny = start === "first-unconstrained" && Math.random() < 0.5;
    return (isAny ? replica : primary).withSession(start);
  };
  return Object.create(primary, { withSession: { value: withSession } });
}

function countReads(d1: D1Database): D1Database {
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
