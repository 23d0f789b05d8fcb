import { copyFile, mkdir, readFile, rename, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { blocksOf } from "../docs/markdown.ts";
import { bash, copyProject, NODE_MODULES, temporaryDirectory } from "./support.ts";

/** The compiler of the project, and the last one before it. */
const COMPILERS = {
  "TypeScript 7": join(NODE_MODULES, ".bin/tsc"),
  "TypeScript 5.9": join(NODE_MODULES, "latchkey-generated-client/node_modules/.bin/tsc"),
};
const PAGES = ["README.md", "docs/workers.md", "docs/testing.md", "src/client/README.md"];

let project: string;
let consumer: string;
let packed: string[];

/** What the middleware answers where it runs, with a verifier that knows one key. */
const RUN = `
import { Hono } from "hono";
import { protect } from "latchkey";
import { apiKey } from "latchkey/hono";

const key = { id: "1", companyId: "acme", scopes: ["jobs:read"], expiresAt: null, metadata: {} };
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
const caller = await protect(new Request("https://api.example", { headers: { "X-API-Key": "good" } }), LATCHKEY);
process.stdout.write(caller.key.companyId);
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
  await writeFile(join(consumer, "run.js"), RUN);
});

test("the package holds what other Workers need, and nothing of the Worker itself", () => {
  const beside = packed.filter((file) => !file.startsWith("package/dist/"));
  expect(beside).toEqual(["package/LICENSE", "package/README.md", "package/package.json"]);
  const modules = packed
    .filter((file) => file.endsWith(".js"))
    .map((file) => file.replace("package/dist/", ""));
  expect(modules).toEqual([
    "client/binding.js",
    "client/hono.js",
    "client/http.js",
    "client/index.js",
    "client/node.js",
    "client/protect.js",
    "client/question.js",
    "client/testing.js",
    "events/contract.js",
    "http/errors.js",
    "lib/address.js",
    "lib/deadline.js",
    "lib/fault.js",
    "verify/contract.js",
    "verify/decide.js",
    "verify/question.js",
    "verify/refusal.js",
  ]);
});

/** A project that binds Latchkey, and the types that wrangler generates for it. */
async function typedWorker(dir: string): Promise<string[]> {
  const pages = await Promise.all(PAGES.map((page) => readFile(page, "utf8")));
  const [binding = ""] = blocksOf(pages[0] ?? "", "toml");
  const config = 'name = "my-api"\nmain = "index.ts"\ncompatibility_date = "2026-08-01"\n';
  await writeFile(join(dir, "index.ts"), "export default {};");
  await writeFile(join(dir, "wrangler.toml"), config + binding);
  expect(await bash(dir, `PATH=${NODE_MODULES}/.bin:$PATH wrangler types`)).toMatchObject({ code: 0 });
  expect(await readFile(join(dir, "worker-configuration.d.ts"), "utf8")).toContain("LATCHKEY: Service ");

  // Those of tests are tried by the newcomer's project.
  const samples = pages
    .flatMap((page) => blocksOf(page, "ts"))
    .filter((sample) => !sample.includes("vitest"));
  await copyFile("test/client/consumer.ts", join(dir, "consumer.ts"));
  await Promise.all(samples.map((sample, index) => writeFile(join(dir, `sample${index}.ts`), sample)));
  return ["consumer.ts", "worker-configuration.d.ts", ...samples.map((_, index) => `sample${index}.ts`)];
}

test("the samples and other uses compile with the types that wrangler generates, and a wrong use does not", async () => {
  const files = await typedWorker(consumer);
  for (const [compiler, tsc] of Object.entries(COMPILERS)) {
    for (const [moduleResolution, module] of [
      ["bundler", "esnext"],
      ["nodenext", "nodenext"],
    ]) {
      const compilerOptions = {
        target: "esnext",
        lib: ["esnext"],
        types: [],
        strict: true,
        exactOptionalPropertyTypes: true,
        noEmit: true,
        // What wrangler writes is not valid there by itself: it imports without file extensions.
        skipLibCheck: moduleResolution === "nodenext",
        module,
        moduleResolution,
      };
      const config = join(consumer, "tsconfig.json");
      await writeFile(config, JSON.stringify({ compilerOptions, files }));
      expect(await bash(consumer, `${tsc} -p ${config}`), `${compiler}, ${moduleResolution}`).toMatchObject({
        code: 0,
        stdout: "",
      });
    }
  }
});

test("it runs in Node as well", async () => {
  expect(await bash(consumer, "node run.js")).toMatchObject({ code: 0, stdout: "200 401 401 acme" });
});

test("without Hono its other entries compile and run", async () => {
  const dir = await temporaryDirectory();
  await mkdir(join(dir, "node_modules"));
  await symlink(join(consumer, "node_modules/latchkey"), join(dir, "node_modules/latchkey"));
  await writeFile(join(dir, "package.json"), JSON.stringify({ type: "module" }));
  const names = ["protect", "httpVerifier", "fakeVerifier"];
  const imports = ["", "/node", "/testing"].map(
    (entry, i) => `import { ${names[i]} } from "latchkey${entry}";`,
  );
  await writeFile(join(dir, "index.ts"), `${imports.join("\n")}\nexport default [${names}];`);
  const options = "--strict --target esnext --module nodenext --lib esnext,dom --types --preserveSymlinks";
  for (const [compiler, tsc] of Object.entries(COMPILERS)) {
    const compiled = await bash(dir, `${tsc} ${options} --outDir out index.ts`);
    expect(compiled, compiler).toMatchObject({ code: 0, stdout: "" });
  }
  expect(await bash(dir, "node --preserve-symlinks out/index.js")).toMatchObject({ code: 0, stderr: "" });
});

test("publint and attw find no fault, and no entry needs another package", async () => {
  const { code, stdout, stderr } = await bash(project, "npm run -s check:package");
  expect(code, stdout + stderr).toBe(0);
  for (const entry of ["latchkey", "latchkey/hono", "latchkey/node", "latchkey/testing"])
    expect(stdout).toMatch(new RegExp(`^${entry} +\\d+ bytes minified, \\d+ with gzip$`, "m"));
});
