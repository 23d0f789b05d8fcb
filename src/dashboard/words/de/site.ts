import type { Messages } from "../en.ts";

export const time: Messages["time"] = {
  justNow: "gerade eben",
};

export const layout: Messages["layout"] = {
  pages: "Seiten",
  zone: (zone) => `Zeiten in ${zone}`,
  language: "Sprache",
  suspended:
    "Ihr Unternehmen ist gesperrt: Seine Schlüssel werden überall abgewiesen, und es kann keine neuen erstellen. Wenden Sie sich an den Betreiber dieses Dienstes.",
  suspendedFor: (reason) => `Als Grund wird genannt: ${reason}`,
  signOut: "Abmelden",
  skip: "Zum Inhalt",
};

export const navigation: Messages["navigation"] = {
  keys: "API-Schlüssel",
  events: "Protokoll",
  companies: "Unternehmen",
  findKey: "Schlüssel finden",
  status: "Zustand",
};

export const sites: Messages["sites"] = {
  front: {
    home: "Startseite",
    heading: "API-Schlüssel",
    description: "Wo Sie API-Schlüssel verwalten und wie Sie die API benutzen",
  },
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
};

export const front: Messages["front"] = {
  title: "API-Schlüssel",
  what: "Dieser Dienst verwahrt API-Schlüssel: Unternehmen erstellen und beenden sie hier, und APIs fragen ihn, welche gelten.",
  places: {
    dashboard: { name: "Verwaltung", what: "Schlüssel Ihres Unternehmens erstellen und beenden" },
    operator: { name: "Verwaltung des Betreibers", what: "Für den Betreiber dieses Dienstes" },
    docs: { name: "API-Referenz", what: "Alles, was Programme fragen können" },
    openapi: { name: "OpenAPI-Dokument", what: "Dasselbe für Programme, die Clients erzeugen" },
    discovery: { name: "Metadaten zur Autorisierung", what: "Woher Zugriffstoken kommen (RFC 9728)" },
    security: { name: "Kontakt für Sicherheitsfragen", what: "Wem ein Fehler zu melden ist (RFC 9116)" },
  },
};
