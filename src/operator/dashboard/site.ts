import type { Site } from "../../dashboard/site.ts";

export const HOME = "/operator/dashboard";
/** Path of the pages of keys. */
export const KEYS = `${HOME}/keys`;

export const SITE: Site = {
  home: HOME,
  words: "operator",
  pages: [
    { name: "companies", path: HOME },
    { name: "findKey", path: KEYS },
    { name: "status", path: `${HOME}/status` },
  ],
  cookies: "operator-",
  audienceSetting: "OPERATOR_AUDIENCE",
};

/** The page of a company. */
export function companyPath(id: string): string {
  return `${HOME}/companies/${encodeURIComponent(id)}`;
}
