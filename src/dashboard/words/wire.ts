import type { ErrorDetail, ErrorEnvelope } from "../../http/errors.ts";
import type { Messages } from "./en.ts";

/** What the API says of a broken field, by what the messages call it. A group is `$1` there. */
export const FAULTS: Record<keyof Messages["faults"], RegExp> = {
  blank: /^must not be blank$/,
  none: /^must not be empty/,
  missing: /^is required$/,
  unchosen: /^must be chosen$/,
  tooLong: /^must have at most (\d+) characters$/,
  tooMany: /^must have at most (\d+) entries$/,
  tooLarge: /^must have at most (\d+) bytes as JSON$/,
  malformed: /^must be well-formed Unicode$/,
  control: /^must not hold control characters$/,
  bidi: /^must not hold characters that change the direction of text$/,
  holdsKey: /^must not hold an API key$/,
  past: /^must be in the future$/,
  lifetime: /^must be at most (\d+) days from now$/,
  tooLate: /^must be before the year 10000$/,
  noDate: /^must be an RFC 3339 date and time with offset$/,
  addresses: /^must be IPv4 or IPv6 addresses, or blocks of them in CIDR notation$/,
  otherAddresses: /^must be within what the company may use: (.*)$/,
  unknownScope: /^must be scopes of the catalogue/,
  retired: /^are no longer in the catalogue: (.*)\. Create another key$/,
  repeated: /^must not repeat a scope$/,
  range: /^must be a whole number from (\d+) to (\d+)$/,
  rangeOrEmpty: /^must be a whole number from (\d+) to (\d+), or null$/,
  tier: /^must be a tier that wrangler\.toml has a limit for: (.*)$/,
  unclear: /^must be chosen, or none ticked$/,
  unnamed: /^must not have an empty name$/,
  proto: /^must not use the name __proto__$/,
};

/** The same of a whole request. */
export const REFUSALS: Record<keyof Messages["refusals"], RegExp> = {
  noKey: /^No such API key$/,
  revoked: /^The API key has been revoked$/,
  rotated: /^The API key was rotated already$/,
  suspended: /^The API key is suspended: resume it first$/,
  ended: /^The API key is revoked or expired$/,
  notShown: /^The API key [\w-]+ was made, and can no longer be shown/,
  full: /^The company has (\d+) live keys already: revoke one first$/,
  fullOfDead: /^The company has (\d+) keys already, dead ones counted/,
  companySuspended: /^The company is suspended$/,
  missingScope: /^Missing scope: (.+)$/,
  noCompany: /^Your account belongs to no company$/,
  otherToken: /^The issuer’s access token is not accepted here$/,
  otherSite: /^The form was sent by another site$/,
  plainHttp: /^The dashboard needs https$/,
  notBegun: /^This sign-in was not begun here, was used already, or took too long$/,
  notSignedIn: /^The issuer did not sign you in$/,
  signInAgain: /^Sign in again$/,
  tooLarge: /^Request body is larger than (\d+) KiB$/,
  noPage: /^No such route$/,
};

/** What is wrong with a field, and how to mend it. What is not known is said as the API says it. */
export function faultIn(text: Messages, { field, message }: ErrorDetail): string {
  const names: Record<string, string> = text.fields;
  return text.fault(names[field] ?? field, said(FAULTS, text.faults, message) ?? message);
}

/** What happened, as precisely as it is known. */
export function refusalIn(
  text: Messages,
  { error, message }: Pick<ErrorEnvelope, "error" | "message">,
): string {
  return said(REFUSALS, text.refusals, message) ?? text.errors[error];
}

function said<K extends string>(
  patterns: Record<K, RegExp>,
  texts: Record<K, string>,
  message: string,
): string | undefined {
  for (const name in patterns) {
    if (patterns[name].test(message)) return message.replace(patterns[name], texts[name]);
  }
  return undefined;
}
