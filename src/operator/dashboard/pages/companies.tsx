import type { ListedCompany } from "../../../companies/listing.ts";
import { StateTag } from "../../../dashboard/pages/keys.tsx";
import { Time } from "../../../dashboard/pages/time.tsx";
import { useWords } from "../../../dashboard/words/words.ts";
import { companyPath, HOME } from "../site.ts";

export interface CompaniesProps {
  companies: readonly ListedCompany[];
  filter: { q: string; sort: string };
  /** Path of the page that follows, if one does. */
  next: string | null;
  isFirst: boolean;
  now: number;
}

export function CompaniesPage({ companies, filter, next, isFirst, now }: CompaniesProps) {
  const words = useWords().text.companies;
  return (
    <>
      <h1>{words.title}</h1>
      <search>
        <form method="post" action={`${HOME}/search`} class="row">
          <label>
            {words.search}
            <input type="search" name="q" value={filter.q} maxlength={100} />
          </label>
          <label>
            {words.order}
            <select name="sort">
              <option value="">{words.byId}</option>
              <option value="keys" selected={filter.sort === "keys"}>
                {words.byKeys}
              </option>
              <option value="use" selected={filter.sort === "use"}>
                {words.byUse}
              </option>
            </select>
          </label>
          <button type="submit">{words.find}</button>
        </form>
      </search>
      {companies.length === 0 ? (
        <Nothing q={filter.q} isLast={next === null} />
      ) : (
        <Companies companies={companies} now={now} />
      )}
      <nav aria-label={words.more}>
        <ul>
          {!isFirst && (
            <li>
              <a href={HOME}>{words.first}</a>
            </li>
          )}
          {next !== null && (
            <li>
              <a rel="next" href={next}>
                {words.more}
              </a>
            </li>
          )}
        </ul>
      </nav>
    </>
  );
}

/** A page reads a bounded number of rows: none of them may be wanted, and yet some that follow. */
function Nothing({ q, isLast }: { q: string; isLast: boolean }) {
  const words = useWords().text.companies;
  if (!isLast) return <p>{words.noneYet}</p>;
  if (q === "") return <p>{words.none}</p>;
  return <p>{words.noneLike(<a href={companyPath(q)}>{words.openIt}</a>)}</p>;
}

function Companies({ companies, now }: Pick<CompaniesProps, "companies" | "now">) {
  const { number, text } = useWords();
  const { columns, noTier, title } = text.companies;
  return (
    <section class="scroll" tabindex={0} aria-label={title}>
      <table class="keys">
        <thead>
          <tr>
            <th scope="col">{columns.company}</th>
            <th scope="col">{columns.state}</th>
            <th scope="col">{columns.keys}</th>
            <th scope="col">{columns.uses}</th>
            <th scope="col">{columns.tier}</th>
          </tr>
        </thead>
        <tbody>
          {companies.map(({ id, keys, uses, suspendedAt, rateTier }) => (
            <tr>
              <th scope="row">
                <a href={companyPath(id)}>{id}</a>
              </th>
              <td>
                <CompanyState suspendedAt={suspendedAt} now={now} />
              </td>
              <td data-name={columns.keys}>{number(keys)}</td>
              <td data-name={columns.uses}>{number(uses)}</td>
              <td data-name={columns.tier}>{rateTier ?? <span class="quiet">{noTier}</span>}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** @param suspendedAt - Milliseconds since the epoch; `null`: it is not. */
export function CompanyState({ suspendedAt, now }: { suspendedAt: number | null; now: number }) {
  if (suspendedAt === null) return <StateTag state="active" />;
  return (
    <>
      <StateTag state="suspended" />
      <small>
        <Time at={new Date(suspendedAt).toISOString()} now={now} />
      </small>
    </>
  );
}
