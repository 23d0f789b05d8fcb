import type { Company } from "../../../companies/policy.ts";
import { Fault, faulty } from "../../../dashboard/pages/create.tsx";
import { Keys, type ListedKey } from "../../../dashboard/pages/keys.tsx";
import { useWords } from "../../../dashboard/words/words.ts";
import type { ErrorDetail } from "../../../http/errors.ts";
import type { CompanyOptions } from "../../schema.ts";
import type { PolicyForm } from "../policy-form.ts";
import { companyPath } from "../site.ts";
import { CompanyState } from "./companies.tsx";
import { Policy, PolicyFacts } from "./policy.tsx";

export interface CompanyPageProps {
  company: Company;
  /** What is set for it, or what was sent and refused. */
  form: PolicyForm;
  reason: string;
  faults: readonly ErrorDetail[];
  options: CompanyOptions;
  /** Keys that are not revoked. */
  unrevoked: number;
  keys: readonly ListedKey[];
  /** Path of the pages of keys. */
  keysPath: string;
  /** Path of the page with the keys that follow, if some do. */
  next: string | null;
  isFirst: boolean;
  mayWrite: boolean;
  now: number;
}

export function CompanyPage(props: CompanyPageProps) {
  const { company, faults, unrevoked, mayWrite, now } = props;
  const path = companyPath(company.id);
  const words = useWords().text.company;
  return (
    <>
      <div class="bar">
        <h1>{company.id}</h1>
        <CompanyState suspendedAt={company.suspendedAt} now={now} />
      </div>
      {company.suspendedAt !== null && (
        <p class="notice warn">
          {words.suspended}
          {company.suspendedReason !== null && ` ${words.suspendedFor(company.suspendedReason)}`}
        </p>
      )}
      <CompanyKeys {...props} path={path} />
      <section>
        <h2>{words.policy}</h2>
        {mayWrite ? (
          <Policy action={`${path}/policy`} form={props.form} faults={faults} options={props.options} />
        ) : (
          <PolicyFacts company={company} />
        )}
      </section>
      {mayWrite && (
        <section>
          <h2>{words.stop}</h2>
          {company.suspendedAt === null ? (
            <Suspend path={path} reason={props.reason} faults={faults} />
          ) : (
            <Resume path={path} />
          )}
          <article>
            <h3>{words.revokeAll}</h3>
            <p>{words.revokesAll(unrevoked)}</p>
            <a class="button danger" href={`${path}/revoke-all`}>
              {words.toRevokeAll}
            </a>
          </article>
        </section>
      )}
    </>
  );
}

function CompanyKeys({
  keys,
  keysPath,
  unrevoked,
  next,
  isFirst,
  path,
  now,
}: CompanyPageProps & { path: string }) {
  const words = useWords().text.company;
  return (
    <section>
      <h2>{words.keys}</h2>
      <p>{words.unrevoked(unrevoked)}</p>
      {keys.length > 0 && <Keys path={keysPath} keys={keys} now={now} />}
      <nav aria-label={words.moreKeys}>
        <ul>
          {!isFirst && (
            <li>
              <a href={path}>{words.newestKeys}</a>
            </li>
          )}
          {next !== null && (
            <li>
              <a rel="next" href={next}>
                {words.olderKeys}
              </a>
            </li>
          )}
        </ul>
      </nav>
    </section>
  );
}

function Suspend({ path, reason, faults }: { path: string; reason: string; faults: readonly ErrorDetail[] }) {
  const words = useWords().text.company;
  return (
    <article>
      <form method="post" action={`${path}/suspend`}>
        <h3>{words.suspend}</h3>
        <p>{words.suspends}</p>
        <div class="row">
          <label>
            {words.reason}
            <input
              name="reason"
              value={reason}
              maxlength={500}
              autocomplete="off"
              {...faulty(faults, "reason")}
            />
          </label>
          <button type="submit" class="danger">
            {words.suspendIt}
          </button>
        </div>
        <Fault faults={faults} field="reason" />
      </form>
    </article>
  );
}

function Resume({ path }: { path: string }) {
  const words = useWords().text.company;
  return (
    <article>
      <form method="post" action={`${path}/resume`}>
        <h3>{words.resume}</h3>
        <p>{words.resumes}</p>
        <button type="submit">{words.resumeIt}</button>
      </form>
    </article>
  );
}
