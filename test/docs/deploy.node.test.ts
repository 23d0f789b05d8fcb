import { execFileSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { parseEnv } from "node:util";
import { describe, expect, test } from "vitest";
import { formatSettings } from "../../src/keys/settings.ts";
import { readSettings } from "../../src/lib/settings.ts";
import { temporaryDirectory } from "../e2e/support.ts";
import { blocksOf } from "./markdown.ts";
import { config } from "./wrangler.ts";

const page = await readFile("docs/deploy.md", "utf8");
const [commands = ""] = blocksOf(page, "sh");

test("the commands make the database, the queues and the secrets that wrangler.toml names", () => {
  const named = (pattern: RegExp) => [...commands.matchAll(pattern)].map(([, name]) => name);
  const queues = [
    ...(config.queues.producers?.map(({ queue }) => queue) ?? []),
    ...(config.queues.consumers?.flatMap(({ queue, dead_letter_queue: dead }) =>
      [queue, dead ?? []].flat(),
    ) ?? []),
  ];
  expect(named(/d1 create (\S+)/g)).toEqual(config.d1_databases.map(({ database_name }) => database_name));
  expect(named(/d1 migrations apply (\S+)/g)).toEqual(config.d1_databases.map(({ binding }) => binding));
  expect(new Set(named(/queues create (\S+)/g))).toEqual(new Set(queues));
  expect(named(/secret put (\S+)/g)).toEqual([...(config.secrets?.required ?? []), "OAUTH_CLIENT_SECRET"]);
});

test("the first pepper is a JSON map of one generation, of 256 bits", async () => {
  const line = commands.split("\n").find((line) => line.includes("openssl")) ?? "";
  const dir = await temporaryDirectory();
  execFileSync("bash", ["-c", line], { cwd: dir });
  const [, file = ""] = /> (\S+)$/.exec(line) ?? [];
  const peppers = JSON.parse(await readFile(`${dir}/${file}`, "utf8"));
  expect(Object.keys(peppers)).toEqual(["a"]);
  expect(Buffer.from(peppers.a, "base64")).toHaveLength(32);
  expect(commands).toContain(`secret put KEY_PEPPERS < ${file}`);
});

describe("the button", async () => {
  const { scripts, cloudflare } = JSON.parse(await readFile("package.json", "utf8"));
  const secrets = parseEnv(await readFile(".dev.vars.example", "utf8"));

  test("leads to the public repository, which the package names too", async () => {
    const { repository } = JSON.parse(await readFile("src/client/package.json", "utf8"));
    const [, url = ""] = /deploy\.workers\.cloudflare\.com\/\?url=([^)]+)/.exec(page) ?? [];
    expect(`git+${url}.git`).toBe(repository.url);
  });

  test("asks for the secrets that are always needed, and what it suggests opens nothing", () => {
    expect(Object.keys(secrets)).toEqual(config.secrets?.required);
    expect(readSettings(formatSettings, { ...config.vars, ...secrets })).toThrow("KEY_PEPPERS");
  });

  test("brings every database up to date before it deploys", () => {
    expect(scripts.deploy).toBe("npm run migrate -- --remote && wrangler deploy");
  });

  test("describes settings that there are", () => {
    expect({ ...config.vars, ...secrets }).toMatchObject(
      Object.fromEntries(Object.keys(cloudflare.bindings).map((name) => [name, expect.any(String)])),
    );
  });
});

test("the settings that the page overrides are vars of wrangler.toml", () => {
  const overridden = [...page.matchAll(/--var "?(\w+):/g)].map(([, name]) => name);
  expect(overridden.length).toBeGreaterThan(0);
  expect(Object.keys(config.vars)).toEqual(expect.arrayContaining(overridden));
});
