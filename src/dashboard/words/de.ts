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
};
