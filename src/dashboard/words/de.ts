import type { Messages } from "./en.ts";

/** What the pages say in German. */
export const de: Messages = {
  name: "Deutsch",
  time: {
    justNow: "gerade eben",
  },
  layout: {
    pages: "Seiten",
    zone: (zone) => `Zeiten in ${zone}`,
    language: "Sprache",
    suspended:
      "Ihr Unternehmen ist gesperrt: Seine Schlüssel werden überall abgewiesen, und es kann keine neuen erstellen. Wenden Sie sich an den Betreiber dieses Dienstes.",
    suspendedFor: (reason) => `Als Grund wird genannt: ${reason}`,
    signOut: "Abmelden",
  },
  navigation: {
    keys: "API-Schlüssel",
    events: "Protokoll",
    companies: "Unternehmen",
    findKey: "Schlüssel finden",
    status: "Zustand",
  },
  sites: {
    company: {
      home: "Alle Schlüssel",
      heading: "Die API-Schlüssel Ihres Unternehmens",
      description: "API-Schlüssel Ihres Unternehmens",
    },
    operator: {
      home: "Alle Unternehmen",
      heading: "API-Schlüssel aller Unternehmen",
      description: "Für den Betreiber dieses Dienstes",
    },
  },
  signIn: {
    title: "Anmelden",
    ended: "Ihre Sitzung ist abgelaufen. Seitdem wurde nichts geändert.",
    signIn: "Anmelden",
    signedIn: "Angemeldet",
    signedOut: "Abgemeldet",
    oneMoment: "Einen Moment",
    proceed: "Weiter",
  },
  leaks: {
    found: " wurde öffentlich gefunden und widerrufen, ",
    advice:
      ". Was ihn benutzt hat, wird abgewiesen. Erstellen Sie einen neuen Schlüssel und prüfen Sie, was mit diesem getan wurde.",
    dismiss: "Erledigt",
  },
  states: {
    active: "Aktiv",
    expiring: "Läuft bald ab",
    overlap: "Wird abgelöst",
    suspended: "Gesperrt",
    unverifiable: "Nicht prüfbar",
    replaced: "Abgelöst",
    expired: "Abgelaufen",
    revoked: "Widerrufen",
  },
  keys: {
    title: "Schlüssel",
    columns: {
      label: "Schlüssel",
      state: "Zustand",
      scopes: "Rechte",
      use: "Letzte 30 Tage",
      used: "Zuletzt benutzt",
      expires: "Läuft ab",
      created: "Erstellt",
    },
    never: "Nie",
    by: (name) => `von ${name}`,
    of: (company) => ["von ", company],
  },
  list: {
    title: "API-Schlüssel",
    create: "Schlüssel erstellen",
    search: "Suchen",
    searchBy: "Nach Name oder Anfang suchen oder ganzen Schlüssel einfügen",
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
    more: "Weitere Schlüssel",
    previous: "Zurück",
    next: "Weiter",
    noneLikeThis: "Kein Schlüssel passt dazu.",
    showAll: "Alle Schlüssel zeigen",
    noSuchKey: "Das ist kein Schlüssel Ihres Unternehmens",
    noSuchKeyWhy:
      "Er kann einem anderen Unternehmen gehören, unvollständig sein oder für einen anderen Dienst erstellt worden sein. Suchen Sie nach einem Teil seines Namens oder nach seinem Anfang.",
    nothing: "Noch keine Schlüssel",
    nothingWhy:
      "Mit einem Schlüssel ruft ein Programm von Ihnen die API auf. Geben Sie ihm einen Namen und nur die Rechte, die es braucht.",
    createFirst: "Ersten Schlüssel erstellen",
    askForOne: "Bitten Sie jemanden, der Schlüssel erstellen darf.",
  },
};
