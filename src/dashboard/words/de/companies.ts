import type { Messages } from "../en.ts";

export const companies: Messages["companies"] = {
  title: "Unternehmen",
  search: "Teil der ID oder ein ganzer Schlüssel",
  order: "Reihenfolge",
  byId: "Nach ID",
  byKeys: "Die meisten Schlüssel zuerst",
  byUse: "Die meisten Aufrufe gestern zuerst",
  find: "Suchen",
  more: "Weitere Unternehmen",
  first: "Erste Unternehmen",
  noneYet: "Bisher keine. Suchen Sie weiter.",
  none: "Kein Unternehmen hat einen Schlüssel oder eigene Einstellungen.",
  noneLike: (company) => [
    "Kein Unternehmen mit Schlüsseln oder eigenen Einstellungen passt dazu. Wenn dies seine ganze ID ist, können Sie es ",
    company,
    ".",
  ],
  openIt: "trotzdem öffnen",
  columns: {
    company: "Unternehmen",
    state: "Zustand",
    keys: "Nicht widerrufene Schlüssel",
    uses: "Aufrufe gestern",
    tier: "Ratenstufe",
  },
  noTier: "Keine",
};
