import type { Messages } from "../en.ts";

export const signIn: Messages["signIn"] = {
  kept: "Ihre Eingaben bleiben erhalten: Melden Sie sich innerhalb von 15 Minuten an, um fortzufahren.",
  title: "Anmelden",
  ended: "Ihre Sitzung ist abgelaufen. Seitdem wurde nichts geändert.",
  signIn: "Anmelden",
  signedIn: "Angemeldet",
  signedOut: "Abgemeldet",
  oneMoment: "Einen Moment",
  proceed: "Weiter",
};

export const sessions: Messages["sessions"] = {
  title: "Wo Sie angemeldet sind",
  here: "Dieser Browser",
  unknown: "Unbekannter Browser",
  since: (at) => ["Angemeldet ", at],
  endOthers: "Überall sonst abmelden",
  done: "Sie sind überall sonst abgemeldet.",
  another: "Anderes Konto oder anderes Unternehmen verwenden",
  hint: "Jede Sitzung endet nach 12 Stunden von selbst. Eine Sitzung, die Sie hier beenden, wird bei ihrer nächsten Anfrage abgewiesen.",
};

export const organizations: Messages["organizations"] = {
  title: "Unternehmen wählen",
  open: "Öffnen",
  openOf: (company) => `${company} öffnen`,
  goOn: "Weiter",
  hint: "Sie gehören zu mehreren. Was Sie tun, gilt für das, das Sie wählen.",
};
