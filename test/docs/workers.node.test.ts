import { readFile, writeFile } from "node:fs/promises";
import { stripTypeScriptTypes } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { ERRORS } from "../../src/http/errors.ts";
import type { VerifyErrorCode, VerifyResult } from "../../src/verify/contract.ts";
import { temporaryDirectory } from "../e2e/support.ts";
import { blocksOf, rowsOf } from "./markdown.ts";
import { config } from "./wrangler.ts";

const page = await readFile("docs/workers.md", "utf8");
const readme = await readFile("README.md", "utf8");

const GOOD: VerifyResult = {
  valid: true,
  key: { id: "1", companyId: "acme", scopes: ["jobs:read"], expiresAt: null, metadata: {} },
  checkedAt: "2026-01-01T00:00:00Z",
  stale: false,
};

/** The Worker of a sample, with the package's sources. */
async function workerOf(sample = "") {
  const file = join(await temporaryDirectory(), "sample.mjs");
  const client = pathToFileURL("src/client").href;
  const source = stripTypeScriptTypes(sample)
    .replace(/"latchkey"/, `"${client}/index.ts"`)
    .replace(/"latchkey\/(\w+)"/, `"${client}/$1.ts"`)
    .replace(/"hono"/, `"${import.meta.resolve("hono")}"`);
  await writeFile(file, source);
  const { default: worker } = await import(file);
  return async (verify: () => Promise<VerifyResult>, path = "/jobs"): Promise<Response> =>
    worker.fetch(new Request(`https://api.example${path}`, { headers: { "X-API-Key": "k" } }), {
      LATCHKEY: { verify },
    });
}

const samples = [...blocksOf(readme, "ts"), ...blocksOf(page, "ts")].filter(
  (sample) => sample.includes("apiKey(") || sample.includes("protect("),
);

test.each(samples)(
  "a sample answers each verdict with the status that the page lists: %s",
  async (sample) => {
    const ask = await workerOf(sample);
    const path = sample.includes("/jobs/:id") ? "/jobs/1" : "/jobs";
    const good = await ask(async () => GOOD, path);
    expect([good.status, await good.json()]).toEqual([200, { company: "acme" }]);
    expect((await ask(() => Promise.reject(new Error("not there")), path)).status).toBe(503);
    for (const [error, status] of rowsOf(page, "error", "status to answer with")) {
      const verdict = { valid: false, error: error as VerifyErrorCode, message: "no" } as const;
      expect((await ask(async () => verdict, path)).status, error).toBe(Number(status));
    }
  },
);

test("the page lists every refusal with its status", () => {
  const listed = rowsOf(page, "error", "status to answer with");
  expect(listed.length).toBeGreaterThan(5);
  for (const [error, status] of listed)
    expect(ERRORS[error as VerifyErrorCode].status, error).toBe(Number(status));
});

test("the binding is to the Worker of wrangler.toml and to an entrypoint that it exports", async () => {
  const [binding = ""] = blocksOf(readme, "toml");
  expect(blocksOf(page, "toml")[0]).toContain(binding);
  expect(binding).toContain(`service = "${config.name}"`);
  const [, entrypoint = ""] = /entrypoint = "(\w+)"/.exec(binding) ?? [];
  expect(await readFile("src/index.ts", "utf8")).toMatch(new RegExp(`export .*\\b${entrypoint}\\b`));
});
