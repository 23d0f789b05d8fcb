import type { Snapshot } from "../../src/verify/snapshot.ts";
import type { FeedStore } from "../../src/verify/store.ts";
import type { Clock } from "./clock.ts";
import { CACHE_MS, jittered } from "./world.ts";

/** What the isolates of a data centre know of one database's keys, each as somebody read it of the replica. */
export type SharedRecords = Map<string, { cursor: number; snapshot: Snapshot; at: number }>;

interface SharedRecordsParts {
  clock: Clock;
  records: SharedRecords;
  lifeSeconds: number;
  chance: () => number;
  /** The record came from the data centre. */
  onShared: (digest: string) => void;
}

/**
 * What is not built: a record that another isolate of the data centre has read, however long ago, is as good as one of a
 * replica that lags so far, if the isolate knows the changes since. So that one which starts knows some, its `store` has it
 * begin further back than with the newest change.
 */
export function sharedRecords(store: FeedStore, parts: SharedRecordsParts): FeedStore {
  const { clock, records, lifeSeconds, chance, onShared } = parts;
  let oldest = Number.POSITIVE_INFINITY;
  return {
    ...store,
    async read(cursor, digest, since) {
      const snapshot = await store.read(cursor, digest, since);
      if (cursor === null) oldest = snapshot.changes[0]?.seq ?? oldest;
      return snapshot;
    },
    async readNearest(cursor, digest) {
      await clock.wait(jittered(CACHE_MS, chance));
      const found = records.get(digest);
      const isFresh = found !== undefined && clock.now - found.at < lifeSeconds * 1000;
      const joins = found !== undefined && (found.snapshot.head < cursor || found.cursor === cursor);
      if (found && isFresh && joins && found.snapshot.head >= oldest) {
        onShared(digest);
        return found.snapshot;
      }
      const at = clock.now;
      const snapshot = await store.readNearest(cursor, digest);
      records.set(digest, { cursor, snapshot, at });
      return snapshot;
    },
  };
}
