import type { Messages } from "../en.ts";

export const several: Messages["several"] = {
  revoke: {
    title: (keys) => (keys === 1 ? "Diesen Schlüssel widerrufen?" : `Diese ${keys} Schlüssel widerrufen?`),
    what: "Was sie benutzt, wird binnen Sekunden abgewiesen. Das lässt sich nicht rückgängig machen.",
    doIt: (keys) => (keys === 1 ? "Schlüssel widerrufen" : `${keys} Schlüssel widerrufen`),
    done: (keys) => (keys === 1 ? "1 Schlüssel wurde widerrufen." : `${keys} Schlüssel wurden widerrufen.`),
  },
  suspend: {
    title: (keys) => (keys === 1 ? "Diesen Schlüssel sperren?" : `Diese ${keys} Schlüssel sperren?`),
    what: "Was sie benutzt, wird binnen Sekunden abgewiesen, bis jemand sie entsperrt.",
    doIt: (keys) => (keys === 1 ? "Schlüssel sperren" : `${keys} Schlüssel sperren`),
    done: (keys) => (keys === 1 ? "1 Schlüssel wurde gesperrt." : `${keys} Schlüssel wurden gesperrt.`),
  },
  resume: {
    title: (keys) => (keys === 1 ? "Diesen Schlüssel entsperren?" : `Diese ${keys} Schlüssel entsperren?`),
    what: "Sie können binnen Sekunden überall wieder benutzt werden.",
    doIt: (keys) => (keys === 1 ? "Schlüssel entsperren" : `${keys} Schlüssel entsperren`),
    done: (keys) => (keys === 1 ? "1 Schlüssel wurde entsperrt." : `${keys} Schlüssel wurden entsperrt.`),
  },
  isRevoked: "schon widerrufen",
  neverUsed: "nie benutzt",
  lastUsed: (time) => ["zuletzt benutzt ", time],
  cancel: "So lassen",
  notAll: "Nicht alles wurde getan",
  stays: (keys) =>
    keys === 1 ? "1 Schlüssel bleibt, wie er war:" : `${keys} Schlüssel bleiben, wie sie waren:`,
  why: {
    gone: "er ist nicht mehr da",
    revoked: "er ist widerrufen",
    failed: "die Datenbank ist ausgefallen: Versuchen Sie es erneut",
  },
  showAll: "Alle Schlüssel zeigen",
};

export const chart: Messages["chart"] = {
  allowed: "Angenommen",
  denied: "Abgewiesen",
  summary: (allowed, denied, days) => `${allowed} angenommen, ${denied} abgewiesen in ${days} Tagen`,
  day: (day, allowed, denied) => `${day}: ${allowed} angenommen, ${denied} abgewiesen`,
  reasons: {
    expired: "abgelaufen",
    revoked: "widerrufen",
    suspended: "gesperrt",
    scope: "Berechtigung fehlt",
    address: "Adresse nicht erlaubt",
    limit: "Zu viele Anfragen",
  },
  asTable: "Als Tabelle",
  byDay: "Nutzung nach Tagen",
  dayInUtc: "Tag (UTC)",
};
