import type { Background } from "../lib/background.ts";
import { randomBase62 } from "../lib/encoding.ts";
import { describeFault } from "../lib/fault.ts";
import { DAY_MS, dayOf, LAST_INSTANT_MS } from "../lib/time.ts";
import { Watch } from "./watch.ts";

/** Keys of one report. */
export const MAX_KEYS = 1_000;
/** Of one message, as JSON: it holds 128 KB, of which the queue needs some 100 bytes itself. */
const MAX_BYTES = 120_000;
/** What a report needs besides its keys, or more. */
const REPORT_BYTES = 100;
/** More uses than one isolate sees before it reports. */
const MAX_COUNT = 9_999_999_999;

const FULL = { allowed: MAX_COUNT, denied: MAX_COUNT, lastUsedAt: LAST_INSTANT_MS };
/** Of what a report says of a key, but for its names: as JSON with its comma, at most. */
const KEY_BYTES = `${JSON.stringify({ ...newUsage({ id: "", companyId: "" }), ...FULL })},`.length;
/** Each character is a byte, also as JSON. Most names are such, and need not be encoded to be measured. */
const PLAIN = /^[ !#-[\]-~]*$/;

const utf8 = new TextEncoder();
/** Base62 characters of a report's id: 59 bits. */
export const REPORT_ID_LENGTH = 10;

/** Why a genuine key was refused, in the order in which reports count. */
export const DENIALS = ["expired", "revoked", "suspended", "scope", "address", "limit"] as const;
export type Denial = (typeof DENIALS)[number];

/** Of the denials of one key, at most. */
const DENIALS_BYTES = JSON.stringify({ denials: DENIALS.map(() => MAX_COUNT) }).length;

/** What one isolate saw of a key since its last report. */
export interface KeyUsage {
  keyId: string;
  companyId: string;
  allowed: number;
  denied: number;
  /** Of the denied, those for each of `DENIALS`. Left out where there are none. */
  denials?: number[];
  /** Milliseconds since the epoch; `null`: it was never accepted. */
  lastUsedAt: number | null;
}

/** What one isolate saw of the keys of one database, on one day. */
export interface UsageReport {
  /** Makes a report that is delivered twice count once. */
  id: string;
  database: string;
  /** `YYYY-MM-DD`, UTC. */
  day: string;
  keys: KeyUsage[];
}

export interface UsageRecorderParts {
  /** A message is a list of reports. */
  queue: Pick<Queue<UsageReport[]>, "send">;
  /** Milliseconds since the epoch. */
  now: () => number;
  wait: (milliseconds: number) => Promise<unknown>;
  background: Background;
}

/**
 * Adds up the uses of keys in the isolate and hands them to a queue, behind the answers. What a dying
 * isolate loses is the counts of 90 seconds at most. Each report is of one database, which alone has to remember it.
 */
export class UsageRecorder {
  readonly #parts: UsageRecorderParts;
  /** Of each database. */
  readonly #counts = new Map<string, Counts>();
  readonly #watch: Watch;

  constructor(parts: UsageRecorderParts) {
    this.#parts = parts;
    const since = () => Math.min(...[...this.#counts.values()].map((counts) => counts.since));
    this.#watch = new Watch({ ...parts, since, flush: () => this.#flush([...this.#counts]) });
  }

  /**
   * @param denial - Why it was refused; `null`: it was accepted.
   * @param now - Milliseconds since the epoch.
   * @param database - Which the key is in.
   */
  record(key: CountedKey, denial: Denial | null, now: number, database: string): void {
    const counts = this.#counts.get(database);
    const isToday = counts !== undefined && Math.floor(now / DAY_MS) === Math.floor(counts.since / DAY_MS);
    if (!isToday || !counts.add(key, denial, now)) {
      if (counts !== undefined) this.#parts.background(this.#flush([[database, counts]]));
      const fresh = new Counts(now);
      fresh.add(key, denial, now);
      this.#counts.set(database, fresh);
    }
    this.#watch.touch(now);
  }

  async #flush(counted: readonly [database: string, Counts][]): Promise<void> {
    const messages: UsageReport[][] = [];
    let room = 0;
    for (const [database, counts] of counted) {
      this.#counts.delete(database);
      const bytes = counts.bytes + REPORT_BYTES;
      if (bytes > room) {
        messages.push([]);
        room = MAX_BYTES;
      }
      room -= bytes;
      messages.at(-1)?.push(counts.report(database));
    }
    await Promise.all(messages.map((reports) => this.#send(reports)));
  }

  async #send(reports: UsageReport[]): Promise<void> {
    try {
      await this.#parts.queue.send(reports);
    } catch (fault) {
      const keys = reports.reduce((sum, report) => sum + report.keys.length, 0);
      console.error(JSON.stringify({ event: "usage_lost", keys, fault: describeFault(fault) }));
    }
  }
}

interface CountedKey {
  id: string;
  companyId: string;
}

/** What was counted of the keys of one database, all on the day of the first use. */
class Counts {
  readonly since: number;
  readonly #keys = new Map<string, KeyUsage>();
  /** As JSON, at most. */
  bytes = 0;

  constructor(since: number) {
    this.since = since;
  }

  /** @returns whether there was room for it. */
  add(key: CountedKey, denial: Denial | null, now: number): boolean {
    const known = this.#keys.get(key.id);
    const isFirstDenial = denial !== null && known?.denials === undefined;
    const more = (known === undefined ? bytesOf(key) : 0) + (isFirstDenial ? DENIALS_BYTES : 0);
    if (!this.#hasRoom(more, known === undefined)) return false;
    this.bytes += more;
    const usage = known ?? newUsage(key);
    if (known === undefined) this.#keys.set(key.id, usage);
    if (denial === null) {
      usage.allowed += 1;
      usage.lastUsedAt = now;
    } else {
      const reason = DENIALS.indexOf(denial);
      usage.denials ??= DENIALS.map(() => 0);
      usage.denied += 1;
      usage.denials[reason] = (usage.denials[reason] ?? 0) + 1;
    }
    return true;
  }

  report(database: string): UsageReport {
    const id = randomBase62(REPORT_ID_LENGTH, (bytes) => crypto.getRandomValues(bytes));
    return { id, database, day: dayOf(this.since), keys: [...this.#keys.values()] };
  }

  /** For the first use there always is, however long the names of its key are. */
  #hasRoom(bytes: number, isNewKey: boolean): boolean {
    const { size } = this.#keys;
    return size === 0 || (this.bytes + bytes <= MAX_BYTES - REPORT_BYTES && !(isNewKey && size >= MAX_KEYS));
  }
}

function newUsage({ id: keyId, companyId }: CountedKey): KeyUsage {
  return { keyId, companyId, allowed: 0, denied: 0, lastUsedAt: null };
}

/** As JSON with its comma, at most. */
function bytesOf({ id, companyId }: CountedKey): number {
  return KEY_BYTES + bytesIn(id) + bytesIn(companyId);
}

/** As JSON, without the quotes. */
function bytesIn(text: string): number {
  return PLAIN.test(text) ? text.length : utf8.encode(JSON.stringify(text)).length - 2;
}
