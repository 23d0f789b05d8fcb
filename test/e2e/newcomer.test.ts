import { copyFile, mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { beforeAll, describe, expect, test, vi } from "vitest";
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
const servers = await readFile("docs/servers.md", "utf8");
const [questionByCurl = ""] = blocksOf(servers, "sh");
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

/** Latchkey itself, a key of it, and what revokes that. */
async function service() {
  const issuer = await startTestIssuer();
  await bash(latchkey, "npm run setup");
  const { url, stop } = await startLatchkey(latchkey, { OAUTH_ISSUER: issuer.url });
  const token = await signToken(issuer, "ES256", "at+jwt", {
    aud: "urn:latchkey:management",
    company_id: "acme",
    scope: "api-keys:read api-keys:write",
  });
  const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
  const body = JSON.stringify({ label: "first", scopes: ["jobs:read"] });
  const created = await call(`${url}/settings/api-keys`, { method: "POST", headers, body });
  const { id, rawKey } = created.body as CreatedKey;
  const revoke = () => call(`${url}/settings/api-keys/${id}`, { method: "DELETE", headers });
  return { url, stop, rawKey, revoke };
}

/** The command of a page with another port. */
const at = (port: number, command: string) => command.trim().replace(/8790|3000/, `${port}`);

describe("beside Latchkey", () => {
  let running: Awaited<ReturnType<typeof service>>;
  const asks: Record<string, (key: string) => Promise<unknown>> = {};

  beforeAll(async () => {
    running = await service();
    const ports = [await freePort(), await freePort(), await freePort()] as const;
    start(dir, "bash", "-c", `${at(ports[0], dev)} --inspector-port 0`);
    asks.Worker = async (key) => {
      const { stdout } = await bash(dir, `KEY=${key}; ${at(ports[0], curl)}`);
      return JSON.parse(stdout);
    };
    const node = await nodeServers();
    for (const [name, file, port] of [
      ["Express", "server.ts", ports[1]],
      ["Fastify", "fastify.ts", ports[2]],
    ] as const) {
      start(node, "bash", "-c", `PORT=${port} LATCHKEY_URL=${running.url} ${NODE_MODULES}/.bin/node ${file}`);
      const url = `http://localhost:${port}/jobs`;
      asks[name] = async (key) => (await call(url, { headers: { "X-API-Key": key } })).body;
    }
  });

  /** Until servers have started, and Workers have found each other. */
  const SOON = { timeout: 20_000 };

  test.each(["Worker", "Express", "Fastify"])(
    "the %s of the pages accepts a key, and refuses others",
    async (name) => {
      const ask = asks[name] ?? fail;
      await vi.waitFor(async () => expect(await ask(running.rawKey)).toEqual({ company: "acme" }), SOON);
      expect(await ask("lk_live_x")).toMatchObject({ status: 401, error: "UNAUTHORIZED" });
    },
  );

  test("the question of the page is answered", async () => {
    const script = `LATCHKEY_URL=${running.url}; KEY=${running.rawKey}; ${questionByCurl}`;
    const { stdout } = await bash(dir, script);
    expect(stdout).toMatch(/^HTTP\/1\.1 200 OK/);
    expect(stdout).toContain('"companyId":"acme"');
  });

  test("they all refuse the key within the bound once it is revoked", async () => {
    expect((await running.revoke()).status).toBe(204);
    for (const ask of Object.values(asks)) {
      const refused = async () =>
        expect(await ask(running.rawKey)).toMatchObject({ status: 401, error: "KEY_REVOKED" });
      await vi.waitFor(refused, { timeout: REVOCATION_MS });
    }
  });

  test("they all answer 503 while Latchkey is down", async () => {
    await running.stop();
    for (const ask of Object.values(asks)) {
      const down = async () =>
        expect(await ask(running.rawKey)).toMatchObject({ status: 503, error: "UNAVAILABLE" });
      await vi.waitFor(down, SOON);
    }
  });
});

function fail(): never {
  throw new Error("not started");
}

/** The Express example, and the Fastify server of the page beside it. Both compile. */
async function nodeServers(): Promise<string> {
  const node = await temporaryDirectory();
  for (const name of ["package.json", "tsconfig.json", "server.ts"])
    await copyFile(join("examples/express", name), join(node, name));
  const [express, fastify = ""] = blocksOf(servers, "ts");
  expect(express).toBe(await readFile("examples/express/server.ts", "utf8"));
  await writeFile(join(node, "fastify.ts"), fastify);
  await mkdir(join(node, "node_modules/@types"), { recursive: true });
  for (const name of ["express", "fastify", "@types/express", "@types/node"])
    await symlink(join(NODE_MODULES, name), join(node, "node_modules", name));
  await symlink(join(dir, "node_modules/latchkey"), join(node, "node_modules/latchkey"));
  expect(await bash(node, `${NODE_MODULES}/.bin/tsc`)).toMatchObject({ code: 0, stdout: "" });
  return node;
}
