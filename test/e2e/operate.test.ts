import { glob, readFile, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { parse } from "yaml";
import { formatSettings } from "../../src/keys/settings.ts";
import { readSettings } from "../../src/lib/settings.ts";
import { blocksOf, filesOf } from "../docs/markdown.ts";
import { configOf, config as tracked } from "../docs/wrangler.ts";
import { bash, copyProject } from "./support.ts";

// Each of them starts wrangler many times.
vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });

const PAGES = await Array.fromAsync(glob("docs/operate/*.md"));
/** What a test of its own runs: the doctor, and calls of a service. */
const ELSEWHERE = /^(npm run doctor|curl|npm ci$)/;
/** What only an account can do: wrangler reads the whole command, and then wants a token. */
const OF_ACCOUNT = /^npx wrangler (d1 (create|time-travel|insights)|queues|secret|rollback)\b/;
const PEPPER = "a pepper of 32 characters or more.";
/** The key that a page ends by its id. */
const LEAKED = "6001d30f-4ca8-4278-ba11-8964895e31cf";

const SEED = `DELETE FROM api_keys; DELETE FROM companies;
INSERT INTO api_keys (id, company_id, label, key_prefix, digest, generation, scopes, created_at) VALUES
  ('${LEAKED}', 'acme', 'Leaked', 'lk_live_abc12', 'd1', 'a', '[]', 1),
  ('2', 'acme', 'Other', 'lk_live_xyz12', 'd2', 'b', '[]', 2),
  ('3', 'globex', 'Third', 'lk_live_zzz12', 'd3', 'a', '[]', 3);`;

let dir: string;

beforeAll(async () => {
  dir = await copyProject();
  await run("npx wrangler d1 migrations apply DB --local");
});
beforeEach(async () => {
  await writeFile(join(dir, "peppers.json"), JSON.stringify({ a: PEPPER }));
});

/** One command of a page, as far as it can go without an account: on the local database, and up to the upload. */
async function run(command: string): Promise<string> {
  const local = command.replaceAll("--remote", "--local").replace(/wrangler deploy\b/, "$& --dry-run");
  const { code, stdout, stderr } = await bash(dir, local);
  const said = stdout + stderr;
  if (OF_ACCOUNT.test(command)) expect(said, command).toContain("CLOUDFLARE_API_TOKEN");
  else expect(code, `${command}\n${said}`).toBe(0);
  return said;
}

async function runAll(commands: readonly string[]): Promise<string> {
  const said: string[] = [];
  for (const command of commands.filter((one) => !ELSEWHERE.test(one))) said.push(await run(command));
  return said.join("\n");
}

async function sql(text: string): Promise<Record<string, unknown>[]> {
  await writeFile(join(dir, "test.sql"), text);
  const { stdout } = await bash(dir, "npx wrangler d1 execute DB --local --yes --json --file test.sql");
  return JSON.parse(stdout.slice(stdout.indexOf("["))).at(-1).results;
}
const seed = () => sql(SEED);
const live = async () =>
  (await sql("SELECT id FROM api_keys WHERE revoked_at IS NULL ORDER BY id")).map(({ id }) => id);

const pageOf = (name: string) => readFile(`docs/operate/${name}.md`, "utf8");
/** The commands of these blocks, each in one line. */
const commandsIn = (blocks: readonly string[]) =>
  blocks.flatMap((block) => block.replaceAll("\\\n", " ").trim().split("\n"));
const commandsOf = async (name: string) => commandsIn(blocksOf(await pageOf(name), "sh"));

test("each page with commands is run below", async () => {
  const source = await readFile(import.meta.filename, "utf8");
  for (const page of PAGES) {
    const name = basename(page, ".md");
    const commands = (await commandsOf(name)).filter((command) => !ELSEWHERE.test(command));
    if (commands.length > 0) expect(source).toMatch(new RegExp(`(commandsOf|pageOf)\\("${name}"\\)`));
  }
});

test("an upgrade lists and applies the migrations, and deploys", async () => {
  expect(await runAll(await commandsOf("upgrades"))).toMatch(
    /No migrations to apply.*--dry-run: exiting now/s,
  );
});

test("costs can be looked at", async () => {
  await seed();
  expect(await runAll(await commandsOf("costs"))).toMatch(/"keys": 3,\s+"days_of_use": 0,\s+"events": \d/);
});

test("a leaked key is found by its prefix and ended by its id, and then all keys of a company that leaves", async () => {
  await seed();
  const commands = (await commandsOf("incidents")).filter((command) => !ELSEWHERE.test(command));
  const [find = "", end = "", leave = ""] = commands;
  expect(await run(find)).toContain(LEAKED);
  await run(end);
  expect(await live()).toEqual(["2", "3"]);
  await run(leave);
  expect(await live()).toEqual(["3"]);
  expect(commands).toHaveLength(3);
});

