import type { auditEvents } from "../db/tables.ts";

/**
 * Who acts: the access token's issuer and subject, or the URL of a reporter's keys and the identifier of
 * the one that signed; `null`: the holder of the key itself. Of whoever runs the service, companies see no name.
 */
export type Actor = { issuer: string; subject: string; isOperator?: boolean } | null;

/** In place of a key's id: the event is of the company itself. */
export const NO_KEY_ID = "";

export interface AuditEvent {
  id: string;
  action: (typeof auditEvents.$inferSelect)["action"];
  actor: Actor;
  /** What the action alone does not tell. */
  detail?: Record<string, string>;
  /** Milliseconds since the epoch. */
  at: number;
}

/** An event of now. @param at - Milliseconds since the epoch. */
export function newEvent(
  action: AuditEvent["action"],
  actor: Actor,
  at: number,
  detail?: Record<string, string>,
): AuditEvent {
  return { id: crypto.randomUUID(), action, actor, at, ...(detail && { detail }) };
}
