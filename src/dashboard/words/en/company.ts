import { number } from "./number.ts";

export const company = {
  suspended: "All its keys are refused, and it can create none.",
  suspendedFor: (reason: string) => `The reason it reads: ${reason}`,
  keys: "Keys",
  unrevoked: (count: number) => `${number(count)} that are not revoked, expired ones among them.`,
  moreKeys: "More keys",
  newestKeys: "Newest keys",
  olderKeys: "Older keys",
  policy: "What it may",
  stop: "Stop it",
  suspend: "Suspend",
  suspends: "Refuses all its keys everywhere within seconds, and new ones, until somebody resumes it.",
  reason: "Reason, which the company reads",
  suspendIt: "Suspend company",
  resume: "Resume",
  resumes: "Lets its keys be used again, everywhere within seconds.",
  resumeIt: "Resume company",
  revokeAll: "Revoke all keys",
  revokesAll: (count: number) =>
    `Ends every key of the company within seconds, for good. Keys that are not revoked: ${number(count)}.`,
  toRevokeAll: "Revoke all…",
};

export const revokeAll = {
  title: (company: string) => `Revoke all keys of ${company}`,
  noneLeft: (company: string) => `No key of ${company} is left to revoke`,
  back: "Back to the company",
  question: (count: number, company: string) =>
    count === 1 ? `Revoke the one key of ${company}?` : `Revoke all ${number(count)} keys of ${company}?`,
  consequence:
    "Expired keys are counted too. Whatever uses one of them will be refused within seconds. This cannot be undone.",
  newKeys: "The company can create new keys meanwhile, and afterwards. Suspend it first if it must not.",
  keep: "Keep them",
  revoke: "Revoke all",
};

export const policy = {
  maxLiveKeys: "Live keys at most",
  maxLiveKeysField: "Live keys at most. Empty: as MAX_LIVE_KEYS has it",
  maxLiveKeysUnset: "As MAX_LIVE_KEYS has it",
  maxKeyLifetimeDays: "Days that a new key lives at most",
  maxKeyLifetimeDaysField:
    "Days that a new key lives at most; 0: no maximum. Empty: as MAX_KEY_LIFETIME_DAYS has it",
  maxKeyLifetimeDaysUnset: "As MAX_KEY_LIFETIME_DAYS has it",
  scopes: "Scopes that new keys may have",
  allScopes: "All of the catalogue",
  onlyThese: "Only these:",
  allowedIps: "Addresses that its keys may be used from",
  allowedIpsField: "Addresses that its keys may be used from, one a line. Empty: anywhere",
  anywhere: "Anywhere",
  rateTier: "Rate tier",
  rateTierField: "Rate tier: the limit of all its keys together",
  noTier: "None",
  save: "Save",
};
