import type { KeyVerifier } from "../verify/contract.ts";

/**
 * A service binding as `wrangler types` writes it for a Worker whose source it does not see: `LATCHKEY: Service`.
 * It has the methods of that Worker all the same.
 */
export interface UntypedService {
  fetch(...args: never[]): unknown;
  connect(...args: never[]): unknown;
}

/**
 * The generated `Env`, where the binding has the type of Latchkey's entrypoint, for calls of `env.LATCHKEY.verify`.
 *
 * @example
 * ```ts
 * export default {
 *   async fetch(request, env) { … },
 * } satisfies ExportedHandler<WithVerifier<Env>>;
 * ```
 */
export type WithVerifier<E extends Record<Name, unknown>, Name extends string = "LATCHKEY"> = Omit<E, Name> &
  Record<Name, KeyVerifier>;

/** To look at a method of a binding makes a stub of it: it is done once. */
const known = new WeakSet<object>();

/** @throws TypeError where `value` cannot verify keys: a binding that is not there. */
export function expectVerifier(value: unknown, name: string): asserts value is KeyVerifier {
  const verifier = value as Partial<KeyVerifier> | null | undefined;
  if (typeof verifier === "object" && verifier !== null && known.has(verifier)) return;
  if (typeof verifier?.verify !== "function")
    throw new TypeError(`${name} is no service binding to Latchkey`);
  known.add(verifier);
}
