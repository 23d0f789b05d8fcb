import type { Actor, AuditEvent } from "../audit/store.ts";
import type { Company } from "../companies/policy.ts";
import type { Databases } from "../db/databases.ts";
import type { Settings } from "../lib/settings.ts";
import { renewedExpiry } from "./expiry.ts";
import type { KeyFormat } from "./format.ts";
import type { IdempotentRequest } from "./idempotency.ts";
import type { KeyCursor, ListKeys } from "./listing.ts";
import type { LocateKeys } from "./locate.ts";
import type { ChangedKey, StoredKey } from "./queries.ts";
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
  rulesOf,
  unrevoked,
} from "./rules.ts";
import type { ApiKey, CreateKey, NewApiKey, RotateKey, UpdateKey } from "./schema.ts";
import type { RuleSettings } from "./settings.ts";
import { isLive, shownKey } from "./shown.ts";
import type { KeyStore } from "./store.ts";

export interface KeyServiceParts {
  databases: Pick<Databases, "of" | "place">;
  store: KeyStore;
  format: KeyFormat;
  locate: LocateKeys;
  rules: Settings<RuleSettings>;
  companyOf: (id: string) => Promise<Company>;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** Called with the digests of keys whose verdict has changed, before the caller gets the answer. */
  onChange: (digests: readonly string[]) => void;
}

/** By what a key is made. */
export interface Making {
  /** Of the company, as `rules` has just told them. */
  rules: CompanyRules;
  /** Where the request may come again. */
  request?: IdempotentRequest | undefined;
}

/** The life of a key. Knows nothing of HTTP, and nothing of how a change reaches the verifiers. */
export class KeyService {
  readonly #parts: KeyServiceParts;

  constructor(parts: KeyServiceParts) {
    this.#parts = parts;
  }

  /** What the company may, now. */
  async rules(companyId: string): Promise<CompanyRules> {
    const { rules, companyOf } = this.#parts;
    return rulesOf(rules(), await companyOf(companyId));
  }

