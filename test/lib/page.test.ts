import { expect, test } from "vitest";
import { pageOf } from "../../src/lib/page.ts";

test("a page of a list that goes on names its last entry", () => {
  expect(pageOf(["a", "b", "c"], 2)).toEqual({ page: ["a", "b"], last: "b" });
});

test.each([[[]], [["a"]], [["a", "b"]]])("a page that is the last one names none: %j", (found: string[]) => {
  expect(pageOf(found, 2)).toEqual({ page: found, last: undefined });
});
