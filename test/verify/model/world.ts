import { addressList } from "../../../src/lib/address.ts";
import type { VerifyResult } from "../../../src/verify/contract.ts";
import { type CompanyRecord, decide, type KeyRecord } from "../../../src/verify/decide.ts";
import type { Feed } from "../../../src/verify/feed.ts";
import type { sharedRecords } from "../../../src/verify/records.ts";
import type { Sharing, sharedFeed } from "../../../src/verify/shared.ts";
import type { Snapshot } from "../../../src/verify/snapshot.ts";
import type { FeedStore, feedStore } from "../../../src/verify/store.ts";
import type { Verifier, VerifierParts } from "../../../src/verify/verifier.ts";
import { RECORD } from "../../support/record.ts";
import { binding, Cluster, type Send, type Sqlite } from "./database.ts";

const BOUND_MS = 5_000;
const OUTAGE_MS = 20_000;
const RETRY_MS = 1_000;
const WAIT_MS = 2_000;
const CAPACITY = 3;
/** By how much clocks may differ before shared answers are later than the bound. */
const CLOCK_SKEW_MS = 250;
/** From here every key is presented. */
const USUAL: CompanyRecord = { suspendedAt: null, allowedIps: null, rateTier: null };
const CLIENT_IP = "192.0.2.7";
const HERE = ["2001:db8::/32", "192.0.2.0/24"];
const ELSEWHERE = ["198.51.100.0/24"];
export const KEYS = 5;
export const ISOLATES = 3;
/** Changes older than this may be trimmed. Far longer than an outage in life; short here, to happen. */
const RETENTION_MS = 10_000;

/** The code under test. */
export interface Code {
  Feed: typeof Feed;
  Verifier: typeof Verifier;
  feedStore: typeof feedStore;
  sharedFeed: typeof sharedFeed;
  sharedRecords: typeof sharedRecords;
}

/** How the cache of the data centre behaves: as it should, later, with an error, or never. */
export const CACHES = ["prompt", "slow", "throws", "hangs"] as const;
/** Less and more than it is waited for. */
const SLOW_MS = [30, 700];

/** The record of a key from a moment on; `null`: there is none. */
interface Version {
  at: number;
  record: KeyRecord | null;
}

/**
 * What a statement asks for: the changes, with a record; a record, of a replica; a record, of the primary; the changes
 * before those that are known.
 */
type Kind = "feed" | "nearest" | "primary" | "past";

/** A statement on its way to the database and back. */
interface Read {
  isolate: Isolate;
  /** Who asks for it; `null`: nobody, it is done behind the answers. */
  request: Request | null;
  /** Whether it goes on, whatever becomes of its request. */
  isKept: boolean;
  startedAt: number;
  kind: Kind;
  sql: string;
  params: readonly unknown[];
  outcome?: { rows: unknown[][]; at: number };
  resolve: (rows: unknown[][]) => void;
  reject: (fault: Error) => void;
}

interface Timer {
  at: number;
  isolate: Isolate | null;
  request: Request | null;
  end: () => void;
}

interface Request {
  isolate: Isolate;
  digest: string;
  isStrong: boolean;
  /** Requests are numbered as they come. */
  number: number;
  startedAt: number;
  /** As of when the primary has answered it. */
  primaryAt: number | undefined;
  failed: boolean;
  cutOff: boolean;
  settled: boolean;
}

interface Isolate {
  verifier: Verifier;
  feed: Feed;
  /** How far its clock is from the world's. */
  offset: number;
  isClockTrue: boolean;
  /** How much later than the bound it may be, having used what an isolate has read whose clock is further ahead than is allowed for. */
  slack: number;
  /** Reads that failed or were late since one came back, and when the last did. */
  failures: number;
  failedAt: number;
  /** When reads of the feed alone were begun. */
  looks: { at: number; page: string }[];
  /** What the isolate itself has changed or was refused by the primary: as of when it knows, for later requests. */
  known: Map<string, { at: number; from: number }>;
  /** How many requests had come when a key was first refused as revoked. */
  refused: Map<string, number>;
}

