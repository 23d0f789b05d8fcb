import { claimAt } from "./claims.ts";

/** In `OAUTH_ISSUER`: stands for the tenant's identifier, as in the metadata of Microsoft Entra ID. */
export const TENANT = "{tenantid}";

/** Stands in the URL of the metadata for every tenant but that of personal accounts. */
export const WORK_TENANTS = "organizations";

/** Of everybody's personal account: no company. */
const PERSONAL_TENANT = "9188040d-6c67-4c5b-b112-36a304b66dad";

const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * The `iss` that a token of these claims must have: `issuer`, filled with the token's own `tid` where it has
 * `{tenantid}`. `undefined`: that is no tenant.
 */
export function issuerOf(issuer: string, claims: object): string | undefined {
  if (!issuer.includes(TENANT)) return issuer;
  const tenant = claimAt(claims, ["tid"]);
  if (typeof tenant !== "string" || !GUID.test(tenant) || tenant === PERSONAL_TENANT) return undefined;
  return issuer.replaceAll(TENANT, tenant);
}
