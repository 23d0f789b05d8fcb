import type { Messages } from "../en.ts";

export const key: Messages["key"] = {
  use: "Nutzung",
  days: (days) => `${days} Tage`,
  events: "Protokoll",
  label: "Bezeichnung",
  rename: "Umbenennen",
  stop: "Anhalten",
  suspend: {
    name: "Sperren",
    what: "Der Schlüssel wird binnen Sekunden überall abgewiesen, bis ihn jemand entsperrt.",
  },
  resume: { name: "Entsperren", what: "Der Schlüssel kann binnen Sekunden überall wieder benutzt werden." },
};

export const notice: Messages["notice"] = {
  unverifiable:
    "Der Dienst hat das Geheimnis nicht mehr, mit dem dieser Schlüssel erstellt wurde. Deshalb wird er überall abgewiesen. Erneuern Sie ihn.",
  successor: "seinen Nachfolger",
  predecessor: "seinen Vorgänger",
  replaced: (successor) => ["Er wurde durch ", successor, " abgelöst."],
  overlap: (successor, time) => ["Er wurde durch ", successor, " abgelöst und endet ", time, "."],
  replaces: (predecessor, time) => ["Er löst ", predecessor, " ab, der noch gilt und ", time, " endet."],
  thisKey: "Dieser Schlüssel",
  itsSuccessor: "Sein Nachfolger",
  itsPredecessor: "Sein Vorgänger",
  never: "wurde nie benutzt.",
  lastUsed: (time) => ["wurde zuletzt ", time, " benutzt."],
  whenToRevoke: "Liegt seine letzte Benutzung vor der Ablösung, braucht ihn nichts mehr: Widerrufen Sie ihn.",
};

export const facts: Messages["facts"] = {
  key: "Schlüssel",
  id: "ID",
  scopes: "Berechtigungen",
  created: "Erstellt",
  createdBy: (at, name) => [at, " von ", name],
  suspended: "Gesperrt",
  revoked: "Widerrufen",
  expires: "Läuft ab",
  expired: "Abgelaufen",
  ended: "Beendet",
  lastUsed: "Zuletzt benutzt",
  never: "Nie",
  replaces: "Ersetzt",
  predecessor: "den vorigen Schlüssel",
  allowedIps: "Erlaubte Adressen",
  metadata: "Metadaten",
};
