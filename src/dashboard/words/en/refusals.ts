import type { ErrorCode } from "../../../http/errors.ts";

/** What happened to a request. */
export const refusals = {
  noKey: "No such API key",
  revoked: "The API key has been revoked",
  rotated: "The API key was rotated already",
  suspended: "The API key is suspended: resume it first",
  ended: "The API key is revoked or expired",
  notShown: "The new key was made, and can no longer be shown: revoke it and make another",
  full: "The company has $1 live keys already: revoke one first",
  fullOfDead:
    "The company has $1 keys already, dead ones counted: they are dropped some time after their end",
  companySuspended: "The company is suspended",
  missingScope: "Missing scope: $1",
  noCompany: "Your account belongs to no company",
  otherToken: "The issuer’s access token is not accepted here",
  otherSite: "The form was sent by another site",
  plainHttp: "The dashboard needs https",
  notBegun: "This sign-in was not begun here, was used already, or took too long",
  notSignedIn: "The issuer did not sign you in",
  signInAgain: "Sign in again",
  tooLarge: "The form is larger than $1 KiB",
  noPage: "No such page",
};

/** The same, where only its kind is known. */
export const errors = {
  BAD_REQUEST: "The address or the form is not right",
  UNAUTHORIZED: "You are not signed in",
  TOKEN_EXPIRED: "Your session has ended",
  KEY_REVOKED: "The API key has been revoked",
  FORBIDDEN: "You may not do this",
  KEY_SUSPENDED: "The API key is suspended",
  NOT_FOUND: "Not found",
  METHOD_NOT_ALLOWED: "This address is only for forms",
  CONFLICT: "Something has changed meanwhile",
  PAYLOAD_TOO_LARGE: "The form is too large",
  UNSUPPORTED_MEDIA_TYPE: "This was no form",
  VALIDATION_ERROR: "Something in the form is not right",
  RATE_LIMITED: "Too many requests",
  INTERNAL_ERROR: "Internal error",
  UNAVAILABLE: "Temporarily unavailable",
} satisfies Record<ErrorCode, string>;

/** What to do then. */
export const advice = {
  UNAUTHORIZED: "Try to sign in again.",
  FORBIDDEN: "Ask whoever gives out the rights, or sign in with another account.",
  NOT_FOUND: "It is not yours to see, or the address is wrong.",
  CONFLICT: "Go back, look at the key as it is now, and decide again.",
  RATE_LIMITED: "Wait a little and try again.",
  UNAVAILABLE: "Nothing was changed. Wait a little and try again.",
  INTERNAL_ERROR: "Nothing can be done here. Whoever runs this service finds the reason in its log.",
  others: "Go back and try again.",
};
