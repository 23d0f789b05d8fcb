import * as z from "zod";
import { version } from "../client/package.json";
import type { Databases } from "../db/databases.ts";
import { timestamp } from "../lib/time.ts";
import { MAX_COUNTED, stateOf } from "./state.ts";

export interface StatusParts {
  databases: Pick<Databases, "all">;
  /** Those whose keys can be checked, the one of new keys last. */
  generations: readonly string[];
  /** Of the companies' access tokens, and of the operator's. */
  issuers: { companies: string; operator: string };
  /** Whether there are keys to check access tokens with. */
  areKeysHeld: () => boolean;
  /** Up to when this isolate knows all changes of a database, in milliseconds since the epoch. `-Infinity`: of none. */
  syncedAt: (database: string) => number;
  /** Milliseconds since the epoch. */
  now: () => number;
}

const time = z.iso.datetime().nullable();
const many = z.int().min(0);

/** How the service is doing. */
export const statusSchema = z
  .object({
    version: z.string().meta({ description: "Of Latchkey." }),
    databases: z.array(
      z.object({
        id: z.string().meta({ description: "As keys name it." }),
        sizeBytes: many,
        companies: many,
        keys: many.meta({ description: "That are not revoked, expired ones among them." }),
        migration: z.string().nullable().meta({ description: "The last one that wrangler applied." }),
        newestChangeAt: time.meta({ description: "Of what a verdict depends on." }),
        changesKnownAt: time.meta({
          description:
            "This isolate knows of all changes before. null: it has not yet been asked about a key of this database.",
        }),
        waitingUses: many.meta({
          description: "Sums of uses that are still to be added to the keys' counts.",
        }),
        waitingUsesSince: time,
        untoldEvents: many.meta({ description: "Events that are still to be handed to the queue." }),
        retentionAt: time.meta({ description: "When what is old was last dropped. null: never." }),
      }),
    ),
    generations: z
      .array(
        z.object({
          generation: z.string(),
          liveKeys: many.meta({ description: `At most ${MAX_COUNTED} of each database are counted.` }),
          isKnown: z.boolean().meta({
            description: "Whether the settings have its secret: without it these keys cannot be checked.",
          }),
          isNewest: z.boolean().meta({ description: "Whether new keys are made with it." }),
        }),
      )
      .meta({ description: "Those of the settings, and others that live keys were made with." }),
    issuers: z.object({
      companies: z.string(),
      operator: z.string(),
      areKeysHeld: z.boolean().meta({
        description: "Whether this isolate holds signing keys of the companies' issuer.",
      }),
    }),
  })
  .meta({ description: "How the service is doing. Times are RFC 3339, in UTC." });

export type Status = z.output<typeof statusSchema>;

/** @throws DatabaseError */
export async function statusOf({
  databases,
  generations,
  issuers,
  areKeysHeld,
  syncedAt,
  now,
}: StatusParts): Promise<Status> {
  const states = await Promise.all(
    databases.all.map(async ({ name, d1 }) => ({ id: name, ...(await stateOf(d1, now())) })),
  );
  const all = new Set([...generations, ...states.flatMap(({ liveKeys }) => [...liveKeys.keys()])]);
  return {
    version,
    databases: states.map((state) => ({
      id: state.id,
      sizeBytes: state.sizeBytes,
      companies: state.companies,
      keys: state.keys,
      migration: state.migration,
      newestChangeAt: timestamp(state.newestChangeAt),
      changesKnownAt: timestamp(momentOf(syncedAt(state.id))),
      waitingUses: state.usage.waiting,
      waitingUsesSince: timestamp(state.usage.since),
      untoldEvents: state.untoldEvents,
      retentionAt: timestamp(state.retentionAt),
    })),
    generations: [...all].map((generation) => ({
      generation,
      liveKeys: states.reduce((sum, { liveKeys }) => sum + (liveKeys.get(generation) ?? 0), 0),
      isKnown: generations.includes(generation),
      isNewest: generation === generations.at(-1),
    })),
    issuers: { ...issuers, areKeysHeld: areKeysHeld() },
  };
}

function momentOf(at: number): number | null {
  return Number.isFinite(at) ? at : null;
}
