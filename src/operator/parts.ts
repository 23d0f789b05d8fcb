import type { Background } from "../lib/background.ts";
import { type IssuerKeys, issuerKeys } from "../oauth/jwks.ts";
import { operatorOAuth, operatorVerifier } from "../oauth/operator.ts";
import type { OAuthSettings } from "../oauth/settings.ts";
import { tokenVerifier } from "../oauth/token.ts";
import { OperatedKeys, type OperatedKeysParts } from "./keys.ts";
import type { OperatorSettings } from "./settings.ts";

export interface OperatorPartsOptions extends Omit<OperatedKeysParts, "onChange"> {
  /** Of the companies. */
  oauth: OAuthSettings;
  /** Those that the companies' access tokens are checked with. */
  companyKeys: () => IssuerKeys;
  verifier: { forget(digests: readonly string[]): void; syncedAt(database: string): number };
  background: Background;
}

/** What the API and the pages of whoever runs the service share: how they are known, and what they see and do. */
export function operatorParts(
  { OPERATOR_AUDIENCE: audience, OPERATOR_ISSUER: issuer }: OperatorSettings,
  { oauth: companies, companyKeys, verifier, ...parts }: OperatorPartsOptions,
) {
  const oauth = operatorOAuth(companies, audience, issuer);
  const { select } = issuer === "" ? companyKeys() : issuerKeys({ ...oauth, ...parts });
  const onChange = (digests: readonly string[]) => verifier.forget(digests);
  return {
    oauth,
    verifyToken: operatorVerifier(audience, tokenVerifier({ ...oauth, keys: select })),
    keys: new OperatedKeys({ ...parts, onChange }),
    status: {
      ...parts,
      generations: parts.format.generations,
      issuers: { companies: companies.OAUTH_ISSUER, operator: oauth.OAUTH_ISSUER },
      areKeysHeld: () => companyKeys().areHeld(),
      syncedAt: (database: string) => verifier.syncedAt(database),
    },
  };
}
