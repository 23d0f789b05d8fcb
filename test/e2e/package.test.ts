import { mkdir, rename, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { bash, copyProject, NODE_MODULES, temporaryDirectory } from "./support.ts";

let project: string;
let consumer: string;
let packed: string[];

/** A Worker elsewhere that uses the package. A line marked `@ts-expect-error` must not compile. */
const WORKER = `
import { Hono } from "hono";
import type { KeyVerifier, VerifiedKey, VerifyResult } from "latchkey";
import { type ApiKeyVariables, apiKey } from "latchkey/hono";

interface Bindings {
  LATCHKEY: KeyVerifier;
}

const app = new Hono<{ Bindings: Bindings; Variables: ApiKeyVariables }>();

app.get("/jobs", apiKey({ scopes: ["jobs:read"] }), (c) => {
  const { id, companyId, scopes, expiresAt }: VerifiedKey = c.var.apiKey;
  return c.json({ id, companyId, scopes, expiresAt });
});
app.get("/open", (c) => c.text("open"));
app.post("/jobs", apiKey({ scopes: ["jobs:write"], binding: "LATCHKEY" }), async (c) => {
  const result = await c.env.LATCHKEY.verify("key", { consistency: "strong", clientIp: "192.0.2.1" });
  // @ts-expect-error a verdict is looked at before its key is
  result.key;
  return c.text(nameOf(result));
});

function nameOf(result: VerifyResult): string {
  if (result.valid) {
    // @ts-expect-error a good key has no error
    result.error;
    return result.key.companyId + result.checkedAt + String(result.stale);
  }
  // @ts-expect-error a bad key names no company
  result.key;
  switch (result.error) {
    case "UNAUTHORIZED":
    case "TOKEN_EXPIRED":
    case "KEY_REVOKED":
    case "FORBIDDEN":
    case "RATE_LIMITED":
    case "UNAVAILABLE":
      return result.message;
    default:
      return result.error satisfies never;
  }
}

// @ts-expect-error scopes are a list
apiKey({ scopes: "jobs:read" });
// @ts-expect-error there is no such option
apiKey({ scope: ["jobs:read"] });
// @ts-expect-error there is no such consistency
const weak: Parameters<KeyVerifier["verify"]>[1] = { consistency: "weak" };
// @ts-expect-error the variable is named apiKey
app.get("/wrong", apiKey(), (c) => c.text(c.var.key.id));

export default { app, weak };
`;

/** What the middleware answers where it runs, with a verifier that knows one key. */
const RUN = `
import { Hono } from "hono";
import { apiKey } from "latchkey/hono";

const key = { id: "1", companyId: "acme", scopes: ["jobs:read"], expiresAt: null };
const LATCHKEY = {
  verify: async (rawKey) =>
    rawKey === "good"
      ? { valid: true, key, checkedAt: "2026-01-01T00:00:00Z", stale: false }
      : { valid: false, error: "KEY_REVOKED", message: "The API key has been revoked" },
};
const app = new Hono().get("/", apiKey({ scopes: ["jobs:read"] }), (c) => c.json(c.var.apiKey));
for (const headers of [{ "X-API-Key": "good" }, { "X-API-Key": "bad" }, {}]) {
  const { status } = await app.request("/", { headers }, { LATCHKEY });
  process.stdout.write(status + " ");
}
process.stdout.write(String(Object.keys(await import("latchkey")).length));
`;

beforeAll(async () => {
  [project, consumer] = await Promise.all([copyProject(), temporaryDirectory()]);
  expect(
    await bash(project, `npm run -s build && npm pack ./src/client --pack-destination ${consumer}`),
  ).toMatchObject({ code: 0 });
  packed = (await bash(consumer, "tar -xvzf latchkey-*.tgz")).stdout.trim().split("\n").sort();

  await mkdir(join(consumer, "node_modules"));
  await rename(join(consumer, "package"), join(consumer, "node_modules/latchkey"));
  await symlink(join(NODE_MODULES, "hono"), join(consumer, "node_modules/hono"));
  await writeFile(join(consumer, "package.json"), JSON.stringify({ type: "module" }));
  await writeFile(join(consumer, "worker.ts"), WORKER);
  await writeFile(join(consumer, "run.js"), RUN);
});

test("the package holds what other Workers need, and nothing of the Worker itself", () => {
  const beside = packed.filter((file) => !file.startsWith("package/dist/"));
  expect(beside).toEqual(["package/LICENSE", "package/README.md", "package/package.json"]);
  const modules = packed
    .filter((file) => file.endsWith(".js"))
    .map((file) => file.replace("package/dist/", ""));
  expect(modules).toEqual([
    "client/hono.js",
    "client/index.js",
    "http/errors.js",
    "lib/deadline.js",
    "lib/fault.js",
    "verify/contract.js",
    "verify/refusal.js",
  ]);
});

test.each([
  ["bundler", "esnext"],
  ["nodenext", "nodenext"],
])(
  "its types hold in another Worker, and refuse a wrong use, with module resolution %s",
  async (moduleResolution, module) => {
    const config = join(consumer, `tsconfig.${moduleResolution}.json`);
    const compilerOptions = {
      target: "esnext",
      lib: ["esnext", "dom"],
      types: [],
      strict: true,
      exactOptionalPropertyTypes: true,
      noEmit: true,
      module,
      moduleResolution,
    };
    await writeFile(config, JSON.stringify({ compilerOptions, files: ["worker.ts"] }));
    expect(await bash(project, `npx tsc -p ${config}`)).toMatchObject({ code: 0, stdout: "" });
  },
);

test("the middleware runs from the package; the types alone are no code", async () => {
  expect(await bash(consumer, "node run.js")).toMatchObject({ code: 0, stdout: "200 401 401 0" });
});

test("publint and attw find no fault", async () => {
  const { code, stdout, stderr } = await bash(project, "npm run -s check:package");
  expect(code, stdout + stderr).toBe(0);
});
