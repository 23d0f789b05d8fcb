import { execFileSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { unstable_readConfig as readConfig } from "wrangler";
import { temporaryDirectory } from "../e2e/support.ts";
import { blocksOf } from "./markdown.ts";
import { config } from "./wrangler.ts";

const page = await readFile("docs/databases.md", "utf8");
const [create = "", restore = "", start = ""] = blocksOf(page, "sh");

test("the database that is made is the one that is bound, with the migrations of the first", async () => {
  const [binding = ""] = blocksOf(page, "toml");
  const file = `${await temporaryDirectory()}/wrangler.toml`;
  await writeFile(file, (await readFile("wrangler.toml", "utf8")) + binding);
  const { d1_databases: databases }: typeof config = readConfig({ config: file });
  expect(databases.map(({ binding }) => binding)).toEqual(["DB", "DB_01"]);
  const [, name] = /d1 create (\S+)/.exec(create) ?? [];
  expect(databases[1]).toMatchObject({ database_name: name, migrations_dir: "migrations" });
});

test("the settings that the page names are vars of wrangler.toml", () => {
  expect(page).toContain("PLACE_NEW_COMPANIES");
  expect(Object.keys(config.vars)).toContain("PLACE_NEW_COMPANIES");
});

test("after a restore, the companies of another database are placed there again, and no others anew", async () => {
  const dir = await temporaryDirectory();
  const results = ["acme", "o'brien"].map((company_id) => ({ company_id }));
  await writeFile(`${dir}/companies.json`, JSON.stringify([{ results, success: true }]));
  const line = restore.split("\n").find((line) => line.startsWith("node")) ?? "";
  execFileSync("bash", ["-c", line], { cwd: dir });
  const db = new DatabaseSync(":memory:");
  db.exec("CREATE TABLE placements (company_id text PRIMARY KEY NOT NULL, database text NOT NULL)");
  db.exec("INSERT INTO placements VALUES ('acme', '02')");
  db.exec(await readFile(`${dir}/placements.sql`, "utf8"));
  expect(db.prepare("SELECT * FROM placements ORDER BY company_id").all()).toEqual([
    { company_id: "acme", database: "02" },
    { company_id: "o'brien", database: "01" },
  ]);
});

test("npm start takes the option of the page", async () => {
  expect(start.trim()).toBe("npm start -- --databases 3");
  expect(await readFile("examples/local/start.ts", "utf8")).toContain("databases: { type:");
});
