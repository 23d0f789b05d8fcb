import { waitUntil } from "cloudflare:workers";
import { rateTiers } from "./companies/tiers.ts";
import { type Databases, databasesOf } from "./db/databases.ts";
import { FIRST_DATABASE } from "./db/settings.ts";
import type { RateLimits } from "./http/limit.ts";
import { type ForeignDigests, foreignDigests } from "./keys/foreign.ts";
import { type KeyFormat, keyFormat } from "./keys/format.ts";
import { type FindPlace, placeFinder } from "./keys/places.ts";
import {
  type FormatSettings,
  foreignSettings,
  formatSettings,
  type RuleSettings,
  ruleSettings,
} from "./keys/settings.ts";
import { networkOf } from "./lib/address.ts";
import type { Background } from "./lib/background.ts";
import { withDeadline } from "./lib/deadline.ts";
import { once, readSettings, type Settings } from "./lib/settings.ts";
import { UsageRecorder } from "./usage/recorder.ts";
import { denialOf } from "./verify/denial.ts";
import { Feed } from "./verify/feed.ts";
import { ImportedKeys } from "./verify/imported.ts";
import { Limiter } from "./verify/limiter.ts";
import { RefusalLog, reportRead, type VerifierHooks } from "./verify/log.ts";
import { type Metered, Metrics } from "./verify/metrics.ts";
import { sharedRecords } from "./verify/records.ts";
import { type VerifySettings, verifySettings } from "./verify/settings.ts";
import { sharedFeed } from "./verify/shared.ts";
import { signedTexts } from "./verify/signed.ts";
import { feedStore } from "./verify/store.ts";
import { Verifier } from "./verify/verifier.ts";
import { type Verifiers, verifiersOf } from "./verify/verifiers.ts";

/** Records held at most, half of them for certain: some 45 MB of an isolate's 128. */
const CACHE_CAPACITY = 200_000;

/** A caller waits for the database this long: less than the 3 s that callers of Latchkey wait for it. */
const CALLER_WAIT_MS = 2_000;

/** While the database does not answer, it is asked again this often, and five times in a shorter bound. */
const RETRY_MS = 1_000;

/** What verification consists of, and what everything else needs of it, each part built once. */
export interface Isolate {
  databases: Databases;
  format: KeyFormat;
  verifier: Verifiers;
  rules: Settings<RuleSettings>;
  /** Keys that were made elsewhere: what they look like, their digests, and what to call once some were imported. */
  foreign: { pattern: Settings<RegExp | null>; digestsOf: ForeignDigests; onImport: () => void };
  /** Generation character to pepper, the one of new keys last. */
  peppers: ReadonlyMap<string, string>;
  /** Milliseconds since the epoch. */
  now: () => number;
  background: Background;
}

/**
 * The composition root: settings are read and parts are joined here, each once.
 *
 * @returns The isolate, which is made when it is first asked for; it throws SettingsError where a setting is wrong
 *   that verification needs.
 */
export function createIsolate(env: Env): Settings<Isolate> {
  const format = readSettings(formatSettings, env);
  const verify = readSettings(verifySettings, env);
  const rules = readSettings(ruleSettings, env);
  const foreign = readSettings(foreignSettings, env);
  const pattern = () => foreign().IMPORTED_KEY_PATTERN;
  const databases = databasesOf(env);
  return once(() => join(format(), verify(), { databases: databases(), rules, pattern }, env));
}

function join(
  { KEY_PREFIX, KEY_PREFIXES_ACCEPTED: accepted, KEY_PEPPERS: peppers }: FormatSettings,
  settings: VerifySettings,
  { databases, rules, pattern }: Pick<Isolate, "databases" | "rules"> & Pick<Isolate["foreign"], "pattern">,
  bindings: RateLimits & Metered,
): Isolate {
  const format = keyFormat(KEY_PREFIX, peppers, (bytes) => crypto.getRandomValues(bytes), {
    accepted,
    databases: databases.all.map(({ name }) => name),
    foreign: pattern,
    onMissingPepper: (generation, keys) =>
      console.error(JSON.stringify({ event: "pepper_missing", generation, keys })),
    onMissingDatabase: (database, keys) =>
      console.error(JSON.stringify({ event: "database_missing", database, keys })),
  });
  const digestsOf = foreignDigests(peppers);
  const findPlace = placeFinder(databases.first);
  const { verifier, onImport } = verifiers(
    { format, peppers, digestsOf, findPlace },
    settings,
    databases,
    bindings,
  );
  const foreign = { pattern, digestsOf, onImport };
  return { databases, format, verifier, rules, foreign, peppers, now, background };
}

