import type { Messages } from "../en.ts";
import { number } from "./number.ts";

export const operatedKey: Messages["operatedKey"] = {
  of: (company) => ["Ein Schlüssel von ", company],
  companySuspended:
    "Das Unternehmen ist gesperrt: Der Schlüssel wird abgewiesen, was auch sein eigener Zustand ist.",
  use: "Letzte 30 Tage",
  stop: "Anhalten",
  events: "Protokoll",
};

export const findKey: Messages["findKey"] = {
  title: "Schlüssel finden",
  search: "Womit er beginnt, oder der ganze Schlüssel",
  find: "Finden",
  none: "Kein Schlüssel beginnt so. Groß- und Kleinschreibung zählt.",
  noneYet: "Bisher keiner. Suchen Sie weiter.",
  more: "Weitere Schlüssel",
  noSuchTitle: "Kein solcher Schlüssel",
  noSuch: "Kein Schlüssel ist dieser",
  noSuchWhy:
    "Er ist vielleicht nicht vollständig, wurde für einen anderen Dienst erstellt oder wird nicht mehr aufbewahrt. Suchen Sie nach seinem Anfang.",
};

export const status: Messages["status"] = {
  title: "Zustand",
  version: "Version",
  companyIssuer: "Aussteller der Token von Unternehmen",
  noKeysHeld: "(noch keine Signaturschlüssel vorhanden)",
  operatorIssuer: "Aussteller der Token von Betreibern",
  databases: "Datenbanken",
  database: "Datenbank",
  size: "Größe",
  megabytes: (megabytes) => `${number(megabytes)} MB`,
  companies: "Unternehmen",
  keys: "Schlüssel",
  newestChange: "Neueste Änderung",
  none: "Keine",
  waitingUses: "Noch nicht gezählte Aufrufe",
  since: (at) => ["seit ", at],
  untoldEvents: "Noch nicht gemeldete Ereignisse",
  retention: "Alte Zeilen gelöscht",
  never: "Nie",
  peppers: "Pepper",
  generation: "Generation",
  liveKeys: "Gültige Schlüssel",
  state: "Zustand",
  newest: "Damit werden neue Schlüssel erstellt",
  missing: "Fehlt: Seine Schlüssel werden abgewiesen",
};
