import { ask, LOG } from "./ask.ts";
import { type Finding, fault, good, note } from "./finding.ts";

/** Pages that people sign in to. */
export const PAGES = [
  {
    path: "/dashboard",
    name: "the dashboard",
    none: "There is no dashboard: OAUTH_CLIENT_ID is empty.",
    settings: "OAUTH_CLIENT_ID",
    docs: "docs/dashboard.md",
  },
  {
    path: "/operator/dashboard",
    name: "the operator's pages",
    none: "There are no pages for the operator: OPERATOR_AUDIENCE is empty, or OPERATOR_CLIENT_ID and OAUTH_CLIENT_ID are.",
    settings: "OPERATOR_CLIENT_ID, OPERATOR_ISSUER, OAUTH_CLIENT_ID",
    docs: "docs/operator-api.md",
  },
];

/** A sign-in is begun, as a browser would. */
export async function* signIn(
  origin: string,
  { path, name, none, settings, docs }: (typeof PAGES)[number],
): AsyncGenerator<Finding> {
  const begun = await ask(`${origin}${path}/sign-in/issuer`);
  if (begun === undefined || begun.status === 404) return yield note(none);
  const target = begun.headers.get("Location");
  if (target === null) {
    if (begun.status === 429)
      return yield note(`Too many sign-ins were begun from here: the sign-in to ${name} was not looked at.`);
    return yield fault(
      `Nobody can sign in to ${name}: the sign-in is ${begun.status}.`,
      `See ${settings} and the issuer. ${LOG}`,
    );
  }
  const url = new URL(target, origin);
  const redirect = url.searchParams.get("redirect_uri") ?? "";
  if (new URL(redirect, origin).origin !== origin)
    yield fault(
      `The sign-in to ${name} sends people back to ${redirect}, which is another host.`,
      "Open the pages by the host that they are registered for.",
    );
  const answer = await ask(url);
  const back = answer?.headers.get("Location") ?? "";
  const error = /[?&]error=([^&]+)/.exec(back)?.[1];
  if (answer === undefined)
    return yield fault(`The issuer does not answer at ${url.origin}.`, "See that it works.");
  if (answer.status < 400 && error === undefined)
    return yield good(`The issuer takes the client of ${name} and its redirect URI ${redirect}.`);
  const isRedirect = /redirect_uri/.test(answer.text);
  yield fault(
    `The issuer refuses to sign people in to ${name}: it answers ${error ?? answer.status}${isRedirect ? " and names the redirect URI" : ""}.`,
    `Register the client ${url.searchParams.get("client_id")} there with the redirect URI ${redirect}: ${docs}.`,
  );
}
