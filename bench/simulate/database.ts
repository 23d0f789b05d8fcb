import type { KeyRecord } from "../../src/verify/decide.ts";
import {
  FEED_PAGE_SIZE,
  type KeyChange,
  NO_KEY,
  PAGE_SIZE,
  RECENT_SIZE,
  type Snapshot,
} from "../../src/verify/snapshot.ts";
import type { FeedStore } from "../../src/verify/store.ts";
import type { Clock } from "./clock.ts";
import { type History, jittered, lagOf, type Region } from "./world.ts";

const UUID_LENGTH = 36;
const COMPANY = "".padStart(UUID_LENGTH, "company");

/** What a read is for. */
export type ReadKind =
  /** The feed alone, of the primary: beside an answer, and for the whole data centre. */
  | "look"
  /** A record and the feed, of the primary: nothing is known yet, or it was known too long ago. */
  | "first"
  /** The changes before, of the primary: once something is known. */
  | "past"
  /** A record, of the primary: the replica's is not current. */
  | "again"
  /** A record, of the region's replica. */
  | "nearest";

interface DatabaseParts {
  clock: Clock;
  region: Region;
  history: History;
  database: number;
  chance: () => number;
  onRead: (kind: ReadKind, digest: string) => void;
}

/** A database as the isolates of one region see it: the primary at once, the replica as it was a while ago. */
export function simulatedStore(parts: DatabaseParts): FeedStore {
  const { clock, region, history, database, chance, onRead } = parts;
  const changes = history.changes[database] ?? [];

  /** How many of the changes were made before a moment. */
  function countBefore(moment: number): number {
    let [low, high] = [0, changes.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((changes[middle]?.at ?? 0) < moment) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  function changeOf(seq: number): KeyChange {
    const { digest = "", at = 0 } = changes[seq - 1] ?? {};
    return { seq, digest, changedAt: at };
  }

  /** What an instance shows that has the changes before `moment`. */
  function show(moment: number, from: (head: number) => number, pageSize: number, digest: string): Snapshot {
    const head = Math.max(1, countBefore(moment));
    const first = Math.max(1, Math.min(from(head), head));
    const length = Math.min(head - first, pageSize) + 1;
    return {
      changes: Array.from({ length }, (_, i) => changeOf(first + i)),
      head,
      record: digest === NO_KEY ? null : recordAt(history, digest, moment),
    };
  }

  /** A round trip: what is there is seen half-way. */
  async function ask<T>(milliseconds: number, see: (moment: number) => T): Promise<T> {
    const took = jittered(milliseconds, chance);
    const moment = clock.now + took / 2;
    await clock.wait(took);
    return see(moment);
  }

  return {
    async read(cursor, digest, since = Number.MAX_SAFE_INTEGER) {
      onRead(digest === NO_KEY ? "look" : "first", digest);
      const from = (head: number) => {
        if (cursor === null) return head;
        if (digest !== NO_KEY) return cursor.seq;
        return Math.min(cursor.seq, Math.max(countBefore(since), head - RECENT_SIZE + 1));
      };
      const pageSize = cursor === null ? 0 : digest === NO_KEY ? FEED_PAGE_SIZE : PAGE_SIZE;
      return ask(region.primaryMs, (moment) => show(moment, from, pageSize, digest));
    },
    async readNearest(cursor, digest) {
      onRead("nearest", digest);
      const lag = lagOf(chance());
      return ask(region.readMs, (moment) => show(moment - lag, () => cursor, 0, digest));
    },
    async readPrimary(digest) {
      onRead("again", digest);
      return ask(region.primaryMs, (moment) => show(moment, (head) => head, 0, digest));
    },
    async readPast({ seq }) {
      onRead("past", NO_KEY);
      const from = () => seq - RECENT_SIZE + 1;
      return ask(region.primaryMs, (moment) => show(moment, from, FEED_PAGE_SIZE, NO_KEY));
    },
  };
}

/** A record that whoever has the changes before `moment` has. */
export function recordAt({ revokedAt }: History, digest: string, moment: number): KeyRecord {
  const at = revokedAt.get(digest);
  return {
    // As long as in reality, for the size of reports.
    id: digest.padStart(UUID_LENGTH),
    companyId: COMPANY,
    scopes: [],
    expiresAt: null,
    revokedAt: at !== undefined && at < moment ? at : null,
    suspendedAt: null,
    metadata: null,
    allowedIps: null,
    company: null,
  };
}
