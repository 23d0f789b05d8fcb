import { ApiError, ERRORS, masked } from "../http/errors.ts";
import type { VerifyResult } from "./contract.ts";

/** RFC 9110 §15.5.2 wants a challenge with every 401; there is no registered scheme for API keys. */
const CHALLENGE = { "WWW-Authenticate": 'ApiKey realm="latchkey"' };

/** A verdict that does not open, as an error of the wire. */
export function refusal({ error, message }: Extract<VerifyResult, { valid: false }>): ApiError {
  return new ApiError(error, {
    message: masked(message),
    headers: ERRORS[error].status === 401 ? CHALLENGE : {},
    // What is refused is told by `RefusalLog`; what cannot be answered, here.
    ...(error === "UNAVAILABLE" && { reason: error }),
  });
}
