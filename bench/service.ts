/** Latchkey in several isolates of workerd over one D1, with an issuer of its own. */
import { join } from "node:path";
import { importJWK, SignJWT } from "jose";
import { createTestHarness, experimental_readRawConfig } from "wrangler";
import { startTestIssuer } from "../test/support/issuer.ts";
import type { Reads } from "./isolate.ts";

export const ROOT = join(import.meta.dirname, "..");

const TOKEN_SECONDS = 6 * 3600;

export const WAYS = ["management API", "its holder", "SQL by hand"] as const;
/** How a key is revoked. */
export type Way = (typeof WAYS)[number];

export interface ServiceKey {
  id: string;
  rawKey: string;
}

/** Workers of the repository's configuration, each an isolate of its own. To be closed. */
export async function startService(count: number, revocationSeconds: number, lateShare = 0) {
  // Nothing of a run goes out, and nothing is kept of it.
  Object.assign(process.env, {
    CLOUDFLARE_CF_FETCH_ENABLED: "false",
    WRANGLER_SEND_METRICS: "false",
    WRANGLER_WRITE_LOGS: "false",
  });
  const issuer = await startTestIssuer();
  const { rawConfig } = experimental_readRawConfig({ config: join(ROOT, "wrangler.toml") });
  const { secrets: _, ...config } = rawConfig;
  const vars = {
    ...config.vars,
    OAUTH_ISSUER: issuer.url,
    REVOCATION_SECONDS: revocationSeconds,
    LATE_SHARE: lateShare,
    KEY_PEPPERS: JSON.stringify({ a: "a pepper for this bench, which is of no value elsewhere" }),
  };
  const names = Array.from({ length: count }, (_, i) => `isolate-${i}`);
  const server = createTestHarness({
    root: ROOT,
    workers: names.map((name, i) => ({
      config: {
        ...config,
        name,
        main: "bench/isolate.ts",
        vars,
        // All of this would count as one caller.
        ratelimits: [],
        // A queue has one consumer.
        queues: i === 0 ? config.queues : { producers: config.queues?.producers ?? [] },
      },
    })),
  });
  await server.listen();
  const isolates = names.map((name) => server.getWorker(name));
  const isolate = (i: number) => {
    const found = isolates[i % count];
    if (found === undefined) throw new RangeError("One isolate or more");
    return found;
  };
  await isolate(0).applyD1Migrations("DB");
  const jwk = issuer.signingKeys.ES256 ?? {};
  const token = await new SignJWT({ company_id: "acme", scope: "api-keys:read api-keys:write", sub: "bench" })
    .setProtectedHeader({ alg: "ES256", kid: jwk.kid ?? "", typ: "at+jwt" })
    .setIssuer(issuer.url)
    .setAudience("urn:latchkey:management")
    .setExpirationTime(`${TOKEN_SECONDS} s`)
    .sign(await importJWK(jwk, "ES256"));
  const bearer = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };

  async function call(
    i: number,
    method: string,
    path: string,
    headers: Record<string, string>,
    body?: string,
  ) {
    const answer = await isolate(i).fetch(path, { method, headers, ...(body && { body }) });
    if (!answer.ok) {
      const log = server.getLogs().at(-1)?.message;
      throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()} ${log}`);
    }
    return answer;
  }

  return {
    /** By the management API, at isolate `i`. */
    async createKey(i: number): Promise<ServiceKey> {
      const body = JSON.stringify({ label: "bench", scopes: ["jobs:read"] });
      return (await (await call(i, "POST", "/settings/api-keys", bearer, body)).json()) as ServiceKey;
    },
    /** At isolate `i`. Resolves after the commit. */
    async revoke({ id, rawKey }: ServiceKey, way: Way, i: number): Promise<void> {
      if (way === "management API") await call(i, "DELETE", `/settings/api-keys/${id}`, bearer);
      else if (way === "its holder") await call(i, "DELETE", "/public/v1/key", { "X-API-Key": rawKey });
      else await call(i, "POST", "/sql", {}, id);
    },
    /** Presents each of the keys to isolate `i`. @returns the statuses. */
    async present(keys: readonly ServiceKey[], i: number): Promise<number[]> {
      const body = JSON.stringify(keys.map(({ rawKey }) => rawKey));
      return (await (await call(i, "POST", "/ask", {}, body)).json()) as number[];
    },
    /** What each isolate has read of D1 so far. */
    async reads(): Promise<Reads[]> {
      const answers = await Promise.all(isolates.map((_, i) => call(i, "GET", "/reads", {})));
      return (await Promise.all(answers.map((answer) => answer.json()))) as Reads[];
    },
    /** How many reads of the verifiers failed or came too late, since this was last asked. */
    takeFailedReads(): number {
      const failed = server.getLogs().filter(({ message }) => message.includes("database_read_failed"));
      server.clearLogs();
      return failed.length;
    },
    close: () => server.close(),
  };
}
