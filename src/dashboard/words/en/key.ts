import type { Child } from "hono/jsx";

export const key = {
  use: "Use",
  days: (days: string) => `${days} days`,
  events: "Audit log",
  label: "Label",
  rename: "Rename",
  stop: "Stop it",
  suspend: {
    name: "Suspend",
    what: "Refuses the key everywhere within seconds, until somebody resumes it.",
  },
  resume: { name: "Resume", what: "Lets the key be used again, everywhere within seconds." },
};

export const notice = {
  unverifiable:
    "The service no longer has the secret that this key was made with, so every use of it is refused. Rotate it.",
  successor: "its successor",
  predecessor: "the key before it",
  replaced: (successor: Child): Child[] => ["It was replaced by ", successor, "."],
  overlap: (successor: Child, time: Child): Child[] => [
    "It was replaced by ",
    successor,
    " and ends ",
    time,
    ".",
  ],
  replaces: (predecessor: Child, time: Child): Child[] => [
    "It replaces ",
    predecessor,
    ", which still works and ends ",
    time,
    ".",
  ],
  thisKey: "This key",
  itsSuccessor: "Its successor",
  itsPredecessor: "The key before it",
  never: "was never used.",
  lastUsed: (time: Child): Child[] => ["was last used ", time, "."],
  whenToRevoke: "Once its last use is before the rotation, nothing needs it any more: revoke it.",
};

/** What there is to know of a key. */
export const facts = {
  key: "Key",
  id: "Id",
  scopes: "Scopes",
  created: "Created",
  createdBy: (at: Child, name: string): Child => [at, " by ", name],
  suspended: "Suspended",
  revoked: "Revoked",
  expires: "Expires",
  expired: "Expired",
  ended: "Ended",
  lastUsed: "Last used",
  never: "Never",
  replaces: "Replaces",
  predecessor: "the key before it",
  allowedIps: "May be used from",
  metadata: "Metadata",
};
