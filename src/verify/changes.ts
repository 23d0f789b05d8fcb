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
   * Begins anew: of the changes up to `seq` nothing is known, and of later ones only the primary can tell.
   *
   * @param next - The number of the next read.
   */
  restart(seq: number, next: number): void {
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
  }

  #forgetUpTo(seq: number): void {
    this.#floor = Math.max(this.#floor, seq);
  }
}
