import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { type ParseArgsOptionsConfig, parseArgs } from "node:util";
import type { IssuerSecrets } from "./issuer.ts";

/** What the scripts of this folder share. */

export const ROOT = resolve(import.meta.dirname, "../..");

/** Start it with `process.execPath`: nothing between the caller and wrangler that could die alone. */
export const WRANGLER = fileURLToPath(import.meta.resolve("wrangler"));
export const WRANGLER_ENV = {
  ...process.env,
  CLOUDFLARE_CF_FETCH_ENABLED: "false",
  WRANGLER_SEND_METRICS: "false",
  WRANGLER_HIDE_BANNER: "true",
  WRANGLER_WRITE_LOGS: "false",
  // Where Workers find each other: another project may run a Worker of the same name.
  WRANGLER_REGISTRY_PATH: join(ROOT, ".wrangler/registry"),
};
export const EXAMPLE_CONFIG = "examples/job-listings/wrangler.toml";

/** Who can ask the local issuer for a token: a person, or a machine with its client's secret. */
export const COMPANIES = new Map([
  ["acme", { user: "ada@acme.example", machine: "acme-machine" }],
  ["globex", { user: "grace@globex.example", machine: "globex-machine" }],
]);

/** The person who runs Latchkey, and belongs to no company. */
export const OPERATOR = "olga@latchkey.example";

/** What `start` keeps for its next run, and for `token`. */
export interface LocalState {
  issuerUrl: string;
  secrets: IssuerSecrets;
}

const STATE_FILE = join(ROOT, ".wrangler/local/state.json");

export async function readState(): Promise<LocalState | undefined> {
  try {
    return JSON.parse(await readFile(STATE_FILE, "utf8"));
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
}

export async function writeState(state: LocalState): Promise<void> {
  await mkdir(dirname(STATE_FILE), { recursive: true });
  await writeFile(STATE_FILE, JSON.stringify(state, null, 2), { mode: 0o600 });
}

export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}

/** The options of the command line; a wrong one is an error that shows the usage. */
export function readOptions<T extends ParseArgsOptionsConfig>(options: T, usage: string) {
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    const [reason] = String(error instanceof Error ? error.message : error).split(/\.\s/);
    throw new Error(`${reason}. ${usage}`);
  }
}

/** Runs a script: a failure is one message and exit code 1. */
export async function main(run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
