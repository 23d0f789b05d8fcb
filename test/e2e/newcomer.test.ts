import { mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { beforeAll, expect, test, vi } from "vitest";
import { blocksOf, filesOf } from "../docs/markdown.ts";
import { startTestIssuer } from "../support/issuer.ts";
import {
  bash,
  type CreatedKey,
  call,
  copyProject,
  freePort,
  NODE_MODULES,
  signToken,
  start,
  startLatchkey,
  temporaryDirectory,
} from "./support.ts";

const REVOCATION_MS = 5_000;
/** What the pages have npm fetch, here linked from the project: the same versions, and no download. */
const FETCHED = ["wrangler", "typescript", "vitest"];
/** The tools of those packages, and the Node of the project, as the machine's may be too old for them. */
const TOOLS = ["wrangler", "tsc", "vitest", "node"];

const workers = await readFile("docs/workers.md", "utf8");
const testing = await readFile("docs/testing.md", "utf8");
const [install = "", check = "", dev = "", curl = ""] = blocksOf(workers, "sh");
const [unitTests = ""] = blocksOf(testing, "sh");

let latchkey: string;
let dir: string;

/** Into the newcomer's project. */
async function link(target: string, name: string): Promise<void> {
  const path = join(dir, "node_modules", name);
  await mkdir(dirname(path), { recursive: true });
  await rm(path, { force: true });
  await symlink(target, path);
}

async function write(files: Map<string, string>): Promise<void> {
  for (const [name, text] of files) {
    await mkdir(dirname(join(dir, name)), { recursive: true });
    await writeFile(join(dir, name), text);
  }
}

beforeAll(async () => {
  latchkey = await copyProject();
  expect(await bash(latchkey, "npm run package")).toMatchObject({ code: 0 });
  const above = await temporaryDirectory();
  await symlink(latchkey, join(above, "latchkey"));
  dir = join(above, "my-api");
  await mkdir(dir);
  expect(install).toContain(`--save-dev ${FETCHED.join(" ")}\n`);
  const offline = install.replace(/^npm install --save-dev .*$/m, "");
  expect(await bash(dir, `set -e; export npm_config_offline=true; ${offline}`)).toMatchObject({ code: 0 });
  for (const name of [...FETCHED, "hono"]) await link(join(NODE_MODULES, name), name);
  for (const tool of TOOLS) await link(join(NODE_MODULES, ".bin", tool), `.bin/${tool}`);
  // The name that it had before.
  await link(join(NODE_MODULES, "@cloudflare/vitest-pool-workers"), "@cloudflare/vitest-plugin");
  await write(filesOf(workers));
});

test("the example to copy is the project of the pages", async () => {
  const files = [...filesOf(workers), ...filesOf(testing)].filter(([name]) => name !== "vitest.config.mts");
  expect(files.map(([name]) => name)).toEqual([
    "wrangler.toml",
    "src/index.ts",
    "tsconfig.json",
    "test/index.test.ts",
  ]);
  for (const [name, text] of files)
    expect(await readFile(join("examples/worker", name), "utf8"), name).toBe(text);
  const { dependencies, devDependencies } = JSON.parse(
    await readFile("examples/worker/package.json", "utf8"),
  );
  const { version } = JSON.parse(await readFile("src/client/package.json", "utf8"));
  expect(dependencies).toEqual({ latchkey: `^${version}` });
  expect(Object.keys(devDependencies).sort()).toEqual([...FETCHED].sort());
});

test("a project made from an empty folder by the pages compiles, also with the compiler before", async () => {
  await write(new Map([...filesOf(testing)].filter(([name]) => name.startsWith("test/"))));
  expect(await bash(dir, check)).toMatchObject({ code: 0 });
  const before = join(NODE_MODULES, "latchkey-generated-client/node_modules/.bin/tsc");
  expect(await bash(dir, before)).toMatchObject({ code: 0, stdout: "" });
});

test("its tests run with the fake verifier, in Node", async () => {
  await rm(join(dir, "vitest.config.mts"), { force: true });
  expect(await bash(dir, unitTests)).toMatchObject({ code: 0, stdout: expect.stringMatching(/3 passed/) });
});

test("its tests run with the fake verifier, in workerd", async () => {
  await write(filesOf(testing));
  const { code, stdout } = await bash(dir, unitTests);
  expect(stdout).toMatch(/3 passed/);
  expect(code).toBe(0);
  await rm(join(dir, "vitest.config.mts"));
});

test("beside Latchkey it accepts a key, refuses others, and refuses the key once it is revoked", async () => {
  const issuer = await startTestIssuer();
  await bash(latchkey, "npm run setup");
  const { url } = await startLatchkey(latchkey, { OAUTH_ISSUER: issuer.url });
  const port = await freePort();
  const command = `${dev.trim().replace("8790", `${port}`)} --inspector-port 0`;
  await start(dir, "bash", "-c", command).says(/Ready on/);

  const token = await signToken(issuer, "ES256", "at+jwt", {
    aud: "urn:latchkey:management",
    company_id: "acme",
    scope: "api-keys:read api-keys:write",
  });
  const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
  const created = await call(`${url}/settings/api-keys`, {
    method: "POST",
    headers,
    body: JSON.stringify({ label: "first", scopes: ["jobs:read"] }),
  });
  const { id, rawKey } = created.body as CreatedKey;

  const question = curl.trim().replace("8790", `${port}`);
  const ask = async (key: string): Promise<unknown> => {
    const { stdout } = await bash(dir, `KEY=${key}; ${question}`);
    return JSON.parse(stdout);
  };
  // Until each Worker has found the other.
  await vi.waitFor(async () => expect(await ask(rawKey)).toEqual({ company: "acme" }), { timeout: 20_000 });
  expect(blocksOf(workers, "json")).toContain(`${JSON.stringify({ company: "acme" })}\n`);
  expect(await ask("lk_live_x")).toMatchObject({ status: 401, error: "UNAUTHORIZED" });

  expect((await call(`${url}/settings/api-keys/${id}`, { method: "DELETE", headers })).status).toBe(204);
  const refused = async () => expect(await ask(rawKey)).toMatchObject({ status: 401, error: "KEY_REVOKED" });
  await vi.waitFor(refused, { timeout: REVOCATION_MS });
});
