import type { KeyVerifier } from "../../src/verify/contract.ts";

interface FirstEnv {
  DB: D1Database;
  /** Make the tables and a key. */
  STATEMENTS: string[];
  RAW_KEY: string;
  DIGEST: string;
  LATCHKEY?: KeyVerifier;
  OTHER?: Fetcher;
}

/** Asks an isolate that has just started for its first answer: Latchkey over RPC, or another Worker over HTTP. */
export default {
  async fetch({ url }, { DB, STATEMENTS, RAW_KEY, DIGEST, LATCHKEY, OTHER }) {
    await DB.batch(STATEMENTS.map((statement) => DB.prepare(statement)));
    if (LATCHKEY) return Response.json(await LATCHKEY.verify(RAW_KEY));
    return OTHER?.fetch(url, { headers: { "X-API-Key": DIGEST } }) ?? new Response(null, { status: 404 });
  },
} satisfies ExportedHandler<FirstEnv>;
