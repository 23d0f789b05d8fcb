import type { Messages } from "../en.ts";

export const leaks: Messages["leaks"] = {
  found: (key, at) => [key, " wurde ", at, " öffentlich gefunden und widerrufen"],
  advice:
    "Was ihn benutzt hat, wird abgewiesen. Erstellen Sie einen neuen Schlüssel, und prüfen Sie, was mit diesem getan wurde.",
  dismiss: "Erledigt",
};

export const states: Messages["states"] = {
  active: "Aktiv",
  expiring: "Läuft bald ab",
  overlap: "Wird abgelöst",
  suspended: "Gesperrt",
  unverifiable: "Nicht prüfbar",
  replaced: "Abgelöst",
  expired: "Abgelaufen",
  revoked: "Widerrufen",
};

export const keys: Messages["keys"] = {
  title: "Schlüssel",
  columns: {
    pick: "Auswahl",
    label: "Schlüssel",
    state: "Zustand",
    scopes: "Berechtigungen",
    use: "Letzte 30 Tage",
    used: "Zuletzt benutzt",
    expires: "Läuft ab",
    created: "Erstellt",
    actions: "Aktionen",
  },
  choose: (label) => `${label} auswählen`,
  chooseAll: "Alle Schlüssel dieser Seite auswählen",
  actionsOf: (label) => `Aktionen für ${label}`,
  open: "Öffnen",
  rotate: "Erneuern …",
  suspend: "Sperren …",
  resume: "Entsperren …",
  revoke: "Widerrufen …",
  never: "Nie",
  by: (name) => `von ${name}`,
  of: (company) => ["von ", company],
};
