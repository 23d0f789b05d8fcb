import * as oauth from "oauth4webapi";
import { ApiError, masked } from "../http/errors.ts";
import { describeFault } from "../lib/fault.ts";

/**
 * What the issuer answers to a client of it.
 *
 * @throws ApiError `UNAVAILABLE` where the issuer cannot be reached, `UNAUTHORIZED` where it refuses,
 *   `INTERNAL_ERROR` where it does not know this client.
 */
export async function answered<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (fault) {
    throw refusal(fault);
  }
}

/** The causes of what the library throws hold codes and tokens: the log gets its code alone. */
function refusal(fault: unknown): ApiError {
  // RFC 6749 §5.2: 401 with a challenge is a client that did not show who it is.
  if (fault instanceof oauth.WWWAuthenticateChallengeError) return unknownClient("invalid_client");
  if (fault instanceof oauth.AuthorizationResponseError || fault instanceof oauth.ResponseBodyError) {
    const { error } = fault;
    if (error === "invalid_client" || error === "unauthorized_client") return unknownClient(error);
    return new ApiError("UNAUTHORIZED", { message: "The issuer did not sign you in", reason: masked(error) });
  }
  const isAnswer =
    fault instanceof oauth.OperationProcessingError && fault.code !== oauth.RESPONSE_IS_NOT_CONFORM;
  if (isAnswer) return new ApiError("UNAUTHORIZED", { message: "Sign in again", reason: fault.code ?? "" });
  return new ApiError("UNAVAILABLE", { reason: describeFault(fault) });
}

function unknownClient(error: string): ApiError {
  return new ApiError("INTERNAL_ERROR", { reason: `OAUTH_CLIENT_ID, OAUTH_CLIENT_SECRET: ${error}` });
}
