import type { Child } from "hono/jsx";
import { KEY_GROUPS, type KeyOverview, type KeySort } from "../../keys/overview.ts";
import { type ListView, listPath, orderOf, sorted, UNUSED_DAYS } from "../view.ts";
import { useWords } from "../words/words.ts";
import { Keys, type KeysProps, type ListedKey } from "./keys.tsx";
import { Leaks, type LeaksProps } from "./leaks.tsx";
import { SEVERAL } from "./several.tsx";
import { Start, type StartProps } from "./start.tsx";

export interface ListProps extends LeaksProps, StartProps, Omit<KeyOverview, "rows"> {
  keys: readonly ListedKey[];
  view: ListView;
}

export function ListPage({ keys, leaks, view, mayWrite, mayCreate, now, ...props }: ListProps) {
  const { text, number } = useWords();
  const { found, skip } = text.list;
  const { counts, origin } = props;
  const isFiltered = view.q !== undefined || view.state !== undefined;
  const isFirst = view.after === undefined && view.before === undefined;
  const may = mayWrite ? { create: mayCreate } : undefined;
  const isEmpty = keys.length === 0 && !isFiltered && isFirst;
  return (
    <>
      <Bar mayCreate={mayCreate} />
      <Leaks leaks={leaks} mayWrite={mayWrite} now={now} />
      {isEmpty ? (
        <Start mayCreate={mayCreate} origin={origin} />
      ) : (
        <>
          <Search view={view} />
          <div id="list" data-said={found(number(counts[view.state ?? "all"]))}>
            {keys.length > 0 && (
              <a class="skip" href="#keys">
                {skip}
              </a>
            )}
            <Tabs {...props} view={view} />
            {may && keys.length > 0 && <SeveralBar />}
            {keys.length === 0 ? (
              <NoneLikeThis />
            ) : (
              <SortedKeys keys={keys} view={view} may={may} now={now} />
            )}
            <Pages {...props} keys={keys} view={view} />
          </div>
        </>
      )}
    </>
  );
}

function Bar({ mayCreate }: { mayCreate: boolean }) {
  const { title, create } = useWords().text.list;
  return (
    <div class="bar">
      <h1>{title}</h1>
      {mayCreate && (
        <a class="button" href="/dashboard/keys/new">
          {create}
        </a>
      )}
    </div>
  );
}

/** It looks through what is shown: the state and the order stay. */
function Search({ view }: { view: Partial<ListView> }) {
  const { search, searchBy, shortcut } = useWords().text.list;
  const { q, state, days, sort, order } = view;
  return (
    <search>
      <form method="post" action="/dashboard/search" class="search">
        {Object.entries({ state, days, sort, order }).map(
          ([name, value]) => value !== undefined && <input type="hidden" name={name} value={value} />,
        )}
        <input
          type="search"
          name="q"
          dir="auto"
          value={q}
          maxlength={100}
          aria-label={searchBy}
          aria-keyshortcuts="Control+K"
          placeholder={searchBy}
          autocomplete="off"
          spellcheck={false}
        />
        <kbd>{shortcut}</kbd>
        <button type="submit">{search}</button>
      </form>
    </search>
  );
}

function Tabs({ counts, isCapped, view }: Pick<ListProps, "counts" | "isCapped" | "view">) {
  const { text, number } = useWords();
  const { groups, show } = text.list;
  const count = (of: keyof typeof counts) =>
    isCapped && counts[of] > 0 ? `${number(counts[of])}+` : number(counts[of]);
  return (
    <>
      <nav aria-label={show} class="tabs">
        <ul>
          {([undefined, ...KEY_GROUPS] as const).map((state) => (
            <li>
              <a href={listPath(view, { state })} aria-current={state === view.state ? "page" : undefined}>
                {groups[state ?? "all"]} <span class="count">{count(state ?? "all")}</span>
              </a>
            </li>
          ))}
        </ul>
      </nav>
      <About view={view} />
    </>
  );
}

/** What is in a group, where its name does not say it all. */
function About({ view }: { view: ListView }) {
  const { about, days: daysOf, unusedFor } = useWords().text.list;
  if (view.state === "expiring") return <p class="about">{about.expiring}</p>;
  if (view.state !== "unused") return null;
  return (
    <nav class="about" aria-label={unusedFor}>
      {about.unused}{" "}
      {UNUSED_DAYS.map((days) => (
        <a href={listPath(view, { days })} aria-current={days === view.days ? "true" : undefined}>
          {daysOf(days)}
        </a>
      ))}
    </nav>
  );
}

/** What is done to the keys that are chosen. Shown once one is, below them; in the order of focus it is where one chooses all. */
function SeveralBar() {
  const { chosen, suspend, revoke } = useWords().text.list;
  return (
    <form id="several" action={SEVERAL} class="several" data-chosen={chosen} aria-label={chosen}>
      <button type="submit" name="act" value="suspend" class="plain">
        {suspend}
      </button>
      <button type="submit" name="act" value="revoke" class="danger">
        {revoke}
      </button>
    </form>
  );
}

function SortedKeys({
  keys,
  view,
  may,
  now,
}: Pick<ListProps, "keys" | "view" | "now"> & Pick<KeysProps, "may">) {
  const order = orderOf(view) === "asc" ? "ascending" : "descending";
  const heading = (sort: KeySort, name: string): Child => (
    <a href={listPath(view, sorted(view, sort))}>
      {name}
      {sort === view.sort && <span aria-hidden="true">{order === "ascending" ? " ↑" : " ↓"}</span>}
    </a>
  );
  return (
    <Keys
      path="/dashboard/keys"
      keys={keys}
      heading={heading}
      sorting={{ column: view.sort, order }}
      may={may}
      now={now}
    />
  );
}

function Pages({
  keys,
  view,
  hasPrevious,
  hasNext,
}: Pick<ListProps, "keys" | "view" | "hasPrevious" | "hasNext">) {
  const { more, previous, next } = useWords().text.list;
  const [first, last] = [keys.at(0)?.key.id, keys.at(-1)?.key.id];
  if (first === undefined || (!hasPrevious && !hasNext)) return null;
  return (
    <nav aria-label={more} class="pages">
      {hasPrevious && (
        <a rel="prev" class="button plain" href={listPath(view, { before: first })}>
          {previous}
        </a>
      )}
      {hasNext && (
        <a rel="next" class="button plain" href={listPath(view, { after: last })}>
          {next}
        </a>
      )}
    </nav>
  );
}

/** Somebody searched by a whole key. It is not said again. */
export function NoSuchKeyPage() {
  const { title, noSuchKey, noSuchKeyWhy, showAll } = useWords().text.list;
  return (
    <>
      <h1>{title}</h1>
      <Search view={{}} />
      <div id="list" data-said={noSuchKey}>
        <p class="notice">
          {noSuchKey}. {noSuchKeyWhy}
        </p>
        <a href="/dashboard">{showAll}</a>
      </div>
    </>
  );
}

function NoneLikeThis() {
  const { noneLikeThis, showAll } = useWords().text.list;
  return (
    <p class="none">
      {noneLikeThis} <a href="/dashboard">{showAll}</a>
    </p>
  );
}
