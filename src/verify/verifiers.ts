import type { NamedDatabase } from "../db/databases.ts";
import type { KeyFormat } from "../keys/format.ts";
import type { Verifier } from "./verifier.ts";

/** What is told whether keys are good, whichever database they are in. */
export type Verifiers = Pick<Verifier, "verify" | "forget">;

/**
 * Lets each key be judged by what is known of its own database, so that what becomes of one touches no key of another.
 * With one database that is its verifier itself.
 *
 * @param databases - Not empty.
 * @param make - The verifier of a database: called when the first key that names it is presented.
 */
export function verifiersOf(
  databases: readonly [NamedDatabase, ...NamedDatabase[]],
  { database: nameIn }: Pick<KeyFormat, "database">,
  make: (database: NamedDatabase) => Verifier,
): Verifiers {
  const [first] = databases;
  if (databases.length === 1) return make(first);
  const byName = new Map(databases.map((database) => [database.name, database]));
  const made = new Map<string, Verifier>();

  function verifierOf(rawKey: string): Verifier {
    const held = made.get(nameIn(rawKey));
    if (held !== undefined) return held;
    // What is no key is refused by whichever is asked.
    const database = byName.get(nameIn(rawKey)) ?? first;
    const verifier = made.get(database.name) ?? make(database);
    made.set(database.name, verifier);
    return verifier;
  }

  return {
    verify: (rawKey, options, asker) => verifierOf(rawKey).verify(rawKey, options, asker),
    forget(digests) {
      for (const verifier of made.values()) verifier.forget(digests);
    },
  };
}
