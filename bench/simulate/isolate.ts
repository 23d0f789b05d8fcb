import { UsageRecorder, type UsageReport } from "../../src/usage/recorder.ts";
import type { KeyRecord } from "../../src/verify/decide.ts";
import { Feed } from "../../src/verify/feed.ts";
import { sharedRecords } from "../../src/verify/records.ts";
import { sharedFeed } from "../../src/verify/shared.ts";
import { Verifier } from "../../src/verify/verifier.ts";
import type { DataCentre } from "./centre.ts";
import { simulatedStore } from "./database.ts";
import { REACHES, type Reach } from "./tally.ts";

/** As in `src/isolate.ts`. */
const RETRY_MS = 1_000;
const CALLER_WAIT_MS = 2_000;
const CACHE_CAPACITY = 200_000;
const OUTAGE_MS = 300_000;
/** A queue counts an operation for each 64 KB, of which 100 bytes are its own. */
const OPERATION_BYTES = 64_000;
const OVERHEAD_BYTES = 100;
/** To put into a queue, to read, to delete. */
const OPERATIONS = 3;

const utf8 = new TextEncoder();

/** A revoked key that is held as good. */
interface Exposure {
  database: number;
  /** Until when it will be accepted at least if nothing is asked. */
  usableUntil: number;
  delayMs: number;
}

/** The questions for one key that are under way. */
interface Asked {
  count: number;
  /** How far they went. */
  reach: Reach;
}

/** One isolate: the product's verifiers over simulated databases. */
export class Isolate {
  readonly #centre: DataCentre;
  readonly #feeds: Feed[] = [];
  readonly #verifiers: Verifier[] = [];
  readonly #usage: UsageRecorder | null;
  readonly #exposed = new Map<string, Exposure>();
  readonly #asked = new Map<string, Asked>();

  constructor(centre: DataCentre, countsUses: boolean) {
    this.#centre = centre;
    const { clock } = centre;
    const parts = { now: () => clock.now, wait: clock.wait, background: centre.background };
    const queue = {
      send: async (reports: UsageReport[]) => this.#report(reports),
    } as unknown as Queue<UsageReport[]>;
    this.#usage = countsUses ? new UsageRecorder({ queue, ...parts }) : null;
  }

  /** A request: answered at once where nothing has to be asked, as `Verifier` would, else by it. */
  present(digest: string, database: number): void {
    const { clock, tally } = this.#centre;
    const startedAt = clock.now;
    const verifier = this.#verifierOf(database);
    const feed = this.#feedOf(database);
    const urgency = feed.urgency(startedAt);
    const held = urgency === "first" ? undefined : feed.get(digest);
    const isFirstUse = held === undefined && feed.get(digest) === undefined;
    if (held !== undefined) tally.answers.isolate += 1;
    if (held !== undefined && urgency === "none") {
      this.#count(held, database);
      return;
    }
    clock.stir();
    const asked = this.#ask(digest);
    const answered = verifier.verify(digest, {}).then(({ valid }) => {
      const revokedAt = this.#centre.history.revokedAt.get(digest) ?? Number.POSITIVE_INFINITY;
      if (valid && revokedAt < clock.now) this.#expose(digest, database, clock.now - revokedAt);
      if (--asked.count === 0) this.#asked.delete(digest);
      if (held !== undefined) return;
      const { answers, waits, firstUses } = this.#centre.tally;
      answers[asked.reach] += 1;
      waits.add(clock.now - startedAt);
      if (isFirstUse) firstUses.add(clock.now - startedAt);
    });
    this.#centre.background(answered);
  }

