import type { Child } from "hono/jsx";

export const signIn = {
  kept: "What you had typed is kept: sign in within 15 minutes to go on.",
  title: "Sign in",
  ended: "Your session has ended. Nothing was changed since then.",
  signIn: "Sign in",
  signedIn: "Signed in",
  signedOut: "Signed out",
  oneMoment: "One moment",
  proceed: "Continue",
};

export const sessions = {
  title: "Where you are signed in",
  here: "This browser",
  unknown: "Unknown browser",
  since: (at: Child): Child => ["Signed in ", at],
  endOthers: "Sign out everywhere else",
  done: "You are signed out everywhere else.",
  another: "Use another account or organization",
  hint: "Each session ends by itself after 12 hours. One that you end here is refused at its next request.",
};

export const organizations = {
  title: "Choose an organization",
  open: "Open",
  openOf: (company: string) => `Open ${company}`,
  goOn: "Go on",
  hint: "You belong to several. Everything you do is for the one that you choose.",
};
