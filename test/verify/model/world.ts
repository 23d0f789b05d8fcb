import type { VerifyResult } from "../../../src/verify/contract.ts";
import { decide, type KeyRecord } from "../../../src/verify/decide.ts";
import type { Feed, Snapshot } from "../../../src/verify/feed.ts";
import type { Verifier } from "../../../src/verify/verifier.ts";

const BOUND_MS = 5_000;
const OUTAGE_MS = 20_000;
const DEADLINE_MS = 1_000;
/** A failure excuses no longer than this. */
const FAILURE_MS = 2 * DEADLINE_MS;
/** No replica is further behind the primary than this. */
const LAG_MS = 400;
const CAPACITY = 3;
export const KEYS = 5;
export const ISOLATES = 3;
/** Changes older than this may be trimmed. Far longer than an outage in life; short here, to happen. */
const RETENTION_MS = 10_000;

/** The code under test. */
export interface Code {
  Feed: typeof Feed;
  Verifier: typeof Verifier;
  READ_LIMIT: number;
  /** Breaks the store: sessions that forget, or a record that is read before the feed. */
  store?: "no bookmark" | "two statements";
}

/** The record of a key from one commit on; `null`: there is none. */
interface Version {
  commit: number;
  at: number;
  record: KeyRecord | null;
}

/** A primary with a change feed, and replicas that follow it with some lag. */
class Database {
  readonly versions = new Map<string, Version[]>();
  readonly changes: { seq: number; digest: string; commit: number; at: number }[] = [];
  readonly trims: { commit: number; least: number }[] = [];
  /** The last commit that every replica has applied. */
  applied = 0;
  readonly commits: number[] = [0];

  constructor() {
    this.changes.push({ seq: 1, digest: "", commit: 0, at: 0 });
  }

  get head(): number {
    return this.commits.length - 1;
  }

  versionAt(digest: string, commit: number): KeyRecord | null {
    return this.versions.get(digest)?.findLast((version) => version.commit <= commit)?.record ?? null;
  }

  current(digest: string): KeyRecord | null {
    return this.versionAt(digest, this.head);
  }

  write(digest: string, record: KeyRecord | null, at: number): void {
    const existed = this.current(digest) !== null;
    const commit = this.commits.push(at) - 1;
    const versions = this.versions.get(digest) ?? [];
    this.versions.set(digest, versions);
    versions.push({ commit, at, record });
    if (existed) this.#change(digest, commit, at);
  }

  /** Changes of keys that no isolate holds. */
  flood(count: number, at: number): void {
    const commit = this.commits.push(at) - 1;
    for (let i = 0; i < count; i++) this.#change("elsewhere", commit, at);
  }

  trim(at: number): void {
    const least = this.changes.findLast((change) => change.at < at - RETENTION_MS)?.seq;
    if (least !== undefined) this.trims.push({ commit: this.commits.push(at) - 1, least });
  }

  /** Replicas apply every commit within the lag. */
  replicate(now: number): void {
    this.applied = this.commits.findLastIndex((at) => at <= now - LAG_MS);
  }

  snapshot(commit: number, cursor: number | null, digest: string, limit: number): Snapshot {
    const least = this.trims.findLast((trim) => trim.commit <= commit)?.least ?? 0;
    const visible = this.changes.filter((change) => change.commit <= commit && change.seq >= least);
    const rows =
      cursor === null ? visible.slice(-1) : visible.filter(({ seq }) => seq >= cursor).slice(0, limit);
    return {
      changes: rows.map(({ seq, digest }) => ({ seq, digest })),
      record: rows.length === 0 ? null : this.versionAt(digest, commit),
    };
  }

  /** Every record that the key had between two moments, and at the first just before what happened then. */
  recordsBetween(digest: string, from: number, to: number): (KeyRecord | null)[] {
    const versions = this.versions.get(digest) ?? [];
    const first = versions.findLastIndex((version) => version.at < from);
    const during = versions.slice(Math.max(first, 0)).filter((version) => version.at <= to);
    return [...(first === -1 ? [null] : []), ...during.map((version) => version.record)];
  }

  #change(digest: string, commit: number, at: number): void {
    this.changes.push({ seq: (this.changes.at(-1)?.seq ?? 0) + 1, digest, commit, at });
  }
}

