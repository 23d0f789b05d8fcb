import type { Child } from "hono/jsx";

export const leaks = {
  found: (key: Child, at: Child): Child => [key, " was found in public and revoked ", at],
  advice: "Whatever used it is refused. Create another key, and look for what was done with this one.",
  dismiss: "Dismiss",
};

export const states = {
  active: "Active",
  expiring: "Expiring soon",
  overlap: "In overlap",
  suspended: "Suspended",
  unverifiable: "Cannot be checked",
  replaced: "Replaced",
  expired: "Expired",
  revoked: "Revoked",
};

export const keys = {
  title: "Keys",
  columns: {
    pick: "Selection",
    label: "Key",
    state: "State",
    scopes: "Scopes",
    use: "Last 30 days",
    used: "Last used",
    expires: "Expires",
    created: "Created",
    actions: "Actions",
  },
  choose: (label: string) => `Select ${label}`,
  chooseAll: "Select all keys of this page",
  actionsOf: (label: string) => `Actions for ${label}`,
  open: "Open",
  rotate: "Rotate…",
  suspend: "Suspend…",
  resume: "Resume…",
  revoke: "Revoke…",
  never: "Never",
  by: (name: string) => `by ${name}`,
  of: (company: Child): Child[] => ["of ", company],
};
