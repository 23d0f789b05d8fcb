import { DENIALS, type Denial } from "./recorder.ts";

/** Something for each reason of a denial, by its name. */
export function ofEachReason<T>(make: (reason: Denial) => T): Record<Denial, T> {
  const [expired, revoked, suspended, scope, address, limit] = DENIALS;
  return {
    expired: make(expired),
    revoked: make(revoked),
    suspended: make(suspended),
    scope: make(scope),
    address: make(address),
    limit: make(limit),
  };
}