/** A statement on its way to the database and back. */
interface Read {
  isolate: Isolate;
  request: Request | null;
  startedAt: number;
  primary: boolean;
  /** Who waits for it, and no longer than the deadline. */
  waiting: { request: Request | null; giveUp: () => void }[];
  take: (commit: number) => unknown;
  outcome?: { commit: number; value: unknown };
  resolve: (value: unknown) => void;
  reject: (fault: Error) => void;
}

interface Request {
  digest: string;
  /** From the primary. */
  strong: boolean;
  /** Requests are numbered as they come. */
  number: number;
  startedAt: number;
  failed: boolean;
  askedPrimary: boolean;
  cutOff: boolean;
  settled: boolean;
}

interface Isolate {
  feed: Feed;
  verifier: Verifier;
  /** Stands still while code runs. */
  clock: number;
  /** The latest commit that the session has seen. */
  bookmark: number;
  /** When reads failed or missed their deadline. */
  failures: number[];
  /** When the read was begun that tells most, of those that came back. */
  knownSince: number;
  /** The newest change that has come back. */
  newest: number;
  lastBackground: { startedAt: number; answered: boolean } | undefined;
  /** How many requests had come when a key was first refused as revoked. */
  refused: Map<string, number>;
}

const pause = async () => {
  for (let i = 0; i < 12; i++) await null;
};

/**
 * Several isolates over one database. Each method is one thing that can happen; every verdict is held
 * against the history of the database when it is given. A broken promise is kept in `fault`.
 */
export class World {
  time = 1_000_000;
  readonly db = new Database();
  readonly isolates: Isolate[];
  reads: Read[] = [];
  verdicts = 0;
  /** The first promise that was broken. */
  fault: Error | undefined;
  #running: Request | null = null;
  readonly #requests: Request[] = [];
  readonly #dropped: Read[] = [];
  readonly #code: Code;

