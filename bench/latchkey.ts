/** Latchkey as a Worker of a lab, and what fills its database. */
import { join } from "node:path";
import { readD1Migrations } from "@cloudflare/vitest-pool-workers";
import { importJWK, type JWTPayload, SignJWT } from "jose";
import { experimental_readRawConfig } from "wrangler";
import { startTestIssuer } from "../test/support/issuer.ts";
import { type Bundle, bundle, type Lab, type LabWorker, ROOT } from "./lab.ts";
import type { SeededKey } from "./workers/seed.ts";

const TOKEN_SECONDS = 6 * 3600;
const UNLIMITED = 1_000_000;

/** Makes the headers of requests with access tokens of `issuer`. */
export async function bearers({ url, signingKeys }: Awaited<ReturnType<typeof startTestIssuer>>) {
  const jwk = signingKeys.ES256 ?? {};
  const signingKey = await importJWK(jwk, "ES256");
  return async (audience: string, claims: JWTPayload): Promise<Record<string, string>> => {
    const token = await new SignJWT({ sub: "bench", ...claims })
      .setProtectedHeader({ alg: "ES256", kid: jwk.kid ?? "", typ: "at+jwt" })
      .setIssuer(url)
      .setAudience(audience)
      .setExpirationTime(`${TOKEN_SECONDS} s`)
      .sign(signingKey);
    return { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
  };
}

/** Makes the headers of an admin of a company, by tokens of `issuer`. */
export async function admins(issuer: Awaited<ReturnType<typeof startTestIssuer>>, audience: string) {
  const bearer = await bearers(issuer);
  return (company: string) =>
    bearer(audience, { company_id: company, scope: "api-keys:read api-keys:write" });
}

export async function latchkeyBench() {
  const { rawConfig } = experimental_readRawConfig({ config: join(ROOT, "wrangler.toml") });
  const issuer = await startTestIssuer();
  const bindings = JSON.parse(
    JSON.stringify({
      ...rawConfig.vars,
      OAUTH_ISSUER: issuer.url,
      MAX_LIVE_KEYS: 100_000,
      KEY_PEPPERS: JSON.stringify({ a: "a pepper for this bench, which is of no value elsewhere" }),
    }),
  );
  const bound = { bindings, d1Databases: { DB: "latchkey" }, queueProducers: { USAGE: "usage" } };
  const seed = bundle("bench/workers/seed.ts").script;
  const built = bundle("src/index.ts", "wrangler.toml");

  return {
    bundle: built,
    /** Latchkey and the Worker that fills its database; with `consumer` the counts of uses are written, too. */
    workers: (options: { consumer?: boolean; main?: Bundle } = {}): LabWorker[] => [
      {
        name: "latchkey",
        script: (options.main ?? built).script,
        ...bound,
        bindings: { ...bindings, LATE_SHARE: 0 }, // of `isolate.ts`, where that is `main`
        ...(options.consumer && { queueConsumers: { usage: { maxBatchSize: 15, maxBatchTimeout: 5 } } }),
        ratelimits: {
          FAILURES_LIMIT: { namespace_id: "1", simple: { limit: 100, period: 60 } },
          MANAGEMENT_LIMIT: { namespace_id: "2", simple: { limit: UNLIMITED, period: 60 } },
        },
      },
      { name: "seed", script: seed, ...bound },
    ],
    admin: await admins(issuer, bindings.OAUTH_AUDIENCE),
  };
}

/** The statements that make the tables. */
export async function migrations(): Promise<string[]> {
  return (await readD1Migrations(join(ROOT, "migrations"))).flatMap(({ queries }) => queries);
}

/** The database of a lab, made and filled past Latchkey. */
export async function database(lab: Lab) {
  const url = await lab.url("seed");
  async function post<T>(path: string, body = ""): Promise<T> {
    const answer = await fetch(url + path, { method: "POST", body });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as T;
  }
  const sql = (statement: string) => post<Record<string, number>[]>("/sql", statement);

  for (const statement of await migrations()) await sql(statement);
  return {
    sql,
    /** Makes keys that can be presented. */
    keys: (count: number, company = "acme") => post<SeededKey[]>(`/keys?count=${count}&company=${company}`),
    /** Stores rows of keys that nobody has, of companies `company-0` and so on. */
    rows: (count: number, companies: number) => post<number>(`/rows?count=${count}&companies=${companies}`),
  };
}
