import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { LruCache } from "../../src/lib/cache.ts";

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
    if (this.entries.length > this.capacity) this.entries.shift();
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

const key = fc.constantFrom("a", "b", "c", "d", "e", "f");
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ act: fc.constant("get" as const), key }) },
  { weight: 6, arbitrary: fc.record({ act: fc.constant("set" as const), key, value: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constant("delete" as const), key }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant("clear" as const) }) },
);

test("the cache holds the half of its capacity that was used last, never more than all of it, and nothing else", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 9 }),
      fc.array(step, { maxLength: 80, size: "max" }),
      (capacity, steps) => {
        const cache = new LruCache<number>(capacity);
        const usedLast = new ListCache(Math.ceil(capacity / 2));
        const everything = new ListCache(Number.POSITIVE_INFINITY);
        for (const step of steps) {
          if (step.act === "get") {
            const held = cache.get(step.key);
            const latest = everything.get(step.key);
            if (held === undefined) expect(usedLast.get(step.key)).toBeUndefined();
            else {
              expect(held).toBe(latest);
              usedLast.set(step.key, held);
            }
          }
          for (const each of [cache, usedLast, everything]) {
            if (step.act === "set") each.set(step.key, step.value);
            if (step.act === "delete") each.delete(step.key);
            if (step.act === "clear") each.clear();
          }
          expect(cache.size).toBeLessThanOrEqual(capacity);
        }
      },
    ),
    { numRuns: 1_000 },
  );
});

test("what is used goes on being held, however much comes after it", () => {
  const cache = new LruCache<number>(4);
  cache.set("used", 1);
  for (let i = 0; i < 100; i++) {
    expect(cache.get("used")).toBe(1);
    cache.set(`${i}`, i);
  }
});

test("the use of what was used of late moves nothing, so that it stays as fast however often it is done", () => {
  const cache = new LruCache<number>(10);
  cache.set("a", 1);
  const changes = [vi.spyOn(Map.prototype, "set"), vi.spyOn(Map.prototype, "delete")];
  cache.get("a");
  for (const change of changes) expect(change).not.toHaveBeenCalled();
});

test("what weighs more takes the place of several", () => {
  const cache = new LruCache<number>(8, (weight) => weight);
  for (let i = 0; i < 100; i++) {
    cache.set(`heavy${i}`, 3);
    expect(cache.size).toBeLessThanOrEqual(4);
  }
  for (let i = 0; i < 7; i++) cache.set(`light${i}`, 1);
  expect(cache.get("light6")).toBe(1);
  expect(cache.get("heavy99")).toBeUndefined();
});

test("what is replaced or deleted weighs no more", () => {
  const cache = new LruCache<number>(20, (weight) => weight);
  cache.set("a", 1);
  for (let i = 0; i < 50; i++) {
    cache.set("b", 5);
    cache.set("c", 3);
    cache.delete("c");
  }
  expect([cache.get("a"), cache.get("b"), cache.size]).toEqual([1, 5, 2]);
});

test("caches beside each other hold together what one would, and each is cleared by itself", () => {
  const first = new LruCache<number>(4);
  const second = new LruCache<number>(4, undefined, first);
  first.set("a", 1);
  second.set("b", 2);
  second.set("c", 3);
  second.set("d", 4);
  expect([first.get("a"), second.get("b"), second.get("c"), second.get("d")]).toEqual([
    undefined,
    undefined,
    3,
    4,
  ]);
  first.set("a", 5);
  second.clear();
  expect([first.get("a"), second.size]).toEqual([5, 0]);
  first.set("e", 6);
  expect([first.get("a"), first.get("e")]).toEqual([5, 6]);
});
