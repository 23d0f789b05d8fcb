import type { Child } from "hono/jsx";

/** Of whoever runs the service: companies, and one of them. */
export const companies = {
  title: "Companies",
  search: "A part of the id, or a whole key",
  order: "Order",
  byId: "By their ids",
  byKeys: "Most keys first",
  byUse: "Most uses yesterday first",
  find: "Search",
  more: "More companies",
  first: "First companies",
  noneYet: "None so far. Look further.",
  none: "No company has a key, nor anything set for it.",
  noneLike: (company: Child): Child => [
    "No company that has a key, or anything set for it, is like this. If this is its whole id, you can ",
    company,
    ".",
  ],
  openIt: "open it all the same",
  columns: {
    company: "Company",
    state: "State",
    keys: "Keys that are not revoked",
    uses: "Uses yesterday",
    tier: "Rate tier",
  },
  noTier: "None",
};
