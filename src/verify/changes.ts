import { isSame, type KeyChange, RECENT_SIZE } from "./snapshot.ts";

/** In place of a digest: every key. */
export const EVERY_KEY = "";

/** Changes remembered, half of them for certain: some 2 MB. */
const REMEMBERED = 20_000;

/** Unconfirmed changes remembered; with more, it is as if every key had one. */
const MAX_UNCONFIRMED = 10_000;

/** Keys remembered of which older reads no longer count; with more, it is as if it were so of every key. */
const MAX_SINCE = 1_000;

/**
 * The newest change of each key, for the last changes: tells whether a record that comes late, or from a replica that
 * lags, is known to be out of date. Of the keys that are not remembered it is known that no change of theirs is newer
 * than the newest one forgotten.
 */
export class RecentChanges {
  /** No key that is not remembered has a newer change than this. */
  #floor = 0;
  #young = new Map<string, number>();
  #youngMax = 0;
  #old = new Map<string, number>();
  #oldMax = 0;
  /** The newest changes themselves, oldest first, and none left out: `RECENT_SIZE` at least, if so many were heard of. */
  #changes: KeyChange[] = [];
  /** Whether nobody has yet looked for the changes before those. */
  #looksBack = false;
  /** Keys with a change whose `seq` is not known: the number of the next read when it was heard of. In its order. */
  readonly #unconfirmed = new Map<string, number>();
  /** Keys of which the primary told something: the number of the first read that may tell otherwise. */
  readonly #since = new Map<string, number>();

  /**
   * Whether a record that was read when `head` was the newest change shows all known changes of its key.
   *
   * @param number - Of its read. After a restore changes are numbered anew: an older read may have found a higher `head`.
   */
  isCurrent(digest: string, number: number, head: number): boolean {
    if (this.#unconfirmed.has(digest) || this.#unconfirmed.has(EVERY_KEY)) return false;
    if (number < Math.max(this.#since.get(digest) ?? 0, this.#since.get(EVERY_KEY) ?? 0)) return false;
    return head >= Math.max(this.#floor, this.#young.get(digest) ?? 0, this.#old.get(digest) ?? 0);
  }

  /**
   * Whether a record that somebody else has read shows all known changes of its key: the isolate knows the very change
   * that was the newest then, so that nothing was restored since, and all changes since then.
   */
  isJoined(digest: string, change: KeyChange): boolean {
    if (this.#since.has(digest) || this.#since.has(EVERY_KEY)) return false;
    return (
      this.isCurrent(digest, Number.POSITIVE_INFINITY, change.seq) &&
      isSame(
        this.#changes.findLast(({ seq }) => seq <= change.seq),
        change,
      )
    );
  }

  /** Takes in the change that follows on the last one. */
  add(change: KeyChange): void {
    this.#changes.push(change);
    if (this.#changes.length > 2 * RECENT_SIZE) this.#changes.splice(0, RECENT_SIZE);
    this.note(change.digest, change.seq);
  }

  /** Whether to look for the changes before those that are known, without which few records of others join on: once. */
  beginLookBack(): boolean {
    const looks = this.#looksBack;
    this.#looksBack = false;
    return looks;
  }

  /** Takes in changes from before those that are known, which they must reach. A change of every key ends them. */
  addBefore(changes: readonly KeyChange[]): void {
    const [oldest] = this.#changes;
    const end = changes.findIndex((change) => isSame(change, oldest ?? null));
    if (end === -1 || oldest?.seq !== this.#floor) return;
    const start = changes.findLastIndex(({ digest }, i) => i <= end && digest === EVERY_KEY);
    const known = changes.slice(Math.max(0, start), end + 1);
    this.#floor = known[0]?.seq ?? this.#floor;
    for (const { digest, seq } of known.slice(1)) this.note(digest, seq);
    this.#changes.unshift(...known.slice(0, -1));
  }

  note(digest: string, seq: number): void {
    if (digest === EVERY_KEY) {
      this.#forgetUpTo(seq);
      return;
    }
    this.#young.set(digest, Math.max(seq, this.#young.get(digest) ?? 0));
    this.#youngMax = Math.max(this.#youngMax, seq);
    if (this.#young.size < REMEMBERED / 2) return;
    this.#forgetUpTo(this.#oldMax);
    [this.#old, this.#oldMax] = [this.#young, this.#youngMax];
    [this.#young, this.#youngMax] = [new Map(), 0];
  }

  /**
   * Notes changes of which nothing is known but that they are committed: until the primary was asked again, no record
   * of these keys is current.
   *
   * @param next - The number of the next read.
   */
  noteUnconfirmed(digests: Iterable<string>, next: number): void {
    for (const digest of digests) {
      this.#unconfirmed.delete(digest);
      this.#unconfirmed.set(digest, next);
    }
    if (this.#unconfirmed.size <= MAX_UNCONFIRMED) return;
    this.#unconfirmed.clear();
    this.#unconfirmed.set(EVERY_KEY, next);
  }

  /** The read of this number, of the primary, has found that `head` was the newest change. */
  confirm(number: number, head: number): void {
    for (const [digest, next] of this.#unconfirmed) {
      if (next > number) break;
      this.#unconfirmed.delete(digest);
      this.noteRead(digest, next, head);
    }
  }

  /** The read of this number, of the primary, has found that `head` was the newest change; what earlier ones find of this key no longer counts. */
  noteRead(digest: string, number: number, head: number): void {
    this.note(digest, head);
    this.#since.set(digest, Math.max(number, this.#since.get(digest) ?? 0));
    if (this.#since.size <= MAX_SINCE) return;
    const latest = Math.max(...this.#since.values());
    this.#since.clear();
    this.#since.set(EVERY_KEY, latest);
  }

  /**
   * Begins anew: of the changes up to `cursor` nothing is known, and of later ones only the primary can tell.
   *
   * @param cursor - The last of them; `null`: there is none.
   * @param next - The number of the next read.
   * @param isOther - Whether the feed is not the one that was known: both may have had this change, but not the same keys.
   */
  restart(cursor: KeyChange | null, next: number, isOther = false): void {
    const seq = cursor?.seq ?? 0;
    if (this.#floor > seq) this.noteUnconfirmed([EVERY_KEY], next);
    for (const changes of [this.#old, this.#young]) {
      const later = [...changes].filter(([, at]) => at > seq);
      this.noteUnconfirmed(
        later.map(([digest]) => digest),
        next,
      );
      changes.clear();
    }
    this.#youngMax = 0;
    this.#oldMax = 0;
    this.#floor = seq;
    this.#changes = cursor === null || isOther ? [] : [cursor];
    this.#looksBack = cursor !== null && cursor.digest !== EVERY_KEY && !isOther;
  }

  #forgetUpTo(seq: number): void {
    this.#floor = Math.max(this.#floor, seq);
  }
}
