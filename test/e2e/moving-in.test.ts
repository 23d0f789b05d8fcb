import { execFileSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { blocksOf, filesOf } from "../docs/markdown.ts";
import { startTestIssuer } from "../support/issuer.ts";
import { bash, call, copyProject, signToken, startLatchkey } from "./support.ts";

const BETTER_AUTH = resolve(import.meta.dirname, "../../bench/better-auth");
/** `KEYS=10000` takes some minutes. */
const KEYS = Number(process.env.KEYS ?? 500);
const AT_ONCE = 20;

// Each of them starts processes.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const page = await readFile("docs/moving-in.md", "utf8");
const [fromBetterAuth = "", fromCsv = "", byApi = ""] = blocksOf(page, "sh");
const [, IMPORTED_KEY_PATTERN = ""] = /IMPORTED_KEY_PATTERN = "(.+)"/.exec(page) ?? [];

/** What `bench/better-auth/seed.js` has made. */
interface Seeded {
  users: [string, string];
  keys: string[];
  disabled: string;
}

let dir: string;
let url: string;
let token: string;

beforeAll(async () => {
  dir = await copyProject();
  expect(await bash(dir, "npm run setup")).toMatchObject({ code: 0 });
  const issuer = await startTestIssuer();
  const audience = "urn:latchkey:operator";
  const vars = {
    OAUTH_ISSUER: issuer.url,
    OPERATOR_AUDIENCE: audience,
    IMPORTED_KEY_PATTERN,
    MAX_LIVE_KEYS: String(KEYS),
  };
  url = (await startLatchkey(dir, vars)).url;
  token = await signToken(issuer, "ES256", "at+jwt", {
    aud: audience,
    scope: "operator:read operator:write",
  });
});

/** A command of the page, for this service and by this operator. */
function run(command: string) {
  const here = command.replaceAll("https://keys.example.com", url);
  return bash(dir, `export OPERATOR_TOKEN=${token}; ${here}`);
}

const present = (key: string) => call(`${url}/public/v1/key`, { headers: { "X-API-Key": key } });

describe("from better-auth", () => {
  let seeded: Seeded;

  beforeAll(async () => {
    const install = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", BETTER_AUTH];
    execFileSync("npm", install, { stdio: "ignore" });
    const file = join(dir, "auth.sqlite");
    const seed = [join(BETTER_AUTH, "seed.js"), file, String(KEYS)];
    seeded = JSON.parse(execFileSync(process.execPath, seed, { encoding: "utf8" }));
    const [head] = (filesOf(page).get("companies.csv") ?? "").split("\n");
    const rows = seeded.users.map((user, i) => `${user},${["acme", "globex"][i]}`);
    await writeFile(join(dir, "companies.csv"), [head, ...rows].join("\n"));
  });

  test("each key that is enabled is imported by the page's command, and verifies as it is", async () => {
    const { code, stdout, stderr } = await run(fromBetterAuth);
    expect(stdout + stderr).toContain(`${KEYS} imported, 0 were there before, 0 refused.`);
    expect(code).toBe(0);
    for (let i = 0; i < KEYS; i += AT_ONCE) {
      const answers = await Promise.all(seeded.keys.slice(i, i + AT_ONCE).map(present));
      for (const [j, { status, body }] of answers.entries()) {
        const number = i + j;
        expect({ status, body }).toEqual({
          status: 200,
          body: {
            id: expect.any(String),
            companyId: ["acme", "globex"][number % 2],
            scopes: number % 3 === 0 ? ["jobs:read", "jobs:write"] : ["jobs:read"],
            expiresAt: number % 5 === 0 ? expect.any(String) : null,
            metadata: {},
          },
        });
      }
    }
    expect((await present(seeded.disabled)).status).toBe(401);
  });

  test("the command can be run again", async () => {
    const { code, stdout } = await run(fromBetterAuth);
    expect(stdout).toContain(`0 imported, ${KEYS} were there before, 0 refused.`);
    expect(code).toBe(0);
  });

  test("a company that the file does not name is told, with the keys that stay behind", async () => {
    await writeFile(join(dir, "companies.csv"), `referenceId,companyId\n${seeded.users[0]},acme`);
    const { code, stdout } = await run(fromBetterAuth);
    expect(stdout).toContain("companyId: must not be blank");
    expect(stdout).toContain(`0 imported, ${KEYS / 2} were there before, ${KEYS / 2} refused.`);
    for (const key of seeded.keys) expect(stdout).not.toContain(key);
    expect(code).toBe(1);
  });
});

describe("from a CSV file", () => {
  test("the page's keys are imported by its command, by the key or its hash", async () => {
    await writeFile(join(dir, "keys.csv"), filesOf(page).get("keys.csv") ?? "");
    const { code, stdout, stderr } = await run(fromCsv);
    expect(stdout + stderr).toContain("2 imported, 0 were there before, 0 refused.");
    expect(code).toBe(0);
    expect((await present("old_a1B2c3D4e5F6g7H8i9J0")).body).toMatchObject({ companyId: "acme" });
    const second = await present("old_Z9y8X7w6V5u4T3s2R1q0");
    expect(second.body).toMatchObject({ companyId: "acme", scopes: ["jobs:read", "applications:read"] });
  });

  test.each([
    ["a quote that never ends", 'companyId,label\nacme,"Careers', "Row 2 of the CSV file is broken"],
    ["a row that is too short", "companyId,label\nacme", "Row 2 of the CSV file has 1 fields, not 2"],
  ])("%s is told", async (_, text, message) => {
    await writeFile(join(dir, "keys.csv"), text);
    const { code, stderr } = await run(fromCsv);
    expect(stderr).toContain(message);
    expect(code).toBe(1);
  });

  test("a byte order mark, quotes, line ends of Windows and a last line without one are read", async () => {
    const key = "old_Q1w2E3r4T5y6U7i8O9p0";
    const row = `acme,"The ""old"" one, Tucson",jobs:read,old_,${key}`;
    await writeFile(join(dir, "keys.csv"), `\uFEFFcompanyId,label,scopes,keyPrefix,key\r\n${row}`);
    expect((await run(fromCsv)).stdout).toContain("1 imported");
    const found = await call(`${url}/operator/keys?prefix=old_`, {
      headers: { Authorization: `Bearer ${token}` },
    });
    expect(found.body).toContainEqual(expect.objectContaining({ label: 'The "old" one, Tucson' }));
  });
});

test("the page's call of the API imports a key", async () => {
  const { stdout } = await run(byApi);
  expect(JSON.parse(stdout)).toMatchObject({ keys: [{ index: 0, status: "created" }] });
  expect((await present("old_k1L2m3N4o5P6q7R8s9T0")).status).toBe(200);
});

test.each([
  ["no URL", "npm run import -- --csv keys.csv", "--url is missing"],
  ["no source", "npm run import -- --url https://keys.example.com", "Usage: "],
  [
    "no file",
    "npm run import -- --url https://keys.example.com --better-auth none.sqlite",
    "There is no file",
  ],
  [
    "a bad token",
    "OPERATOR_TOKEN=x npm run import -- --url https://keys.example.com --csv keys.csv",
    "says 401",
  ],
])("with %s the command says so", async (_, command, message) => {
  const { code, stderr } = await run(command);
  expect(stderr).toContain(message);
  expect(code).toBe(1);
});
