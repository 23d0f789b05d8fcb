/** Called with the statements of each round trip before it starts; may wait or throw. */
export type Hook = (sql: string[]) => void | Promise<void>;

/** Called with the answers of each round trip once they are there; may wait or throw. */
export type After = (answers: unknown[]) => void | Promise<void>;

/**
 * `db` with a hook round every round trip: to count, slow down or break what reaches the database, or
 * `after` it what comes back. Everything else is the real binding.
 */
export function hooked(db: D1Database, hook: Hook, after: After = () => {}): D1Database {
  const texts = new WeakMap<D1PreparedStatement, string>();
  const targets = new WeakMap<D1PreparedStatement, D1PreparedStatement>();

  function statement(target: D1PreparedStatement, sql: string): D1PreparedStatement {
    const wrapped = new Proxy(target, {
      get(_, name: keyof D1PreparedStatement) {
        if (name === "bind") return (...values: unknown[]) => statement(target.bind(...values), sql);
        return async (...args: unknown[]) => {
          await hook([sql]);
          const answer = await Reflect.apply(target[name] as (...args: unknown[]) => unknown, target, args);
          await after([answer]);
          return answer;
        };
      },
    });
    texts.set(wrapped, sql);
    targets.set(wrapped, target);
    return wrapped;
  }

  function session<T extends D1Database | D1DatabaseSession>(target: T): T {
    return new Proxy(target, {
      get(_, name) {
        if (name === "prepare") return (sql: string) => statement(target.prepare(sql), sql);
        if (name === "batch") {
          return async (statements: D1PreparedStatement[]) => {
            await hook(statements.map((wrapped) => texts.get(wrapped) ?? ""));
            const results = await target.batch(statements.map((wrapped) => targets.get(wrapped) ?? wrapped));
            await after(results);
            return results;
          };
        }
        if (name === "withSession" && "withSession" in target) {
          return (constraint: D1SessionBookmark | D1SessionConstraint) =>
            session(target.withSession(constraint));
        }
        const value: unknown = Reflect.get(target, name);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  }

  return session(db);
}
