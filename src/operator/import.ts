import type { Actor } from "../audit/event.ts";
import { ApiError } from "../http/errors.ts";
import { brokenFields } from "../http/validation.ts";
import { sha256 } from "../keys/foreign.ts";
import { type Entry, type HomeParts, importInto, OF_ANOTHER, type Outcome, refused } from "./import-home.ts";
import { type Import, importedKeySchema } from "./import-schema.ts";

/**
 * Lets keys move in that were made elsewhere: each goes on working as it is. Whatever ends it before its end, to do it again
 * goes on from there: a key that there is stays as it is.
 *
 * @throws ApiError `CONFLICT` where no such keys are looked for; DatabaseError.
 */
export async function importAll(
  parts: HomeParts,
  operator: Actor,
  entries: readonly unknown[],
): Promise<Import> {
  const { databases, foreign } = parts;
  if (foreign.pattern() === null)
    throw new ApiError("CONFLICT", { message: "IMPORTED_KEY_PATTERN is empty: no such keys are looked for" });
  const read = await readEntries(parts, entries);
  const byKey = new Map<string, Entry>();
  for (const entry of read) {
    if ("key" in entry && !byKey.has(entry.digests[0])) byKey.set(entry.digests[0], entry);
  }
  const outcomes = new Map<Entry, Outcome>();
  const homes = await databases.placeAll([...new Set([...byKey.values()].map(({ key }) => key.companyId))]);
  for (const home of new Set(homes.values())) {
    const own = [...byKey.values()].filter(({ key }) => homes.get(key.companyId) === home);
    for (const [entry, outcome] of await importInto(parts, home, operator, own)) outcomes.set(entry, outcome);
  }
  foreign.onImport();

  function outcomeOf(entry: Entry | Outcome): Outcome {
    if (!("key" in entry)) return entry;
    const earlier = byKey.get(entry.digests[0]) ?? entry;
    const outcome = outcomes.get(earlier) ?? OF_ANOTHER;
    if (earlier === entry || outcome.id === null) return outcome;
    return earlier.key.companyId === entry.key.companyId ? { ...outcome, status: "exists" } : OF_ANOTHER;
  }
  return { keys: read.map((entry, index) => ({ index, ...outcomeOf(entry) })) };
}

/** Each entry, or why it is none. */
function readEntries(
  { format, foreign, now }: HomeParts,
  entries: readonly unknown[],
): Promise<(Entry | Outcome)[]> {
  const schema = importedKeySchema({ ...format, now });
  return Promise.all(
    entries.map(async (entry) => {
      const { success, data: key, error } = schema.safeParse(entry);
      if (!success) {
        const faults = brokenFields(error).map(({ field, message }) => `${field}: ${message}`);
        return refused("VALIDATION_ERROR", faults.join("; "));
      }
      const hash = key.sha256 ?? (await sha256(key.key ?? ""));
      return { key, digests: await foreign.digestsOf(hash) };
    }),
  );
}
