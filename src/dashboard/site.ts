/** What tells the pages of the companies' people from those of whoever runs the service. */
export interface Site {
  /** Path of the first page. All others are below it. */
  home: string;
  /** What leads to the first page from others. */
  homeName: string;
  /** What somebody reads who is not signed in. */
  heading: string;
  description: string;
  /** Where the navigation leads. */
  pages: readonly { name: string; path: string }[];
  /** What the names of its cookies begin with: browsers send the cookies of both sites to both. */
  cookies: "" | "operator-";
  /** What its access tokens must be for, as the log names the setting. */
  audienceSetting: string;
}
