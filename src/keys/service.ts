import type { Actor, AuditEvent } from "../audit/store.ts";
import { ApiError } from "../http/errors.ts";
import type { Settings } from "../lib/settings.ts";
import { timestamp } from "../lib/time.ts";
import type { KeyFormat } from "./format.ts";
import type { ApiKey, CreateKey, KeyCursor, ListKeys, NewApiKey } from "./schema.ts";
import type { RuleSettings } from "./settings.ts";
import type { KeyStore, StoredKey } from "./store.ts";

export interface KeyServiceParts {
  store: KeyStore;
  format: KeyFormat;
  rules: Settings<RuleSettings>;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** Called with the digests of keys whose verdict has changed, before the caller gets the answer. */
  onChange: (digests: readonly string[]) => void;
}

/** The life of a key. Knows nothing of HTTP, and nothing of how a change reaches the verifiers. */
export class KeyService {
  readonly #parts: KeyServiceParts;

  constructor(parts: KeyServiceParts) {
    this.#parts = parts;
  }

  /** @throws ApiError `CONFLICT` where the company is at its cap. */
  async create(companyId: string, actor: Actor, input: CreateKey): Promise<NewApiKey> {
    const { store, format, rules } = this.#parts;
    const { rawKey, ...parts } = await format.create();
    const event = this.#event("create", actor);
    const row = await store.insert(
      {
        ...input,
        id: crypto.randomUUID(),
        companyId,
        ...parts,
        createdAt: event.at,
        revokedAt: null,
        lastUsedAt: null,
        replacesId: null,
      },
      event,
      rules().MAX_LIVE_KEYS,
    );
    if (row === null) throw this.#atCap();
    return { ...this.#apiKey(row), rawKey };
  }

  /**
   * A new key of the same label, scopes and expiry. The old one ends after the overlap, or when it
   * would have ended anyway.
   *
   * @throws ApiError `NOT_FOUND`; `CONFLICT` where the key is dead or was rotated already, or where
   *   the company is at its cap.
   */
  async rotate(companyId: string, id: string, actor: Actor, overlapSeconds: number): Promise<NewApiKey> {
    const { store, format, rules, onChange } = this.#parts;
    const { rawKey, ...parts } = await format.create();
    const successorId = crypto.randomUUID();
    const created = this.#event("create", actor, { replaces: id });
    const rotation = await store.rotate(companyId, id, {
      ...parts,
      id: successorId,
      endsAt: created.at + overlapSeconds * 1000,
      rotated: this.#event("rotate", actor, { replacedBy: successorId }),
      created,
      maxLiveKeys: rules().MAX_LIVE_KEYS,
    });
    const old = found(rotation.old);
    if (rotation.successor?.id === successorId) {
      onChange([old.digest]);
      return { ...this.#apiKey(rotation.successor), rawKey };
    }
    if (rotation.successor !== null)
      throw new ApiError("CONFLICT", { message: "The API key was rotated already" });
    if (this.#apiKey(old).active) throw this.#atCap();
    throw new ApiError("CONFLICT", { message: "The API key is revoked or expired" });
  }

  /** Newest first. `next` is where the next page starts, if there is one. */
  async list(companyId: string, filter: ListKeys): Promise<{ keys: ApiKey[]; next: KeyCursor | null }> {
    const { limit } = filter;
    const query = limit === undefined ? filter : { ...filter, limit: limit + 1 };
    const rows = await this.#parts.store.list(companyId, query, this.#parts.now());
    const page = rows.slice(0, limit);
    const last = page.at(-1);
    const next = rows.length > page.length && last ? { createdAt: last.createdAt, id: last.id } : null;
    return { keys: page.map((row) => this.#apiKey(row)), next };
  }

  /** @throws ApiError `NOT_FOUND`. */
  async get(companyId: string, id: string): Promise<ApiKey> {
    return this.#apiKey(found(await this.#parts.store.find(companyId, id)));
  }

  /** @throws ApiError `NOT_FOUND`; `CONFLICT` where the key is revoked. */
  async rename(companyId: string, id: string, actor: Actor, label: string): Promise<ApiKey> {
    const row = found(
      await this.#parts.store.rename(companyId, id, label, this.#event("rename", actor, { label })),
    );
    if (row.revokedAt !== null) throw new ApiError("CONFLICT", { message: "The API key has been revoked" });
    return this.#apiKey(row);
  }

  /** Does nothing to a key that is revoked already. @throws ApiError `NOT_FOUND`. */
  async revoke(companyId: string, id: string, actor: Actor): Promise<void> {
    const { digest } = found(await this.#parts.store.revoke(companyId, id, this.#event("revoke", actor)));
    this.#parts.onChange([digest]);
  }

  #event(action: AuditEvent["action"], actor: Actor, detail?: Record<string, string>): AuditEvent {
    return { id: crypto.randomUUID(), action, actor, at: this.#parts.now(), ...(detail && { detail }) };
  }

  #atCap(): ApiError {
    const { MAX_LIVE_KEYS } = this.#parts.rules();
    return new ApiError("CONFLICT", {
      message: `The company has ${MAX_LIVE_KEYS} live keys already: revoke one first`,
    });
  }

  #apiKey(row: StoredKey): ApiKey {
    return {
      id: row.id,
      keyPrefix: row.keyPrefix,
      label: row.label,
      scopes: row.scopes,
      createdAt: new Date(row.createdAt).toISOString(),
      expiresAt: timestamp(row.expiresAt),
      revokedAt: timestamp(row.revokedAt),
      lastUsedAt: timestamp(row.lastUsedAt),
      replaces: row.replacesId,
      active: row.revokedAt === null && (row.expiresAt === null || row.expiresAt > this.#parts.now()),
    };
  }
}

function found<T extends StoredKey>(row: T | null): T {
  if (row === null) throw new ApiError("NOT_FOUND", { message: "No such API key" });
  return row;
}
