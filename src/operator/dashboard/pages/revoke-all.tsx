import type { Company } from "../../../companies/policy.ts";
import { useWords } from "../../../dashboard/words/words.ts";
import { companyPath } from "../site.ts";

/** What is asked before all keys of a company end: how many they are. @param left - That are not revoked. */
export function RevokeAllPage({ company, left }: { company: Company; left: number }) {
  const path = companyPath(company.id);
  const words = useWords().text.revokeAll;
  if (left === 0) {
    return (
      <>
        <h1>{words.noneLeft(company.id)}</h1>
        <a href={path}>{words.back}</a>
      </>
    );
  }
  return (
    <article>
      <h1>{words.question(left, company.id)}</h1>
      <form method="post" action={`${path}/revoke-all`}>
        <p>{words.consequence}</p>
        {company.suspendedAt === null && <p class="notice warn">{words.newKeys}</p>}
        <div class="row">
          <a href={path}>{words.keep}</a>
          <button type="submit" class="danger">
            {words.revoke}
          </button>
        </div>
      </form>
    </article>
  );
}
