import { ApiError, ERRORS, masked } from "../http/errors.ts";
import type { Refusal, VerifyErrorCode } from "./contract.ts";

/** RFC 9110 §15.5.2 wants a challenge with every 401; there is no registered scheme for API keys. */
const CHALLENGE = 'ApiKey realm="latchkey"';

/**
 * A verdict that does not open, as an error of the wire.
 *
 * @param bearer - Whether the key may come as a bearer token, so that the challenge says so (RFC 6750 §3).
 */
export function refusal({ error, message }: Refusal, bearer = false): ApiError {
  const challenge = bearer ? `${CHALLENGE}, Bearer realm="latchkey"` : CHALLENGE;
  return new ApiError(error, {
    message: masked(message),
    headers: ERRORS[error].status === 401 ? { "WWW-Authenticate": challenge } : {},
    // What is refused is told by `RefusalLog`; what cannot be answered, here.
    ...(error === "UNAVAILABLE" && { reason: error }),
  });
}

const VERIFY_ERRORS: Record<VerifyErrorCode, true> = {
  UNAUTHORIZED: true,
  TOKEN_EXPIRED: true,
  KEY_REVOKED: true,
  KEY_SUSPENDED: true,
  FORBIDDEN: true,
  RATE_LIMITED: true,
  UNAVAILABLE: true,
};

/** Whether a verdict can have this error. A newer Latchkey may have others. */
export function isVerifyError(error: unknown): error is VerifyErrorCode {
  return typeof error === "string" && Object.hasOwn(VERIFY_ERRORS, error);
}
