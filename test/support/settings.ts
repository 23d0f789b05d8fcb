import { rateTiers } from "../../src/companies/tiers.ts";
import { brandSettings } from "../../src/dashboard/brand.ts";
import { contactSettings } from "../../src/discovery/settings.ts";
import { originSettings } from "../../src/http/settings.ts";
import { formatSettings, ruleSettings } from "../../src/keys/settings.ts";
import { leakSettings } from "../../src/leaks/settings.ts";
import { readSettings } from "../../src/lib/settings.ts";
import { clientSettings, oauthSettings } from "../../src/oauth/settings.ts";
import { operatorSettings } from "../../src/operator/settings.ts";
import { verifySettings } from "../../src/verify/settings.ts";

/** The settings of all domains. @throws SettingsError */
export function settingsOf(env: object) {
  const { OAUTH_AUDIENCE: _, ...operator } = readSettings(operatorSettings, env)();
  return {
    ...readSettings(formatSettings, env)(),
    ...readSettings(ruleSettings, env)(),
    ...readSettings(verifySettings, env)(),
    ...readSettings(oauthSettings, env)(),
    ...readSettings(clientSettings, env)(),
    ...readSettings(leakSettings, env)(),
    ...readSettings(contactSettings, env)(),
    ...readSettings(brandSettings, env)(),
    ...readSettings(originSettings, env)(),
    ...operator,
    rateTiers: [...rateTiers(env).keys()],
  };
}
