import worker, { ApiKeyVerifier as Verifier } from "../../src/index.ts";
import type { VerifyOptions } from "../../src/verify/contract.ts";
import { hooked } from "../support/d1.ts";

/** A database that is dead is dead for all: no isolate hears of changes from another one's reads. */
Object.defineProperty(globalThis, "caches", { value: undefined });

/** What becomes of round trips to D1, of calls by RPC, or of a delivery of the queue. */
export type Fault = "none" | "dead" | "asleep" | "answer lost" | "throws" | "silent" | "killed";

export interface Told {
  /** What reached D1, or would have. */
  statements: string[];
  /** How each delivery of the queue went. */
  deliveries: Fault[];
}

const SLEEP_MS = 5_000;

let fault: Fault = "none";
/** Of the deliveries to come. */
let deliveryFaults: Fault[] = [];
const told: Told = { statements: [], deliveries: [] };
let latchkey: Env | undefined;

export class ApiKeyVerifier extends Verifier {
  constructor(ctx: ExecutionContext, env: Env) {
    super(ctx, broken(env));
  }

  override async verify(rawKey: string, options?: VerifyOptions) {
    if (fault === "throws") throw new Error("no verifier");
    if (fault === "silent") await scheduler.wait(SLEEP_MS);
    return super.verify(rawKey, options);
  }
}

/**
 * Latchkey as it is over a D1 that fails when it is told to, and beside it:
 *
 * - `PUT /test/fault` says how it fails from now on; `PUT /test/deliveries` how deliveries of the queue do.
 * - `POST /test/verify` gives the verdict of `ApiKeyVerifier` on a key, by RPC.
 * - `GET /test/told` tells what has happened so far.
 */
export default {
  async fetch(request: Parameters<typeof worker.fetch>[0], env: FaultyEnv, ctx: ExecutionContext) {
    switch (new URL(request.url).pathname) {
      case "/test/fault":
        fault = (await request.text()) as Fault;
        return new Response();
      case "/test/deliveries":
        deliveryFaults = await request.json<Fault[]>();
        return new Response();
      case "/test/verify":
        return Response.json(await env.SELF.verify(await request.text()));
      case "/test/told":
        return Response.json(told);
      default:
        return worker.fetch(request, broken(env), ctx);
    }
  },
  async queue(batch: Parameters<typeof worker.queue>[0], env: Env) {
    const own = deliveryFaults.shift() ?? "none";
    told.deliveries.push(own);
    await worker.queue(batch, { ...env, DB: over(env.DB, () => own) });
    if (own === "killed") throw new Error("killed");
  },
};

interface FaultyEnv extends Env {
  /** This Worker's `ApiKeyVerifier`. */
  SELF: Pick<Verifier, "verify">;
}

function broken(env: Env): Env {
  latchkey ??= {
    ...env,
    DB: over(
      env.DB,
      () => fault,
      (sql) => told.statements.push(...sql),
    ),
  };
  return latchkey;
}

function over(db: D1Database, faultNow: () => Fault, tell: (sql: string[]) => void = () => {}): D1Database {
  const lost = () => new Error("D1_ERROR: Network connection lost.");
  return hooked(
    db,
    async (sql) => {
      tell(sql);
      if (faultNow() === "dead") throw lost();
      if (faultNow() === "asleep") await scheduler.wait(SLEEP_MS);
    },
    () => {
      if (faultNow() === "answer lost") throw lost();
    },
  );
}
