import { type CompanyService, companyService } from "./companies/service.ts";
import type { Isolate } from "./isolate.ts";
import { keyLocator, type LocateKeys } from "./keys/locate.ts";
import { KeyService } from "./keys/service.ts";
import { keyStore } from "./keys/store.ts";

/** What changes keys and companies. Verification needs none of it, so it is loaded when it is first asked for. */
export interface Services {
  keys: KeyService;
  companies: CompanyService;
  locate: LocateKeys;
}

export function servicesOf({ databases, format, foreign, rules, verifier, now }: Isolate): Services {
  const companies = companyService({ databases, now });
  const locate = keyLocator(format, foreign.digestsOf, databases.first);
  const keys = new KeyService({
    databases,
    store: keyStore(databases),
    format,
    locate,
    rules,
    companyOf: companies.get,
    now,
    onChange: (digests) => verifier.forget(digests),
  });
  return { keys, companies, locate };
}
