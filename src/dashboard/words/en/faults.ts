/** What a form calls its fields. */
export const fields = {
  label: "Label",
  scopes: "Scopes",
  expiresAt: "Expiry",
  overlapSeconds: "Overlap",
  allowedIps: "Addresses",
  metadata: "Metadata",
  maxLiveKeys: "Live keys",
  maxKeyLifetimeDays: "Lifetime",
  rateTier: "Rate tier",
  reason: "Reason",
};

export const fault = (field: string, fault: string) => `${field} ${fault}`;

/** What is wrong with a field, and how to mend it. */
export const faults = {
  blank: "must not be blank: write something in it",
  none: "must not be empty: choose at least one",
  missing: "is missing: choose one",
  unchosen: "must be chosen",
  tooLong: "must have at most $1 characters: shorten it",
  tooMany: "must have at most $1 entries: take some out",
  tooLarge: "must have at most $1 bytes as JSON: take something out",
  malformed: "must be well-formed Unicode: type it anew",
  control: "must not hold control characters: take out tabs, line breaks and the like",
  bidi: "must not hold characters that change the direction of text: type it anew",
  holdsKey: "must not hold an API key: keys are secret, and this is not",
  past: "must be in the future: choose a later time",
  lifetime: "must be at most $1 days from now: choose an earlier time",
  tooLate: "must be before the year 10000: choose an earlier time",
  noDate: "must be a date: choose one",
  addresses: "must be IPv4 or IPv6 addresses, or blocks of them such as 203.0.113.0/24",
  otherAddresses: "must be within what your company may use: $1",
  unknownScope: "must be scopes of the catalogue: choose others",
  retired: "are no longer in the catalogue: $1. Create another key",
  repeated: "must not repeat one",
  range: "must be a whole number from $1 to $2",
  rangeOrEmpty: "must be a whole number from $1 to $2, or empty",
  tier: "must be a tier that wrangler.toml has a limit for: $1",
  unclear: "are unclear: choose “Only these” for what is ticked, or tick none",
  unnamed: "must not have an empty name: name each entry, or leave all of it empty",
  proto: "must not use the name __proto__: choose another",
};
