import { type Actor, type AuditEvent, newEvent } from "../audit/event.ts";
import type { Company } from "../companies/policy.ts";
import { pageOf } from "../lib/page.ts";
import type { Settings } from "../lib/settings.ts";
import type { KeyFormat } from "./format.ts";
import type { KeyCursor, ListKeys } from "./listing.ts";
import type { LocateKeys } from "./locate.ts";
import { type KeyMaker, type KeyMakerParts, keyMaker } from "./maker.ts";
import type { ChangedKey, StoredKey } from "./queries.ts";
import { type CompanyRules, found, rulesOf, unrevoked } from "./rules.ts";
import type { ApiKey, UpdateKey } from "./schema.ts";
import type { RuleSettings } from "./settings.ts";
import { shownKey } from "./shown.ts";
import type { KeyStore } from "./store.ts";

export interface KeyServiceParts extends KeyMakerParts {
  store: KeyStore;
  format: KeyFormat;
  locate: LocateKeys;
  rules: Settings<RuleSettings>;
  companyOf: (id: string) => Promise<Company>;
}

/** The life of a key. Knows nothing of HTTP, and nothing of how a change reaches the verifiers. */
export class KeyService {
  readonly #parts: KeyServiceParts;
  readonly create: KeyMaker["create"];
  readonly rotate: KeyMaker["rotate"];
  readonly again: KeyMaker["again"];

  constructor(parts: KeyServiceParts) {
    this.#parts = parts;
    const { create, rotate, again } = keyMaker(parts);
    this.create = create;
    this.rotate = rotate;
    this.again = again;
  }

  /** What the company may, now. */
  async rules(companyId: string): Promise<CompanyRules> {
    const { rules, companyOf } = this.#parts;
    return rulesOf(rules(), await companyOf(companyId));
  }

  /** Newest first. `next` is where the next page starts, if there is one. */
  async list(companyId: string, filter: ListKeys): Promise<{ keys: ApiKey[]; next: KeyCursor | null }> {
    const { limit } = filter;
    const { store, format, now } = this.#parts;
    const rows = await store.list(companyId, { ...filter, limit: limit + 1 }, now(), format.generations);
    const { page, last } = pageOf(rows, limit);
    const next = last ? { createdAt: last.createdAt, id: last.id } : null;
    return { keys: page.map((row) => this.#apiKey(row)), next };
  }

  /** @throws ApiError `NOT_FOUND`. */
  async get(companyId: string, id: string): Promise<ApiKey> {
    return this.#apiKey(found(await this.#parts.store.find(companyId, id)));
  }

  /** Which of the company's keys `rawKey` is, also a dead one; `null`: none. */
  async identify(companyId: string, rawKey: string): Promise<ApiKey | null> {
    const { store, locate } = this.#parts;
    const [place] = await locate([rawKey]);
    const row = place && (await store.findByDigest(companyId, place.digest));
    return row ? this.#apiKey(row) : null;
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
    const [place] = await locate([rawKey]);
    if (!place) return false;
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
    return newEvent(action, actor, this.#parts.now(), detail);
  }

  #apiKey(row: StoredKey): ApiKey {
    const { format, now } = this.#parts;
    return shownKey(row, format.generations, now());
  }
}
