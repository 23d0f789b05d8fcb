import type { Company } from "../../../companies/policy.ts";
import { whole } from "../../../dashboard/pages/number.ts";
import { companyPath } from "../site.ts";

/** What is asked before all keys of a company end: how many they are. @param left - That are not revoked. */
export function RevokeAllPage({ company, left }: { company: Company; left: number }) {
  const path = companyPath(company.id);
  if (left === 0) {
    return (
      <>
        <h1>No key of {company.id} is left to revoke</h1>
        <a href={path}>Back to the company</a>
      </>
    );
  }
  return (
    <article>
      <h1>
        Revoke {left === 1 ? "the one key" : `all ${whole.format(left)} keys`} of {company.id}?
      </h1>
      <form method="post" action={`${path}/revoke-all`}>
        <p>
          Expired keys are counted too. Whatever uses one of them will be refused within seconds. This cannot
          be undone.
        </p>
        {company.suspendedAt === null && (
          <p class="notice warn">
            The company can create new keys meanwhile, and afterwards. Suspend it first if it must not.
          </p>
        )}
        <div class="row">
          <a href={path}>Keep them</a>
          <button type="submit" class="danger">
            Revoke all
          </button>
        </div>
      </form>
    </article>
  );
}
