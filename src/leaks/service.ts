import { type Actor, type AuditEvent, newEvent } from "../audit/event.ts";
import type { Databases } from "../db/databases.ts";
import type { KeyFormat } from "../keys/format.ts";
import type { LocateKeys } from "../keys/locate.ts";
import { revokeKeys } from "../keys/revocation.ts";
import { type Feedback, matchSchema } from "./schema.ts";

export interface LeakServiceParts {
  databases: Pick<Databases, "all">;
  format: Pick<KeyFormat, "form">;
  locate: LocateKeys;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** Called with the digests of the keys that were revoked, before the reporter gets the answer. */
  onChange: (digests: readonly string[]) => void;
}

/** Of what a reporter says of a match the audit log keeps so many characters. */
const MAX_URL_LENGTH = 2_000;
const MAX_SOURCE_LENGTH = 100;

/**
 * Revokes the keys that a report holds: a key found in public is nobody's secret any more. What is no
 * key by its tag does not reach the database.
 *
 * @param actor - Who reports.
 * @param report - Each entry counts by itself: an odd one keeps no key of another alive.
 * @returns One answer for each entry that has a token, in their order.
 * @throws DatabaseError
 */
export async function handleReport(
  { databases, format, locate, now, onChange }: LeakServiceParts,
  actor: Actor,
  report: readonly unknown[],
): Promise<Feedback[]> {
  const at = now();
  const matches = report.flatMap((entry) => matchSchema.safeParse(entry).data ?? []);
  if (matches.length < report.length)
    console.warn(
      JSON.stringify({ event: "leak_report_odd_entries", entries: report.length - matches.length }),
    );
  const places = await locate(matches.map(({ token }) => token));
  /** By database, as each is a transaction by itself. */
  const reported = new Map(
    databases.all.map(({ name, d1 }) => [name, { d1, events: new Map<string, AuditEvent>() }]),
  );
  for (const [i, match] of matches.entries()) {
    const place = places[i];
    const events = place ? reported.get(place.database)?.events : undefined;
    if (!place || !events || events.has(place.digest)) continue;
    // By its form a key that was made elsewhere is not found in another text.
    const masked = (text: string) => format.form.masked(text).replaceAll(match.token, "***");
    const source = masked(match.source).slice(0, MAX_SOURCE_LENGTH);
    const url = masked(match.url).slice(0, MAX_URL_LENGTH);
    const detail = { reason: "leaked", ...(source && { source }), url };
    events.set(place.digest, newEvent("revoke", actor, at, detail));
  }
  const known = new Set<string>();
  const revocations = [...reported.values()].map(async ({ d1, events }) => {
    const revoked = await revokeKeys(d1, events, at);
    onChange([...revoked]);
    for (const digest of revoked) known.add(digest);
  });
  // A database that fails keeps no key of another alive.
  await Promise.allSettled(revocations);
  await Promise.all(revocations);
  return Promise.all(
    matches.map(async ({ token, type }, i) => ({
      token_hash: await sha256(token),
      token_type: format.form.masked(type),
      label: known.has(places[i]?.digest ?? "") ? "true_positive" : "false_positive",
    })),
  );
}

async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return new Uint8Array(digest).toBase64();
}
