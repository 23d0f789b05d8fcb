import { cp, mkdtemp, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { pathToFileURL } from "node:url";
import type { Sqlite } from "./database.ts";
import type { Code } from "./world.ts";

/** Limits so small that histories reach them. */
const SMALL: [file: string, from: string, to: string][] = [
  ["snapshot.ts", "const PAGE_SIZE = 1_000", "const PAGE_SIZE = 3"],
  ["snapshot.ts", "FEED_PAGE_SIZE = 10_000", "FEED_PAGE_SIZE = 5"],
  ["snapshot.ts", "RECENT_SIZE = 1_000", "RECENT_SIZE = 4"],
  ["changes.ts", "REMEMBERED = 20_000", "REMEMBERED = 8"],
  ["changes.ts", "MAX_UNCONFIRMED = 10_000", "MAX_UNCONFIRMED = 2"],
  ["reads.ts", "MAX_UNANSWERED = 50", "MAX_UNANSWERED = 3"],
  ["lookup.ts", "MAX_PAGES = 20", "MAX_PAGES = 2"],
];

export type Mutant = [file: string, from: string, to: string];

/** A copy of the code with small limits, and with `mutant` where there is one. */
export async function load(directory: string, mutant?: Mutant): Promise<Code> {
  const copy = await mkdtemp(join(directory, "m-"));
  for (const part of ["lib", "keys", "verify", "db"])
    await cp(`src/${part}`, join(copy, part), { recursive: true });
  await writeFile(join(copy, "package.json"), '{ "type": "module" }');
  await symlink(resolve("node_modules"), join(copy, "node_modules"));
  for (const [file, from, to] of mutant === undefined ? SMALL : [...SMALL, mutant]) {
    const path = join(copy, "verify", file);
    const parts = (await readFile(path, "utf8")).split(from);
    if (parts.length !== 2) throw new Error(`${file} does not hold this once: ${from}`);
    await writeFile(path, parts.join(to));
  }
  const load = (file: string) => import(/* @vite-ignore */ pathToFileURL(join(copy, "verify", file)).href);
  return {
    ...(await load("feed.ts")),
    ...(await load("verifier.ts")),
    ...(await load("store.ts")),
    ...(await load("shared.ts")),
    ...(await load("records.ts")),
  };
}

/** A database in memory, made by the migrations. */
export async function sqlite(): Promise<Sqlite> {
  const database = new DatabaseSync(":memory:");
  for (const file of (await readdir("migrations")).filter((name) => name.endsWith(".sql")).toSorted())
    database.exec(await readFile(join("migrations", file), "utf8"));
  const statements = new Map<string, ReturnType<DatabaseSync["prepare"]>>();
  return {
    all(sql, params) {
      const statement = statements.get(sql) ?? database.prepare(sql);
      statements.set(sql, statement);
      statement.setReturnArrays(true);
      return statement.all(...(params as SQLInputValue[])) as unknown as unknown[][];
    },
  };
}
