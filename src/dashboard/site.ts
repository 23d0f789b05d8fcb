import type { Messages } from "./words/en.ts";

/** What tells the pages of the companies' people from those of whoever runs the service. */
export interface Site {
  /** Path of the first page. All others are below it. */
  home: string;
  /** What it is called, in the messages. */
  words: keyof Messages["sites"];
  /** Where the navigation leads. */
  pages: readonly { name: keyof Messages["navigation"]; path: string }[];
  /** What the names of its cookies begin with: browsers send the cookies of both sites to both. */
  cookies: "" | "operator-";
  /** What its access tokens must be for, as the log names the setting. */
  audienceSetting: string;
}