  /** What reads no database at all was answered by the data centre. */
  #ask(digest: string): Asked {
    const asked = this.#asked.get(digest) ?? { count: 0, reach: "dataCentre" };
    asked.count += 1;
    this.#asked.set(digest, asked);
    return asked;
  }

  /** The key was revoked just now, wherever this isolate may be. */
  revoked(digest: string, database: number): void {
    if (this.#feeds[database]?.get(digest)?.revokedAt === null) this.#expose(digest, database, 0);
  }

  /** Looks which revoked keys are still held. @returns whether some are. */
  checkExposed(): boolean {
    const { clock, history, tally, boundMs } = this.#centre;
    for (const [digest, exposure] of this.#exposed) {
      const feed = this.#feedOf(exposure.database);
      const until = Math.min(clock.now, exposure.usableUntil);
      exposure.delayMs = Math.max(exposure.delayMs, until - (history.revokedAt.get(digest) ?? until));
      exposure.usableUntil = feed.syncedAt + boundMs;
      if (feed.get(digest)?.revokedAt === null) continue;
      tally.delays.add(exposure.delayMs);
      this.#exposed.delete(digest);
    }
    return this.#exposed.size > 0;
  }

  #expose(digest: string, database: number, delayMs: number): void {
    const known = this.#exposed.get(digest);
    const usableUntil = this.#feedOf(database).syncedAt + this.#centre.boundMs;
    this.#exposed.set(digest, {
      database,
      usableUntil,
      delayMs: Math.max(delayMs, known?.delayMs ?? 0),
    });
    this.#centre.exposed.add(this);
  }

  #feedOf(database: number): Feed {
    const known = this.#feeds[database];
    if (known !== undefined) return known;
    const { boundMs } = this.#centre;
    const limits = {
      boundMs,
      outageMs: OUTAGE_MS,
      retryMs: Math.min(RETRY_MS, boundMs / 5),
      waitMs: CALLER_WAIT_MS,
      capacity: CACHE_CAPACITY,
    };
    const beside = this.#feeds.find((feed) => feed !== undefined);
    const feed = new Feed(limits, beside);
    this.#feeds[database] = feed;
    return feed;
  }

  #verifierOf(database: number): Verifier {
    const known = this.#verifiers[database];
    if (known !== undefined) return known;
    const { clock, background, chance, boundMs, assumptions } = this.#centre;
    const now = () => clock.now;
    const texts = this.#centre.textsOf(database);
    const sharing = { texts, random: chance, inTime: clock.inTime, background };
    const verifier = new Verifier({
      store: sharedFeed(this.#storeOf(database), { ...sharing, boundMs, now }),
      ...(assumptions.sharesRecords && { records: sharedRecords(sharing) }),
      feed: this.#feedOf(database),
      now,
      wait: clock.wait,
      inTime: clock.inTime,
      background,
      format: { digest: async (rawKey) => rawKey },
      onVerdict: (record) => this.#count(record, database),
    });
    this.#verifiers[database] = verifier;
    return verifier;
  }

  #storeOf(database: number) {
    const { clock, region, history, chance, isHome } = this.#centre;
    return simulatedStore({
      clock,
      region,
      history,
      database,
      chance,
      onRead: (kind, digest) => {
        const reads = this.#centre.tally.reads[database];
        if (reads) reads[kind] += 1;
        this.#goTo(digest, kind === "nearest" || isHome ? "region" : "world");
      },
    });
  }

  #goTo(digest: string, reach: Reach): void {
    const asked = this.#asked.get(digest);
    if (asked && REACHES.indexOf(reach) > REACHES.indexOf(asked.reach)) asked.reach = reach;
  }

  #count(record: KeyRecord, database: number): void {
    const { now } = this.#centre.clock;
    const name = String(database).padStart(2, "0");
    this.#usage?.record(record, record.revokedAt === null ? null : "revoked", now, name);
  }

  #report(reports: UsageReport[]): void {
    const { usage } = this.#centre.tally;
    const bytes = utf8.encode(JSON.stringify(reports)).length + OVERHEAD_BYTES;
    usage.messages += 1;
    usage.operations += OPERATIONS * Math.ceil(bytes / OPERATION_BYTES);
    usage.reports += reports.length;
  }
}
