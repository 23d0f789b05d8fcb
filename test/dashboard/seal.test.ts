import { expect, test } from "vitest";
import { pepperSeal } from "../../src/dashboard/seal.ts";

const OLD = "o".repeat(32);
const NEW = "n".repeat(32);
const START = Date.UTC(2026, 0, 1);
const both = new Map([
  ["1", OLD],
  ["2", NEW],
]);
const at = (peppers: Map<string, string>, milliseconds = START) =>
  pepperSeal(peppers, () => milliseconds, "dashboard");

test("what was sealed opens for its purpose", async () => {
  const sealed = await at(both).seal("session", { a: 1 }, 60);
  expect(await at(both).open("session", sealed)).toEqual({ a: 1 });
});

test("what was sealed opens for no other purpose", async () => {
  const sealed = await at(both).seal("session", { a: 1 }, 60);
  expect(await at(both).open("sign-in", sealed)).toBeNull();
});

test("what was sealed for the pages of companies does not open for those of the operator, nor the reverse", async () => {
  const operated = pepperSeal(both, () => START, "operator dashboard");
  expect(await operated.open("session", await at(both).seal("session", { a: 1 }, 60))).toBeNull();
  expect(await at(both).open("session", await operated.seal("session", { a: 1 }, 60))).toBeNull();
});

test("a seal ends with its lifetime", async () => {
  const sealed = await at(both).seal("session", { a: 1 }, 60);
  expect(await at(both, START + 59_000).open("session", sealed)).toEqual({ a: 1 });
  expect(await at(both, START + 60_000).open("session", sealed)).toBeNull();
});

test("a seal of an older pepper opens until the pepper is taken away", async () => {
  const sealed = await at(new Map([["1", OLD]])).seal("session", { a: 1 }, 60);
  expect(await at(both).open("session", sealed)).toEqual({ a: 1 });
  expect(await at(new Map([["2", NEW]])).open("session", sealed)).toBeNull();
});

test("a seal of another deployment's pepper does not open", async () => {
  const sealed = await at(new Map([["2", OLD]])).seal("session", { a: 1 }, 60);
  expect(await at(both).open("session", sealed)).toBeNull();
});

test.each(["", "x", "a.b.c", "a.b.c.d.e", "....", "é"])("%j does not open", async (sealed) => {
  expect(await at(both).open("session", sealed)).toBeNull();
});

test("a changed character anywhere in the ciphertext or tag is noticed", async () => {
  const sealed = await at(both).seal("session", { a: 1 }, 60);
  const parts = sealed.split(".");
  for (const part of [2, 3, 4]) {
    const changed = parts.map((text, i) =>
      i === part ? (text[0] === "A" ? "B" : "A") + text.slice(1) : text,
    );
    expect(await at(both).open("session", changed.join("."))).toBeNull();
  }
});

test("no seal opens to nothing", async () => {
  expect(await at(both).open("session", undefined)).toBeNull();
});
