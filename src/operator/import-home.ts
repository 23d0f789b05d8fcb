import { type Actor, newEvent } from "../audit/event.ts";
import { findCompanies } from "../companies/store.ts";
import type { Databases, NamedDatabase } from "../db/databases.ts";
import { expiryFault } from "../keys/expiry.ts";
import type { ForeignDigests } from "../keys/foreign.ts";
import type { KeyFormat } from "../keys/format.ts";
import { fullCompanies, type ImportedKey, importKeys, knownDigests, PIECE_KEYS } from "../keys/import.ts";
import { addPlaces, dropPlaces, findPlaces } from "../keys/places.ts";
import { revokeKeys } from "../keys/revocation.ts";
import { atCap, type CompanyRules, capsOf, rulesOf } from "../keys/rules.ts";
import type { RuleSettings } from "../keys/settings.ts";
import type { Settings } from "../lib/settings.ts";
import type { Import, KeyToImport } from "./import-schema.ts";

export interface HomeParts {
  databases: Pick<Databases, "first" | "named" | "placeAll">;
  format: Pick<KeyFormat, "form" | "isForeign" | "generations">;
  foreign: {
    /** `null`: no keys but our own are looked for. */
    pattern: Settings<RegExp | null>;
    digestsOf: ForeignDigests;
    /** Called once keys were imported. */
    onImport: () => void;
  };
  rules: Settings<RuleSettings>;
  /** Milliseconds since the epoch. */
  now: () => number;
}

/** A well-formed entry of an import. */
export interface Entry {
  key: KeyToImport;
  /** Under each pepper, that of new keys first. */
  digests: [string, ...string[]];
}

/** What became of one. */
export type Outcome = Omit<Import["keys"][number], "index">;

export function refused(error: "VALIDATION_ERROR" | "CONFLICT", message: string): Outcome {
  return { status: "refused", id: null, error, message };
}

export const OF_ANOTHER = refused("CONFLICT", "The key is another company's already");

/**
 * Imports the keys of companies that live in one database, no key twice.
 *
 * @throws DatabaseError
 */
export async function importInto(
  parts: HomeParts,
  home: NamedDatabase,
  operator: Actor,
  entries: readonly Entry[],
): Promise<Map<Entry, Outcome>> {
  const companies = await findCompanies(home.d1, [...new Set(entries.map(({ key }) => key.companyId))]);
  const rules = new Map(companies.map((company) => [company.id, rulesOf(parts.rules(), company)]));
  const elsewhere = await placedElsewhere(parts, home, entries);
  const outcomes = new Map<Entry, Outcome>();
  const toStore = new Map<Entry, CompanyRules>();
  for (const entry of entries) {
    const { companyId } = entry.key;
    const own = rules.get(companyId);
    if (own === undefined) throw new TypeError("importInto: no company");
    const fault = ruleFault(entry.key, own, parts.now());
    if (fault !== null) outcomes.set(entry, refused("VALIDATION_ERROR", fault));
    else if (entry.digests.some((digest) => elsewhere.has(digest))) outcomes.set(entry, OF_ANOTHER);
    else toStore.set(entry, own);
  }
  const all = [...toStore];
  for (let i = 0; i < all.length; i += PIECE_KEYS) {
    const piece = new Map(all.slice(i, i + PIECE_KEYS));
    for (const [entry, outcome] of await importPiece(parts, home, operator, piece))
      outcomes.set(entry, outcome);
  }
  return outcomes;
}

/** What the company may not have, or `null`. One that is suspended may move in: its keys are refused until it is resumed. */
function ruleFault(
  { scopes, expiresAt }: KeyToImport,
  { SCOPES, MAX_KEY_LIFETIME_DAYS }: CompanyRules,
  now: number,
): string | null {
  if (scopes.some((scope) => !SCOPES.has(scope)))
    return "scopes: must be scopes of the catalogue, as far as the company may have them";
  const fault = expiryFault(expiresAt, MAX_KEY_LIFETIME_DAYS, now);
  return fault === null ? null : `expiresAt: ${fault}`;
}

/** Digests of keys that are in another database, and so another company's. */
async function placedElsewhere(
  { databases: { first, named } }: HomeParts,
  home: NamedDatabase,
  entries: readonly Entry[],
): Promise<ReadonlySet<string>> {
  const digests = entries.flatMap((entry) => entry.digests);
  const places = await findPlaces(first, digests);
  const elsewhere = new Set(
    places.filter(({ database }) => database !== home.name).map(({ digest }) => digest),
  );
  // A key may have been dropped, and its place not yet, or by hand: then it is nowhere.
  const gone = new Set(elsewhere);
  for (const database of new Set(places.map((place) => place.database))) {
    const d1 = database === home.name ? undefined : named(database);
    if (d1 === undefined) continue;
    for (const digest of await knownDigests(d1, [...elsewhere])) gone.delete(digest);
  }
  if (gone.size > 0) await dropPlaces(first, [...gone]);
  return elsewhere.difference(gone);
}

async function importPiece(
  { databases: { first }, format, now }: HomeParts,
  { name: database, d1 }: NamedDatabase,
  operator: Actor,
  piece: ReadonlyMap<Entry, CompanyRules>,
): Promise<Map<Entry, Outcome>> {
  const at = now();
  const generation = format.generations.at(-1) ?? null;
  const caps = new Map([...piece].map(([{ key }, own]) => [key.companyId, capsOf(own)]));
  const ids = new Map([...piece.keys()].map((entry) => [entry, crypto.randomUUID()]));
  const keys = [...ids].map(([{ key, digests }, id]): ImportedKey => {
    const { key: _, sha256: __, createdAt = at, ...stored } = key;
    return {
      ...stored,
      id,
      createdAt,
      generation,
      digests,
      event: newEvent("create", operator, at, { reason: "imported" }),
    };
  });
  const found = new Map((await importKeys(d1, keys, caps, at)).map((key) => [key.digest, key]));
  const places = await addPlaces(
    first,
    [...found.keys()].map((digest) => ({ digest, database })),
  );
  // Another company's, which at the same time imported the same key into another database.
  const lost = new Set(places.filter((place) => place.database !== database).map(({ digest }) => digest));
  await revokeKeys(
    d1,
    new Map(
      [...lost].map((digest) => [digest, newEvent("revoke", operator, at, { reason: "imported elsewhere" })]),
    ),
    at,
  );
  const isAllThere = keys.every(({ digests }) => digests.some((digest) => found.has(digest)));
  const full = isAllThere ? new Map() : await fullCompanies(d1, caps, at);

  return new Map(
    [...piece].map(([entry, own]) => {
      const { companyId } = entry.key;
      const key = entry.digests.map((digest) => found.get(digest)).find((one) => one !== undefined);
      if (key === undefined) {
        return [entry, refused("CONFLICT", atCap(full.get(companyId) ?? "live", own).message)];
      }
      if (key.companyId !== companyId || lost.has(key.digest)) return [entry, OF_ANOTHER];
      const status = key.id === ids.get(entry) ? "created" : "exists";
      return [entry, { status, id: key.id, error: null, message: null }];
    }),
  );
}
