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
};

/** What every language says. */
export type Messages = typeof en;
