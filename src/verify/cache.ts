/**
 * A map of entries that weigh at most `capacity`, each 1 where nothing else is said: always the half of them that was used last. Of two generations the
 * older is let go of when the younger is full.
 *
 * To move an entry to the end at each use (delete, set) would make the use of one key ever slower: V8 leaves what was
 * deleted in its chain until it builds the whole table anew.
 */
export class LruCache<V> {
  readonly #half: number;
  readonly #weigh: (value: V) => number;
  #young = new Map<string, V>();
  #youngWeight = 0;
  #old = new Map<string, V>();

  constructor(capacity: number, weigh: (value: V) => number = () => 1) {
    this.#half = Math.ceil(capacity / 2);
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
    this.#youngWeight += this.#weigh(value);
    if (this.#youngWeight < this.#half) return;
    this.#old = this.#young;
    this.#young = new Map();
    this.#youngWeight = 0;
  }

  delete(key: string): void {
    const young = this.#young.get(key);
    if (young !== undefined) {
      this.#young.delete(key);
      this.#youngWeight -= this.#weigh(young);
    }
    this.#old.delete(key);
  }

  clear(): void {
    this.#young.clear();
    this.#youngWeight = 0;
    this.#old.clear();
  }
}
