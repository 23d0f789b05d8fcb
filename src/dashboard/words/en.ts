import * as acts from "./en/acts.ts";
import * as companies from "./en/companies.ts";
import * as company from "./en/company.ts";
import * as create from "./en/create.ts";
import * as events from "./en/events.ts";
import * as faults from "./en/faults.ts";
import * as key from "./en/key.ts";
import * as keys from "./en/keys.ts";
import * as list from "./en/list.ts";
import * as operator from "./en/operator.ts";
import * as refusals from "./en/refusals.ts";
import * as session from "./en/session.ts";
import * as several from "./en/several.ts";
import * as site from "./en/site.ts";

/** What the pages say in English. Functions are for what has parts; a part that is a `Child` may be an element. */
export const en = {
  /** What the language calls itself. */
  name: "English",
  ...site,
  ...session,
  ...events,
  ...create,
  ...faults,
  ...refusals,
  ...keys,
  ...list,
  ...several,
  ...key,
  ...acts,
  ...companies,
  ...company,
  ...operator,
};

/** What every language says. */
export type Messages = typeof en;
