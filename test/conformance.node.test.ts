import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { notPassed, rows } from "./support/conformance.ts";

const FIRST = 1;
const LAST = 60;

test("every requirement of sections A to F has its row", async () => {
  const numbers = new Set((await rows()).map(({ number }) => Number(number)));
  const missing = Array.from({ length: LAST - FIRST + 1 }, (_, i) => FIRST + i).filter(
    (n) => !numbers.has(n),
  );
  expect(missing).toEqual([]);
});

test("every test that a row names is there", async () => {
  const missing: string[] = [];
  for (const { number, title, file } of await rows()) {
    if (file === undefined) continue;
    const source = await readFile(`test/${file}`, "utf8");
    if (!source.includes(title)) missing.push(`${number}: ${title} (${file})`);
  }
  expect(missing).toEqual([]);
});

test.each([
  ["that did not run", []],
  ["that was skipped", [{ fullName: "GET is 405", status: "pending" }]],
  ["that failed", [{ fullName: "GET is 405", status: "failed" }]],
  ["of which one case failed", ["passed", "failed"].map((status) => ({ fullName: "PUT is 405", status }))],
])("a named test %s is noticed when all suites have run", (_, assertionResults) => {
  const row = { number: "46", title: "%s is 405", file: "app/access.test.ts" };
  expect(notPassed([row], [{ name: "/x/test/app/access.test.ts", assertionResults }])).toHaveLength(1);
  const passed = [{ fullName: "'GET' is 405", status: "passed" }];
  expect(notPassed([row], [{ name: "/x/test/app/access.test.ts", assertionResults: passed }])).toEqual([]);
});