test("a pepper is added as the newest, its keys are counted, and the keys of another are ended", async () => {
  await seed();
  const said = await runAll(await commandsOf("peppers"));
  for (const [generation, keys] of [
    ["a", 2],
    ["b", 1],
  ])
    expect(said).toMatch(new RegExp(`"generation": "${generation}",\\s+"live_keys": ${keys}`));
  expect(await live()).toEqual(["2"]);
  const peppers = await readFile(join(dir, "peppers.json"), "utf8");
  const read = readSettings(formatSettings, { ...tracked.vars, KEY_PEPPERS: peppers, KEY_GENERATION: "" });
  expect([...read().KEY_PEPPERS]).toEqual([
    ["a", PEPPER],
    ["b", expect.stringMatching(/^.{44}$/)],
  ]);
  const [change = ""] = blocksOf(await pageOf("peppers"), "toml");
  for (const [, name = ""] of change.matchAll(/^(\w+) =/gm)) expect(tracked.vars).toHaveProperty(name);
});

const TRIGGERS = "SELECT name FROM sqlite_schema WHERE type = 'trigger' ORDER BY name";

test("what is exported can be imported; a restore revives what was revoked since, which ends again", async () => {
  await seed();
  const triggers = await sql(TRIGGERS);
  const blocks = blocksOf(await pageOf("backups"), "sh");
  expect(blocks).toHaveLength(6);
  const [exports = "", create = "", imports = "", restore = "", note = "", again = ""] = blocks;
  await runAll(commandsIn([exports, create]));
  await sql(`UPDATE api_keys SET revoked_at = unixepoch() * 1000 WHERE id = '${LEAKED}';
    INSERT INTO audit_events (id, company_id, key_id, action, at) VALUES ('e', 'acme', '${LEAKED}', 'revoke', unixepoch() * 1000);`);
  await runAll(commandsIn([note]));
  await rm(join(dir, ".wrangler/state"), { recursive: true });
  await runAll(commandsIn([imports]));
  expect(await live()).toContain(LEAKED);
  expect(await run("npx wrangler d1 migrations list DB --local")).toContain("No migrations to apply");
  expect(await sql(TRIGGERS)).toEqual(triggers);
  await runAll(commandsIn([restore]));
  expect((await sql("SELECT digest FROM key_changes ORDER BY seq DESC LIMIT 1"))[0]?.digest).toBe("");
  await runAll(commandsIn([again]));
  expect(await live()).toEqual(["2", "3"]);
});

describe("a file of one's own", () => {
  let own: string;
  beforeAll(async () => {
    const page = await pageOf("configuration");
    const [, staging = "", routes = ""] = blocksOf(page, "toml");
    own = filesOf(page).get("latchkey.toml") ?? "";
    await writeFile(join(dir, "latchkey.toml"), own + routes + staging);
    await writeFile(join(dir, "peppers.json"), "{}");
    const jobs = parse(blocksOf(page, "yaml")[0] ?? "").jobs;
    const steps: { run?: string }[] = jobs.deploy.steps;
    const commands = [...(await commandsOf("configuration")), ...steps.map(({ run = "npm ci" }) => run)];
    await runAll([...new Set(commands)]);
  });

  const read = (env?: string) => configOf(join(dir, "wrangler.json"), env);

  test("changes what it names, and leaves the rest as it is in wrangler.toml", () => {
    const { vars, routes, d1_databases: databases, queues } = read();
    expect(vars).toEqual({
      ...tracked.vars,
      OAUTH_ISSUER: "https://login.example.com",
      OAUTH_AUDIENCE: "https://keys.example.com",
      SCOPES: { "orders:read": "Read orders", "orders:write": "Create and change orders" },
    });
    expect(databases).toEqual([{ ...tracked.d1_databases[0], database_id: expect.stringMatching(/^1{8}-/) }]);
    expect(routes).toEqual([{ pattern: "keys.example.com", custom_domain: true }]);
    expect(queues).toEqual(tracked.queues);
  });

  test("makes an environment whole, which shares no database, queue or limit with production", () => {
    const [production, staging] = [read(), read("staging")];
    expect(staging.name).toBe("latchkey-staging");
    expect(staging.vars).toEqual({
      ...production.vars,
      OAUTH_AUDIENCE: "https://keys.staging.example.com",
      KEY_PREFIX: "lk_test",
    });
    const names = ({ d1_databases: databases, queues, ratelimits }: typeof staging) => ({
      bindings: [...databases, ...(queues.producers ?? [])].map(({ binding }) => binding),
      limits: ratelimits.map(({ name }) => name),
      shared: [
        ...databases.flatMap(({ database_name: name, database_id: id }) => [name, id]),
        ...(queues.producers ?? []).map(({ queue }) => queue),
        ...(queues.consumers ?? []).flatMap(({ queue, dead_letter_queue: dead }) => [queue, dead]),
        ...ratelimits.map(({ namespace_id: id }) => id),
      ],
    });
    const [its, others] = [names(staging), names(production)];
    expect([its.bindings, its.limits]).toEqual([others.bindings, others.limits]);
    expect(its.shared).toHaveLength(others.shared.length);
    expect(its.shared.filter((name) => others.shared.includes(name))).toEqual([]);
    for (const part of ["assets", "triggers", "observability"] as const)
      expect(staging[part]).toEqual(production[part]);
  });

  test("is right by the doctor's rules, in both", async () => {
    for (const env of ["", "--env staging"]) {
      const { stdout } = await bash(
        dir,
        `npm run -s doctor -- --url https://keys.example.invalid --config wrangler.json ${env}`,
      );
      expect(stdout).toContain("They are right");
    }
  });
});