  constructor(code: Code) {
    this.#code = code;
    this.isolates = Array.from({ length: ISOLATES }, () => this.#isolate());
  }

  /** Time passes, in steps so small that every deadline is met. */
  async tick(milliseconds: number): Promise<void> {
    const until = this.time + milliseconds;
    while (this.time < until) {
      this.time = Math.min(until, this.time + DEADLINE_MS / 4);
      this.db.replicate(this.time);
      for (const read of this.reads.filter((read) => this.time - read.startedAt >= DEADLINE_MS))
        await this.#expire(read);
    }
  }

  create(key: number): void {
    const digest = digestOf(key);
    if (this.db.current(digest) !== null) return;
    this.db.write(
      digest,
      { id: digest, companyId: "acme", scopes: [], expiresAt: null, revokedAt: null },
      this.time,
    );
  }

  change(key: number, change: (record: KeyRecord) => KeyRecord | null): void {
    const digest = digestOf(key);
    const record = this.db.current(digest);
    if (record !== null) this.db.write(digest, change(record), this.time);
  }

  trim(): void {
    this.db.trim(this.time);
  }

  /** More changes than an isolate catches up on. */
  flood(): void {
    this.db.flood(this.#code.READ_LIMIT, this.time);
  }

  async restart(index: number): Promise<void> {
    const old = this.isolates[index];
    this.isolates[index] = this.#isolate();
    for (const read of this.reads.filter((read) => read.isolate === old)) this.#cutOff(read);
    await pause();
  }

  async catchUp(index: number): Promise<void> {
    const isolate = this.isolates[index];
    if (isolate === undefined) return;
    isolate.clock = this.time;
    // Whoever asks for it has just revoked a key: it is not counted with the reads beside answers.
    const { lastBackground } = isolate;
    isolate.lastBackground = undefined;
    isolate.verifier.catchUp().catch((fault) => this.#break(`catchUp threw ${fault}`));
    await pause();
    isolate.lastBackground = lastBackground;
  }

  async verify(index: number, key: number, strong: boolean): Promise<void> {
    const isolate = this.isolates[index];
    if (isolate === undefined) return;
    const digest = digestOf(key);
    const request: Request = {
      digest,
      strong,
      number: this.#requests.length,
      startedAt: this.time,
      failed: false,
      askedPrimary: false,
      cutOff: false,
      settled: false,
    };
    this.#requests.push(request);
    isolate.clock = this.time;
    this.#running = request;
    isolate.verifier.verify(digest, { consistency: strong ? "strong" : "bounded" }).then(
      (result) => this.#judge(isolate, request, result),
      (fault) => this.#break(`verify threw ${fault}`),
    );
    await pause();
    this.#running = null;
    this.#checkSizes();
  }

  /** The statement runs: on a replica that has seen all the session has, or on the primary. */
  execute(pick: number, ahead: number): void {
    const read = pickOf(
      this.reads.filter((read) => read.outcome === undefined),
      pick,
    );
    if (read === undefined) return;
    const replica = Math.min(this.db.head, this.db.applied + ahead);
    const seen = this.#code.store === "no bookmark" ? 0 : read.isolate.bookmark;
    const commit = read.primary ? this.db.head : Math.max(replica, seen);
    read.outcome = { commit, value: read.take(commit) };
  }

  async deliver(pick: number): Promise<void> {
    const read = pickOf(
      this.reads.filter((read) => read.outcome !== undefined),
      pick,
    );
    if (read?.outcome === undefined) return;
    if (!read.primary) this.#learn(read, read.outcome.commit, (read.outcome.value as Snapshot).changes);
    await this.#settle(read, () => read.resolve(read.outcome?.value));
  }

  /** What an isolate may be expected to know once a read came back, in time or late. */
  #learn({ isolate, startedAt }: Read, commit: number, changes: Snapshot["changes"]): void {
    isolate.bookmark = Math.max(isolate.bookmark, commit);
    const last = changes.at(-1)?.seq ?? 0;
    if (changes.length === 0 || changes.length === this.#code.READ_LIMIT || last < isolate.newest) return;
    isolate.newest = last;
    isolate.knownSince = Math.max(isolate.knownSince, startedAt);
    const { lastBackground } = isolate;
    if (lastBackground?.startedAt === startedAt && this.time - startedAt < DEADLINE_MS)
      lastBackground.answered = true;
  }

  async fail(pick: number): Promise<void> {
    const read = pickOf(this.reads, pick);
    if (read !== undefined) await this.#fail(read);
  }

  async #fail(read: Read): Promise<void> {
    if (read.request) read.request.failed = true;
    if (!read.primary) read.isolate.failures.push(this.time);
    await this.#settle(read, () => read.reject(new Error("lost")));
  }

  /** Who waits for the read waits no longer. It may still come back. */
  async #expire(read: Read): Promise<void> {
    for (const { request, giveUp } of read.waiting.splice(0)) {
      if (request) request.failed = true;
      if (!read.primary) read.isolate.failures.push(this.time);
      read.isolate.clock = this.time;
      this.#running = request;
      giveUp();
      await pause();
      this.#running = null;
    }
  }

  /** The client goes away: nothing of its request runs on, nor what waits for its reads. */
  async abort(pick: number): Promise<void> {
    const read = pickOf(this.reads, pick);
    if (read !== undefined) this.#cutOff(read);
    await pause();
  }

  /** All that is under way comes back; then nobody may be left waiting for somebody else's read. */
  async finish(): Promise<void> {
    for (let left = 1_000; left > 0 && this.reads.length > 0; left--) {
      this.execute(0, 0);
      await this.deliver(0);
    }
    if (this.#requests.some((request) => !request.settled && !request.cutOff)) {
      this.fault ??= new Error("a request was never answered");
    }
    // Lets go of their timers.
    for (const read of this.#dropped) read.reject(new Error("cut off"));
    await pause();
  }

  async #settle(read: Read, act: () => void): Promise<void> {
    this.reads = this.reads.filter((other) => other !== read);
    read.isolate.clock = this.time;
    this.#running = read.request;
    act();
    await pause();
    this.#running = null;
    this.#checkSizes();
  }

  #cutOff(read: Read): void {
    this.reads = this.reads.filter((other) => other !== read);
    if (read.request) read.request.cutOff = true;
    this.#dropped.push(read);
  }

