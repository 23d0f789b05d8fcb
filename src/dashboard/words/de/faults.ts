import type { Messages } from "../en.ts";

export const fields: Messages["fields"] = {
  label: "Bezeichnung",
  scopes: "Berechtigungen",
  expiresAt: "Ablauf",
  overlapSeconds: "Übergangszeit",
  allowedIps: "Adressen",
  metadata: "Metadaten",
  maxLiveKeys: "Gültige Schlüssel",
  maxKeyLifetimeDays: "Laufzeit",
  rateTier: "Ratenstufe",
  reason: "Grund",
};

export const fault: Messages["fault"] = (field, fault) => `${field}: ${fault}`;

export const faults: Messages["faults"] = {
  blank: "Bitte füllen Sie dieses Feld aus",
  none: "Bitte wählen Sie mindestens einen Eintrag",
  missing: "Bitte wählen Sie etwas aus",
  unchosen: "Bitte wählen Sie etwas aus",
  tooLong: "höchstens $1 Zeichen; bitte kürzen Sie den Text",
  tooMany: "höchstens $1 Einträge; bitte nehmen Sie welche heraus",
  tooLarge: "höchstens $1 Bytes als JSON; bitte nehmen Sie etwas heraus",
  malformed: "kein gültiges Unicode; bitte geben Sie den Text neu ein",
  control: "keine Steuerzeichen; bitte entfernen Sie Tabulatoren, Zeilenumbrüche und Ähnliches",
  bidi: "keine Zeichen, die die Schreibrichtung ändern; bitte geben Sie den Text neu ein",
  holdsKey: "kein API-Schlüssel; Schlüssel sind geheim, dieses Feld ist es nicht",
  past: "muss in der Zukunft liegen; bitte wählen Sie einen späteren Zeitpunkt",
  lifetime: "höchstens $1 Tage ab jetzt; bitte wählen Sie einen früheren Zeitpunkt",
  tooLate: "muss vor dem Jahr 10000 liegen; bitte wählen Sie einen früheren Zeitpunkt",
  noDate: "muss ein Datum sein; bitte wählen Sie eines",
  addresses: "müssen IPv4- oder IPv6-Adressen sein oder Blöcke davon wie 203.0.113.0/24",
  otherAddresses: "müssen in dem liegen, was Ihr Unternehmen benutzen darf: $1",
  unknownScope: "müssen im Katalog stehen; bitte wählen Sie andere",
  retired: "nicht mehr im Katalog: $1. Bitte erstellen Sie einen anderen Schlüssel",
  repeated: "jede nur einmal",
  range: "muss eine ganze Zahl von $1 bis $2 sein",
  rangeOrEmpty: "muss eine ganze Zahl von $1 bis $2 sein oder leer",
  tier: "muss eine Stufe sein, für die wrangler.toml eine Grenze hat: $1",
  unclear: "nicht eindeutig; wählen Sie „Nur diese“ für die angekreuzten, oder kreuzen Sie keine an",
  unnamed: "kein Name darf leer sein; benennen Sie jeden Eintrag, oder lassen Sie ihn ganz leer",
  proto: "der Name __proto__ ist nicht erlaubt; bitte wählen Sie einen anderen",
};
