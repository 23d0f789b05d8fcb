import type { ErrorDetail } from "../../http/errors.ts";
import type { ApiKey, Scope } from "../../keys/schema.ts";
import type { DayUsage } from "../../usage/schema.ts";
import type { KeyState, Origin } from "../state.ts";
import { useWords } from "../words/words.ts";
import { Chart } from "./chart.tsx";
import { Fault, faulty } from "./create.tsx";
import { Events, type EventsProps } from "./events.tsx";
import { Facts } from "./facts.tsx";
import { StateTag } from "./keys.tsx";
import { Leaks, type LeaksProps } from "./leaks.tsx";
import { RevokeAct, UseOf } from "./question.tsx";
import { Rotate } from "./rotate.tsx";
import { Time } from "./time.tsx";

const KEYS = "/dashboard/keys";

/** Days that the use is shown of. */
export const SHOWN_PERIODS = ["7", "30", "90"] as const;
export const USUAL_PERIOD = "30";

/** The key that a rotation made of this one, and the one that it was made of; `null`: none, or it is no longer there. */
export interface Neighbours {
  successor: ApiKey | null;
  predecessor: ApiKey | null;
}

export interface KeyPageProps extends LeaksProps, Pick<EventsProps, "events" | "self"> {
  apiKey: ApiKey;
  state: KeyState;
  origin: Origin;
  neighbours: Neighbours;
  catalogue: readonly Scope[];
  days: readonly DayUsage[];
  /** Cursor of the events that follow, if some do. */
  next: string | null;
  /** Whether whoever looks may make keys. */
  mayCreate: boolean;
  /** 0: none. */
  maxLifetimeDays: number;
  /** What was sent and refused. */
  label?: string | undefined;
  faults?: readonly ErrorDetail[];
}

export function KeyPage(props: KeyPageProps) {
  const { apiKey: key, state, origin, catalogue, events, next, mayWrite, now } = props;
  const path = `${KEYS}/${key.id}`;
  const { text } = useWords();
  const changes = mayWrite && key.revokedAt === null;
  const mayRotate = changes && props.mayCreate && isLive(state) && origin.replacedBy === null;
  return (
    <>
      <p class="crumb">
        <a href="/dashboard">{text.list.title}</a>
      </p>
      <div class="bar">
        <h1 dir="auto">{key.label}</h1>
        <StateTag state={state} />
        {mayRotate && state !== "suspended" && (
          <a class="button" href="#rotate">
            {text.keys.rotate}
          </a>
        )}
      </div>
      <Leaks leaks={props.leaks} mayWrite={mayWrite} now={now} />
      <Notice keys={KEYS} of={key} state={state} origin={origin} neighbours={props.neighbours} now={now} />
      <div class="split">
        <Facts keys={KEYS} apiKey={key} state={state} origin={origin} catalogue={catalogue} now={now} />
        <div>
          <Use {...props} path={path} />
          {changes && <Changes {...props} path={path} />}
          <section>
            <h2>{text.key.events}</h2>
            <Events
              events={events}
              next={next === null ? null : `${path}?cursor=${next}`}
              keys={KEYS}
              self={props.self}
              isOfOneKey
            />
          </section>
          {changes && <Danger {...props} path={path} />}
        </div>
      </div>
    </>
  );
}

/** How the key was used, in so many days. */
function Use({ days, path }: PartProps) {
  const { key } = useWords().text;
  return (
    <section>
      <div class="bar">
        <h2>{key.use}</h2>
        <nav aria-label={key.use} class="periods">
          <ul>
            {SHOWN_PERIODS.map((period) => (
              <li>
                <a
                  href={period === USUAL_PERIOD ? path : `${path}?days=${period}`}
                  aria-current={Number(period) === days.length ? "true" : undefined}
                >
                  {key.days(period)}
                </a>
              </li>
            ))}
          </ul>
        </nav>
      </div>
      <Chart days={days} />
    </section>
  );
}

interface NoticeProps {
  /** Path of the pages of keys. */
  keys: string;
  of: ApiKey;
  state: KeyState;
  origin: Origin;
  neighbours?: Neighbours;
  now: number;
}

/** What is to be known of a key before anything else. */
export function Notice({ keys, of: key, state, origin, neighbours, now }: NoticeProps) {
  const { notice } = useWords().text;
  const { successor = null, predecessor = null } = neighbours ?? {};
  if (state === "unverifiable") return <p class="notice bad">{notice.unverifiable}</p>;
  if (origin.replacedBy !== null) {
    const link = <a href={`${keys}/${origin.replacedBy}`}>{notice.successor}</a>;
    if (state !== "overlap" || key.expiresAt === null) return <p class="notice">{notice.replaced(link)}</p>;
    return (
      <div class="notice warn">
        <p>{notice.overlap(link, <Time at={key.expiresAt} now={now} />)}</p>
        <p>
          {notice.thisKey} <UseOf of={key} now={now} />
          {successor !== null && (
            <>
              {" "}
              {notice.itsSuccessor} <UseOf of={successor} now={now} />
            </>
          )}
        </p>
        <p>{notice.whenToRevoke}</p>
      </div>
    );
  }
  if (predecessor === null || !predecessor.active || predecessor.expiresAt === null) return null;
  const link = <a href={`${keys}/${predecessor.id}`}>{notice.predecessor}</a>;
  return (
    <div class="notice warn">
      <p>{notice.replaces(link, <Time at={predecessor.expiresAt} now={now} />)}</p>
      <p>
        {notice.thisKey} <UseOf of={key} now={now} /> {notice.itsPredecessor}{" "}
        <UseOf of={predecessor} now={now} />
      </p>
    </div>
  );
}

/** What changes nothing for whatever uses the key now. */
function Changes({ apiKey: key, state, origin, path, label, faults = [], ...props }: PartProps) {
  const { mayCreate, maxLifetimeDays, now } = props;
  const { text } = useWords();
  return (
    <section>
      {mayCreate && isLive(state) && origin.replacedBy === null && state !== "suspended" && (
        <Rotate of={key} path={path} faults={faults} maxLifetimeDays={maxLifetimeDays} now={now} />
      )}
      <article>
        <form method="post" action={`${path}/rename`}>
          <div class="row">
            <label>
              {text.key.label}
              <input
                name="label"
                dir="auto"
                value={label ?? key.label}
                required
                autocomplete="off"
                {...faulty(faults, "label")}
              />
            </label>
            <button type="submit">{text.key.rename}</button>
          </div>
          <Fault faults={faults} field="label" />
        </form>
      </article>
    </section>
  );
}

/** What stops whatever uses the key, apart from all else. */
function Danger({ apiKey: key, state, neighbours, path, now }: PartProps) {
  return (
    <section class="stop">
      <h2>{useWords().text.key.stop}</h2>
      {isLive(state) && <Switch isSuspended={key.suspendedAt !== null} path={path} />}
      <RevokeAct path={path} of={key} successor={neighbours.successor} now={now} />
    </section>
  );
}

type PartProps = KeyPageProps & { path: string };

function isLive(state: KeyState): boolean {
  return state !== "expired" && state !== "replaced";
}

/** Suspends the key, or turns that back. */
export function Switch({ isSuspended, path }: { isSuspended: boolean; path: string }) {
  const act = isSuspended ? "resume" : "suspend";
  const { name, what } = useWords().text.key[act];
  return (
    <article>
      <form method="post" action={`${path}/${act}`}>
        <h3>{name}</h3>
        <p>{what}</p>
        <button type="submit">{name}</button>
      </form>
    </article>
  );
}