/** The statements of an isolate, each of which goes to `send`. */
interface Statements {
  store: FeedStore;
  send: Send;
}

/** Building them takes longer than a history: they are used again, by one isolate at a time. */
const unused = new WeakMap<Code["feedStore"], Statements[]>();

const pause = async () => {
  for (let i = 0; i < 30; i++) await null;
};

/**
 * Several isolates over one database: the code's own statements, run by a real SQLite. Each method is one thing that
 * can happen; every verdict is held against the history of the keys when it is given, in the world's own time. A
 * broken promise is kept in `fault`.
 */
export class World {
  time = 1_000_000;
  readonly isolates: Isolate[];
  verdicts = 0;
  /** Of those, the ones that accept by what may be older than the bound. */
  stale = 0;
  /** The first promise that was broken. */
  fault: Error | undefined;
  #reads: Read[] = [];
  #timers: Timer[] = [];
  #running: Request | null = null;
  /** What was asked for last. */
  #asked: Pick<Read, "kind" | "request"> | undefined;
  /** What the isolates share, if they do, by its name, and all that they ever did: it may come back. */
  readonly #texts = new Map<string, string>();
  readonly #allTexts: [name: string, text: string][] = [];
  #cache: (typeof CACHES)[number] = "prompt";
  /** How far a clock was ahead of the world's at most. */
  #ahead = 0;
  /** Whether the next statement is for the changes before those that are known. */
  #isPast = false;
  /** The read that was begun last, by what runs now. */
  #begun: Read | undefined;
  /** Ids of keys are never used twice. */
  #ids = 0;
  #restoredAt = Number.NEGATIVE_INFINITY;
  readonly #requests: Request[] = [];
  readonly #dropped: Read[] = [];
  readonly #versions = new Map<string, Version[]>();
  /** What there was after each commit. */
  readonly #states: Map<string, KeyRecord | null>[] = [];
  /** What was set for the one company after each commit. */
  readonly #companies: CompanyRecord[] = [];
  readonly #cluster: Cluster;
  readonly #code: Code;
  readonly #statements: Statements[] = [];

  readonly #isShared: boolean;

