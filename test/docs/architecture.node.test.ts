import { readdir, readFile } from "node:fs/promises";
import { expect, test } from "vitest";

test("ARCHITECTURE.md says what each folder and each file at the top of src is for", async () => {
  const page = await readFile("ARCHITECTURE.md", "utf8");
  const table = page.split("\n").filter((line) => line.startsWith("| [src/"));
  const unlisted = (await readdir("src")).filter(
    (name) => !table.some((line) => line.includes(`(src/${name})`)),
  );
  expect(unlisted).toEqual([]);
});
