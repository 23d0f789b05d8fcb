import type { Child } from "hono/jsx";
import { number } from "./number.ts";

/** After an act, to so many keys where it is of several. */
export const done = {
  renamed: () => "Key renamed.",
  suspended: (count: number) => (count === 1 ? "Key suspended." : `${number(count)} keys suspended.`),
  resumed: () => "Key resumed.",
  revoked: (count: number) => (count === 1 ? "Key revoked." : `${number(count)} keys revoked.`),
  changed: () => "Key changed.",
  dismissed: () => "The leak was dismissed.",
  companySuspended: () => "Company suspended.",
  companyResumed: () => "Company resumed.",
  policySaved: () => "Policy saved.",
  signedOutElsewhere: () => "You are signed out everywhere else.",
};

export const rotation = {
  title: "Rotate",
  steps: [
    "You get a new key of the same label, scopes, addresses and metadata. It is shown once.",
    "Put it where this one is in use. Both work until this one ends.",
    "This page then tells when each of them was last used.",
  ],
  oldEnds: "This key ends",
  newEnds: "The new key ends",
  overlaps: {
    0: () => "At once",
    3600: (moment: string) => `In an hour: ${moment}`,
    86400: (moment: string) => `In a day: ${moment}`,
    604800: (moment: string) => `In a week: ${moment}`,
  },
  never: "Never, as this one",
  asLong: (day: string) => `After as long as this one: ${day}`,
  inDays: (days: number, day: string) => `In ${days} days: ${day}`,
  rotate: "Rotate",
};

/** What is asked before a key ends. */
export const question = {
  neverUsed: (key: Child): Child => [key, " was never used."],
  lastUsed: (key: Child, at: Child): Child => [key, " was last used ", at, "."],
  consequence: "Whatever uses it will be refused within seconds. This cannot be undone.",
  keep: "Keep it",
  revoke: "Revoke",
  revokeTitle: (label: string) => `Revoke ${label}`,
  revokeKey: "Revoke key",
  revokeLabel: (label: Child): Child => ["Revoke “", label, "”?"],
  revokes: "Ends the key within seconds, everywhere and for good.",
  toRevoke: "Revoke…",
  rotateTitle: (label: string) => `Rotate ${label}`,
  rotateLabel: (label: Child): Child => ["Rotate “", label, "” at once?"],
  rotateNow: "This key ends now, before its successor is anywhere.",
  rotateLater: "Choose a time to change over",
  rotate: "Rotate at once",
};
