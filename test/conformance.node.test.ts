import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";

const FIRST = 1;
const LAST = 60;

/** `| 12 | rule | a test's title | file |`; a row that does not apply has its reason in place of a title. */
const ROW = /^\| ([\w ]+) \| .+ \| (.+) \| (?:\[.*\]\((.+)\)|–) \|$/;

async function rows() {
  const page = await readFile("test/conformance.md", "utf8");
  return page.split("\n").flatMap((line) => {
    const [, number, title, file] = ROW.exec(line) ?? [];
    return number && title ? [{ number, title, file }] : [];
  });
}

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
    if (!source.includes(title.replaceAll("\\|", "|"))) missing.push(`${number}: ${title} (${file})`);
  }
  expect(missing).toEqual([]);
});
