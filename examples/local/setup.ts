import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { appendFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { EXAMPLE_CONFIG, hasCode, main, ROOT, WRANGLER, WRANGLER_ENV } from "./local.ts";

const SECRETS_FILE = join(ROOT, ".dev.vars");
const PEPPER_BYTES = 32;

/** Makes the local secrets if there are none, and brings both local databases up to date. */
export async function setup(): Promise<void> {
  await makePepper();
  await Promise.all(["wrangler.toml", EXAMPLE_CONFIG].map(migrate));
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

async function migrate(config: string): Promise<void> {
  const command = ["d1", "migrations", "apply", "DB", "--local", "--config", config];
  await promisify(execFile)(process.execPath, [WRANGLER, ...command], { cwd: ROOT, env: WRANGLER_ENV });
}

if (import.meta.main) await main(setup);
