import type { Site } from "../../dashboard/site.ts";

export const HOME = "/operator/dashboard";
/** Path of the pages of keys. */
export const KEYS = `${HOME}/keys`;

export const SITE: Site = {
  home: HOME,
  homeName: "All companies",
  heading: "API keys of all companies",
  description: "For whoever runs this service",
  pages: [
    { name: "Companies", path: HOME },
    { name: "Find a key", path: KEYS },
    { name: "Status", path: `${HOME}/status` },
  ],
  cookies: "operator-",
  audienceSetting: "OPERATOR_AUDIENCE",
};

/** The page of a company. */
export function companyPath(id: string): string {
  return `${HOME}/companies/${encodeURIComponent(id)}`;
}
