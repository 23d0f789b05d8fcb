/** A real SQLite: D1 in workerd, `node:sqlite` in Node. */
export interface Sqlite {
  /** The rows, as D1's `raw()` gives them. */
  all(sql: string, params: readonly unknown[]): unknown[][] | Promise<unknown[][]>;
}

interface Commit {
  sql: string;
  params: readonly unknown[];
  at: number;
}

/** Empties a database and begins it anew, as the migrations do. */
const RESET = [
  "DELETE FROM api_keys",
  "DELETE FROM companies",
  "DELETE FROM key_changes",
  "DELETE FROM sqlite_sequence WHERE name = 'key_changes'",
  "INSERT INTO key_changes (digest, changed_at) VALUES ('', 0)",
];

/** Time of a change: that of the model, not of the machine. */
const DATE = "UPDATE key_changes SET changed_at = ? WHERE changed_at > 1000000000000";

/** A primary and replicas that follow it, commit by commit, with a lag of `lagMs` at most. */
export class Cluster {
  readonly lagMs: number;
  readonly #primary: Sqlite;
  readonly #replicas: { sqlite: Sqlite; applied: number }[];
  #log: Commit[] = [];

  constructor([primary, ...replicas]: [Sqlite, ...Sqlite[]], lagMs: number) {
    this.lagMs = lagMs;
    this.#primary = primary;
    this.#replicas = replicas.map((sqlite) => ({ sqlite, applied: 0 }));
  }

  /** The number of commits so far. */
  get head(): number {
    return this.#log.length;
  }

  async begin(): Promise<void> {
    for (const sqlite of [this.#primary, ...this.#replicas.map((replica) => replica.sqlite)])
      for (const sql of RESET) await sqlite.all(sql, []);
  }

  async commit(sql: string, params: readonly unknown[], at: number): Promise<void> {
    const commit = { sql, params, at };
    this.#log.push(commit);
    await apply(this.#primary, commit);
  }

  /** Replicas apply what is older than the lag. */
  async replicate(now: number): Promise<void> {
    const least = this.#log.findLastIndex(({ at }) => at <= now - this.lagMs) + 1;
    for (const replica of this.#replicas) await this.#follow(replica, least);
  }

  readPrimary(sql: string, params: readonly unknown[]): unknown[][] | Promise<unknown[][]> {
    return this.#primary.all(sql, params);
  }

  /** Reads at a replica, one of those that lag, which is `ahead` commits further than it was. */
  async readNearest(sql: string, params: readonly unknown[], which: number, ahead: number) {
    const replica = this.#replicas[which % Math.max(1, this.#replicas.length)];
    if (replica === undefined || this.lagMs === 0) return this.#primary.all(sql, params);
    await this.#follow(replica, Math.min(this.head, replica.applied + ahead));
    return replica.sqlite.all(sql, params);
  }

  /** The time of the commit to which everything goes back, by Time Travel: feed and numbers as well. */
  async restore(commits: number): Promise<void> {
    this.#log = this.#log.slice(0, commits);
    await this.begin();
    for (const commit of this.#log) await apply(this.#primary, commit);
    for (const replica of this.#replicas) {
      replica.applied = 0;
      await this.#follow(replica, commits);
    }
  }

  async #follow(replica: { sqlite: Sqlite; applied: number }, until: number): Promise<void> {
    for (const commit of this.#log.slice(replica.applied, until)) {
      await apply(replica.sqlite, commit);
      replica.applied += 1;
    }
  }
}

async function apply(sqlite: Sqlite, { sql, params, at }: Commit): Promise<void> {
  await sqlite.all(sql, params);
  await sqlite.all(DATE, [at]);
}

/** Runs a statement in a session that began with `start`. */
export type Send = (start: string, sql: string, params: readonly unknown[]) => Promise<unknown[][]>;

/** A binding of D1 each statement of which goes to `send`. */
export function binding(send: Send): D1Database {
  const session = (start: string) => ({
    prepare: (sql: string) => ({
      bind: (...params: unknown[]) => ({ raw: () => send(start, sql, params) }),
    }),
  });
  return { withSession: session } as unknown as D1Database;
}
