import type { ApiKey } from "../../keys/schema.ts";
import type { DayUsage } from "../../usage/schema.ts";
import { type KeyState, STATE_NAMES } from "../state.ts";
import { highest, Sparkline } from "./chart.tsx";
import { Leaks, type LeaksProps } from "./leaks.tsx";
import { Time } from "./time.tsx";

export interface ListedKey {
  key: ApiKey;
  state: KeyState;
  createdBy: string | null;
  /** Left out where keys of several companies are listed. */
  days?: readonly DayUsage[];
  /** Whose it is, where that is not plain. */
  company?: { id: string; path: string };
}

export interface ListProps extends LeaksProps {
  keys: readonly ListedKey[];
  filter: { q: string; active: string };
  /** Query of the page that follows, if one does. */
  next: string | null;
  isFirst: boolean;
  /** Whether whoever looks may make keys. */
  mayCreate: boolean;
}

export function StateTag({ state }: { state: KeyState }) {
  return <span class={`tag ${state}`}>{STATE_NAMES[state]}</span>;
}

export function ListPage({ keys, leaks, filter, next, isFirst, mayWrite, mayCreate, now }: ListProps) {
  const isFiltered = filter.q !== "" || filter.active !== "";
  return (
    <>
      <div class="bar">
        <h1>API keys</h1>
        {mayCreate && (
          <a class="button" href="/dashboard/keys/new">
            Create key
          </a>
        )}
      </div>
      <Leaks leaks={leaks} mayWrite={mayWrite} now={now} />
      <search>
        <form method="post" action="/dashboard/search" class="row">
          <label>
            Label, prefix or whole key
            <input type="search" name="q" value={filter.q} maxlength={100} />
          </label>
          <label>
            State
            <select name="active">
              <option value="">All</option>
              <option value="true" selected={filter.active === "true"}>
                Active
              </option>
              <option value="false" selected={filter.active === "false"}>
                Suspended, expired or revoked
              </option>
            </select>
          </label>
          <button type="submit">Search</button>
        </form>
      </search>
      {keys.length === 0 ? (
        <Nothing isFiltered={isFiltered} isFirst={isFirst} mayCreate={mayCreate} />
      ) : (
        <Keys path="/dashboard/keys" keys={keys} now={now} />
      )}
      <nav aria-label="More keys">
        <ul>
          {!isFirst && (
            <li>
              <a href="/dashboard">Newest keys</a>
            </li>
          )}
          {next !== null && (
            <li>
              <a rel="next" href={`/dashboard?${next}`}>
                Older keys
              </a>
            </li>
          )}
        </ul>
      </nav>
    </>
  );
}

/** Somebody searched by a whole key. It is not said again. */
export function NoSuchKeyPage() {
  return (
    <>
      <h1>No key of your company is this one</h1>
      <p class="notice">
        It may be another company’s, it may not be whole, or it was made for another service. Search by a part
        of its label, or by what it begins with.
      </p>
      <a href="/dashboard">Show all keys</a>
    </>
  );
}

function Nothing({
  isFiltered,
  isFirst,
  mayCreate,
}: {
  isFiltered: boolean;
  isFirst: boolean;
  mayCreate: boolean;
}) {
  if (isFiltered || !isFirst) {
    return (
      <p>
        No key is like this. <a href="/dashboard">Show all keys</a>
      </p>
    );
  }
  return (
    <section>
      <h2>No keys yet</h2>
      <p>A key lets a program of yours call the API. Give it a label and only the scopes it needs.</p>
      {mayCreate ? (
        <a href="/dashboard/keys/new">Create the first key</a>
      ) : (
        <p>Ask somebody who may write keys to create one.</p>
      )}
    </section>
  );
}

interface KeysProps {
  /** Of the pages of keys. */
  path: string;
  keys: readonly ListedKey[];
  now: number;
}

export function Keys({ path, keys, now }: KeysProps) {
  const hasDays = keys.some(({ days }) => days !== undefined);
  const most = Math.max(...keys.map(({ days = [] }) => highest(days)));
  return (
    <section class="scroll" tabindex={0} aria-label="Keys">
      <table class="keys">
        <thead>
          <tr>
            <th scope="col">Key</th>
            <th scope="col">State</th>
            <th scope="col">Scopes</th>
            <th scope="col">Last used</th>
            {hasDays && <th scope="col">Last 30 days</th>}
            <th scope="col">Created</th>
          </tr>
        </thead>
        <tbody>
          {keys.map(({ key, state, createdBy, days, company }) => (
            <tr>
              <th scope="row">
                <a href={`${path}/${key.id}`}>{key.label}</a>
                <small>
                  <code>{key.keyPrefix}…</code>
                </small>
                {company !== undefined && (
                  <small>
                    of <a href={company.path}>{company.id}</a>
                  </small>
                )}
              </th>
              <td>
                <StateTag state={state} />
                {(state === "expiring" || state === "overlap") && key.expiresAt !== null && (
                  <small>
                    ends <Time at={key.expiresAt} now={now} />
                  </small>
                )}
              </td>
              <td>
                <small>{key.scopes.join(", ")}</small>
              </td>
              <td data-name="Last used">
                {key.lastUsedAt === null ? (
                  <span class="quiet">Never</span>
                ) : (
                  <Time at={key.lastUsedAt} now={now} />
                )}
              </td>
              {hasDays && (
                <td>
                  <Sparkline days={days ?? []} most={most} />
                </td>
              )}
              <td data-name="Created">
                <Time at={key.createdAt} now={now} as="day" />
                {createdBy !== null && <small>by {createdBy}</small>}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