  constructor(code: Code, databases: [Sqlite, ...Sqlite[]], lagMs: number, isShared = false) {
    this.#code = code;
    this.#isShared = isShared;
    this.#cluster = new Cluster(databases, lagMs);
    this.isolates = Array.from({ length: ISOLATES }, () => this.#isolate());
  }

  async begin(): Promise<void> {
    await this.#cluster.begin();
    for (let key = 0; key < KEYS - 1; key++) await this.create(key);
  }

  /** Time passes; every timer ends at its moment. */
  async tick(milliseconds: number): Promise<void> {
    const until = this.time + milliseconds;
    for (;;) {
      const [next] = this.#timers.filter(({ at }) => at <= until).toSorted((a, b) => a.at - b.at);
      this.time = next === undefined ? until : Math.max(this.time, next.at);
      if (next === undefined) break;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      await this.#run(next.request, next.end);
    }
    await this.#cluster.replicate(this.time);
  }

  async create(key: number): Promise<void> {
    const digest = digestOf(key);
    if (this.#current(digest) !== null) return;
    const record = {
      ...RECORD,
      id: `id${this.#ids++}`,
      scopes: [],
      company: this.#companies.at(-1) ?? null,
    };
    const columns = "id, company_id, label, label_folded, key_prefix, digest, scopes, created_at";
    await this.#write(
      `INSERT INTO api_keys (${columns}) VALUES (?, 'acme', 'x', 'x', 'x', ?, '[]', 1)`,
      [record.id, digest],
      [[digest, record]],
    );
  }

  async revoke(key: number): Promise<void> {
    await this.#set(key, "revoked_at = coalesce(revoked_at, ?)", [this.time], (record) => ({
      ...record,
      revokedAt: record.revokedAt ?? this.time,
    }));
  }

  async suspend(key: number): Promise<void> {
    const suspendedAt = this.time;
    await this.#set(key, "suspended_at = ?", [suspendedAt], (record) => ({ ...record, suspendedAt }));
  }

  async resume(key: number): Promise<void> {
    await this.#set(key, "suspended_at = NULL", [], (record) => ({ ...record, suspendedAt: null }));
  }

  /** It may be used from elsewhere alone. */
  async restrict(key: number): Promise<void> {
    await this.#set(key, "allowed_ips = ?", [JSON.stringify(ELSEWHERE)], (record) => ({
      ...record,
      allowedIps: addressList(ELSEWHERE),
    }));
  }

  async widen(key: number): Promise<void> {
    await this.#set(key, "allowed_ips = ?", [JSON.stringify(HERE)], (record) => ({
      ...record,
      allowedIps: addressList(HERE),
    }));
  }

  async suspendCompany(): Promise<void> {
    await this.#setCompany("suspended_at", this.time, { suspendedAt: this.time });
  }

  async resumeCompany(): Promise<void> {
    await this.#setCompany("suspended_at", null, { suspendedAt: null });
  }

  /** All its keys may be used from elsewhere alone. */
  async restrictCompany(): Promise<void> {
    await this.#setCompany("allowed_ips", JSON.stringify(ELSEWHERE), { allowedIps: addressList(ELSEWHERE) });
  }

  async widenCompany(): Promise<void> {
    await this.#setCompany("allowed_ips", null, { allowedIps: null });
  }

  async expire(key: number): Promise<void> {
    const expiresAt = this.time + 1_000;
    await this.#set(key, "expires_at = ?", [expiresAt], (record) => ({ ...record, expiresAt }));
  }

  async revive(key: number): Promise<void> {
    await this.#set(key, "revoked_at = NULL, expires_at = NULL", [], (record) => ({
      ...record,
      revokedAt: null,
      expiresAt: null,
    }));
  }

  async delete(key: number): Promise<void> {
    const digest = digestOf(key);
    if (this.#current(digest) === null) return;
    await this.#write("DELETE FROM api_keys WHERE digest = ?", [digest], [[digest, null]]);
  }

  /** A key takes another one's id, and its place. */
  async displace(key: number): Promise<void> {
    const [digest, other] = [digestOf(key), digestOf((key + 1) % KEYS)];
    const [record, gone] = [this.#current(digest), this.#current(other)];
    if (record === null || gone === null) return;
    await this.#write(
      "UPDATE OR REPLACE api_keys SET id = ? WHERE digest = ?",
      [gone.id, digest],
      [
        [other, null],
        [digest, { ...record, id: gone.id }],
      ],
    );
  }

  /** The isolate takes the call that changes the key. */
  async changeAt(index: number, key: number, act: (key: number) => Promise<void>): Promise<void> {
    const isolate = this.isolates[index];
    if (isolate === undefined) return;
    await act.call(this, key);
    // The moment of the commit itself is of both states.
    await this.tick(1);
    isolate.verifier.forget([digestOf(key)]);
    this.#know(isolate, digestOf(key), this.time);
  }

  async trim(): Promise<void> {
    const old = "SELECT max(seq) FROM key_changes WHERE changed_at < ?";
    await this.#write(`DELETE FROM key_changes WHERE seq < (${old})`, [this.time - RETENTION_MS], []);
  }

  /** Changes of keys that no isolate holds. */
  async flood(count: number): Promise<void> {
    const numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)";
    await this.#write(
      `INSERT INTO key_changes (digest) ${numbers} SELECT 'elsewhere' || i FROM n`,
      [count],
      [],
    );
  }

  /** Somebody empties the feed by hand, and tells of it as the documents have it. */
  async empty(): Promise<void> {
    await this.#write("DELETE FROM key_changes", [], []);
  }

  /** Back by so many commits, and then the statement that the documents have. */
  async restore(back: number): Promise<void> {
    const commits = Math.max(KEYS - 1, this.#cluster.head - back);
    const state = this.#states[commits - 1];
    if (state === undefined) return;
    this.time += 1;
    await this.#cluster.restore(commits);
    this.#states.length = commits;
    this.#companies.length = commits;
    for (const isolate of this.isolates) {
      isolate.known.clear();
      isolate.refused.clear();
    }
    this.#restoredAt = this.#requests.length;
    const digests = [...this.#versions.keys()];
    const changed = digests.map((digest) => [digest, state.get(digest) ?? null] as const);
    await this.#write("INSERT INTO key_changes (digest) VALUES ('')", [], changed);
  }

  /** The clock of an isolate is set. */
  setClock(index: number, milliseconds: number): void {
    const isolate = this.isolates[index];
    if (isolate === undefined) return;
    isolate.offset += milliseconds;
    isolate.isClockTrue = false;
    this.#ahead = Math.max(this.#ahead, isolate.offset);
  }

  setCache(cache: (typeof CACHES)[number]): void {
    this.#cache = cache;
  }

  /** The cache drops what is shared. */
  evict(): void {
    this.#texts.clear();
  }

  /** What was shared before is shared again. */
  replay(pick: number): void {
    const [name, text] = pickOf(this.#allTexts.toReversed(), pick) ?? [];
    if (name !== undefined && text !== undefined) this.#texts.set(name, text);
  }

  async restart(index: number): Promise<void> {
    const old = this.isolates[index];
    this.isolates[index] = this.#isolate();
    this.#timers = this.#timers.filter(({ isolate }) => isolate !== old);
    for (const request of this.#requests) if (request.isolate === old) request.cutOff = true;
    for (const read of this.#reads.filter((read) => read.isolate === old)) this.#drop(read);
    await pause();
  }

  async verify(index: number, key: number, isStrong: boolean): Promise<void> {
    const isolate = this.isolates[index];
    if (isolate === undefined) return;
    const digest = digestOf(key);
    const request: Request = {
      isolate,
      digest,
      isStrong,
      number: this.#requests.length,
      startedAt: this.time,
      primaryAt: undefined,
      failed: false,
      cutOff: false,
      settled: false,
    };
    this.#requests.push(request);
    await this.#run(request, () => {
      isolate.verifier
        .verify(digest, { clientIp: CLIENT_IP, consistency: isStrong ? "strong" : "bounded" })
        .then(
          (result) => this.#judge(isolate, request, result),
          (fault) => this.#break(`verify threw ${fault}`),
        );
    });
  }

  /** The statement runs: on a replica, or on the primary. */
  async execute(pick: number, ahead: number): Promise<void> {
    const read = pickOf(
      this.#reads.filter((read) => read.outcome === undefined),
      pick,
    );
    if (read !== undefined) await this.#execute(read, pick, ahead);
  }

  async deliver(pick: number): Promise<void> {
    const read = pickOf(
      this.#reads.filter((read) => read.outcome !== undefined),
      pick,
    );
    if (read !== undefined) await this.#deliver(read);
  }

  async fail(pick: number): Promise<void> {
    const read = pickOf(this.#reads, pick);
    if (read === undefined) return;
    this.#reads = this.#reads.filter((other) => other !== read);
    this.#failed(read.isolate, read.kind, read.request);
    await this.#run(read.request, () => read.reject(new Error("lost")));
  }

  /** The client goes away: of its request only what was given to the background goes on. */
  async abort(pick: number): Promise<void> {
    const request = pickOf(
      this.#requests.filter(({ settled, cutOff }) => !settled && !cutOff),
      pick,
    );
    if (request === undefined) return;
    request.cutOff = true;
    this.#timers = this.#timers.filter((timer) => timer.request !== request);
    for (const read of this.#reads.filter((read) => read.request === request && !read.isKept))
      this.#drop(read);
    await pause();
  }

  /** All that is under way comes back; then nobody may be left waiting for somebody else's read. */
  async finish(): Promise<void> {
    for (let left = 1_000; left > 0 && this.#reads.length > 0; left--) {
      await this.execute(0, 0);
      await this.deliver(0);
    }
    await this.tick(2 * WAIT_MS);
    for (let left = 1_000; left > 0 && this.#reads.length > 0; left--) {
      await this.execute(0, 0);
      await this.deliver(0);
    }
    if (this.#requests.some((request) => !request.settled && !request.cutOff))
      this.#break("a request was never answered");
    for (const read of this.#dropped) read.reject(new Error("cut off"));
    await pause();
    unused.set(this.#code.feedStore, [...this.#unused(), ...this.#statements]);
  }

  async #run(request: Request | null, act: () => void): Promise<void> {
    this.#running = request;
    this.#begun = undefined;
    act();
    await pause();
    this.#running = null;
    if (this.isolates.some(({ feed }) => feed.size > CAPACITY)) this.#break("the cache is over its capacity");
  }

  async #execute(read: Read, which: number, ahead: number): Promise<void> {
    const { kind, sql, params } = read;
    const rows = await (kind === "nearest"
      ? this.#cluster.readNearest(sql, params, which, ahead)
      : this.#cluster.readPrimary(sql, params));
    read.outcome = { rows, at: this.time };
  }

  async #deliver(read: Read): Promise<void> {
    const { isolate, request, outcome, startedAt } = read;
    if (outcome === undefined) return;
    this.#reads = this.#reads.filter((other) => other !== read);
    if (read.kind === "primary" && request) request.primaryAt = outcome.at;
    // What may be shared is asked for before the statement begins.
    if (read.kind === "feed" && !this.#isShared) this.#answered(isolate, startedAt);
    await this.#run(request, () => read.resolve(outcome.rows));
  }

  /** An answer that comes later than the bound tells nothing about others. */
  #answered(isolate: Isolate, askedAt: number): void {
    if (this.time - askedAt < BOUND_MS) isolate.failures = 0;
  }

  #failed(isolate: Isolate, kind: Kind | undefined, request: Request | null): void {
    if (request) request.failed = true;
    if (kind !== "feed") return;
    isolate.failures += 1;
    isolate.failedAt = this.time + isolate.offset;
  }

  #drop(read: Read): void {
    this.#reads = this.#reads.filter((other) => other !== read);
    if (read.request) read.request.cutOff = true;
    this.#dropped.push(read);
  }

  /** @param request - Who waits for it; `null`: nobody. */
  async #getText(name: string, request: Request | null): Promise<string | null> {
    if (this.#cache === "throws") throw new Error("no cache");
    const waits = {
      prompt: 0,
      slow: SLOW_MS[this.time % SLOW_MS.length] ?? 0,
      hangs: Number.POSITIVE_INFINITY,
    };
    const wait = waits[this.#cache];
    if (wait > 0) await new Promise<void>((end) => this.#timer(wait, null, request, end));
    return this.#texts.get(name) ?? null;
  }

  async #putText(name: string, text: string): Promise<void> {
    if (this.#cache === "throws") throw new Error("no cache");
    this.#texts.set(name, text);
    this.#allTexts.push([name, text]);
  }

  #timer(milliseconds: number, isolate: Isolate | null, request: Request | null, end: () => void): void {
    this.#timers.push({ at: this.time + milliseconds, isolate, request, end });
  }

  #unused(): Statements[] {
    return unused.get(this.#code.feedStore) ?? [];
  }

  #feedStore(send: Send): FeedStore {
    const statements = this.#unused().pop() ?? this.#build(send);
    statements.send = send;
    this.#statements.push(statements);
    return statements.store;
  }

  #build(send: Send): Statements {
    const store = this.#code.feedStore(binding((...statement) => statements.send(...statement)));
    const statements = { store, send };
    return statements;
  }

  /** With what an isolate shares. @returns with it, what does something on behalf of the request that is running. */
  #sharing(isolate: () => Isolate) {
    // Who waits for what is looked at; `null`: nobody, it is done behind the answers.
    let request: Request | null = null;
    const sharing: Sharing = {
      texts: {
        get: (name) => this.#getText(name, request),
        put: (name, text) => this.#putText(name, text),
      },
      random: () => 0,
      inTime: (promise, milliseconds) =>
        new Promise((resolve, reject) => {
          this.#timer(milliseconds, isolate(), request, () => reject(new Error("late")));
          promise.then(resolve, reject);
        }),
      background: () => {},
    };
    const waiting = <T>(begin: () => T): T => {
      request = this.#running;
      const begun = begin();
      request = null;
      return begun;
    };
    return { sharing, waiting };
  }

  /** The store as an isolate has it, and the records that it shares; what it reads of the others is told to the isolate of the world. */
  #shared(send: Send, now: () => number, isolate: () => Isolate): Pick<VerifierParts, "store" | "records"> {
    const { sharedFeed, sharedRecords } = this.#code;
    const store = this.#feedStore(send);
    if (!this.#isShared) return { store };
    const { sharing, waiting } = this.#sharing(isolate);
    const shared = sharedFeed(store, { ...sharing, boundMs: BOUND_MS, now });
    const records = sharedRecords(sharing);
    const told = <S extends Snapshot | null>(startedAt: number, snapshot: S): S => {
      if (snapshot === null) return snapshot;
      const reader = isolate();
      this.#answered(reader, startedAt);
      // What was replayed may be of a moment that its clock has yet to come to.
      const slack = this.#ahead - reader.offset - CLOCK_SKEW_MS;
      if (snapshot.asOf !== undefined) reader.slack = Math.max(reader.slack, slack);
      return snapshot;
    };
    return {
      store: {
        ...shared,
        readShared: async (cursor) =>
          told(this.time, (await waiting(() => shared.readShared?.(cursor))) ?? null),
        read: async (cursor, digest) => {
          if (digest === "") this.#asked = { kind: "feed", request: null };
          return told(this.time, await shared.read(cursor, digest));
        },
        readPast: (cursor) => {
          this.#isPast = true;
          this.#asked = { kind: "past", request: null };
          return shared.readPast(cursor);
        },
      },
      records: {
        find: (digest, use) => waiting(() => records.find(digest, use)),
        tell: (...told) => records.tell(...told),
      },
    };
  }

  #isolate(): Isolate {
    const { Feed, Verifier } = this.#code;
    const feed = new Feed({
      boundMs: BOUND_MS,
      outageMs: OUTAGE_MS,
      retryMs: RETRY_MS,
      waitMs: WAIT_MS,
      capacity: CAPACITY,
    });
    const timer = (milliseconds: number, request: Request | null, end: () => void) =>
      this.#timer(milliseconds, isolate, request, end);
    const now = () => this.time + isolate.offset;
    const shared = this.#shared(
      (start, sql, params) =>
        new Promise((resolve, reject) => {
          // The feed alone is asked for behind the answer.
          const request = params.includes("") ? null : this.#running;
          const ofPrimary = sql.includes("(SELECT 1)") ? "primary" : "feed";
          const ofFeed = this.#isPast ? "past" : ofPrimary;
          this.#isPast = false;
          const kind = start === "first-primary" ? ofFeed : "nearest";
          const startedAt = this.time;
          this.#begun = {
            isolate,
            request,
            isKept: false,
            startedAt,
            kind,
            sql,
            params,
            resolve,
            reject,
          };
          this.#reads.push(this.#begun);
          this.#asked = this.#begun;
          if (request === null) this.#inBackground(isolate, params);
        }),
      now,
      () => isolate,
    );
    const isolate: Isolate = {
      feed,
      verifier: new Verifier({
        format: { digest: async (rawKey) => rawKey },
        ...shared,
        feed,
        now,
        wait: (milliseconds) => {
          this.#begun = undefined;
          const request = milliseconds > WAIT_MS ? null : this.#running;
          return new Promise<void>((end) => timer(milliseconds, request, end));
        },
        inTime: (promise, milliseconds) =>
          new Promise((resolve, reject) => {
            const asked = this.#asked;
            const request = asked?.request === null ? null : this.#running;
            let isOver = false;
            timer(milliseconds, request, () => {
              if (isOver || request?.cutOff) return;
              this.#failed(isolate, asked?.kind, request);
              reject(new Error("late"));
            });
            promise
              .finally(() => {
                isOver = true;
              })
              .then(
                (value) => request?.cutOff || resolve(value),
                (fault) => request?.cutOff || reject(fault),
              );
          }),
        // A read that is given to the background goes on, whatever becomes of its request.
        background: () => {
          if (this.#begun !== undefined) this.#begun.isKept = true;
          this.#begun = undefined;
        },
      }),
      offset: 0,
      isClockTrue: true,
      slack: 0,
      failures: 0,
      failedAt: Number.NEGATIVE_INFINITY,
      looks: [],
      known: new Map(),
      refused: new Map(),
    };
    return isolate;
  }

  /** A look at the feed is begun once in a second, and asks for each page twice at most. The one before may do so still. */
  #inBackground(isolate: Isolate, params: readonly unknown[]): void {
    const page = JSON.stringify(params);
    isolate.looks = [
      ...isolate.looks.filter(({ at }) => this.time - at < 0.9 * RETRY_MS),
      { at: this.time, page },
    ];
    const asked = isolate.looks.filter((look) => look.page === page);
    if (asked.length > 4 && isolate.isClockTrue) this.#break("too many reads in the background");
  }

  #current(digest: string): KeyRecord | null {
    return this.#versions.get(digest)?.at(-1)?.record ?? null;
  }

  async #set(
    key: number,
    assignments: string,
    params: unknown[],
    change: (record: KeyRecord) => KeyRecord,
  ): Promise<void> {
    const digest = digestOf(key);
    const record = this.#current(digest);
    if (record === null) return;
    const sql = `UPDATE api_keys SET ${assignments} WHERE digest = ?`;
    await this.#write(sql, [...params, digest], [[digest, change(record)]]);
  }

  async #setCompany(
    column: string,
    value: string | number | null,
    change: Partial<CompanyRecord>,
  ): Promise<void> {
    const company = { ...USUAL, ...this.#companies.at(-1), ...change };
    const sql = `INSERT INTO companies (id, ${column}) VALUES ('acme', ?) ON CONFLICT DO UPDATE SET ${column} = excluded.${column}`;
    const changed = [...this.#versions.keys()].map((digest) => {
      const record = this.#current(digest);
      return [digest, record && { ...record, company }] as const;
    });
    await this.#write(sql, [value], changed, company);
  }

  async #write(
    sql: string,
    params: readonly unknown[],
    changes: readonly (readonly [string, KeyRecord | null])[],
    company = this.#companies.at(-1) ?? USUAL,
  ): Promise<void> {
    this.#companies.push(company);
    for (const [digest, record] of changes) {
      const versions = this.#versions.get(digest) ?? [];
      this.#versions.set(digest, versions);
      versions.push({ at: this.time, record });
    }
    await this.#cluster.commit(sql, params, this.time);
    this.#states.push(new Map([...this.#versions.keys()].map((digest) => [digest, this.#current(digest)])));
  }

  /** What requests that come from now on must take into account. */
  #know(isolate: Isolate, digest: string, at: number): void {
    const known = isolate.known.get(digest);
    if (known === undefined || known.at < at) isolate.known.set(digest, { at, from: this.#requests.length });
  }

  #judge(isolate: Isolate, request: Request, result: VerifyResult): void {
    request.settled = true;
    if (request.cutOff || !this.isolates.includes(isolate)) return;
    this.verdicts += 1;
    const isFailing = isolate.failures >= 2 && this.time + isolate.offset - isolate.failedAt < WAIT_MS;
    if (!result.valid && result.error === "UNAVAILABLE") {
      // Who left the asking to others has waited for them in vain.
      const hasWaited = this.time - request.startedAt >= WAIT_MS;
      if (!request.failed && !isFailing && !hasWaited && isolate.isClockTrue)
        this.#break("UNAVAILABLE without a failed read");
      return;
    }
    const isStale = result.valid && result.stale;
    if (isStale) this.stale += 1;
    if (isStale && isolate.isClockTrue && !isFailing)
      this.#break("stale, though it is not so that two reads have just failed");
    // What is refused tells not how old it is: it may be as old as what is accepted.
    const mayBeOld = isStale || (!result.valid && isFailing);
    const age = mayBeOld ? OUTAGE_MS : BOUND_MS;
    let since = this.time - age;
    if (result.valid && isolate.isClockTrue) {
      const checkedAt = Date.parse(result.checkedAt);
      if (checkedAt < since || checkedAt > this.time) this.#break(`checked ${this.time - checkedAt} ms ago`);
      since = checkedAt;
    }
    since -= isolate.slack;
    const verdict = result.valid ? "valid" : result.error;
    // A key that is not there is confirmed by the primary.
    if (request.isStrong || verdict === "UNAUTHORIZED") since = request.startedAt;
    const known = isolate.known.get(request.digest);
    if (known !== undefined && request.number >= known.from) since = Math.max(since, known.at);
    // How long an outage is told by the isolate's clock alone.
    if (mayBeOld && !isolate.isClockTrue) since = Math.min(since, known?.at ?? Number.NEGATIVE_INFINITY);
    const possible = this.#recordsBetween(request.digest, since, this.time).map((record) =>
      record === null
        ? "UNAUTHORIZED"
        : (decide(record, { clientIp: CLIENT_IP }, this.time + isolate.offset)?.error ?? "valid"),
    );
    if (!possible.includes(verdict)) {
      const states = [...new Set(possible)];
      this.#break(
        `${verdict}${isStale ? ", stale" : ""}, but in the last ${this.time - since} ms the key was ${states}`,
      );
    }
    const { primaryAt } = request;
    if (!result.valid && primaryAt !== undefined && request.number >= this.#restoredAt)
      this.#know(isolate, request.digest, primaryAt);
    this.#noTravelBack(isolate, request, verdict);
  }

  /** What an isolate has refused as revoked it does not accept later, unless the key was revived by hand. */
  #noTravelBack(isolate: Isolate, request: Request, verdict: string): void {
    const refused = isolate.refused.get(request.digest);
    if (verdict === "KEY_REVOKED" && refused === undefined && request.number >= this.#restoredAt) {
      isolate.refused.set(request.digest, this.#requests.length);
    }
    if (verdict !== "valid" || refused === undefined || request.number < refused) return;
    const revoked = this.#versions
      .get(request.digest)
      ?.map(({ record }) => record !== null && record.revokedAt !== null);
    if (!revoked?.slice(revoked.indexOf(true)).includes(false))
      this.#break("accepted after it was refused as revoked");
  }

  /** Every record that the key had between two moments, and at the first just before what happened then. */
  #recordsBetween(digest: string, from: number, to: number): (KeyRecord | null)[] {
    const versions = this.#versions.get(digest) ?? [];
    const first = versions.findLastIndex((version) => version.at < from);
    const during = versions.slice(Math.max(first, 0)).filter((version) => version.at <= to);
    return [...(first === -1 ? [null] : []), ...during.map((version) => version.record)];
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
