import type { Messages } from "../en.ts";

export const refusals: Messages["refusals"] = {
  noKey: "Diesen API-Schlüssel gibt es nicht",
  revoked: "Der API-Schlüssel wurde widerrufen",
  rotated: "Der API-Schlüssel wurde bereits erneuert",
  suspended: "Der API-Schlüssel ist gesperrt: Entsperren Sie ihn zuerst",
  ended: "Der API-Schlüssel ist widerrufen oder abgelaufen",
  notShown:
    "Der neue Schlüssel wurde erstellt, kann aber nicht mehr angezeigt werden: Widerrufen Sie ihn, und erstellen Sie einen anderen",
  full: "Das Unternehmen hat bereits $1 gültige Schlüssel: Widerrufen Sie zuerst einen",
  fullOfDead:
    "Das Unternehmen hat bereits $1 Schlüssel, ungültige mitgezählt: Diese werden einige Zeit nach ihrem Ende gelöscht",
  companySuspended: "Das Unternehmen ist gesperrt",
  missingScope: "Berechtigung fehlt: $1",
  noCompany: "Ihr Konto gehört zu keinem Unternehmen",
  otherToken: "Das Zugriffstoken Ihres Anmeldedienstes wird hier nicht angenommen",
  otherSite: "Das Formular kam von einer anderen Website",
  plainHttp: "Diese Seiten brauchen https",
  notBegun: "Diese Anmeldung wurde nicht hier begonnen, wurde schon benutzt oder hat zu lange gedauert",
  notSignedIn: "Der Anmeldedienst hat Sie nicht angemeldet",
  signInAgain: "Melden Sie sich erneut an",
  tooLarge: "Das Formular ist größer als $1 KiB",
  noPage: "Diese Seite gibt es nicht",
};

export const errors: Messages["errors"] = {
  BAD_REQUEST: "Die Adresse oder das Formular stimmt nicht",
  UNAUTHORIZED: "Sie sind nicht angemeldet",
  TOKEN_EXPIRED: "Ihre Sitzung ist abgelaufen",
  KEY_REVOKED: "Der API-Schlüssel wurde widerrufen",
  FORBIDDEN: "Das dürfen Sie nicht",
  KEY_SUSPENDED: "Der API-Schlüssel ist gesperrt",
  NOT_FOUND: "Nicht gefunden",
  METHOD_NOT_ALLOWED: "Diese Adresse ist nur für Formulare",
  CONFLICT: "Inzwischen hat sich etwas geändert",
  PAYLOAD_TOO_LARGE: "Das Formular ist zu groß",
  UNSUPPORTED_MEDIA_TYPE: "Das war kein Formular",
  VALIDATION_ERROR: "Etwas im Formular stimmt nicht",
  RATE_LIMITED: "Zu viele Anfragen",
  INTERNAL_ERROR: "Interner Fehler",
  UNAVAILABLE: "Vorübergehend nicht verfügbar",
};

export const advice: Messages["advice"] = {
  UNAUTHORIZED: "Versuchen Sie, sich erneut anzumelden.",
  FORBIDDEN:
    "Wenden Sie sich an die Person, die Berechtigungen vergibt, oder melden Sie sich mit einem anderen Konto an.",
  NOT_FOUND: "Sie dürfen es nicht sehen, oder die Adresse ist falsch.",
  CONFLICT: "Gehen Sie zurück, sehen Sie sich den Schlüssel an, wie er jetzt ist, und entscheiden Sie neu.",
  RATE_LIMITED: "Warten Sie ein wenig, und versuchen Sie es erneut.",
  UNAVAILABLE: "Es wurde nichts geändert. Warten Sie ein wenig, und versuchen Sie es erneut.",
  INTERNAL_ERROR:
    "Hier lässt sich nichts tun. Der Betreiber dieses Dienstes findet den Grund in seinem Protokoll.",
  others: "Gehen Sie zurück, und versuchen Sie es erneut.",
};
