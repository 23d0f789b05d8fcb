import { originsOf } from "../audit/log.ts";
import type { ApiKey } from "../keys/schema.ts";
import { recentUse } from "../usage/recent.ts";
import type { ListedKey } from "./pages/keys.tsx";
import { originsFrom, stateOf } from "./state.ts";

/**
 * Keys of one company as a list shows them.
 *
 * @param now - Milliseconds since the epoch.
 * @throws DatabaseError
 */
export async function listedKeys(
  d1: D1Database,
  companyId: string,
  keys: readonly ApiKey[],
  now: number,
): Promise<ListedKey[]> {
  const ids = keys.map(({ id }) => id);
  const [events, used] = await Promise.all([
    originsOf(d1, companyId, ids),
    recentUse(d1, companyId, ids, now),
  ]);
  const originOf = originsFrom(events);
  return keys.map((key) => {
    const { createdBy, replacedBy } = originOf(key.id);
    return { key, createdBy, state: stateOf(key, replacedBy, now), days: used.get(key.id) ?? [] };
  });
}
