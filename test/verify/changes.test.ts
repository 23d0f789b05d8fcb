import { describe, expect, test } from "vitest";
import { EVERY_KEY, RecentChanges } from "../../src/verify/changes.ts";
import type { KeyChange } from "../../src/verify/snapshot.ts";

test("a new beginning at an older change keeps in mind that newer ones were forgotten: of them only the primary can tell", () => {
  const recent = new RecentChanges();
  for (let seq = 1; seq <= 30_000; seq++) recent.note(`digest-${seq}`, seq);
  recent.restart({ seq: 5, digest: "digest-5", changedAt: 1 }, 7);
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

const change = (seq: number, digest = `digest-${seq}`): KeyChange => ({
  seq,
  digest,
  changedAt: 1_000 + seq,
});
const changes = (first: number, last: number): KeyChange[] =>
  Array.from({ length: last - first + 1 }, (_, i) => change(first + i));

/** Of an isolate that began at the change `first` and has heard of all up to `last`. */
function begun(first: number, last = first): RecentChanges {
  const recent = new RecentChanges();
  recent.restart(change(first), 0);
  for (const heard of changes(first + 1, last)) recent.add(heard);
  return recent;
}

test("of a key that changed before a new beginning at an older change, records are current again once the primary told of it", () => {
  const recent = begun(5, 9);
  recent.restart(change(6), 7);
  expect(recent.isCurrent("digest-9", 7, 6)).toBe(false);
  recent.confirm(7, 6);
  expect(recent.isCurrent("digest-9", 7, 6)).toBe(true);
});

describe("the record of somebody else joins on", () => {
  test("where the change that was the newest for it is known, whichever that is", () => {
    const recent = begun(5, 8);
    for (const known of changes(5, 8)) expect(recent.isJoined("key", known)).toBe(true);
  });

  test.each<[string, KeyChange]>([
    ["of before those that are known", change(4)],
    ["later than those that are known", change(9)],
    ["of a number that is known, but of another key", change(7, "other")],
    ["of a number and a key that are known, but of another time", { ...change(7), changedAt: 1 }],
  ])("not where that change is one %s", (_, other) => {
    expect(begun(5, 8).isJoined("key", other)).toBe(false);
  });

  test("not where its change is missing between two that are known", () => {
    const recent = begun(5);
    recent.add(change(9));
    expect(recent.isJoined("key", change(7))).toBe(false);
    expect(recent.isJoined("key", { ...change(5), seq: 7 })).toBe(false);
  });

  test("not where a later change is of its key, but where that very change is", () => {
    const recent = begun(5, 8);
    expect(recent.isJoined("digest-7", change(6))).toBe(false);
    expect(recent.isJoined("digest-7", change(7))).toBe(true);
    expect(recent.isJoined("digest-7", change(8))).toBe(true);
  });

  test("not where a read beside the feed told of a later change of its key", () => {
    const recent = begun(5, 8);
    recent.note("key", 9);
    expect(recent.isJoined("key", change(8))).toBe(false);
    expect(recent.isJoined("other", change(8))).toBe(true);
  });

  test("not to a key with an unconfirmed change", () => {
    const recent = begun(5, 8);
    recent.noteUnconfirmed(["key"], 1);
    expect(recent.isJoined("key", change(8))).toBe(false);
    expect(recent.isJoined("other", change(8))).toBe(true);
  });

  test("not to a key of which the primary told something, though the newest change is known", () => {
    const recent = begun(5, 8);
    recent.noteRead("key", 1, 8);
    expect(recent.isJoined("key", change(8))).toBe(false);
    expect(recent.isJoined("other", change(8))).toBe(true);
  });

  test("not to a key whose change was confirmed", () => {
    const recent = begun(5, 8);
    recent.noteUnconfirmed(["key"], 1);
    recent.confirm(1, 8);
    expect(recent.isJoined("key", change(8))).toBe(false);
  });

  test("to none once more keys have an unconfirmed change than are remembered", () => {
    const recent = begun(5, 8);
    recent.noteUnconfirmed(
      Array.from({ length: 10_000 }, (_, i) => `key-${i}`),
      1,
    );
    expect(recent.isJoined("other", change(8))).toBe(true);
    recent.noteUnconfirmed(["one-more"], 1);
    expect(recent.isJoined("other", change(8))).toBe(false);
  });

  test("to none once the primary told of more keys than are remembered", () => {
    const recent = begun(5, 8);
    for (let i = 1; i <= 1_000; i++) recent.noteRead(`key-${i}`, i, 8);
    expect(recent.isJoined("other", change(8))).toBe(true);
    recent.noteRead("one-more", 1_001, 8);
    expect(recent.isJoined("other", change(8))).toBe(false);
  });

  test("after a new beginning only at its change, and at those that follow", () => {
    const recent = begun(5, 8);
    const restored = { ...change(7), changedAt: 2_000 };
    recent.restart(restored, 3);
    for (const before of changes(5, 8)) expect(recent.isJoined("key", before)).toBe(false);
    recent.add({ ...change(8), changedAt: 2_001 });
    for (const before of changes(5, 8)) expect(recent.isJoined("key", before)).toBe(false);
    expect(recent.isJoined("key", restored)).toBe(true);
    expect(recent.isJoined("key", { ...change(8), changedAt: 2_001 })).toBe(true);
  });

  test("after a new beginning with an empty feed nowhere", () => {
    const recent = begun(5, 8);
    recent.restart(null, 3);
    for (const before of changes(5, 8)) expect(recent.isJoined("key", before)).toBe(false);
  });

  test("after a new beginning with another feed only at changes that follow, as both may have had its first one", () => {
    const recent = begun(5, 8);
    recent.restart(change(5), 3, true);
    expect(recent.isJoined("key", change(5))).toBe(false);
    recent.add(change(6, "after"));
    expect(recent.isJoined("key", change(5))).toBe(false);
    expect(recent.isJoined("key", change(6, "after"))).toBe(true);
  });

  test("to the last 1,000 changes of very many, and not to the first", () => {
    const recent = begun(0, 2_500);
    for (const known of changes(1_501, 2_500)) expect(recent.isJoined("key", known)).toBe(true);
    for (const forgotten of changes(0, 500)) expect(recent.isJoined("key", forgotten)).toBe(false);
  });
});

describe("changes from before the first one", () => {
  test("let records join on that are older than the isolate", () => {
    const recent = begun(5, 8);
    recent.addBefore(changes(1, 5));
    for (const known of changes(1, 8)) expect(recent.isJoined("key", known)).toBe(true);
    expect(recent.isJoined("key", change(0))).toBe(false);
  });

  test("let a replica's older record of a key that did not change be current", () => {
    const recent = begun(5, 8);
    expect(recent.isCurrent("key", 0, 3)).toBe(false);
    recent.addBefore(changes(2, 5));
    expect(recent.isCurrent("key", 0, 3)).toBe(true);
    expect(recent.isCurrent("key", 0, 1)).toBe(false);
  });

  test("tell of which keys older records are out of date", () => {
    const recent = begun(5, 8);
    recent.addBefore(changes(2, 5));
    for (const digest of ["digest-4", "digest-5", "digest-7"]) {
      expect(recent.isCurrent(digest, 0, 3)).toBe(false);
      expect(recent.isJoined(digest, change(3))).toBe(false);
    }
    expect(recent.isCurrent("digest-3", 0, 3)).toBe(true);
    expect(recent.isJoined("digest-3", change(3))).toBe(true);
  });

  test("count as well where they came with later ones, which tell nothing new", () => {
    const recent = begun(5, 6);
    recent.addBefore(changes(3, 9));
    expect(recent.isJoined("key", change(3))).toBe(true);
    expect(recent.isJoined("key", change(7))).toBe(false);
    recent.add(change(7));
    expect(recent.isJoined("digest-7", change(6))).toBe(false);
    expect(recent.isJoined("digest-7", change(7))).toBe(true);
  });

  test("leave newer changes of the same key as they are", () => {
    const recent = begun(5);
    recent.add(change(6, "key"));
    recent.addBefore([change(2), change(3, "key"), change(4), change(5)]);
    expect(recent.isCurrent("key", 0, 5)).toBe(false);
    expect(recent.isJoined("key", change(4))).toBe(false);
    expect(recent.isJoined("key", change(6, "key"))).toBe(true);
  });

  test("leave keys with an unconfirmed change as they are", () => {
    const recent = begun(5, 8);
    recent.noteUnconfirmed(["key"], 1);
    recent.addBefore(changes(2, 5));
    expect(recent.isCurrent("key", 1, 8)).toBe(false);
    expect(recent.isJoined("key", change(3))).toBe(false);
  });

  test.each<[string, KeyChange[]]>([
    ["do not reach it", changes(1, 4)],
    ["have another one in its place", [...changes(1, 4), { ...change(5), changedAt: 1 }]],
    ["are none", []],
  ])("tell nothing where they %s", (_, before) => {
    const recent = begun(5, 8);
    recent.addBefore(before);
    expect(recent.isJoined("key", change(4))).toBe(false);
    expect(recent.isCurrent("key", 0, 4)).toBe(false);
    expect(recent.isJoined("key", change(5))).toBe(true);
  });

  test("tell nothing where they come after a new beginning", () => {
    const recent = begun(5, 8);
    const restored = { ...change(3), changedAt: 2_000 };
    recent.restart(restored, 1);
    recent.addBefore(changes(1, 5));
    for (const before of changes(1, 5)) expect(recent.isJoined("key", before)).toBe(false);
    expect(recent.isCurrent("key", 1, 2)).toBe(false);
    recent.restart(null, 2);
    recent.addBefore(changes(1, 5));
    for (const before of changes(1, 5)) expect(recent.isJoined("key", before)).toBe(false);
  });

  test("of a new beginning are those of the feed that it is of", () => {
    const recent = begun(5, 8);
    const restored = { ...change(7), changedAt: 2_000 };
    recent.restart(restored, 1);
    recent.addBefore([...changes(1, 6), restored]);
    for (const known of [...changes(1, 6), restored]) expect(recent.isJoined("key", known)).toBe(true);
    for (const undone of changes(7, 8)) expect(recent.isJoined("key", undone)).toBe(false);
  });

  test("end at a change of every key, which is the first that is known", () => {
    const recent = begun(8);
    recent.addBefore([
      ...changes(1, 3),
      change(4, EVERY_KEY),
      change(5),
      change(6, EVERY_KEY),
      ...changes(7, 8),
    ]);
    expect(recent.isJoined("key", change(7))).toBe(true);
    expect(recent.isJoined("key", change(6, EVERY_KEY))).toBe(true);
    expect(recent.isCurrent("key", 0, 6)).toBe(true);
    for (const before of [change(5), change(4, EVERY_KEY), change(3)])
      expect(recent.isJoined("key", before)).toBe(false);
    expect(recent.isCurrent("key", 0, 5)).toBe(false);
  });

  test("do not end at a change of every key that comes later", () => {
    const recent = begun(5);
    recent.addBefore([...changes(2, 5), change(6, EVERY_KEY)]);
    expect(recent.isJoined("key", change(2))).toBe(true);
  });

  test("tell nothing where changes were forgotten since", () => {
    const recent = begun(5, 2_505);
    recent.addBefore(changes(1, 5));
    for (const before of changes(1, 5)) expect(recent.isJoined("key", before)).toBe(false);
    const [first] = changes(5, 2_505).filter((known) => recent.isJoined("key", known));
    recent.addBefore(changes(1, first?.seq ?? 0));
    expect(recent.isJoined("key", change((first?.seq ?? 0) - 1))).toBe(false);
  });

  test("tell nothing where of each key nothing but the primary counts since", () => {
    const recent = begun(5, 8);
    recent.noteRead(EVERY_KEY, 3, 8);
    recent.addBefore(changes(1, 5));
    expect(recent.isCurrent("key", 3, 4)).toBe(false);
    expect(recent.isCurrent("key", 3, 8)).toBe(true);
  });

  test("are looked for once after each beginning", () => {
    const recent = new RecentChanges();
    expect(recent.beginLookBack()).toBe(false);
    recent.restart(change(5), 0);
    expect([recent.beginLookBack(), recent.beginLookBack()]).toEqual([true, false]);
    recent.add(change(6));
    expect(recent.beginLookBack()).toBe(false);
    recent.restart(change(3), 1);
    expect([recent.beginLookBack(), recent.beginLookBack()]).toEqual([true, false]);
  });

  test("are neither looked for nor taken in where the beginning is of another feed", () => {
    const recent = begun(5, 8);
    recent.restart(change(5), 3, true);
    expect(recent.beginLookBack()).toBe(false);
    recent.add(change(6));
    recent.addBefore(changes(1, 6));
    for (const before of changes(1, 5)) expect(recent.isJoined("key", before)).toBe(false);
  });

  test.each<[string, KeyChange | null]>([
    ["a change of every key", change(5, EVERY_KEY)],
    ["an empty feed", null],
  ])("are not looked for where the beginning is %s", (_, cursor) => {
    const recent = begun(1);
    recent.restart(cursor, 1);
    expect(recent.beginLookBack()).toBe(false);
  });
});
