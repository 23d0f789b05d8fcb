import { expect, test } from "vitest";
import { DeadlineError, withDeadline } from "../../src/lib/deadline.ts";

const never = new Promise<never>(() => {});

test("what comes in time is given on", async () => {
  expect(await withDeadline(Promise.resolve(1), 1_000)).toBe(1);
});

test("what fails in time fails as it did", async () => {
  const failing = () => withDeadline(Promise.reject(new TypeError("x")), 1_000);
  await expect(failing()).rejects.toThrow(TypeError);
});

test("what does not come in time fails by its deadline", async () => {
  await expect(withDeadline(never, 5)).rejects.toThrow(DeadlineError);
});
