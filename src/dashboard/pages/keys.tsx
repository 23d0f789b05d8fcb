import type { Child } from "hono/jsx";
import type { ApiKey } from "../../keys/schema.ts";
import type { DayUsage } from "../../usage/schema.ts";
import type { KeyState } from "../state.ts";
import { useWords } from "../words/words.ts";
import { highest, Sparkline } from "./chart.tsx";
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

export function StateTag({ state }: { state: KeyState }) {
  return <span class={`tag ${state}`}>{useWords().text.states[state]}</span>;
}

export type Column = "label" | "used" | "expires" | "created";

export interface KeysProps {
  /** Of the pages of keys. */
  path: string;
  keys: readonly ListedKey[];
  /** What heads a column, where that is more than its name. */
  heading?: ((column: Column, name: string) => Child) | undefined;
  /** By which column the list is sorted, and how. */
  sorting?: { column: Column; order: "ascending" | "descending" } | undefined;
  now: number;
}

export function Keys({ path, keys, heading = (_, name) => name, sorting, now }: KeysProps) {
  const { columns, ...text } = useWords().text.keys;
  const hasDays = keys.some(({ days }) => days !== undefined);
  const most = Math.max(...keys.map(({ days = [] }) => highest(days)));
  const head = (column: Column) => (
    <th scope="col" aria-sort={sorting?.column === column ? sorting.order : undefined}>
      {heading(column, columns[column])}
    </th>
  );
  return (
    <section class="scroll" tabindex={0} aria-label={text.title}>
      <table class="keys">
        <thead>
          <tr>
            {head("label")}
            <th scope="col">{columns.state}</th>
            <th scope="col">{columns.scopes}</th>
            {hasDays && <th scope="col">{columns.use}</th>}
            {head("used")}
            {head("expires")}
            {head("created")}
          </tr>
        </thead>
        <tbody>
          {keys.map((listed) => (
            <Row of={listed} path={path} most={hasDays ? most : null} now={now} />
          ))}
        </tbody>
      </table>
    </section>
  );
}

interface RowProps {
  of: ListedKey;
  path: string;
  /** The highest day of all keys of the list; `null`: days are not shown. */
  most: number | null;
  now: number;
}

function Row({ of: { key, state, createdBy, days = [], company }, path, most, now }: RowProps) {
  const { columns, never, by, of } = useWords().text.keys;
  return (
    <tr>
      <th scope="row">
        <a href={`${path}/${key.id}`} dir="auto">
          {key.label}
        </a>
        <small>
          <code>{key.keyPrefix}…</code>
        </small>
        {company !== undefined && <small>{of(<a href={company.path}>{company.id}</a>)}</small>}
      </th>
      <td>
        <StateTag state={state} />
      </td>
      <td>
        <Scopes of={key} />
      </td>
      {most !== null && (
        <td data-name={columns.use}>
          <Sparkline days={days} most={most} />
        </td>
      )}
      <td data-name={columns.used}>
        <Moment at={key.lastUsedAt} none={never} now={now} />
      </td>
      <td data-name={columns.expires}>
        <Moment at={key.expiresAt} none={never} now={now} />
      </td>
      <td data-name={columns.created}>
        <Time at={key.createdAt} now={now} as="day" />
        {createdBy !== null && <small>{by(createdBy)}</small>}
      </td>
    </tr>
  );
}

/** When, and on which day. */
function Moment({ at, none, now }: { at: string | null; none: string; now: number }) {
  if (at === null) return <span class="quiet">{none}</span>;
  return (
    <>
      <Time at={at} now={now} />
      <small>
        <Time at={at} now={now} as="day" />
      </small>
    </>
  );
}

const SHOWN_SCOPES = 2;

/** The first ones; all of them where one asks, and on the key's page. */
function Scopes({ of: { scopes } }: { of: ApiKey }) {
  const more = scopes.length - SHOWN_SCOPES;
  return (
    <small title={more > 0 ? scopes.join(", ") : undefined}>
      {scopes.slice(0, SHOWN_SCOPES).join(", ")}
      {more > 0 && ` +${more}`}
    </small>
  );
}
