import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { rowsOf } from "./markdown.ts";

/** What npm runs by itself. */
const LIFECYCLE = ["prepack"];

test("CONTRIBUTING.md lists every script, and no other", async () => {
  const { scripts } = JSON.parse(await readFile("package.json", "utf8"));
  const rows = rowsOf(await readFile("CONTRIBUTING.md", "utf8"), "script", "does", "takes");
  const listed = rows.map(([command = ""]) => command.replace(/^npm (run )?/, ""));
  expect(listed.sort()).toEqual(
    Object.keys(scripts)
      .filter((name) => !LIFECYCLE.includes(name))
      .sort(),
  );
});
