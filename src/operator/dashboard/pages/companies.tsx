import type { ListedCompany } from "../../../companies/listing.ts";
import { StateTag } from "../../../dashboard/pages/keys.tsx";
import { whole } from "../../../dashboard/pages/number.ts";
import { Time } from "../../../dashboard/pages/time.tsx";
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
  return (
    <>
      <h1>Companies</h1>
      <search>
        <form method="post" action={`${HOME}/search`} class="row">
          <label>
            A part of the id, or a whole key
            <input type="search" name="q" value={filter.q} maxlength={100} />
          </label>
          <label>
            Order
            <select name="sort">
              <option value="">By their ids</option>
              <option value="keys" selected={filter.sort === "keys"}>
                Most keys first
              </option>
              <option value="use" selected={filter.sort === "use"}>
                Most uses yesterday first
              </option>
            </select>
          </label>
          <button type="submit">Search</button>
        </form>
      </search>
      {companies.length === 0 ? (
        <Nothing q={filter.q} isLast={next === null} />
      ) : (
        <Companies companies={companies} now={now} />
      )}
      <nav aria-label="More companies">
        <ul>
          {!isFirst && (
            <li>
              <a href={HOME}>First companies</a>
            </li>
          )}
          {next !== null && (
            <li>
              <a rel="next" href={next}>
                More companies
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
  if (!isLast) return <p>None so far. Look further.</p>;
  if (q === "") return <p>No company has a key, nor anything set for it.</p>;
  return (
    <p>
      No company that has a key, or anything set for it, is like this. If this is its whole id, you can{" "}
      <a href={companyPath(q)}>open it all the same</a>.
    </p>
  );
}

function Companies({ companies, now }: Pick<CompaniesProps, "companies" | "now">) {
  return (
    <section class="scroll" tabindex={0} aria-label="Companies">
      <table class="keys">
        <thead>
          <tr>
            <th scope="col">Company</th>
            <th scope="col">State</th>
            <th scope="col">Keys that are not revoked</th>
            <th scope="col">Uses yesterday</th>
            <th scope="col">Rate tier</th>
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
              <td data-name="Keys">{whole.format(keys)}</td>
              <td data-name="Uses yesterday">{whole.format(uses)}</td>
              <td data-name="Rate tier">{rateTier ?? <span class="quiet">None</span>}</td>
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
