import type { Child } from "hono/jsx";

export const several = {
  revoke: {
    title: (keys: number) => (keys === 1 ? "Revoke this key?" : `Revoke these ${keys} keys?`),
    what: "Whatever uses them will be refused within seconds. This cannot be undone.",
    doIt: (keys: number) => (keys === 1 ? "Revoke key" : `Revoke ${keys} keys`),
    done: (keys: number) => (keys === 1 ? "1 key was revoked." : `${keys} keys were revoked.`),
  },
  suspend: {
    title: (keys: number) => (keys === 1 ? "Suspend this key?" : `Suspend these ${keys} keys?`),
    what: "Whatever uses them will be refused within seconds, until somebody resumes them.",
    doIt: (keys: number) => (keys === 1 ? "Suspend key" : `Suspend ${keys} keys`),
    done: (keys: number) => (keys === 1 ? "1 key was suspended." : `${keys} keys were suspended.`),
  },
  resume: {
    title: (keys: number) => (keys === 1 ? "Resume this key?" : `Resume these ${keys} keys?`),
    what: "They can be used again, everywhere within seconds.",
    doIt: (keys: number) => (keys === 1 ? "Resume key" : `Resume ${keys} keys`),
    done: (keys: number) => (keys === 1 ? "1 key was resumed." : `${keys} keys were resumed.`),
  },
  isRevoked: "revoked already",
  neverUsed: "never used",
  lastUsed: (time: Child): Child[] => ["last used ", time],
  cancel: "Keep them as they are",
  notAll: "Not all of it was done",
  stays: (keys: number) => (keys === 1 ? "1 key stays as it was:" : `${keys} keys stay as they were:`),
  why: {
    gone: "it is no longer there",
    revoked: "it is revoked",
    failed: "the database failed: try again",
  },
  showAll: "Show all keys",
};

export const chart = {
  allowed: "Accepted",
  denied: "Refused",
  summary: (allowed: string, denied: string, days: number) =>
    `${allowed} accepted, ${denied} refused in ${days} days`,
  day: (day: string, allowed: string, denied: string) => `${day}: ${allowed} accepted, ${denied} refused`,
  reasons: {
    expired: "expired",
    revoked: "revoked",
    suspended: "suspended",
    scope: "missing scope",
    address: "address not allowed",
    limit: "over a limit",
  },
  asTable: "As a table",
  byDay: "Use by day",
  dayInUtc: "Day (UTC)",
};
