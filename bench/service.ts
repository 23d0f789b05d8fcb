/** Latchkey in several isolates of one or more processes of workerd over one D1, with an issuer of its own. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { experimental_readRawConfig } from "wrangler";
import { startTestIssuer } from "../test/support/issuer.ts";
import type { Reads } from "./isolate.ts";
import { bundle, ROOT } from "./lab.ts";
import { admins, migrations } from "./latchkey.ts";

/** A company may have 1,000 live keys, suspended ones counted. */
const COMPANY_KEYS = 500;

export const WAYS = [
  "management API",
  "its holder",
  "SQL by hand",
  "suspension",
  "another address list",
  "suspension of its company",
] as const;
/** How a key is revoked, or refused until somebody turns it back. */
export type Way = (typeof WAYS)[number];

/** No address that a key is presented from. */
const ELSEWHERE = JSON.stringify({ allowedIps: ["198.51.100.1"] });
const SUSPEND = "INSERT INTO companies (id, suspended_at) VALUES (?, unixepoch() * 1000)";

export interface ServiceKey {
  id: string;
  rawKey: string;
  company: number;
}

export interface ServiceOptions {
  isolates: number;
  /** Processes of workerd over which the isolates are dealt out: 1 by default. */
  processes?: number;
  revocationSeconds: number;
  /** What the isolates of a process share: `none` by default. */
  cache?: CacheKind;
}

/**
 * The Cache API of a data centre, which is a process here: as it is, with nothing in it, or in the hands of somebody who
 * forges what is shared, hands out what was there two seconds ago, or anything that was ever there.
 */
export const CACHES = ["none", "shared", "forged", "delayed", "replayed"] as const;
export type CacheKind = (typeof CACHES)[number];

/** Workers of the repository's configuration, each an isolate of its own. To be closed. */
export async function startService(options: ServiceOptions) {
  const { isolates: count, processes = 1, revocationSeconds, cache = "none" } = options;
  const directory = await mkdtemp(join(tmpdir(), "latchkey-proof-"));
  const issuer = await startTestIssuer();
  const { rawConfig } = experimental_readRawConfig({ config: join(ROOT, "wrangler.toml") });
  const bindings = {
    ...JSON.parse(JSON.stringify(rawConfig.vars)),
    OAUTH_ISSUER: issuer.url,
    REVOCATION_SECONDS: revocationSeconds,
    ...(cache !== "none" && cache !== "shared" && { ATTACK: cache }),
    KEY_PEPPERS: JSON.stringify({ a: "a pepper for this bench, which is of no value elsewhere" }),
  };
  const { script } = bundle("bench/isolate.ts");
  let failedReads = 0;

  const names = Array.from({ length: count }, (_, i) => `isolate-${i}`);
  const started = Array.from({ length: processes }, async (_, process) => {
    const miniflare = new Miniflare({
      ...convertV4MiniflareOptions({
        workers: names
          .filter((_, i) => i % processes === process)
          .map((name) => ({
            name,
            script,
            bindings,
            modules: true,
            compatibilityDate: rawConfig.compatibility_date ?? "",
            unsafeDirectSockets: [{}],
            cacheAPI: cache !== "none",
            d1Databases: { DB: "latchkey" },
            queueProducers: { USAGE: "usage" },
            // A queue has one consumer. No rate limits: all of this would count as one caller.
            ...(name === names[0] && { queueConsumers: { usage: { maxBatchSize: 15, maxBatchTimeout: 5 } } }),
          })),
      }),
      handleStructuredLogs: ({ message }) => {
        if (message.includes("database_read_failed")) failedReads++;
      },
      // One process owns the database, the others reach it there: a primary for all.
      unsafeEnableSharedStorage: true,
      unsafeDevRegistryPath: join(directory, "registry"),
      resourcePersistencePath: join(directory, "shared"),
      isolatedResourcePersistencePath: join(directory, `process-${process}`),
    });
    await miniflare.ready;
    return miniflare;
  });
  const servers = await Promise.all(started);
  const serverOf = (i: number) => servers[i % processes];
  const urls = await Promise.all(names.map(async (name, i) => serverOf(i)?.unsafeGetDirectURL(name)));

  for (const statement of await migrations()) await call(0, "POST", "/sql", {}, JSON.stringify([statement]));
  const admin = await admins(issuer, bindings.OAUTH_AUDIENCE);
  const adminOf = (company: number) => admin(`company-${company}`);
  let created = 0;

  async function call(
    i: number,
    method: string,
    path: string,
    headers: Record<string, string>,
    body?: string,
  ) {
    const url = new URL(path, urls[i % count]);
    // A connection that is kept may be closed just as it is used again.
    const answer = await fetch(url, {
      method,
      headers: { ...headers, Connection: "close" },
      ...(body && { body }),
    });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return answer;
  }

  return {
    /** By the management API, at isolate `i`. One whose company will be suspended is that company's only one. */
    async createKey(i: number, way: Way = "management API"): Promise<ServiceKey> {
      const number = created++;
      const company = way === "suspension of its company" ? -number - 1 : Math.floor(number / COMPANY_KEYS);
      const body = JSON.stringify({ label: "bench", scopes: ["jobs:read"] });
      const answer = await call(i, "POST", "/settings/api-keys", await adminOf(company), body);
      return { ...((await answer.json()) as Omit<ServiceKey, "company">), company };
    },
    /** At isolate `i`. Resolves after the commit. */
    async revoke({ id, rawKey, company }: ServiceKey, way: Way, i: number): Promise<void> {
      const path = `/settings/api-keys/${id}`;
      const byHand = (...statement: string[]) => call(i, "POST", "/sql", {}, JSON.stringify(statement));
      switch (way) {
        case "management API":
          return void (await call(i, "DELETE", path, await adminOf(company)));
        case "its holder":
          return void (await call(i, "DELETE", "/public/v1/key", { "X-API-Key": rawKey }));
        case "SQL by hand":
          return void (await byHand("UPDATE api_keys SET revoked_at = unixepoch() * 1000 WHERE id = ?", id));
        case "suspension":
          return void (await call(i, "POST", `${path}/suspend`, await adminOf(company)));
        case "another address list":
          return void (await call(i, "PATCH", path, await adminOf(company), ELSEWHERE));
        case "suspension of its company":
          return void (await byHand(SUSPEND, `company-${company}`));
      }
    },
    /** Presents each of the keys to isolate `i`, as requests of their own; `lateShare` of its reads are late. @returns the statuses. */
    async present(keys: readonly Pick<ServiceKey, "rawKey">[], i: number, lateShare = 0): Promise<number[]> {
      const body = JSON.stringify(keys.map(({ rawKey }) => rawKey));
      return (await (await call(i, "POST", `/ask?late=${lateShare}`, {}, body)).json()) as number[];
    },
    /** What each isolate has read of D1 so far. */
    async reads(): Promise<Reads[]> {
      const answers = await Promise.all(names.map((_, i) => call(i, "GET", "/reads", {})));
      return (await Promise.all(answers.map((answer) => answer.json()))) as Reads[];
    },
    /** How many reads of the verifiers failed or came too late, since this was last asked. */
    takeFailedReads(): number {
      const failed = failedReads;
      failedReads = 0;
      return failed;
    },
    async close(): Promise<void> {
      await Promise.all(servers.map((server) => server.dispose()));
      await rm(directory, { recursive: true, force: true });
    },
  };
}