  #isolate(): Isolate {
    const { Feed, Verifier, READ_LIMIT } = this.#code;
    const feed = new Feed({
      boundMs: BOUND_MS,
      outageMs: OUTAGE_MS,
      retryMs: DEADLINE_MS,
      capacity: CAPACITY,
    });
    const send = <T>(primary: boolean, request: Request | null, take: (commit: number) => T) =>
      new Promise<T>((resolve, reject) => {
        if (primary && request) request.askedPrimary = true;
        this.reads.push({
          isolate,
          request,
          startedAt: this.time,
          primary,
          waiting: [],
          take,
          resolve: (value) => resolve(value as T),
          reject,
        });
      });
    const isolate: Isolate = {
      feed,
      verifier: new Verifier({
        format: { digest: async (rawKey) => rawKey },
        store: {
          read: (cursor, digest) => {
            const before =
              this.#code.store === "two statements" ? this.db.versionAt(digest, isolate.bookmark) : undefined;
            // Where the feed alone is asked for, the digest is empty. Starting afresh takes another read.
            if (digest === "" && cursor !== null) this.#inBackground(isolate);
            return send(false, digest === "" ? null : this.#running, (commit) => {
              const snapshot = this.db.snapshot(commit, cursor, digest, READ_LIMIT);
              return before ? { ...snapshot, record: before } : snapshot;
            });
          },
          readPrimary: (digest) => send(true, this.#running, (commit) => this.db.versionAt(digest, commit)),
        },
        feed,
        now: () => isolate.clock,
        background: () => {},
        inTime: (promise) =>
          new Promise((resolve, reject) => {
            promise.then(resolve, reject);
            const read = this.reads.at(-1);
            read?.waiting.push({ request: read.request, giveUp: () => reject(new Error("late")) });
          }),
      }),
      clock: this.time,
      bookmark: 0,
      failures: [],
      knownSince: Number.NEGATIVE_INFINITY,
      newest: 0,
      lastBackground: undefined,
      refused: new Map(),
    };
    return isolate;
  }

  #inBackground(isolate: Isolate): void {
    const { lastBackground: last } = isolate;
    if (last !== undefined && this.time - last.startedAt < (last.answered ? BOUND_MS / 2 : DEADLINE_MS))
      this.#break("a background read too soon after the last");
    isolate.lastBackground = { startedAt: this.time, answered: false };
  }

  #checkSizes(): void {
    if (this.isolates.some(({ feed }) => feed.size > CAPACITY)) this.#break("the cache is over its capacity");
  }

  #judge(isolate: Isolate, request: Request, result: VerifyResult): void {
    request.settled = true;
    if (request.cutOff || !this.isolates.includes(isolate)) return;
    this.verdicts += 1;
    const outage = isolate.failures.some((at) => this.time - at < FAILURE_MS);
    if (!result.valid && result.error === "UNAVAILABLE") {
      if (!request.failed) this.#break("UNAVAILABLE without a failed read");
      return;
    }
    const stale = result.valid ? result.stale : outage;
    if (stale && !outage) this.#break("stale, though no read has just failed");
    if (result.valid && stale && this.time - isolate.knownSince < BOUND_MS)
      this.#break("stale, though a read came back");
    const knownSince = this.time - (stale ? OUTAGE_MS : BOUND_MS);
    const checkedAt = result.valid ? Date.parse(result.checkedAt) : knownSince;
    if (checkedAt < knownSince) this.#break(`accepted on knowledge ${this.time - checkedAt} ms old`);
    if (checkedAt > this.time) this.#break("checked in the future");

    const verdict = result.valid ? "valid" : result.error;
    // A key that is not there is confirmed by the primary.
    const fromPrimary = request.strong || verdict === "UNAUTHORIZED";
    const since = fromPrimary ? request.startedAt : checkedAt - LAG_MS;
    const possible = this.db
      .recordsBetween(request.digest, since, this.time)
      .map((record) =>
        record === null ? "UNAUTHORIZED" : (decide(record, [], this.time)?.error ?? "valid"),
      );
    if (!possible.includes(verdict)) {
      this.#break(
        `${verdict}, but since ${this.time - checkedAt} ms ago the key was ${[...new Set(possible)]}`,
      );
    }
    this.#noTravelBack(isolate, request, verdict);
  }

  /** What an isolate has refused as revoked it does not accept later, unless the key was revived by hand. */
  #noTravelBack(isolate: Isolate, request: Request, verdict: string): void {
    const refused = isolate.refused.get(request.digest);
    if (verdict === "KEY_REVOKED" && !request.askedPrimary && refused === undefined) {
      isolate.refused.set(request.digest, this.#requests.length);
    }
    if (verdict !== "valid" || refused === undefined || request.number < refused) return;
    const revoked =
      this.db.versions
        .get(request.digest)
        ?.map(({ record }) => record !== null && record.revokedAt !== null) ?? [];
    if (!revoked.slice(revoked.indexOf(true)).includes(false))
      this.#break("accepted after it was refused as revoked");
  }

  #break(promise: string): void {
    this.fault ??= new Error(promise);
  }
}

function digestOf(key: number): string {
  return `key${key}`;
}

function pickOf<T>(items: T[], pick: number): T | undefined {
  return items[pick % items.length];
}