  /**
   * @param input - Of the schema of `rules`, those of the company.
   * @param request - Where it may come again: then it makes one key, however often and however many at once.
   * @throws ApiError `FORBIDDEN` where the company is suspended; `CONFLICT` where it is at its cap; what `again` throws.
   */
  async create(
    companyId: string,
    actor: Actor,
    input: CreateKey,
    { rules, request }: Making,
  ): Promise<NewApiKey> {
    refuseSuspended(rules);
    const { databases, store, format } = this.#parts;
    const { name } = await databases.place(companyId);
    const { rawKey, ...parts } = await format.create(name);
    const event = this.#event("create", actor);
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
        createdByIssuer: actor?.issuer ?? null,
        createdBySubject: actor?.subject ?? null,
        lastUsedAt: null,
        replacesId: null,
      },
      event,
      capsOf(rules),
      await request?.seal({ ...parts, id, rawKey }, event.at),
    );
    if (typeof row !== "string") return { ...this.#apiKey(row), rawKey };
    const again = request && (await this.again(request));
    if (again) return again;
    throw atCap(row, rules);
  }

  /**
   * The key that the same request made before, as it is now, with the raw key; `null`: none, within the last 24 hours.
   *
   * @throws ApiError `VALIDATION_ERROR` where it had another body; `CONFLICT` where the raw key can no longer be read.
   */
  async again(request: IdempotentRequest): Promise<NewApiKey | null> {
    const { store, now } = this.#parts;
    const made = await store.recall(request.companyId, request.id, now());
    if (made === null) return null;
    const { answer, key } = made;
    if (answer.fingerprint !== request.fingerprint) throw otherBody();
    const rawKey = await request.open(answer, key.generation);
    if (rawKey === null) throw noLongerShown(key);
    return { ...this.#apiKey(key), rawKey };
  }

  /**
   * A new key of the same label and scopes, which lives as long as the old one was made to live unless `expiresAt`
   * says otherwise. The old one ends after the overlap, or when it would have ended anyway. `request` is as in `create`.
   *
   * @throws ApiError `NOT_FOUND`; `FORBIDDEN` where the company is suspended; `CONFLICT` where the key is dead, suspended
   *   or was rotated already, or where the company is at its cap; `VALIDATION_ERROR` where such a key could not be
   *   created today; what `again` throws.
   */
  async rotate(
    companyId: string,
    id: string,
    actor: Actor,
    { overlapSeconds, expiresAt, rules, request }: RotateKey & Making,
  ): Promise<NewApiKey> {
    const { databases, store, format, now, onChange } = this.#parts;
    const predecessor = found(await store.find(companyId, id));
    refuseSuspended(rules);
    const end = expiresAt === undefined ? renewedExpiry(predecessor, now()) : expiresAt;
    if (isLive(predecessor, now())) checkSuccessor(predecessor, end, rules, now());
    const { name } = await databases.of(companyId);
    const { rawKey, ...parts } = await format.create(name);
    const successorId = crypto.randomUUID();
    const created = this.#event("create", actor, { replaces: id });
    const rotation = await store.rotate(companyId, id, {
      ...parts,
      id: successorId,
      expiresAt: end,
      endsAt: created.at + overlapSeconds * 1000,
      rotated: this.#event("rotate", actor, { replacedBy: successorId }),
      created,
      caps: capsOf(rules),
      answer: await request?.seal({ ...parts, id: successorId, rawKey }, created.at),
    });
    const old = found(rotation.old);
    if (rotation.successor?.id === successorId) {
      onChange([old.digest]);
      return { ...this.#apiKey(rotation.successor), rawKey };
    }
    const again = request && (await this.again(request));
    if (again) return again;
    throw notRotated(old, rotation, rules, now());
  }

  /** Newest first. `next` is where the next page starts, if there is one. */
  async list(companyId: string, filter: ListKeys): Promise<{ keys: ApiKey[]; next: KeyCursor | null }> {
    const { limit } = filter;
    const { store, format, now } = this.#parts;
    const rows = await store.list(companyId, { ...filter, limit: limit + 1 }, now(), format.generations);
    const page = rows.slice(0, limit);
    const last = page.at(-1);
    const next = rows.length > page.length && last ? { createdAt: last.createdAt, id: last.id } : null;
    return { keys: page.map((row) => this.#apiKey(row)), next };
  }

  /** @throws ApiError `NOT_FOUND`. */
  async get(companyId: string, id: string): Promise<ApiKey> {
    return this.#apiKey(found(await this.#parts.store.find(companyId, id)));
  }

  /** Which of the company's keys `rawKey` is, also a dead one; `null`: none. */
  async identify(companyId: string, rawKey: string): Promise<ApiKey | null> {
    const { store, locate } = this.#parts;
    const [place = null] = await locate([rawKey]);
    const row = place && (await store.findByDigest(companyId, place.digest));
    return row && this.#apiKey(row);
  }

  /** @throws ApiError `NOT_FOUND`; `CONFLICT` where the key is revoked. */
  async update(
    companyId: string,
    id: string,
    actor: Actor,
    { label, metadata, allowedIps }: UpdateKey,
  ): Promise<ApiKey> {
    if (label === undefined && metadata === undefined && allowedIps === undefined)
      return this.get(companyId, id);
    const renamed = this.#event("rename", actor);
    const updated = this.#event("update", actor, {
      ...(allowedIps !== undefined && { allowedIps: allowedIps?.join(" ") ?? "anywhere" }),
      ...(metadata !== undefined && { metadata: JSON.stringify(metadata) }),
    });
    const change = { label, metadata, allowedIps, renamed, updated };
    return this.#changed(await this.#parts.store.update(companyId, id, change));
  }

  /** Does nothing to a key that is revoked already. @throws ApiError `NOT_FOUND`. */
  async revoke(companyId: string, id: string, actor: Actor): Promise<void> {
    const { digest } = found(await this.#parts.store.revoke(companyId, id, this.#event("revoke", actor)));
    this.#parts.onChange([digest]);
  }

  /**
   * Refuses the key until it is resumed. Once more changes nothing.
   *
   * @throws ApiError `NOT_FOUND`; `CONFLICT` where the key is revoked.
   */
  async suspend(companyId: string, id: string, actor: Actor): Promise<ApiKey> {
    return this.#changed(await this.#parts.store.suspend(companyId, id, this.#event("suspend", actor)));
  }

  /** Turns a suspension back. @throws ApiError as `suspend` does. */
  async resume(companyId: string, id: string, actor: Actor): Promise<ApiKey> {
    return this.#changed(await this.#parts.store.resume(companyId, id, this.#event("resume", actor)));
  }

  /** The holder of a key revokes it, whatever else it may do. `false`: there is no such key. */
  async revokePresented(rawKey: string): Promise<boolean> {
    const { store, locate, onChange } = this.#parts;
    const [place = null] = await locate([rawKey]);
    if (place === null) return false;
    const { database, digest } = place;
    if (!(await store.revokeByDigest(database, digest, this.#event("revoke", null)))) return false;
    onChange([digest]);
    return true;
  }

  #changed(row: ChangedKey | null): ApiKey {
    const key = unrevoked(found(row));
    this.#parts.onChange([key.digest]);
    return this.#apiKey(key);
  }

  #event(action: AuditEvent["action"], actor: Actor, detail?: Record<string, string>): AuditEvent {
    return { id: crypto.randomUUID(), action, actor, at: this.#parts.now(), ...(detail && { detail }) };
  }

  #apiKey(row: StoredKey): ApiKey {
    const { format, now } = this.#parts;
    return shownKey(row, format.generations, now());
  }
}
