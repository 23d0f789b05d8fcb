import * as acts from "./de/acts.ts";
import * as companies from "./de/companies.ts";
import * as company from "./de/company.ts";
import * as create from "./de/create.ts";
import * as events from "./de/events.ts";
import * as faults from "./de/faults.ts";
import * as key from "./de/key.ts";
import * as keys from "./de/keys.ts";
import * as list from "./de/list.ts";
import * as operator from "./de/operator.ts";
import * as refusals from "./de/refusals.ts";
import * as session from "./de/session.ts";
import * as several from "./de/several.ts";
import * as site from "./de/site.ts";
import type { Messages } from "./en.ts";

/** What the pages say in German. */
export const de: Messages = {
  name: "Deutsch",
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
