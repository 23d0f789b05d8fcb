import { expect, test } from "vitest";
import { dayIn, endOf, startOf } from "../../src/dashboard/zone.ts";

const at = (milliseconds: number) => new Date(milliseconds).toISOString();

test.each([
  ["UTC", "2026-11-27", "2026-11-27T00:00:00.000Z", "2026-11-27T23:59:59.000Z"],
  ["Europe/Berlin", "2026-11-27", "2026-11-26T23:00:00.000Z", "2026-11-27T22:59:59.000Z"],
  ["Asia/Kathmandu", "2026-11-27", "2026-11-26T18:15:00.000Z", "2026-11-27T18:14:59.000Z"],
  ["Pacific/Kiritimati", "2026-01-01", "2025-12-31T10:00:00.000Z", "2026-01-01T09:59:59.000Z"],
  ["America/St_Johns", "2026-07-01", "2026-07-01T02:30:00.000Z", "2026-07-02T02:29:59.000Z"],
])("a day in %s begins and ends by its clocks", (zone, day, first, last) => {
  expect([at(startOf(day, zone)), at(endOf(day, zone))]).toEqual([first, last]);
});

test.each([
  ["Europe/Berlin", "2026-03-29", 23],
  ["Europe/Berlin", "2026-10-25", 25],
  ["Australia/Lord_Howe", "2026-10-04", 23.5],
  ["Africa/Cairo", "2026-04-24", 23],
])("in %s, where the clocks change, %s has %d hours", (zone, day, hours) => {
  expect((endOf(day, zone) + 1_000 - startOf(day, zone)) / 3_600_000).toBe(hours);
});

test("a moment is of the day that it is of in the zone", () => {
  const moment = Date.parse("2026-11-27T23:30:00Z");
  expect([dayIn(moment, "UTC"), dayIn(moment, "Europe/Berlin"), dayIn(moment, "America/Lima")]).toEqual([
    "2026-11-27",
    "2026-11-28",
    "2026-11-27",
  ]);
});
