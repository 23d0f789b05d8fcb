import type { Messages } from "../en.ts";
import { number } from "./number.ts";

export const company: Messages["company"] = {
  suspended: "Alle seine Schlüssel werden abgewiesen, und es kann keine neuen erstellen.",
  suspendedFor: (reason) => `Ihm wird als Grund genannt: ${reason}`,
  keys: "Schlüssel",
  unrevoked: (count) => `${number(count)} nicht widerrufen, abgelaufene mitgezählt.`,
  moreKeys: "Weitere Schlüssel",
  newestKeys: "Neueste Schlüssel",
  olderKeys: "Ältere Schlüssel",
  policy: "Was es darf",
  stop: "Anhalten",
  suspend: "Sperren",
  suspends:
    "Weist alle seine Schlüssel innerhalb von Sekunden überall ab, auch neue, bis jemand es entsperrt.",
  reason: "Grund, den das Unternehmen liest",
  suspendIt: "Unternehmen sperren",
  resume: "Entsperren",
  resumes: "Lässt seine Schlüssel innerhalb von Sekunden überall wieder zu.",
  resumeIt: "Unternehmen entsperren",
  revokeAll: "Alle Schlüssel widerrufen",
  revokesAll: (count) =>
    `Beendet jeden Schlüssel des Unternehmens innerhalb von Sekunden, endgültig. Nicht widerrufene Schlüssel: ${number(count)}.`,
  toRevokeAll: "Alle widerrufen …",
};

export const revokeAll: Messages["revokeAll"] = {
  title: (company) => `Alle Schlüssel von ${company} widerrufen`,
  noneLeft: (company) => `${company} hat keinen Schlüssel mehr, der zu widerrufen wäre`,
  back: "Zurück zum Unternehmen",
  question: (count, company) =>
    count === 1
      ? `Den einen Schlüssel von ${company} widerrufen?`
      : `Alle ${number(count)} Schlüssel von ${company} widerrufen?`,
  consequence:
    "Abgelaufene Schlüssel sind mitgezählt. Alles, was einen davon benutzt, wird innerhalb von Sekunden abgewiesen. Das lässt sich nicht rückgängig machen.",
  newKeys:
    "Das Unternehmen kann währenddessen und danach neue Schlüssel erstellen. Sperren Sie es zuerst, wenn es das nicht soll.",
  keep: "Behalten",
  revoke: "Alle widerrufen",
};

export const policy: Messages["policy"] = {
  maxLiveKeys: "Höchstzahl gültiger Schlüssel",
  maxLiveKeysField: "Höchstzahl gültiger Schlüssel. Leer: wie in MAX_LIVE_KEYS",
  maxLiveKeysUnset: "Wie in MAX_LIVE_KEYS",
  maxKeyLifetimeDays: "Höchste Laufzeit neuer Schlüssel in Tagen",
  maxKeyLifetimeDaysField:
    "Höchste Laufzeit neuer Schlüssel in Tagen; 0: unbegrenzt. Leer: wie in MAX_KEY_LIFETIME_DAYS",
  maxKeyLifetimeDaysUnset: "Wie in MAX_KEY_LIFETIME_DAYS",
  scopes: "Berechtigungen, die neue Schlüssel haben dürfen",
  allScopes: "Alle aus dem Katalog",
  onlyThese: "Nur diese:",
  allowedIps: "Adressen, von denen seine Schlüssel benutzt werden dürfen",
  allowedIpsField:
    "Adressen, von denen seine Schlüssel benutzt werden dürfen, eine je Zeile. Leer: von überall",
  anywhere: "Von überall",
  rateTier: "Ratenstufe",
  rateTierField: "Ratenstufe: die Grenze für alle seine Schlüssel zusammen",
  noTier: "Keine",
  save: "Speichern",
};
