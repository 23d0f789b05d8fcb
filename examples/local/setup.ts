import { randomBytes } from "node:crypto";
import { appendFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { EXAMPLE_CONFIG, hasCode, main, ROOT } from "./local.ts";
import { migrate } from "./migrate.ts";

const SECRETS_FILE = join(ROOT, ".dev.vars");
const PEPPER_BYTES = 32;

const CONFIG = "wrangler.toml";
/** Made for a run with several databases. */
const SEVERAL_CONFIG = "wrangler.databases.toml";

/**
 * Makes the local secrets if there are none, and brings the local databases up to date.
 *
 * @param databases - How many Latchkey has.
 * @returns Its configuration.
 */
export async function setup(databases = 1): Promise<string> {
  await makePepper();
  const config = databases === 1 ? CONFIG : await makeConfig(databases);
  await Promise.all([config, EXAMPLE_CONFIG].map((config) => migrate(config, "--local")));
  return config;
}

/** That of one database, with the bindings of more. */
async function makeConfig(databases: number): Promise<string> {
  const bindings = Array.from({ length: databases - 1 }, (_, i) => {
    const name = String(i + 1).padStart(2, "0");
    const id = `00000000-0000-0000-0000-0000000000${name}`;
    return `
[[d1_databases]]
binding = "DB_${name}"
database_name = "latchkey-${name}"
database_id = "${id}"
migrations_dir = "migrations"
`;
  });
  const one = await readFile(join(ROOT, CONFIG), "utf8");
  await writeFile(join(ROOT, SEVERAL_CONFIG), one + bindings.join(""));
  return SEVERAL_CONFIG;
}

async function makePepper(): Promise<void> {
  const secrets = await readFile(SECRETS_FILE, "utf8").catch((error) => {
    if (hasCode(error, "ENOENT")) return "";
    throw error;
  });
  if (/^\s*KEY_PEPPERS\s*=/m.test(secrets)) return;
  const pepper = randomBytes(PEPPER_BYTES).toString("base64url");
  await appendFile(SECRETS_FILE, `KEY_PEPPERS={"a":"${pepper}"}\n`, { mode: 0o600 });
}

if (import.meta.main) {
  await main(async () => {
    await setup();
  });
}
