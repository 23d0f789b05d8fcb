import { expect, test } from "vitest";
import { RecentChanges } from "../../src/verify/changes.ts";

test("a new beginning at an older change keeps in mind that newer ones were forgotten: of them only the primary can tell", () => {
  const recent = new RecentChanges();
  for (let seq = 1; seq <= 30_000; seq++) recent.note(`digest-${seq}`, seq);
  recent.restart(5, 7);
  expect(recent.isCurrent("digest-9", 8)).toBe(false);
  recent.confirm(7, 30_000);
  expect(recent.isCurrent("digest-9", 8)).toBe(false);
  expect(recent.isCurrent("digest-9", 30_000)).toBe(true);
});
