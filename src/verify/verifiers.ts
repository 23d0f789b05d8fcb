import type { NamedDatabase } from "../db/databases.ts";
import type { KeyFormat } from "../keys/format.ts";
import type { Verifier, VerifierOf } from "./verifier.ts";

/** What is told whether keys are good, whichever database they are in. */
export interface Verifiers extends Pick<Verifier, "verify" | "forget"> {
  /** What `Verifier` says of the one of this database. */
  syncedAt(database: string): number;
}

/**
 * Lets each key be judged by what is known of its own database, so that what becomes of one touches no key of another.
 * With one database that is its verifier itself.
 *
 * @param databases - Not empty.
 * @param make - The verifier of a database: called when the first key of it is presented, with what finds the others.
 */
export function verifiersOf(
  databases: readonly [NamedDatabase, ...NamedDatabase[]],
  { database: nameIn }: Pick<KeyFormat, "database">,
  make: (database: NamedDatabase, verifierOf: VerifierOf) => Verifier,
): Verifiers {
  const [first] = databases;
  if (databases.length === 1) {
    const only = make(first, (name) => (name === first.name ? only : undefined));
    return only;
  }
  const byName = new Map(databases.map((database) => [database.name, database]));
  const made = new Map<string, Verifier>();

  function verifierIn(database: NamedDatabase): Verifier {
    const verifier = made.get(database.name) ?? make(database, verifierOf);
    made.set(database.name, verifier);
    return verifier;
  }

  function verifierOf(name: string): Verifier | undefined {
    const database = byName.get(name);
    return database && verifierIn(database);
  }

  /** What is no key is refused by whichever is asked. */
  const verifierFor = (name: string) => made.get(name) ?? verifierIn(byName.get(name) ?? first);

  return {
    verify: (rawKey, options, asker) => verifierFor(nameIn(rawKey)).verify(rawKey, options, asker),
    forget(digests) {
      for (const verifier of made.values()) verifier.forget(digests);
    },
    syncedAt: (database) => made.get(database)?.syncedAt() ?? Number.NEGATIVE_INFINITY,
  };
}
