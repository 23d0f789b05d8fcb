import type { Messages } from "../en.ts";
import { number } from "./number.ts";

export const done: Messages["done"] = {
  renamed: () => "Schlüssel umbenannt.",
  suspended: (count) => (count === 1 ? "Schlüssel gesperrt." : `${number(count)} Schlüssel gesperrt.`),
  resumed: () => "Schlüssel entsperrt.",
  revoked: (count) => (count === 1 ? "Schlüssel widerrufen." : `${number(count)} Schlüssel widerrufen.`),
  changed: () => "Schlüssel geändert.",
  dismissed: () => "Der Fund ist als erledigt vermerkt.",
  companySuspended: () => "Unternehmen gesperrt.",
  companyResumed: () => "Unternehmen entsperrt.",
  policySaved: () => "Richtlinie gespeichert.",
  signedOutElsewhere: () => "Sie sind überall sonst abgemeldet.",
};

export const rotation: Messages["rotation"] = {
  title: "Erneuern",
  steps: [
    "Sie erhalten einen neuen Schlüssel mit derselben Bezeichnung, denselben Berechtigungen, Adressen und Metadaten. Er wird einmal gezeigt.",
    "Setzen Sie ihn dort ein, wo dieser benutzt wird. Beide gelten, bis dieser endet.",
    "Danach zeigt diese Seite, wann welcher der beiden zuletzt benutzt wurde.",
  ],
  oldEnds: "Dieser Schlüssel endet",
  newEnds: "Der neue Schlüssel endet",
  overlaps: {
    0: () => "Sofort",
    3600: (moment) => `In einer Stunde: ${moment}`,
    86400: (moment) => `In einem Tag: ${moment}`,
    604800: (moment) => `In einer Woche: ${moment}`,
  },
  never: "Nie, wie dieser",
  asLong: (day) => `Nach derselben Zeit wie dieser: ${day}`,
  inDays: (days, day) => `In ${days} Tagen: ${day}`,
  rotate: "Erneuern",
};

export const question: Messages["question"] = {
  neverUsed: (key) => [key, " wurde nie benutzt."],
  lastUsed: (key, at) => [key, " wurde zuletzt ", at, " benutzt."],
  consequence:
    "Alles, was ihn benutzt, wird innerhalb von Sekunden abgewiesen. Das lässt sich nicht rückgängig machen.",
  keep: "Behalten",
  revoke: "Widerrufen",
  revokeTitle: (label) => `${label} widerrufen`,
  revokeKey: "Schlüssel widerrufen",
  revokeLabel: (label) => ["„", label, "“ widerrufen?"],
  revokes: "Beendet den Schlüssel innerhalb von Sekunden, überall und endgültig.",
  toRevoke: "Widerrufen …",
  rotateTitle: (label) => `${label} erneuern`,
  rotateLabel: (label) => ["„", label, "“ sofort erneuern?"],
  rotateNow: "Dieser Schlüssel endet jetzt, bevor sein Nachfolger irgendwo eingesetzt ist.",
  rotateLater: "Einen Zeitpunkt für den Wechsel wählen",
  rotate: "Sofort erneuern",
};
