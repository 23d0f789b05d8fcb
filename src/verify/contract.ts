/** What a verification may ask for besides the key itself. */
export interface VerifyOptions {
  /** Scopes that the key must all have. Compared whole; none asks for nothing. */
  scopes?: readonly string[];
  /**
   * The address that presented the key, for limits on failed attempts and for keys that may be used from certain
   * addresses alone: without it those are refused.
   */
  clientIp?: string;
  /**
   * `bounded` (the default): what the isolate knows, at most `REVOCATION_SECONDS` old.
   * `strong`: read from the primary database, however far away it is.
   */
  consistency?: "bounded" | "strong";
}

/** What a good key says of itself. */
export interface VerifiedKey {
  /** UUID of the key; safe to log. */
  id: string;
  /** The company the key belongs to: the tenant of the request. */
  companyId: string;
  scopes: readonly string[];
  /** RFC 3339, UTC; `null`: never. */
  expiresAt: string | null;
  /** Written by the company whose key it is: never a reason to allow anything. */
  metadata: Readonly<Record<string, string>>;
}

export type VerifyErrorCode =
  /** Not a key, or a key that nobody has. */
  | "UNAUTHORIZED"
  /** A genuine key past its expiry. */
  | "TOKEN_EXPIRED"
  /** A genuine key that was revoked. */
  | "KEY_REVOKED"
  /** A genuine key that is suspended, or whose company is. */
  | "KEY_SUSPENDED"
  /** A good key without a scope that was asked for, or from an address that it may not be used from. */
  | "FORBIDDEN"
  /** Too many attempts. */
  | "RATE_LIMITED"
  /** Cannot tell: neither good nor bad. Answer 503. */
  | "UNAVAILABLE";

/** The verdict on a good key. */
export interface Acceptance {
  valid: true;
  key: VerifiedKey;
  /** RFC 3339, UTC. Every revocation committed before this moment is taken into account. */
  checkedAt: string;
  /** `true` while the database cannot be reached and the answer is older than `REVOCATION_SECONDS`. */
  stale: boolean;
}

/** The verdict on every other one. */
export interface Refusal {
  valid: false;
  error: VerifyErrorCode;
  /** For the caller to read. Holds no part of a key. */
  message: string;
}

export type VerifyResult = Acceptance | Refusal;

/** The RPC contract of the `ApiKeyVerifier` entrypoint. */
export interface KeyVerifier {
  /**
   * Tells whether `rawKey` is good now, for `options.scopes`.
   *
   * @param rawKey - The key as presented, for instance the value of `X-API-Key`. Never logged.
   * @returns A verdict. It never throws for a bad key; an exception means that the
   *   verifier could not be reached and must be treated like `UNAVAILABLE`.
   */
  verify(rawKey: string, options?: VerifyOptions): Promise<VerifyResult>;
}
