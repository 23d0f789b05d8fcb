import { readFile, symlink, writeFile } from "node:fs/promises";
import { stripTypeScriptTypes } from "node:module";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import type { VerifyResult } from "../../src/verify/contract.ts";
import { bash, NODE_MODULES, temporaryDirectory } from "../e2e/support.ts";
import { blocksOf, rowsOf } from "./markdown.ts";
import { config } from "./wrangler.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const page = await readFile("docs/workers.md", "utf8");
const readme = await readFile("README.md", "utf8");
const [, plain = ""] = blocksOf(page, "ts");

test("the samples compile against the package's sources", async () => {
  const dir = await temporaryDirectory();
  await symlink(NODE_MODULES, join(dir, "node_modules"));
  const samples = [...blocksOf(readme, "ts"), ...blocksOf(page, "ts")];
  expect(samples).toHaveLength(3);
  const files = samples.map((_, index) => `sample${index}.ts`);
  for (const [index, sample] of samples.entries()) await writeFile(join(dir, `sample${index}.ts`), sample);
  const compilerOptions = {
    types: [],
    lib: ["esnext", "dom"],
    paths: { latchkey: [`${ROOT}/src/client/index.ts`], "latchkey/hono": [`${ROOT}/src/client/hono.ts`] },
  };
  const config = { extends: `${ROOT}/tsconfig.json`, compilerOptions, files, include: [] };
  await writeFile(join(dir, "tsconfig.json"), JSON.stringify(config));
  expect(await bash(dir, "npx tsc -p .")).toMatchObject({ code: 0, stdout: "" });
});

test("the sample without Hono answers each verdict with the status that the page lists", async () => {
  const source = stripTypeScriptTypes(plain);
  const { default: worker } = await import(`data:text/javascript,${encodeURIComponent(source)}`);
  const statusOf = async (verify: () => Promise<VerifyResult>): Promise<number> =>
    (await worker.fetch(new Request("https://api.example/"), { LATCHKEY: { verify } })).status;

  const key = { id: "1", companyId: "acme", scopes: [], expiresAt: null };
  const good: VerifyResult = { valid: true, key, checkedAt: "2026-01-01T00:00:00Z", stale: false };
  expect(await statusOf(async () => good)).toBe(200);
  expect(await statusOf(() => Promise.reject(new Error("not there")))).toBe(503);
  const rows = rowsOf(page, "error", "status to answer with");
  expect(rows.length).toBeGreaterThan(0);
  for (const [error, status] of rows) {
    const verdict = { valid: false, error, message: "no" } as VerifyResult;
    expect(await statusOf(async () => verdict), error).toBe(Number(status));
  }
});

test("the binding is to the Worker of wrangler.toml and to an entrypoint that it exports", async () => {
  const [binding = ""] = blocksOf(readme, "toml");
  expect(blocksOf(page, "toml")).toEqual([binding]);
  expect(binding).toContain(`service = "${config.name}"`);
  const [, entrypoint = ""] = /entrypoint = "(\w+)"/.exec(binding) ?? [];
  expect(await readFile("src/index.ts", "utf8")).toMatch(new RegExp(`export .*\\b${entrypoint}\\b`));
});
