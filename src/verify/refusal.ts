import { ApiError, ERRORS, masked } from "../http/errors.ts";
import type { Refusal } from "./contract.ts";

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
