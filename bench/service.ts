/** Latchkey in several isolates of one or more processes of workerd over one D1, with an issuer of its own. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { experimental_readRawConfig } from "wrangler";
import { FIRST_DATABASE } from "../src/db/settings.ts";
import { startTestIssuer } from "../test/support/issuer.ts";
import type { Reads } from "./isolate.ts";
import { bundle, ROOT } from "./lab.ts";
import { admins, bearers, migrations } from "./latchkey.ts";
import { type Batch, type Row, replicate } from "./replica.ts";

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
const OPERATOR_AUDIENCE = "https://operator.bench.example";
/** The database notes when keys change, in milliseconds since the epoch: its own column has whole seconds. */
const NOTE_COMMITS = [
  "CREATE TABLE commits (digest TEXT NOT NULL, at INTEGER NOT NULL)",
  `CREATE TRIGGER note_commit AFTER INSERT ON key_changes
   BEGIN INSERT INTO commits VALUES (NEW.digest, unixepoch('subsec') * 1000); END`,
];
const COMMITS = `SELECT api_keys.id, min(commits.at) AS at FROM commits JOIN api_keys USING (digest) GROUP BY api_keys.id`;
const SUSPEND = "INSERT INTO companies (id, suspended_at) VALUES (?, unixepoch() * 1000)";

export interface ServiceKey {
  id: string;
  rawKey: string;
  company: number;
}

/** A local D1 answers so many reads in time, and as many again after the pause, but for late ones: so many times as many. */
export const READS = { atOnce: 80, pauseMs: 200, unanswered: 8 };

export interface Answer {
  status: number;
  /** When it had arrived. */
  at: number;
  /** Whether it tells that the database could not be asked. */
  isStale: boolean;
  /** Of an acceptance: changes committed before are taken into account. Else `NaN`. */
  checkedAt: number;
}

export interface ServiceOptions {
  isolates: number;
  /** Processes of workerd over which the isolates are dealt out: 1 by default. */
  processes?: number;
  revocationSeconds: number;
  /** What the isolates of a process share: `none` by default. */
  cache?: CacheKind;
  /** Over which companies are dealt out: 1 by default. */
  databases?: number;
  /** Each database has a replica that is so far behind, and every other read of the nearest one goes there. None by default. */
  lagMs?: number;
  /** The checkout of another release: every other isolate runs it. */
  beside?: string;
}

/**
 * The Cache API of a data centre, which is a process here: as it is, with nothing in it, or in the hands of somebody who
 * forges what is shared, hands out what was there two seconds ago, or anything that was ever there.
 */
export const CACHES = ["none", "shared", "forged", "delayed", "replayed"] as const;
export type CacheKind = (typeof CACHES)[number];

