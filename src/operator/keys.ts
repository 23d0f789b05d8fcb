import { type Actor, newEvent } from "../audit/event.ts";
import { acrossDatabases } from "../db/across.ts";
import type { Databases } from "../db/databases.ts";
import { badCursor } from "../http/paging.ts";
import type { KeyFormat } from "../keys/format.ts";
import type { LocateKeys } from "../keys/locate.ts";
import type { StoredKey } from "../keys/queries.ts";
import { countUnrevoked, revokeCompany } from "../keys/revocation.ts";
import { found } from "../keys/rules.ts";
import { findKey, type KeySearch, searchKeys } from "../keys/search.ts";
import type { KeyService } from "../keys/service.ts";
import { shownKey } from "../keys/shown.ts";
import type { OperatedKey, Revocation } from "./key-schema.ts";

export interface OperatedKeysParts {
  databases: Pick<Databases, "all" | "of">;
  format: KeyFormat;
  locate: LocateKeys;
  /** By which a key is changed, once it is known whose it is. */
  keys: Pick<KeyService, "revoke" | "suspend" | "resume">;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** Called with the digests of keys that were revoked. */
  onChange: (digests: readonly string[]) => void;
}

/** The keys of all companies, for whoever runs the service. All methods throw DatabaseError. */
export class OperatedKeys {
  readonly #parts: OperatedKeysParts;

  constructor(parts: OperatedKeysParts) {
    this.#parts = parts;
  }

  /** @throws ApiError `BAD_REQUEST` where `after` is of another search. */
  async search(search: KeySearch) {
    const { databases } = this.#parts;
    const read = (d1: D1Database) => searchKeys(d1, search);
    const page = (await acrossDatabases(databases, search.limit, read)) ?? badCursor();
    return { keys: page.rows.map((row) => this.#shown(row)), next: page.next };
  }

  /** @throws ApiError `NOT_FOUND` */
  async get(id: string): Promise<OperatedKey> {
    return this.#shown(await this.#find({ id }));
  }

  /** Which key `rawKey` is, also a dead one. @throws ApiError `NOT_FOUND` */
  async identify(rawKey: string): Promise<OperatedKey> {
    const [place] = await this.#parts.locate([rawKey]);
    return this.#shown(place ? await this.#find({ digest: place.digest }) : found(null));
  }

  /**
   * As the company itself would do it. The key afterwards.
   *
   * @throws ApiError `NOT_FOUND`; `CONFLICT` where a revoked key is to be suspended or resumed.
   */
  async change(id: string, act: "revoke" | "suspend" | "resume", operator: Actor): Promise<OperatedKey> {
    const { companyId } = await this.#find({ id });
    await this.#parts.keys[act](companyId, id, operator);
    return this.get(id);
  }

  /** Revokes the keys of a company, or so many of them as one call may. */
  async revokeAll(companyId: string, operator: Actor, dryRun: boolean): Promise<Revocation> {
    const { databases, now, onChange } = this.#parts;
    const { d1 } = await databases.of(companyId);
    if (dryRun) return { dryRun, revoked: 0, left: await countUnrevoked(d1, companyId) };
    const at = now();
    const event = () => newEvent("revoke", operator, at);
    return { dryRun, ...(await revokeCompany(d1, companyId, { at, event, onChange })) };
  }

  async #find(by: Parameters<typeof findKey>[1]): Promise<StoredKey> {
    const rows = await Promise.all(this.#parts.databases.all.map(({ d1 }) => findKey(d1, by)));
    return found(rows.find((row) => row !== null) ?? null);
  }

  #shown(row: StoredKey): OperatedKey {
    const { format, now } = this.#parts;
    const { companyId, generation } = row;
    return { ...shownKey(row, format.generations, now()), companyId, generation };
  }
}
