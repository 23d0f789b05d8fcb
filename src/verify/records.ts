import type { KeyRecord } from "./decide.ts";
import { getShared, putShared, type Sharing } from "./shared.ts";
import type { KeyChange, KnownRecord } from "./snapshot.ts";
import { COMPANY_COLUMNS, recordFrom, type StoredRecord, VERDICT_COLUMNS } from "./store.ts";

/** A record may be old, as the feed tells what has changed since. */
const KEPT_SECONDS = 3_600;
/**
 * The last looks that count: so many, roughly. With half of them, isolates that live for an hour give up too soon, as
 * `bench/simulate.ts` shows.
 */
const MEMORY = 16;
/** However seldom something is found, one look in so many is made. */
const SELDOM = 1_024;

/** A release whose verdicts depend on more does not use what another one has shared. */
const SHAPE = [...Object.keys(VERDICT_COLUMNS), "of the company", ...Object.keys(COMPANY_COLUMNS)].join(" ");

export interface SharedRecords {
  /**
   * What `use` makes of the record that another isolate of the data centre has shared.
   *
   * @returns `null`: there is none, or none of use: `tell` what is read instead. `undefined`: nobody has looked.
   */
  find<T>(digest: string, use: (known: KnownRecord) => T | null): Promise<T | null | undefined>;
  /**
   * Shares a record that was read because there was none of use, in the background.
   *
   * @param newest - The newest change of the moment of that read; `undefined`: it is not known, so nothing is shared.
   */
  tell(digest: string, record: KeyRecord, newest: KeyChange | undefined): void;
}

/**
 * Records in the cache of the data centre. A look costs time and finds nothing where few isolates share, so looks are
 * made twice as often as those before have found something of use. Of keys that do not exist none counts.
 */
export function sharedRecords(sharing: Sharing): SharedRecords {
  const { random, background } = sharing;
  let found = 1;
  const nameOf = (digest: string) => `record ${SHAPE} ${digest}`;

  async function get(digest: string): Promise<KnownRecord | null> {
    const told = await getShared<{ change: KeyChange } & StoredRecord>(sharing, nameOf(digest));
    return told && { change: told.change, record: recordFrom(told) };
  }

  return {
    async find(digest, use) {
      if (random() >= Math.max(2 * found, 1 / SELDOM)) return undefined;
      const known = await get(digest).catch(() => null);
      const used = known && use(known);
      if (used !== null) found += (1 - found) / MEMORY;
      return used;
    },
    tell(digest, record, newest) {
      found -= found / MEMORY;
      if (newest === undefined) return;
      const told = { change: newest, ...storedOf(record) };
      background(putShared(sharing, nameOf(digest), told, KEPT_SECONDS));
    },
  };
}

function storedOf({ company, verified: _, ...record }: KeyRecord) {
  return { record, company };
}