/** Workers of the repository's configuration, each an isolate of its own. To be closed. */
export async function startService(options: ServiceOptions) {
  const { isolates: count, processes = 1, revocationSeconds, cache = "none", lagMs = 0 } = options;
  const directory = await mkdtemp(join(tmpdir(), "latchkey-proof-"));
  const issuer = await startTestIssuer();
  const { rawConfig } = experimental_readRawConfig({ config: join(ROOT, "wrangler.toml") });
  const bindings = {
    ...JSON.parse(JSON.stringify(rawConfig.vars)),
    OAUTH_ISSUER: issuer.url,
    OPERATOR_AUDIENCE,
    REVOCATION_SECONDS: revocationSeconds,
    ...(cache !== "none" && cache !== "shared" && { ATTACK: cache }),
    KEY_PEPPERS: JSON.stringify({ a: "a pepper for this bench, which is of no value elsewhere" }),
  };
  const databases = Array.from({ length: options.databases ?? 1 }, (_, i) => `${i}`.padStart(2, "0"));
  const d1Databases = Object.fromEntries(
    databases.flatMap((name) => [
      [bindingOf("DB", name), `latchkey-${name}`],
      ...(lagMs > 0 ? [[bindingOf("REPLICA", name), `replica-${name}`]] : []),
    ]),
  );
  const { script } = bundle("bench/isolate.ts");
  const other = options.beside ? bundle("bench/isolate.ts", undefined, options.beside).script : script;
  let failedReads = 0;

  const names = Array.from({ length: count }, (_, i) => `isolate-${i}`);
  const started = Array.from({ length: processes }, async (_, process) => {
    const miniflare = new Miniflare({
      ...convertV4MiniflareOptions({
        workers: names
          .map((name, i) => ({ name, i, script: Math.floor(i / processes) % 2 === 0 ? script : other }))
          .filter(({ i }) => i % processes === process)
          .map(({ name, script }) => ({
            name,
            script,
            bindings,
            modules: true,
            compatibilityDate: rawConfig.compatibility_date ?? "",
            unsafeDirectSockets: [{}],
            cacheAPI: cache !== "none",
            d1Databases,
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

  const batchOf =
    (binding: string): Batch =>
    async (statements) => {
      const answer = await call(0, "POST", `/sql?binding=${binding}`, {}, JSON.stringify(statements));
      return (await answer.json()) as Row[][];
    };
  const schema = [...(await migrations()), ...NOTE_COMMITS].map((statement) => [statement] as const);
  for (const binding of Object.keys(d1Databases)) await batchOf(binding)(schema);
  const stops = await Promise.all(
    databases
      .filter(() => lagMs > 0)
      .map((name) => replicate(batchOf(bindingOf("DB", name)), batchOf(bindingOf("REPLICA", name)), lagMs)),
  );
  const admin = await admins(issuer, bindings.OAUTH_AUDIENCE);
  const operator = await (await bearers(issuer))(OPERATOR_AUDIENCE, {
    scope: "operator:read operator:write",
  });
  const adminOf = (company: number) => admin(`company-${company}`);
  const databaseOf = (company: number) => databases[Math.abs(company) % databases.length] ?? FIRST_DATABASE;
  const placed = new Map<number, Promise<unknown>>();
  let created = 0;

  /** Companies are told apart by number; each is placed before its first key is made. */
  async function place(company: number): Promise<void> {
    if (databases.length === 1) return;
    const row = [`company-${company}`, databaseOf(company)] as const;
    const place = () =>
      batchOf("DB")([["INSERT INTO placements (company_id, database) VALUES (?, ?)", ...row]]);
    const placing = placed.get(company) ?? place();
    placed.set(company, placing);
    await placing;
  }

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
    async createKey(i: number, way: Way = "management API", of?: number): Promise<ServiceKey> {
      const number = created++;
      const isAlone = way === "suspension of its company";
      const company = of ?? (isAlone ? -number - 1 : Math.floor(number / COMPANY_KEYS));
      await place(company);
      const body = JSON.stringify({ label: "bench", scopes: ["jobs:read"] });
      const answer = await call(i, "POST", "/settings/api-keys", await adminOf(company), body);
      return { ...((await answer.json()) as Omit<ServiceKey, "company">), company };
    },
    /** At isolate `i`. Resolves after the commit. */
    async revoke({ id, rawKey, company }: ServiceKey, way: Way, i: number): Promise<void> {
      const path = `/settings/api-keys/${id}`;
      const byHand = async (...statement: [string, string]) =>
        void (await batchOf(bindingOf("DB", databaseOf(company)))([statement]));
      switch (way) {
        case "management API":
          return void (await call(i, "DELETE", path, await adminOf(company)));
        case "its holder":
          return void (await call(i, "DELETE", "/public/v1/key", { "X-API-Key": rawKey }));
        case "SQL by hand":
          return byHand("UPDATE api_keys SET revoked_at = unixepoch() * 1000 WHERE id = ?", id);
        case "suspension":
          return void (await call(i, "POST", `${path}/suspend`, await adminOf(company)));
        case "another address list":
          return void (await call(i, "PATCH", path, await adminOf(company), ELSEWHERE));
        case "suspension of its company":
          return byHand(SUSPEND, `company-${company}`);
      }
    },
    /** By key id, when the statement began that changed it first since this was last asked: just before its commit. */
    async commits(): Promise<Map<string, number>> {
      const all = await Promise.all(
        databases.map((name) => batchOf(bindingOf("DB", name))([[COMMITS], ["DELETE FROM commits"]])),
      );
      const ahead = Date.now() - performance.now();
      return new Map(
        all.flatMap(([rows = []]) => rows.map(({ id, at }) => [String(id), Number(at) - ahead])),
      );
    },
    /** By the operator's API, at isolate `i`. Resolves after the commit. */
    async suspendCompany(company: number, suspended: boolean, i: number): Promise<void> {
      const body = JSON.stringify({ suspended, ...(suspended && { reason: "the bench" }) });
      await call(i, "PATCH", `/operator/companies/company-${company}`, operator, body);
    },
    /** Presents each of the keys to isolate `i`, as requests of their own; `lateShare` of its reads are late. */
    async present(keys: readonly Pick<ServiceKey, "rawKey">[], i: number, lateShare = 0): Promise<Answer[]> {
      const body = JSON.stringify(keys.map(({ rawKey }) => rawKey));
      const { body: lines } = await call(i, "POST", `/ask?late=${lateShare}`, {}, body);
      const answers: Answer[] = [];
      if (lines === null) return answers;
      for await (const line of createInterface(Readable.from(lines as AsyncIterable<Uint8Array>))) {
        const [index, status, checkedAt, isStale] = JSON.parse(line) as [
          number,
          number,
          string | null,
          boolean,
        ];
        const at = performance.now();
        answers[index] = { status, at, isStale, checkedAt: at - (Date.now() - Date.parse(checkedAt ?? "")) };
      }
      if (answers.filter(Boolean).length !== keys.length) throw new Error("Not every key was answered");
      return answers;
    },
    /** What each isolate has read of D1 so far. */
    async reads(): Promise<Reads[]> {
      const answers = await Promise.all(names.map((_, i) => call(i, "GET", "/reads", {})));
      return (await Promise.all(answers.map((answer) => answer.json()))) as Reads[];
    },
    /** How many reads of the verifiers failed or came too late so far. */
    failedReads: () => failedReads,
    async close(): Promise<void> {
      await Promise.all(stops.map((stop) => stop()));
      await Promise.all(servers.map((server) => server.dispose()));
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** `DB` and `DB_01`, `REPLICA` and `REPLICA_01`. */
function bindingOf(kind: "DB" | "REPLICA", name: string): string {
  return name === FIRST_DATABASE ? kind : `${kind}_${name}`;
}