const now = () => Date.now();
const background: Background = waitUntil;
const wait = (milliseconds: number) => scheduler.wait(milliseconds);

interface VerifierInputs extends Pick<Isolate, "format" | "peppers"> {
  digestsOf: ForeignDigests;
  findPlace: FindPlace;
}

/** A verifier for each database. What is counted, limited and held at most is so for all of them together. */
function verifiers(
  { format, peppers, digestsOf, findPlace }: VerifierInputs,
  { REVOCATION_SECONDS, OUTAGE_SECONDS, USAGE: queue }: VerifySettings,
  databases: Databases,
  bindings: RateLimits & Metered,
): { verifier: Verifiers } & Pick<Isolate["foreign"], "onImport"> {
  const boundMs = REVOCATION_SECONDS * 1000;
  const limits = {
    boundMs,
    outageMs: OUTAGE_SECONDS * 1000,
    retryMs: Math.min(RETRY_MS, boundMs / 5),
    waitMs: CALLER_WAIT_MS,
    capacity: CACHE_CAPACITY,
  };
  const sharing = { random: Math.random, inTime: withDeadline, background };
  const usage = new UsageRecorder({ queue, now, wait, background });
  const tierLimits = new Map<string, Limiter>();
  for (const [tier, binding] of rateTiers(bindings)) tierLimits.set(tier, new Limiter(binding, background));
  const refusals = new RefusalLog(format.shown);
  const metrics = bindings.METRICS && new Metrics({ dataset: bindings.METRICS, now, wait, background });
  const limiters = {
    tierLimits,
    ...(bindings.VERIFICATIONS_LIMIT && { keyLimit: new Limiter(bindings.VERIFICATIONS_LIMIT, background) }),
    ...(bindings.FAILURES_LIMIT && {
      failureLimit: new Limiter(bindings.FAILURES_LIMIT, background, networkOf),
    }),
  };
  const onReadOf = (database: string) => (milliseconds: number, fault?: unknown) => {
    metrics?.read(fault === undefined ? milliseconds : null, now());
    if (fault !== undefined) reportRead(fault, database);
  };
  const hooks = (database: string): VerifierHooks => ({
    onVerdict: (key, refusal, at, age) => {
      usage.record(key, refusal && denialOf(refusal), at, database);
      metrics?.verdict(key.companyId, refusal, age, at);
    },
    onRefusal: (key, refusal, at, asked) => refusals.genuine(key, refusal, at, asked),
    onUnnamed: (refusal, at) => {
      if (refusal.error !== "UNAVAILABLE") refusals.other(at);
      metrics?.verdict("", refusal, null, at);
    },
    onRead: onReadOf(database),
  });
  const imported = new ImportedKeys({
    isForeign: format.isForeign,
    digestsOf,
    findPlace,
    now,
    inTime: withDeadline,
    waitMs: CALLER_WAIT_MS,
    onRead: onReadOf(FIRST_DATABASE),
  });
  let beside: Feed | undefined;
  const verifier = verifiersOf(databases.all, format, ({ name, d1 }, verifierOf) => {
    const feed = new Feed(limits, beside);
    beside ??= feed;
    const shared = { ...sharing, texts: signedTexts(name, peppers) };
    return new Verifier({
      format,
      store: sharedFeed(feedStore(d1), { ...shared, boundMs, now }),
      records: sharedRecords(shared),
      feed,
      now,
      wait,
      inTime: withDeadline,
      background,
      imported: { keys: imported, verifierOf },
      ...limiters,
      ...hooks(name),
    });
  });
  return { verifier, onImport: () => imported.forgetMissing() };
}
