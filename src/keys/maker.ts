import { type Actor, newEvent } from "../audit/event.ts";
import type { Databases } from "../db/databases.ts";
import { renewedExpiry } from "./expiry.ts";
import type { KeyFormat } from "./format.ts";
import type { IdempotentRequest } from "./idempotency.ts";
import {
  atCap,
  type CompanyRules,
  capsOf,
  checkSuccessor,
  found,
  noLongerShown,
  notRotated,
  otherBody,
  refuseSuspended,
} from "./rules.ts";
import type { CreateKey, NewApiKey, RotateKey } from "./schema.ts";
import { isLive, shownKey } from "./shown.ts";
import type { KeyStore } from "./store.ts";

export interface KeyMakerParts {
  databases: Pick<Databases, "of" | "place">;
  store: Pick<KeyStore, "find" | "insert" | "recall" | "rotate">;
  format: Pick<KeyFormat, "create" | "generations">;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** Called with the digests of keys whose verdict has changed, before the caller gets the answer. */
  onChange: (digests: readonly string[]) => void;
}

/** Who makes a key. */
type Maker = NonNullable<Actor>;

/** By what a key is made. */
export interface Making {
  /** Of the company, as the service has just told them. */
  rules: CompanyRules;
  /** Where the request may come again: then it makes one key, however often and however many at once. */
  request?: IdempotentRequest | undefined;
}

export interface KeyMaker {
  /**
   * @param input - Of the schema of the company's rules.
   * @throws ApiError `FORBIDDEN` where the company is suspended; `CONFLICT` where it is at its cap; what `again` throws.
   */
  create(companyId: string, actor: Maker, input: CreateKey, making: Making): Promise<NewApiKey>;
  /**
   * A new key of the same label and scopes, which lives as long as the old one was made to live unless `expiresAt`
   * says otherwise. The old one ends after the overlap, or when it would have ended anyway.
   *
   * @throws ApiError `NOT_FOUND`; `FORBIDDEN` where the company is suspended; `CONFLICT` where the key is dead, suspended
   *   or was rotated already, or where the company is at its cap; `VALIDATION_ERROR` where such a key could not be
   *   created today; what `again` throws.
   */
  rotate(companyId: string, id: string, actor: Maker, rotation: RotateKey & Making): Promise<NewApiKey>;
  /**
   * The key that the same request made before, as it is now, with the raw key; `null`: none, within the last 24 hours.
   *
   * @throws ApiError `VALIDATION_ERROR` where it had another body; `CONFLICT` where the raw key can no longer be read.
   */
  again(request: IdempotentRequest): Promise<NewApiKey | null>;
}

/** Makes keys: new ones, and successors of others. */
export function keyMaker({ databases, store, format, now, onChange }: KeyMakerParts): KeyMaker {
  async function again(request: IdempotentRequest): Promise<NewApiKey | null> {
    const made = await store.recall(request.companyId, request.id, now());
    if (made === null) return null;
    const { answer, key } = made;
    if (answer.fingerprint !== request.fingerprint) throw otherBody();
    const rawKey = await request.open(answer, key.generation);
    if (rawKey === null) throw noLongerShown(key);
    return { ...shownKey(key, format.generations, now()), rawKey };
  }

  return {
    again,

    async create(companyId, actor, input, { rules, request }) {
      refuseSuspended(rules);
      const { name } = await databases.place(companyId);
      const { rawKey, ...parts } = await format.create(name);
      const event = newEvent("create", actor, now());
      const id = crypto.randomUUID();
      const row = await store.insert(
        {
          ...input,
          id,
          companyId,
          ...parts,
          createdAt: event.at,
          revokedAt: null,
          suspendedAt: null,
          createdByIssuer: actor.issuer,
          createdBySubject: actor.subject,
          lastUsedAt: null,
          replacesId: null,
        },
        event,
        capsOf(rules),
        await request?.seal({ ...parts, id, rawKey }, event.at),
      );
      if (typeof row !== "string") return { ...shownKey(row, format.generations, now()), rawKey };
      const before = request && (await again(request));
      if (before) return before;
      throw atCap(row, rules);
    },

    async rotate(companyId, id, actor, { overlapSeconds, expiresAt, rules, request }) {
      const predecessor = found(await store.find(companyId, id));
      refuseSuspended(rules);
      const end = expiresAt === undefined ? renewedExpiry(predecessor, now()) : expiresAt;
      if (isLive(predecessor, now())) checkSuccessor(predecessor, end, rules, now());
      const { name } = await databases.of(companyId);
      const { rawKey, ...parts } = await format.create(name);
      const successorId = crypto.randomUUID();
      const created = newEvent("create", actor, now(), { replaces: id });
      const rotation = await store.rotate(companyId, id, {
        ...parts,
        id: successorId,
        expiresAt: end,
        createdByIssuer: actor.issuer,
        createdBySubject: actor.subject,
        endsAt: created.at + overlapSeconds * 1000,
        rotated: newEvent("rotate", actor, now(), { replacedBy: successorId }),
        created,
        caps: capsOf(rules),
        answer: await request?.seal({ ...parts, id: successorId, rawKey }, created.at),
      });
      const old = found(rotation.old);
      if (rotation.successor?.id === successorId) {
        onChange([old.digest]);
        return { ...shownKey(rotation.successor, format.generations, now()), rawKey };
      }
      const before = request && (await again(request));
      if (before) return before;
      throw notRotated(old, rotation, rules, now());
    },
  };
}
