import { and, desc, eq, inArray, lte, ne, notInArray, or } from "drizzle-orm";
import { onPrimary } from "../db/client.ts";
import { dashboardSessions as sessions } from "../db/tables.ts";

/** Browsers that one person is signed in with at a time. One more ends the oldest session. */
const MAX_SESSIONS = 20;

export type SessionRow = typeof sessions.$inferSelect;

/** The sessions in the database, read from the primary: one that has ended is over at once. All throw DatabaseError. */
export interface SessionStore {
  start(session: Pick<SessionRow, "id" | "issuer" | "subject" | "sealed" | "endsAt">): Promise<void>;
  find(id: string): Promise<SessionRow | null>;
  /** Lets `renewer` alone renew the tokens of `found` until `until`. @returns whether nobody else does, or has done it. */
  lease(found: SessionRow, renewer: string, now: number, until: number): Promise<boolean>;
  /** Ends the lease of `renewer`, with new tokens where there are some. @returns whether the session still goes on. */
  release(id: string, renewer: string, sealed?: string): Promise<boolean>;
  /** @returns the session that was ended. */
  end(id: string): Promise<SessionRow | null>;
  /** Those of the same person, newest first, the session itself among them. */
  ofPerson(session: Pick<SessionRow, "issuer" | "subject">): Promise<SessionRow[]>;
  /** Ends all of the same person but the session itself. @returns those that were ended. */
  endOthers(session: Pick<SessionRow, "id" | "issuer" | "subject">): Promise<SessionRow[]>;
}

export function sessionStore(d1: D1Database): SessionStore {
  return {
    async start(session) {
      const isTheirs = isOf(session);
      await onPrimary(d1, (db) => {
        const newest = db
          .select({ id: sessions.id })
          .from(sessions)
          .where(isTheirs)
          .orderBy(desc(sessions.endsAt))
          .limit(MAX_SESSIONS);
        return db.batch([
          db.insert(sessions).values(session).onConflictDoNothing(),
          db.delete(sessions).where(and(isTheirs, notInArray(sessions.id, newest))),
        ]);
      });
    },

    find: (id) =>
      onPrimary(d1, async (db) => {
        const [row] = await db.select().from(sessions).where(eq(sessions.id, id));
        return row ?? null;
      }),

    lease: ({ id, sealed }, renewer, now, until) =>
      onPrimary(d1, async (db) => {
        const isFree = or(lte(sessions.renewingUntil, now), eq(sessions.renewer, renewer));
        const leased = await db
          .update(sessions)
          .set({ renewer, renewingUntil: until })
          .where(and(eq(sessions.id, id), eq(sessions.sealed, sealed), isFree))
          .returning({ id: sessions.id });
        return leased.length > 0;
      }),

    release: (id, renewer, sealed) =>
      onPrimary(d1, async (db) => {
        const released = await db
          .update(sessions)
          .set({ renewingUntil: 0, ...(sealed !== undefined && { sealed }) })
          .where(and(eq(sessions.id, id), eq(sessions.renewer, renewer)))
          .returning({ id: sessions.id });
        return released.length > 0;
      }),

    end: (id) =>
      onPrimary(d1, async (db) => {
        const [row] = await db.delete(sessions).where(eq(sessions.id, id)).returning();
        return row ?? null;
      }),

    ofPerson: (session) =>
      onPrimary(d1, (db) =>
        db.select().from(sessions).where(isOf(session)).orderBy(desc(sessions.endsAt)).limit(MAX_SESSIONS),
      ),

    endOthers: (session) =>
      onPrimary(d1, (db) =>
        db
          .delete(sessions)
          .where(and(isOf(session), ne(sessions.id, session.id)))
          .returning(),
      ),
  };
}

function isOf({ issuer, subject }: Pick<SessionRow, "issuer" | "subject">) {
  return and(eq(sessions.issuer, issuer), eq(sessions.subject, subject));
}

/** Drops at most `limit` sessions that ended by `now`. @returns how many there were. @throws DatabaseError */
export function dropSessions(d1: D1Database, now: number, limit: number): Promise<number> {
  return onPrimary(d1, async (db) => {
    const ended = db.select({ id: sessions.id }).from(sessions).where(lte(sessions.endsAt, now)).limit(limit);
    const isOld = inArray(sessions.id, ended);
    return (await db.delete(sessions).where(isOld).returning({ id: sessions.id })).length;
  });
}
