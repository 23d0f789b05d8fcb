import type { Messages } from "../en.ts";

export const list: Messages["list"] = {
  title: "API-Schlüssel",
  create: "Schlüssel erstellen",
  search: "Suchen",
  searchBy: "Nach Bezeichnung oder Anfang suchen oder ganzen Schlüssel einfügen",
  shortcut: "Strg K",
  skip: "Zu den Schlüsseln",
  show: "Welche Schlüssel",
  groups: {
    all: "Alle",
    active: "Aktiv",
    expiring: "Bald ablaufend",
    unused: "Unbenutzt",
    suspended: "Gesperrt",
    ended: "Beendet",
  },
  about: {
    expiring: "Sie gelten und laufen innerhalb von 7 Tagen ab.",
    unused: "Sie könnten benutzt werden und wurden es nicht seit",
  },
  unusedFor: "Wie lange",
  days: (days) => `${days} Tagen`,
  chosen: "ausgewählt",
  suspend: "Sperren …",
  revoke: "Widerrufen …",
  more: "Weitere Schlüssel",
  previous: "Zurück",
  next: "Weiter",
  noneLikeThis: "Kein Schlüssel passt dazu.",
  showAll: "Alle Schlüssel zeigen",
  noSuchKey: "Das ist kein Schlüssel Ihres Unternehmens",
  noSuchKeyWhy:
    "Er kann einem anderen Unternehmen gehören, unvollständig sein oder für einen anderen Dienst erstellt worden sein. Suchen Sie nach einem Teil seiner Bezeichnung oder nach seinem Anfang.",
  nothing: "Noch keine Schlüssel",
  nothingWhy:
    "Mit einem Schlüssel ruft ein Programm von Ihnen die API auf. Wer ihn hat, darf, was seine Berechtigungen erlauben; deshalb bekommt jedes Programm einen eigenen.",
  steps: {
    create: "Erstellen Sie einen Schlüssel",
    createHow:
      "Geben Sie ihm eine Bezeichnung, die sagt, was ihn benutzt, nur die Berechtigungen, die es braucht, und ein Ablaufdatum.",
    call: "Machen Sie den ersten Aufruf",
    callHow: "Der Schlüssel wird einmal gezeigt. Legen Sie ihn in API_KEY ab und fragen Sie, was er darf:",
    keep: "Behalten Sie ihn im Auge",
    keepHow:
      "Hier sehen Sie, wie jeder Schlüssel benutzt wird. Erneuern Sie ihn, bevor er abläuft, und widerrufen Sie, was niemand benutzt.",
  },
  copy: "Kopieren",
  found: (keys) => `${keys} Schlüssel gefunden`,
  askForOne: "Bitten Sie jemanden, der Schlüssel erstellen darf.",
};
