import type { ErrorDetail } from "../../http/errors.ts";
import type { ApiKey, Scope } from "../../keys/schema.ts";
import type { DayUsage } from "../../usage/schema.ts";
import { offeredDays } from "../form.ts";
import type { KeyState, Origin } from "../state.ts";
import { Chart } from "./chart.tsx";
import { Fault, faulty, RequestField } from "./create.tsx";
import { Events, type EventsProps } from "./events.tsx";
import { Facts } from "./facts.tsx";
import { StateTag } from "./keys.tsx";
import { Leaks, type LeaksProps } from "./leaks.tsx";
import { RevokeAct } from "./question.tsx";
import { Time } from "./time.tsx";

const KEYS = "/dashboard/keys";

const OVERLAPS = [
  { seconds: 0, name: "At once" },
  { seconds: 3_600, name: "In an hour" },
  { seconds: 86_400, name: "In a day" },
  { seconds: 604_800, name: "In a week" },
];

export interface KeyPageProps extends LeaksProps, Pick<EventsProps, "events" | "self"> {
  apiKey: ApiKey;
  state: KeyState;
  origin: Origin;
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
  const { apiKey: key, state, origin, catalogue, days, events, next, mayWrite, now } = props;
  const path = `${KEYS}/${key.id}`;
  return (
    <>
      <div class="bar">
        <h1>{key.label}</h1>
        <StateTag state={state} />
      </div>
      <Leaks leaks={props.leaks} mayWrite={mayWrite} now={now} />
      <Notice keys={KEYS} of={key} state={state} origin={origin} now={now} />
      <Facts keys={KEYS} apiKey={key} state={state} origin={origin} catalogue={catalogue} now={now} />
      <section>
        <h2>Last 30 days</h2>
        <Chart days={days} />
      </section>
      {mayWrite && key.revokedAt === null && <Actions {...props} path={path} />}
      <section>
        <h2>Audit log</h2>
        <Events
          events={events}
          next={next === null ? null : `${path}?cursor=${next}`}
          keys={KEYS}
          self={props.self}
          isOfOneKey
        />
      </section>
    </>
  );
}

interface NoticeProps {
  /** Path of the pages of keys. */
  keys: string;
  of: ApiKey;
  state: KeyState;
  origin: Origin;
  now: number;
}

/** What is to be known of a key before anything else. */
export function Notice({ keys, of: key, state, origin, now }: NoticeProps) {
  if (state === "unverifiable") {
    return (
      <p class="notice bad">
        The service no longer has the secret that this key was made with, so every use of it is refused.
        Rotate it.
      </p>
    );
  }
  if (origin.replacedBy === null) return null;
  const successor = <a href={`${keys}/${origin.replacedBy}`}>its successor</a>;
  if (state !== "overlap" || key.expiresAt === null)
    return <p class="notice">It was replaced by {successor}.</p>;
  return (
    <p class="notice warn">
      It was replaced by {successor} and ends <Time at={key.expiresAt} now={now} />. Once its last use is
      before the rotation, nothing needs it any more: revoke it.
    </p>
  );
}

interface RotateProps {
  path: string;
  faults: readonly ErrorDetail[];
}

function Actions({
  apiKey: key,
  state,
  origin,
  path,
  label,
  faults = [],
  mayCreate,
  maxLifetimeDays,
  now,
}: KeyPageProps & { path: string }) {
  const isLive = state !== "expired" && state !== "replaced";
  return (
    <section>
      <h2>Change it</h2>
      <article>
        <form method="post" action={`${path}/rename`}>
          <div class="row">
            <label>
              Label
              <input
                name="label"
                value={label ?? key.label}
                required
                autocomplete="off"
                {...faulty(faults, "label")}
              />
            </label>
            <button type="submit">Rename</button>
          </div>
          <Fault faults={faults} field="label" />
        </form>
      </article>
      {mayCreate && isLive && origin.replacedBy === null && state !== "suspended" && (
        <Rotate path={path} faults={faults} maxLifetimeDays={maxLifetimeDays} />
      )}
      {isLive && <Switch isSuspended={key.suspendedAt !== null} path={path} />}
      <RevokeAct path={path} of={key} now={now} />
    </section>
  );
}

/** Makes a successor, which must keep the rules of today: what breaks them is said here. */
function Rotate({ path, faults, maxLifetimeDays }: Pick<KeyPageProps, "maxLifetimeDays"> & RotateProps) {
  return (
    <article>
      <form method="post" action={`${path}/rotate`}>
        <RequestField />
        <h3>Rotate</h3>
        <p>Makes a new key of the same label and scopes, and lets this one end.</p>
        <div class="row">
          <label>
            This key ends
            <select name="overlapSeconds">
              {OVERLAPS.map(({ seconds, name }) => (
                <option value={seconds} selected={seconds === 86_400}>
                  {name}
                </option>
              ))}
            </select>
          </label>
          <label>
            The new key lives
            <select name="days" {...faulty(faults, "expiresAt")}>
              <option value="">As long as this one was to</option>
              {offeredDays(maxLifetimeDays).map((days) => (
                <option value={days}>{days} days</option>
              ))}
            </select>
          </label>
          <button type="submit">Rotate</button>
        </div>
        <Fault faults={faults} field="expiresAt" what="The new key’s end" />
        <Fault faults={faults} field="scopes" what="The key’s scopes" />
      </form>
    </article>
  );
}

/** Suspends the key, or turns that back. */
export function Switch({ isSuspended, path }: { isSuspended: boolean; path: string }) {
  return (
    <article>
      <form method="post" action={`${path}/${isSuspended ? "resume" : "suspend"}`}>
        <h3>{isSuspended ? "Resume" : "Suspend"}</h3>
        <p>
          {isSuspended
            ? "Lets the key be used again, everywhere within seconds."
            : "Refuses the key everywhere within seconds, until somebody resumes it."}
        </p>
        <button type="submit">{isSuspended ? "Resume" : "Suspend"}</button>
      </form>
    </article>
  );
}
