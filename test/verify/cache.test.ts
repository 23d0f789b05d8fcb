import fc from "fast-check";
import { expect, test } from "vitest";
import { LruCache } from "../../src/verify/cache.ts";

/** The same by a list, the least recently used first. */
class ListCache {
  entries: [string, number][] = [];
  readonly capacity: number;
  constructor(capacity: number) {
    this.capacity = capacity;
  }
  get(key: string) {
    const entry = this.entries.find(([name]) => name === key);
    if (entry) this.set(...entry);
    return entry?.[1];
  }
  set(key: string, value: number) {
    this.delete(key);
    this.entries.push([key, value]);
    this.entries = this.entries.slice(-this.capacity);
  }
  delete(key: string) {
    this.entries = this.entries.filter(([name]) => name !== key);
  }
  clear() {
    this.entries = [];
  }
  get size() {
    return this.entries.length;
  }
}

test("the cache holds what was used last, and never more than its capacity", () => {
  const key = fc.constantFrom("a", "b", "c", "d", "e", "f");
  const step = fc.oneof(
    fc.record({ act: fc.constant("get" as const), key }),
    fc.record({ act: fc.constant("set" as const), key, value: fc.nat() }),
    fc.record({ act: fc.constant("delete" as const), key }),
    fc.record({ act: fc.constant("clear" as const) }),
  );
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 4 }), fc.array(step, { maxLength: 60 }), (capacity, steps) => {
      const cache = new LruCache<number>(capacity);
      const model = new ListCache(capacity);
      for (const step of steps) {
        if (step.act === "get") expect(cache.get(step.key)).toBe(model.get(step.key));
        for (const either of [cache, model]) {
          if (step.act === "set") either.set(step.key, step.value);
          if (step.act === "delete") either.delete(step.key);
          if (step.act === "clear") either.clear();
        }
        expect(cache.size).toBe(model.size);
      }
    }),
  );
});
