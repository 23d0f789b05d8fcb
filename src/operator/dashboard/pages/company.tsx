import type { Company } from "../../../companies/policy.ts";
import { Fault, faulty } from "../../../dashboard/pages/create.tsx";
import { Keys, type ListedKey } from "../../../dashboard/pages/keys.tsx";
import { whole } from "../../../dashboard/pages/number.ts";
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
  return (
    <>
      <div class="bar">
        <h1>{company.id}</h1>
        <CompanyState suspendedAt={company.suspendedAt} now={now} />
      </div>
      {company.suspendedAt !== null && (
        <p class="notice warn">
          All its keys are refused, and it can create none.
          {company.suspendedReason !== null && ` The reason it reads: ${company.suspendedReason}`}
        </p>
      )}
      <CompanyKeys {...props} path={path} />
      <section>
        <h2>What it may</h2>
        {mayWrite ? (
          <Policy action={`${path}/policy`} form={props.form} faults={faults} options={props.options} />
        ) : (
          <PolicyFacts company={company} />
        )}
      </section>
      {mayWrite && (
        <section>
          <h2>Stop it</h2>
          {company.suspendedAt === null ? (
            <Suspend path={path} reason={props.reason} faults={faults} />
          ) : (
            <Resume path={path} />
          )}
          <article>
            <h3>Revoke all keys</h3>
            <p>
              Ends every key of the company within seconds, for good. Keys that are not revoked:{" "}
              {whole.format(unrevoked)}.
            </p>
            <a class="button danger" href={`${path}/revoke-all`}>
              Revoke all…
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
  return (
    <section>
      <h2>Keys</h2>
      <p>{whole.format(unrevoked)} that are not revoked, expired ones among them.</p>
      {keys.length > 0 && <Keys path={keysPath} keys={keys} now={now} />}
      <nav aria-label="More keys">
        <ul>
          {!isFirst && (
            <li>
              <a href={path}>Newest keys</a>
            </li>
          )}
          {next !== null && (
            <li>
              <a rel="next" href={next}>
                Older keys
              </a>
            </li>
          )}
        </ul>
      </nav>
    </section>
  );
}

function Suspend({ path, reason, faults }: { path: string; reason: string; faults: readonly ErrorDetail[] }) {
  return (
    <article>
      <form method="post" action={`${path}/suspend`}>
        <h3>Suspend</h3>
        <p>Refuses all its keys everywhere within seconds, and new ones, until somebody resumes it.</p>
        <div class="row">
          <label>
            Reason, which the company reads
            <input
              name="reason"
              value={reason}
              maxlength={500}
              autocomplete="off"
              {...faulty(faults, "reason")}
            />
          </label>
          <button type="submit" class="danger">
            Suspend company
          </button>
        </div>
        <Fault faults={faults} field="reason" />
      </form>
    </article>
  );
}

function Resume({ path }: { path: string }) {
  return (
    <article>
      <form method="post" action={`${path}/resume`}>
        <h3>Resume</h3>
        <p>Lets its keys be used again, everywhere within seconds.</p>
        <button type="submit">Resume company</button>
      </form>
    </article>
  );
}
