import type {
  KeyVerifier,
  Refusal,
  VerifiedKey,
  VerifyErrorCode,
  VerifyOptions,
  VerifyResult,
} from "../verify/contract.ts";
import { decide, type KeyRecord, LIMITED, UNAVAILABLE, UNKNOWN } from "../verify/decide.ts";
import { misused, wrongOptions } from "../verify/question.ts";

/** A key that a {@link FakeVerifier} knows. What is left out has a default: a company named `acme`, no scopes, no expiry. */
export interface FakeKey extends Partial<VerifiedKey> {
  rawKey: string;
  /** Refuses the key with this error. Default: it is good. */
  error?: VerifyErrorCode;
  /** Whether the verdict is one of an outage of Latchkey's database. Default: `false`. */
  stale?: boolean;
}

/** A verifier in memory, for tests of the routes that it protects. */
export interface FakeVerifier extends KeyVerifier {
  /** Every question so far, in order. */
  readonly calls: readonly { rawKey: string; options: VerifyOptions }[];
  /** Adds a key, or replaces the one with the same `rawKey`: to revoke it, for instance. */
  set(key: FakeKey): void;
  /** As the generated `Env` wants a binding to have it. It throws: nothing but `verify` is faked. */
  fetch(): never;
  /** As `fetch`. */
  connect(): never;
}

const DEFAULTS: VerifiedKey = {
  id: "00000000-0000-4000-8000-000000000000",
  companyId: "acme",
  scopes: [],
  expiresAt: null,
  metadata: {},
};
const FORBIDDEN: Refusal = { valid: false, error: "FORBIDDEN", message: "Not allowed" };
const ANY_SCOPE = { has: () => true };

/**
 * A verifier that knows these keys and no other. It refuses as Latchkey does: unknown keys, missing scopes, keys past their
 * expiry, wrong options.
 *
 * @example
 * ```ts
 * const latchkey = fakeVerifier({
 *   keys: [
 *     { rawKey: "good", companyId: "acme", scopes: ["jobs:read"] },
 *     { rawKey: "revoked", error: "KEY_REVOKED" },
 *   ],
 * });
 * const answer = await app.request("/jobs", { headers: { "X-API-Key": "good" } }, { LATCHKEY: latchkey });
 * ```
 */
export function fakeVerifier({ keys = [] }: { keys?: readonly FakeKey[] } = {}): FakeVerifier {
  const known = new Map(keys.map((key) => [key.rawKey, key]));
  const calls: { rawKey: string; options: VerifyOptions }[] = [];
  return {
    calls,
    fetch: unfaked,
    connect: unfaked,
    set(key) {
      known.set(key.rawKey, key);
    },
    async verify(rawKey, options = {}) {
      calls.push({ rawKey, options });
      const fault = wrongOptions(options, () => ANY_SCOPE);
      return fault === null ? verdictOn(known.get(rawKey), options) : misused(fault);
    },
  };
}

function unfaked(): never {
  throw new TypeError("A fake verifier has verify alone");
}

function verdictOn(fake: FakeKey | undefined, options: VerifyOptions): VerifyResult {
  if (fake === undefined) return UNKNOWN;
  const { rawKey: _, error, stale = false, ...given } = fake;
  const key: VerifiedKey = { ...DEFAULTS, ...given };
  const now = Date.now();
  const record = {
    ...key,
    expiresAt: key.expiresAt === null ? null : Date.parse(key.expiresAt),
    revokedAt: null,
    suspendedAt: null,
    allowedIps: null,
    company: null,
  };
  const refusal = error === undefined ? decide(record, options, now) : refusalOf(error, record, now);
  return refusal ?? { valid: true, key, checkedAt: new Date(now).toISOString(), stale };
}

/** In the words of the real verifier. */
function refusalOf(error: VerifyErrorCode, record: KeyRecord, now: number): Refusal | null {
  switch (error) {
    case "UNAUTHORIZED":
      return UNKNOWN;
    case "KEY_REVOKED":
      return decide({ ...record, revokedAt: now }, {}, now);
    case "KEY_SUSPENDED":
      return decide({ ...record, suspendedAt: now }, {}, now);
    case "TOKEN_EXPIRED":
      return decide({ ...record, expiresAt: now }, {}, now);
    case "FORBIDDEN":
      return FORBIDDEN;
    case "RATE_LIMITED":
      return LIMITED;
    case "UNAVAILABLE":
      return UNAVAILABLE;
  }
}
