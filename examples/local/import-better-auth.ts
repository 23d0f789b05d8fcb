import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { DatabaseSync } from "node:sqlite";
import { type Entry, parseCsv } from "./import-csv.ts";

/** What is read of the table `apikey` of @better-auth/api-key. */
interface Row {
  name: string | null;
  start: string | null;
  prefix: string | null;
  key: string;
  referenceId: string;
  permissions: string | null;
  ipAllowlist?: string | null;
  enabled: number | null;
  createdAt: string | number;
  expiresAt: string | number | null;
}

/** SHA-256 in base64url, as the plugin stores it. With `disableKeyHashing` it stores the key itself. */
const HASH = /^[\w-]{43}$/;

/** Of what Latchkey shows of a key, in characters. */
const MAX_PREFIX = 32;

export interface BetterAuthOptions {
  /** Of keys without permissions. */
  scopes: readonly string[];
  /** A CSV file of `referenceId,companyId`. Without it the reference, a user or an organization, is the company. */
  companies: string | undefined;
}

/** Keys of a database of better-auth in SQLite that are enabled and have not expired. */
export async function readBetterAuth(
  file: string,
  { scopes, companies }: BetterAuthOptions,
): Promise<Entry[]> {
  if (!existsSync(file)) throw new Error(`There is no file ${file}`);
  const companyOf = await companiesOf(companies);
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    const rows = database.prepare("SELECT * FROM apikey ORDER BY createdAt, id").all() as unknown as Row[];
    return rows.filter(isLive).map((row) => ({
      companyId: companyOf(row.referenceId),
      label: row.name || row.start || "Imported",
      scopes: scopesOf(row.permissions) ?? scopes,
      createdAt: new Date(row.createdAt).toISOString(),
      ...(row.expiresAt !== null && { expiresAt: new Date(row.expiresAt).toISOString() }),
      ...(row.ipAllowlist && { allowedIps: JSON.parse(row.ipAllowlist) }),
      keyPrefix: (row.start || row.prefix || "?").slice(0, MAX_PREFIX),
      ...(HASH.test(row.key) ? { sha256: row.key } : { key: row.key }),
    }));
  } finally {
    database.close();
  }
}

function isLive({ enabled, expiresAt }: Row): boolean {
  return enabled !== 0 && (expiresAt === null || new Date(expiresAt).getTime() > Date.now());
}

/** `{"jobs":["read","write"]}` is `jobs:read jobs:write`. */
function scopesOf(permissions: string | null): string[] | undefined {
  if (permissions === null) return undefined;
  const byResource = JSON.parse(permissions) as Record<string, string[]>;
  return Object.entries(byResource).flatMap(([resource, acts]) => acts.map((act) => `${resource}:${act}`));
}

async function companiesOf(file: string | undefined): Promise<(referenceId: string) => string> {
  if (file === undefined) return (referenceId) => referenceId;
  const rows = parseCsv(await readFile(file, "utf8"));
  const companies = new Map(rows.map(({ referenceId = "", companyId = "" }) => [referenceId, companyId]));
  return (referenceId) => companies.get(referenceId) ?? "";
}
