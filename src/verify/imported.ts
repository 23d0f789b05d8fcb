import { type ForeignDigests, sha256 } from "../keys/foreign.ts";
import type { KeyFormat } from "../keys/format.ts";
import type { FindPlace, KeyPlace } from "../keys/places.ts";
import { LruCache } from "../lib/cache.ts";
import type { Refusal, VerifyOptions } from "./contract.ts";
import { LIMITED, UNAVAILABLE, UNKNOWN } from "./decide.ts";
import type { VerifierHooks } from "./log.ts";

/** Keys of which is remembered where they are: some 15 MB. */
const REMEMBERED_KEYS = 50_000;
/** Texts of which is remembered that they are nobody's key. */
const REMEMBERED_MISSES = 10_000;
/** What nobody has is not asked for again so soon, for twice as long each time, as it may have been imported since. */
const FIRST_PAUSE_MS = 5_000;
const MAX_PAUSE_MS = 600_000;

/**
 * So many look-ups may be under way, or have found nothing, and one more each second. There is no tag by which a made-up
 * key were known, and no limit of one address keeps many addresses out.
 */
const MAX_LOOKUPS = 300;
const LOOKUP_MS = 1_000;

export interface ImportedParts extends Pick<VerifierHooks, "onRead"> {
  isForeign: KeyFormat["isForeign"];
  digestsOf: ForeignDigests;
  findPlace: FindPlace;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** The read's outcome, or a rejection once that many milliseconds have passed. */
  inTime: <T>(read: Promise<T>, milliseconds: number) => Promise<T>;
  /** How long a caller waits, in milliseconds. */
  waitMs: number;
}

/** Tells where keys are that were made elsewhere. One for each isolate; holds no promise between calls. */
export class ImportedKeys {
  readonly #parts: ImportedParts;
  /** By the key's SHA-256. A key never moves. */
  readonly #places = new LruCache<KeyPlace>(REMEMBERED_KEYS);
  readonly #missing = new LruCache<{ at: number; pauseMs: number }>(REMEMBERED_MISSES);
  #lookups = { left: MAX_LOOKUPS, at: 0 };

  constructor(parts: ImportedParts) {
    this.#parts = parts;
  }

  /**
   * Where the key is, or why nobody can tell: `UNKNOWN` for what is nobody's key, `LIMITED`, `UNAVAILABLE`.
   *
   * @param options - `strong` asks again for what was nobody's key a moment ago.
   * @param isBlocked - Asked where the database would have to be: a key whose place is known passes, whoever presents it.
   * @throws SettingsError
   */
  async place(
    rawKey: string,
    { consistency }: Pick<VerifyOptions, "consistency">,
    isBlocked: () => boolean,
  ): Promise<KeyPlace | Refusal> {
    const { isForeign, digestsOf, now } = this.#parts;
    if (!isForeign(rawKey)) return UNKNOWN;
    const hash = await sha256(rawKey);
    const id = hash.toBase64();
    const held = this.#places.get(id);
    if (held !== undefined) return held;
    if (consistency !== "strong" && this.#isMissing(id)) return UNKNOWN;
    if (isBlocked() || !this.#take(now())) return LIMITED;
    const place = await this.#find(await digestsOf(hash));
    if (place === undefined) return UNAVAILABLE;
    if (place === null) {
      this.#miss(id);
      return UNKNOWN;
    }
    this.#places.set(id, place);
    return place;
  }

  /** The key that was at its place is no longer there. */
  async forget(rawKey: string): Promise<void> {
    const id = (await sha256(rawKey)).toBase64();
    this.#places.delete(id);
    this.#miss(id);
  }

  /** This isolate has imported keys: some of them may have been asked for before. */
  forgetMissing(): void {
    this.#missing.clear();
  }

  /** `undefined`: cannot tell. Only a look-up that finds nothing is not given back. */
  async #find(digests: readonly string[]): Promise<KeyPlace | null | undefined> {
    const { findPlace, now, inTime, waitMs, onRead } = this.#parts;
    const startedAt = now();
    try {
      const place = await inTime(findPlace(digests), waitMs / 2);
      onRead?.(now() - startedAt);
      if (place !== null) this.#lookups.left += 1;
      return place;
    } catch (fault) {
      onRead?.(0, fault);
      this.#lookups.left += 1;
      return undefined;
    }
  }

  /** A clock that was set back tells no ages. */
  #isMissing(id: string): boolean {
    const { at, pauseMs } = this.#missing.get(id) ?? { at: 0, pauseMs: 0 };
    const age = this.#parts.now() - at;
    return age >= 0 && age < pauseMs;
  }

  #take(now: number): boolean {
    const { left, at } = this.#lookups;
    const added = Math.max(now - at, 0) / LOOKUP_MS;
    this.#lookups = { left: Math.min(left + added, MAX_LOOKUPS), at: now };
    if (this.#lookups.left < 1) return false;
    this.#lookups.left -= 1;
    return true;
  }

  #miss(id: string): void {
    const known = this.#missing.get(id);
    const pauseMs = known === undefined ? FIRST_PAUSE_MS : Math.min(2 * known.pauseMs, MAX_PAUSE_MS);
    this.#missing.set(id, { at: this.#parts.now(), pauseMs });
  }
}
