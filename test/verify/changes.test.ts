import { expect, test } from "vitest";
import { RecentChanges } from "../../src/verify/changes.ts";

test("a new beginning at an older change keeps in mind that newer ones were forgotten: of them only the primary can tell", () => {
  const recent = new RecentChanges();
  for (let seq = 1; seq <= 30_000; seq++) recent.note(`digest-${seq}`, seq);
  recent.restart(5, 7);
  expect(recent.isCurrent("digest-9", 6, 8)).toBe(false);
  recent.confirm(7, 30_000);
  expect(recent.isCurrent("digest-9", 7, 8)).toBe(false);
  expect(recent.isCurrent("digest-9", 7, 30_000)).toBe(true);
});

test("of a key that the primary told of, what earlier reads find does not count, however new it looks", () => {
  const recent = new RecentChanges();
  recent.noteRead("digest", 5, 7);
  expect(recent.isCurrent("digest", 4, 13)).toBe(false);
  expect(recent.isCurrent("digest", 5, 7)).toBe(true);
  expect(recent.isCurrent("other", 4, 7)).toBe(true);
  recent.noteRead("digest", 3, 13);
  expect(recent.isCurrent("digest", 4, 13)).toBe(false);
});

test("of more keys than are remembered it is so of every key", () => {
  const recent = new RecentChanges();
  for (let number = 1; number <= 1_000; number++) recent.noteRead(`digest-${number}`, number, 1);
  expect(recent.isCurrent("other", 1, 1)).toBe(true);
  expect(recent.isCurrent("digest-7", 6, 1)).toBe(false);
  recent.noteRead("digest-1001", 900, 1);
  expect(recent.isCurrent("other", 999, 1)).toBe(false);
  expect(recent.isCurrent("other", 1_000, 1)).toBe(true);
});
