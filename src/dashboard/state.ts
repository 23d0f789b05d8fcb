import type { ShownEvent } from "../audit/schema.ts";
import { SOON_MS } from "../keys/expiry.ts";
import type { ApiKey } from "../keys/schema.ts";

export type KeyState =
  | "active"
  | "expiring"
  | "overlap"
  | "suspended"
  | "unverifiable"
  | "replaced"
  | "expired"
  | "revoked";

/** What the key itself does not tell: who made it, and which key a rotation put in its place. */
export interface Origin {
  /** Subject of the access token. */
  createdBy: string | null;
  /** Id of the successor. */
  replacedBy: string | null;
}

/** That of each key, from the events of creations and rotations. */
export function originsFrom(events: readonly ShownEvent[]): (keyId: string) => Origin {
  const [createdBy, replacedBy] = [new Map<string | null, string>(), new Map<string | null, string>()];
  for (const { keyId, action, actor, detail } of events) {
    if (action === "create" && actor !== null) createdBy.set(keyId, actor.subject);
    if (detail?.replacedBy !== undefined) replacedBy.set(keyId, detail.replacedBy);
  }
  return (keyId) => ({
    createdBy: createdBy.get(keyId) ?? null,
    replacedBy: replacedBy.get(keyId) ?? null,
  });
}

/** @param now - Milliseconds since the epoch. */
export function stateOf(key: ApiKey, replacedBy: string | null, now: number): KeyState {
  if (key.revokedAt !== null) return "revoked";
  const left = key.expiresAt === null ? Number.POSITIVE_INFINITY : Date.parse(key.expiresAt) - now;
  if (left <= 0) return replacedBy === null ? "expired" : "replaced";
  if (key.suspendedAt !== null) return "suspended";
  // What else keeps a key from being good is that its pepper is gone.
  if (!key.active) return "unverifiable";
  if (replacedBy !== null) return "overlap";
  return left < SOON_MS ? "expiring" : "active";
}
