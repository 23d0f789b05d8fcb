import { auditEvents } from "../../db/tables.ts";
import { useWords } from "../words/words.ts";
import { detailsOf, Sentence, type SentenceProps, type Tellers } from "./sentence.tsx";

const EVENTS = "/dashboard/events";

/** What of the log is shown, as its form has it. */
export interface LogFilter {
  key: string;
  action: string;
  person: string;
  /** `YYYY-MM-DD`, as the last day; or empty. */
  since: string;
  until: string;
}

export interface EventsPageProps extends Pick<EventsProps, "events" | "self"> {
  filter: LogFilter;
  /** Subjects to choose from. */
  people: readonly string[];
  /** Whether the events are of some of the keys alone that are like the filter's. */
  isCut: boolean;
  /** Cursors: of this page, of what follows, and of what is in another file. */
  cursor: string | undefined;
  next: string | null;
  nextPart: string | null;
}

export function EventsPage({ filter, people, events, self, ...page }: EventsPageProps) {
  const { text } = useWords();
  const { events: words } = text;
  const chosen: [string, string][] = Object.entries(filter).filter(([, value]) => value !== "");
  const at = (path: string, cursor: string | null | undefined) =>
    pathOf(path, cursor ? [...chosen, ["cursor", cursor]] : chosen);
  return (
    <>
      <div class="bar">
        <h1>{words.heading}</h1>
        <p class="export">
          {page.cursor === undefined ? words.exportAll : words.exportFrom}{" "}
          <a href={at(`${EVENTS}/export/csv`, page.cursor)} download>
            CSV
          </a>{" "}
          <a href={at(`${EVENTS}/export/json`, page.cursor)} download>
            JSON
          </a>
        </p>
      </div>
      <Filter filter={filter} people={people} self={self} isFiltered={chosen.length > 0} />
      {page.isCut && <p class="notice warn">{words.cut}</p>}
      {events.length === 0 && (
        <p class="quiet">{chosen.length > 0 || page.cursor ? words.noneLike : words.none}</p>
      )}
      <Events events={events} next={page.next && at(EVENTS, page.next)} keys="/dashboard/keys" self={self} />
      {page.nextPart !== null && (
        <p class="quiet">
          {words.part} <a href={at(EVENTS, page.nextPart)}>{words.nextPart}</a>
        </p>
      )}
    </>
  );
}

function pathOf(path: string, query: readonly (readonly [string, string])[]): string {
  return query.length === 0 ? path : `${path}?${new URLSearchParams(query)}`;
}

type FilterProps = Pick<EventsPageProps, "filter" | "people" | "self"> & { isFiltered: boolean };

function Filter({ filter, people, self, isFiltered }: FilterProps) {
  const { text } = useWords();
  const { events: words } = text;
  const chosen = filter.person.startsWith("by:") ? [filter.person.slice(3)] : [];
  const subjects = [...new Set([...people, ...chosen])];
  const persons = [
    ...subjects.map((subject) => [`by:${subject}`, subject === self?.subject ? self.name : subject] as const),
    ["operator", words.operator] as const,
    ["nobody", words.nobody] as const,
  ];
  return (
    <search>
      <form method="post" action={EVENTS} class="row filter">
        <label>
          {words.key}
          <input
            type="search"
            name="key"
            dir="auto"
            value={filter.key}
            placeholder={words.keyHint}
            autocomplete="off"
          />
        </label>
        <label>
          {words.action}
          <select name="action">
            <option value="">{words.anything}</option>
            {auditEvents.action.enumValues.map((action) => (
              <option value={action} selected={action === filter.action}>
                {words.actions[action]}
              </option>
            ))}
          </select>
        </label>
        <label>
          {words.person}
          <select name="person">
            <option value="">{words.anybody}</option>
            {persons.map(([value, name]) => (
              <option value={value} selected={value === filter.person}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <label>
          {words.since}
          <input type="date" name="since" value={filter.since} />
        </label>
        <label>
          {words.until}
          <input type="date" name="until" value={filter.until} />
        </label>
        <button type="submit" class="plain">
          {words.filter}
        </button>
        {isFiltered && <a href={EVENTS}>{words.clear}</a>}
      </form>
    </search>
  );
}

export interface EventsProps extends Omit<Tellers, "isOfOneKey"> {
  events: readonly SentenceProps["event"][];
  /** Path of the events that follow, if some do. */
  next: string | null;
  isOfOneKey?: boolean;
}

export function Events({ events, next, keys, self, isOfOneKey = false }: EventsProps) {
  const { text, exact, moment } = useWords();
  const { events: words } = text;
  return (
    <>
      {events.length > 0 && (
        <ol class="log">
          {events.map((event) => (
            <li>
              <div>
                <Sentence event={event} keys={keys} self={self} isOfOneKey={isOfOneKey} />
                {detailsOf(words, event).map(([name, value]) => (
                  <small>
                    <bdi>{name}</bdi>: <bdi>{value}</bdi>
                  </small>
                ))}
              </div>
              <time datetime={event.at} title={exact(new Date(event.at))}>
                {moment(new Date(event.at))}
              </time>
            </li>
          ))}
        </ol>
      )}
      {next !== null && (
        <p>
          <a rel="next" href={next}>
            {words.older}
          </a>
        </p>
      )}
    </>
  );
}
