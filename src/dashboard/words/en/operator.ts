import type { Child } from "hono/jsx";
import { number } from "./number.ts";

/** A key, as whoever runs the service sees it. */
export const operatedKey = {
  of: (company: Child): Child => ["A key of ", company],
  companySuspended: "The company is suspended: the key is refused, whatever its own state.",
  use: "Last 30 days",
  stop: "Stop it",
  events: "Audit log",
};

export const findKey = {
  title: "Find a key",
  search: "What it begins with, or the whole key",
  find: "Find",
  none: "No key begins like this. Large and small letters differ.",
  noneYet: "None so far. Look further.",
  more: "More keys",
  noSuchTitle: "No such key",
  noSuch: "No key is this one",
  noSuchWhy:
    "It may not be whole, it was made for another service, or it is no longer kept. Search by what it begins with.",
};

export const status = {
  title: "Status",
  version: "Version",
  companyIssuer: "Issuer of companies’ tokens",
  noKeysHeld: "(no signing keys held yet)",
  operatorIssuer: "Issuer of operators’ tokens",
  databases: "Databases",
  database: "Database",
  size: "Size",
  megabytes: (megabytes: number) => `${number(megabytes)} MB`,
  companies: "Companies",
  keys: "Keys",
  newestChange: "Newest change",
  none: "None",
  waitingUses: "Uses to be counted",
  since: (at: Child): Child => ["since ", at],
  untoldEvents: "Events to be told",
  retention: "Old rows dropped",
  never: "Never",
  peppers: "Peppers",
  generation: "Generation",
  liveKeys: "Live keys",
  state: "State",
  newest: "New keys are made with it",
  missing: "Missing: its keys are refused",
};
