import { importSPKI } from "jose";
import * as z from "zod";
import { ApiError } from "../http/errors.ts";
import type { Background } from "../lib/background.ts";
import { fetchJson, remote } from "../lib/remote.ts";

/** A key set older than this is fetched anew, behind the answer. */
export const MAX_AGE_MS = 60 * 60_000;
/** Least time between two fetches, whatever reports ask for: GitHub answers 60 an hour. */
export const COOLDOWN_MS = 60_000;

/**
 * The reporter's public key of this identifier, `undefined` where it has none.
 *
 * @throws ApiError `UNAVAILABLE` while no key set can be had.
 */
export type ReporterKeys = (identifier: string) => Promise<CryptoKey | undefined>;

export interface ReporterKeysOptions {
  url: string;
  /** Milliseconds since the epoch. */
  now: () => number;
  background: Background;
}

/**
 * The public keys of who reports leaked keys, from `url`.
 *
 * While they cannot be fetched, the last good set goes on without limit: who holds a key may kill it
 * anyhow, so a signature under a withdrawn key does no harm.
 */
export function reporterKeys({ url, now, background }: ReporterKeysOptions): ReporterKeys {
  const keySet = remote({
    load: () => fetchKeys(url),
    maxAgeMs: MAX_AGE_MS,
    staleLimitMs: Number.POSITIVE_INFINITY,
    cooldownMs: COOLDOWN_MS,
    event: "leak_report_keys_fetch_failed",
    now,
    background,
  });

  return async function reporterKey(identifier) {
    const keys = await keySet.current();
    if (keys === undefined) throw new ApiError("UNAVAILABLE", { reason: "reporter_keys" });
    return keys.get(identifier) ?? (await keySet.renewed())?.get(identifier);
  };
}

const keySetSchema = z.object({ public_keys: z.array(z.unknown()) });
const publicKeySchema = z.object({ key_identifier: z.string(), key: z.string() });

/** Identifier → key; those that check no signature of P-256 are left out. */
async function fetchKeys(url: string): Promise<Map<string, CryptoKey>> {
  const { public_keys } = keySetSchema.parse(await fetchJson(url));
  const keys = new Map<string, CryptoKey>();
  for (const candidate of public_keys) {
    const { data } = publicKeySchema.safeParse(candidate);
    const key = await importSPKI(data?.key ?? "", "ES256").catch(() => undefined);
    if (data !== undefined && key !== undefined) keys.set(data.key_identifier, key);
  }
  if (keys.size === 0) throw new Error("The key set holds no key for signatures");
  return keys;
}
