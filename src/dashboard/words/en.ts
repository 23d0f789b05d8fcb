import type { Child } from "hono/jsx";

/** What the pages say in English. Functions are for what has parts; a part that is a `Child` may be an element. */
export const en = {
  /** What the language calls itself. */
  name: "English",
  time: {
    justNow: "just now",
  },
  layout: {
    pages: "Pages",
    zone: (zone: string) => `Times are in ${zone}`,
    language: "Language",
    suspended:
      "Your company is suspended: its keys are refused everywhere, and it can create none. Ask whoever runs this service.",
    suspendedFor: (reason: string) => `The reason they give: ${reason}`,
    signOut: "Sign out",
  },
  navigation: {
    keys: "API keys",
    events: "Audit log",
    companies: "Companies",
    findKey: "Find a key",
    status: "Status",
  },
  sites: {
    company: {
      home: "All keys",
      heading: "Your company’s API keys",
      description: "API keys of your company",
    },
    operator: {
      home: "All companies",
      heading: "API keys of all companies",
      description: "For whoever runs this service",
    },
  },
  signIn: {
    title: "Sign in",
    ended: "Your session has ended. Nothing was changed since then.",
    signIn: "Sign in",
    signedIn: "Signed in",
    signedOut: "Signed out",
    oneMoment: "One moment",
    proceed: "Continue",
  },
  leaks: {
    found: " was found in public and revoked ",
    advice: ". Whatever used it is refused. Create another key, and look for what was done with this one.",
    dismiss: "Dismiss",
  },
  states: {
    active: "Active",
    expiring: "Expiring soon",
    overlap: "In overlap",
    suspended: "Suspended",
    unverifiable: "Cannot be checked",
    replaced: "Replaced",
    expired: "Expired",
    revoked: "Revoked",
  },
  keys: {
    title: "Keys",
    columns: {
      label: "Key",
      state: "State",
      scopes: "Scopes",
      use: "Last 30 days",
      used: "Last used",
      expires: "Expires",
      created: "Created",
    },
    never: "Never",
    by: (name: string) => `by ${name}`,
    of: (company: Child): Child[] => ["of ", company],
  },
  list: {
    title: "API keys",
    create: "Create key",
    search: "Search",
    searchBy: "Search by label or prefix, or paste a whole key",
    show: "Which keys",
    groups: {
      all: "All",
      active: "Active",
      expiring: "Expiring",
      unused: "Unused",
      suspended: "Suspended",
      ended: "Ended",
    },
    about: {
      expiring: "They work, and end within 7 days.",
      unused: "They could be used, and nobody did for",
    },
    unusedFor: "For how long",
    days: (days: string) => `${days} days`,
    more: "More keys",
    previous: "Previous",
    next: "Next",
    noneLikeThis: "No key is like this.",
    showAll: "Show all keys",
    noSuchKey: "No key of your company is this one",
    noSuchKeyWhy:
      "It may be another company’s, it may not be whole, or it was made for another service. Search by a part of its label, or by what it begins with.",
    nothing: "No keys yet",
    nothingWhy: "A key lets a program of yours call the API. Give it a label and only the scopes it needs.",
    createFirst: "Create the first key",
    askForOne: "Ask somebody who may write keys to create one.",
  },
};

/** What every language says. */
export type Messages = typeof en;
