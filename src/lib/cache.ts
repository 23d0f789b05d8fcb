/** What caches that lie beside each other have together. */
interface Room {
  readonly half: number;
  youngWeight: number;
  readonly turns: (() => void)[];
}

/**
 * A map of entries that weigh at most `capacity`, each 1 where nothing else is said: always the half of them that was used last. Of two generations the
 * older is let go of when the younger is full.
 *
 * To move an entry to the end at each use (delete, set) would make the use of one key ever slower: V8 leaves what was
 * deleted in its chain until it builds the whole table anew.
 */
export class LruCache<V> {
  readonly #room: Room;
  readonly #weigh: (value: V) => number;
  #young = new Map<string, V>();
  #youngWeight = 0;
  #old = new Map<string, V>();

  /** @param beside - A cache whose capacity this one shares, in place of one of its own. */
  constructor(capacity: number, weigh: (value: V) => number = () => 1, beside?: LruCache<V>) {
    this.#room = beside ? beside.#room : { half: Math.ceil(capacity / 2), youngWeight: 0, turns: [] };
    this.#room.turns.push(() => this.#turn());
    this.#weigh = weigh;
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  get(key: string): V | undefined {
    const value = this.#young.get(key);
    if (value !== undefined) return value;
    const old = this.#old.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  set(key: string, value: V): void {
    this.delete(key);
    this.#young.set(key, value);
    this.#weighIn(this.#weigh(value));
    if (this.#room.youngWeight < this.#room.half) return;
    for (const turn of this.#room.turns) turn();
  }

  delete(key: string): void {
    const young = this.#young.get(key);
    if (young !== undefined) {
      this.#young.delete(key);
      this.#weighIn(-this.#weigh(young));
    }
    this.#old.delete(key);
  }

  clear(): void {
    this.#young.clear();
    this.#weighIn(-this.#youngWeight);
    this.#old.clear();
  }

  #turn(): void {
    this.#old = this.#young;
    this.#young = new Map();
    this.#weighIn(-this.#youngWeight);
  }

  #weighIn(weight: number): void {
    this.#youngWeight += weight;
    this.#room.youngWeight += weight;
  }
}
