import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { dropUses, once } from "../../src/dashboard/once.ts";
import { hooked } from "../support/d1.ts";

const LATER = Date.now() + 60_000;

test("is done once, however many try at once", async () => {
  const outcomes = await Promise.all(Array.from({ length: 10 }, () => once(env.DB)("a", LATER)));
  expect(outcomes.filter(Boolean)).toHaveLength(1);
  expect(await once(env.DB)("b", LATER)).toBe(true);
});

test("whose first answer was lost on its way is still the first", async () => {
  let answers = 0;
  const db = hooked(
    env.DB,
    () => {},
    () => {
      if (answers++ === 0) throw new Error("D1_ERROR: Network connection lost.");
    },
  );
  expect(await once(db)("a", LATER)).toBe(true);
  expect(await once(db)("a", LATER)).toBe(false);
});

test("what is over is dropped, a piece at a time, and nothing else", async () => {
  for (const id of ["a", "b", "c"]) await once(env.DB)(id, Date.now() - 1);
  await once(env.DB)("d", LATER);
  const dropped = [];
  for (let i = 0; i < 3; i++) dropped.push(await dropUses(env.DB, Date.now(), 2));
  expect(dropped).toEqual([2, 1, 0]);
  expect(await once(env.DB)("d", LATER)).toBe(false);
});
