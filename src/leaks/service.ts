import type { Actor, AuditEvent } from "../audit/store.ts";
import type { KeyFormat } from "../keys/format.ts";
import type { Feedback, Report } from "./schema.ts";
import { revokeAll } from "./store.ts";

export interface LeakServiceParts {
  d1: D1Database;
  format: KeyFormat;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** Called with the digests of the keys that were revoked, before the reporter gets the answer. */
  onChange: (digests: readonly string[]) => void;
}

/**
 * Revokes the keys that a report holds: a key found in public is nobody's secret any more. What is no
 * key by its tag does not reach the database.
 *
 * @param actor - Who reports.
 * @returns One answer for each match, in their order.
 * @throws DatabaseError
 */
export async function handleReport(
  { d1, format, now, onChange }: LeakServiceParts,
  actor: Actor,
  report: Report,
): Promise<Feedback[]> {
  const at = now();
  const digests = await Promise.all(report.map(({ token }) => format.digest(token)));
  const events = new Map<string, AuditEvent>();
  for (const [i, { token, url, source }] of report.entries()) {
    const digest = digests[i];
    if (!digest || events.has(digest)) continue;
    const detail = { reason: "leaked", ...(source && { source }), url: url.replaceAll(token, "***") };
    events.set(digest, { id: crypto.randomUUID(), action: "revoke", actor, detail, at });
  }
  const known = events.size === 0 ? new Set<string>() : await revokeAll(d1, events, at);
  onChange([...known]);
  return Promise.all(
    report.map(async ({ token, type }, i) => ({
      token_hash: await sha256(token),
      token_type: type,
      label: known.has(digests[i] ?? "") ? "true_positive" : "false_positive",
    })),
  );
}

async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return new Uint8Array(digest).toBase64();
}
