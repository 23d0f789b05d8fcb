import type { Child } from "hono/jsx";
import type { ApiKey } from "../../keys/schema.ts";
import type { DayUsage } from "../../usage/schema.ts";
import type { KeyState } from "../state.ts";
import { useWords } from "../words/words.ts";
import { highest, Sparkline } from "./chart.tsx";
import { SEVERAL, type SeveralAct } from "./several.tsx";
import { Time } from "./time.tsx";

export interface ListedKey {
  key: ApiKey;
  state: KeyState;
  createdBy: string | null;
  days: readonly DayUsage[];
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
  /** What whoever looks may do with the keys; left out: nothing. */
  may?: { create: boolean } | undefined;
  now: number;
}

export function Keys({ path, keys, heading = (_, name) => name, sorting, may, now }: KeysProps) {
  const { columns, ...text } = useWords().text.keys;
  const most = Math.max(...keys.map(({ days }) => highest(days)));
  const head = (column: Column) => (
    <th scope="col" aria-sort={sorting?.column === column ? sorting.order : undefined}>
      {heading(column, columns[column])}
    </th>
  );
  return (
    <section class="scroll" id="keys" aria-label={text.title}>
      <table class="keys">
        <thead>
          <tr>
            {may && (
              <th class="pick" scope="col">
                <span class="visually-hidden">{columns.pick}</span>
                <input type="checkbox" data-all aria-label={text.chooseAll} />
              </th>
            )}
            {head("label")}
            <th scope="col">{columns.state}</th>
            <th scope="col">{columns.scopes}</th>
            <th scope="col">{columns.use}</th>
            {head("used")}
            {head("expires")}
            {head("created")}
            {may && (
              <th scope="col">
                <span class="visually-hidden">{columns.actions}</span>
              </th>
            )}
          </tr>
        </thead>
        <tbody>
          {keys.map((listed) => (
            <Row of={listed} path={path} most={most} may={may} now={now} />
          ))}
        </tbody>
      </table>
    </section>
  );
}

interface RowProps extends Pick<KeysProps, "may"> {
  of: ListedKey;
  path: string;
  /** The highest day of all keys of the list. */
  most: number;
  now: number;
}

function Row({ of: { key, state, createdBy, days, company }, path, most, may, now }: RowProps) {
  const { columns, never, by, of, choose } = useWords().text.keys;
  const isOver = key.revokedAt !== null || state === "expired" || state === "replaced";
  return (
    <tr>
      {may && (
        <td class="pick">
          {!isOver && (
            <input type="checkbox" name="key" value={key.id} form="several" aria-label={choose(key.label)} />
          )}
        </td>
      )}
      <th scope="row">
        <a href={`${path}/${key.id}`} dir="auto">
          {key.label}
        </a>
        <small>
          <code>{key.keyPrefix}…</code>
        </small>
        {company !== undefined && <small>{of(<a href={company.path}>{company.id}</a>)}</small>}
      </th>
      <td class="state">
        <StateTag state={state} />
      </td>
      <td class="scopes">
        <Scopes of={key} />
      </td>
      <td class="uses">
        <Sparkline days={days} most={most} />
      </td>
      <td data-name={columns.used}>
        <Moment at={key.lastUsedAt} none={never} now={now} />
      </td>
      <td data-name={columns.expires}>
        <Moment at={key.expiresAt} none={never} now={now} />
      </td>
      <td class="made">
        <Time at={key.createdAt} now={now} as="day" />
        {createdBy !== null && <small title={by(createdBy)}>{by(createdBy)}</small>}
      </td>
      {may && <td class="acts">{!isOver && <RowMenu of={key} state={state} path={path} may={may} />}</td>}
    </tr>
  );
}

/** What can be done with one key. Each leads to where it is asked. */
function RowMenu({
  of: key,
  state,
  path,
  may,
}: {
  of: ApiKey;
  state: KeyState;
  path: string;
  may: { create: boolean };
}) {
  const { actionsOf, open, rotate, suspend, resume, revoke } = useWords().text.keys;
  const id = `menu-${key.id}`;
  const several = (act: SeveralAct) => `${SEVERAL}?${new URLSearchParams({ act, key: key.id })}`;
  return (
    <>
      <button type="button" class="dots" popovertarget={id} aria-label={actionsOf(key.label)}>
        ⋯
      </button>
      <div id={id} class="menu" popover="auto">
        <a href={`${path}/${key.id}`}>{open}</a>
        {may.create && state !== "overlap" && state !== "suspended" && (
          <a href={`${path}/${key.id}#rotate`}>{rotate}</a>
        )}
        {key.suspendedAt === null ? (
          <a href={several("suspend")}>{suspend}</a>
        ) : (
          <a href={several("resume")}>{resume}</a>
        )}
        <a class="bad" href={`${path}/${key.id}/revoke`}>
          {revoke}
        </a>
      </div>
    </>
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
    <small title={scopes.join(", ")}>
      {scopes.slice(0, SHOWN_SCOPES).join(", ")}
      {more > 0 && ` +${more}`}
    </small>
  );
}
