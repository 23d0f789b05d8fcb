import { glob, readFile } from "node:fs/promises";
import { basename } from "node:path";
import { expect, test } from "vitest";

const files = (await Array.fromAsync(glob("migrations/*.sql"))).toSorted();

/** What the release before knows nothing of, and goes on without. A trigger or an index may be made anew. */
const ADDS =
  /^(CREATE (TABLE|INDEX|UNIQUE INDEX) |ALTER TABLE \S+ ADD |CREATE TRIGGER |DROP TRIGGER |DROP INDEX |INSERT INTO )/;

/** The first two are from before anybody ran it. Databases are brought up to date one after the other, while the release before still runs. */
test.each(files.slice(2))(
  "%s only adds, so that a release works with databases of two versions",
  async (file) => {
    const statements = (await readFile(file, "utf8"))
      .split("--> statement-breakpoint")
      .map((text) => text.replace(/^--.*\n/gm, "").trim());
    expect(statements.filter((sql) => !ADDS.test(sql))).toEqual([]);
    const names = (act: string) =>
      statements.flatMap((sql) => new RegExp(`^${act} (?:TRIGGER|INDEX) \`?(\\w+)`).exec(sql)?.[1] ?? []);
    expect(names("CREATE")).toEqual(expect.arrayContaining(names("DROP")));
    expect(basename(file)).toMatch(/^\d{4}_/);
  },
);
