import type { Child } from "hono/jsx";
import type { ShownEvent } from "../../audit/schema.ts";
import type { ErrorDetail } from "../../http/errors.ts";
import type { ApiKey, Scope } from "../../keys/schema.ts";
import type { DayUsage } from "../../usage/schema.ts";
import type { KeyState, Origin } from "../state.ts";
import { Chart } from "./chart.tsx";
import { Fault, faulty, RequestField } from "./create.tsx";
import { Events } from "./events.tsx";
import { Facts } from "./facts.tsx";
import { Leaks, type LeaksProps } from "./leaks.tsx";
import { StateTag } from "./list.tsx";
import { Time } from "./time.tsx";

const OVERLAPS = [
  { seconds: 0, name: "At once" },
  { seconds: 3_600, name: "In an hour" },
  { seconds: 86_400, name: "In a day" },
  { seconds: 604_800, name: "In a week" },
];

export interface KeyPageProps extends LeaksProps {
  apiKey: ApiKey;
  state: KeyState;
  origin: Origin;
  catalogue: readonly Scope[];
  days: readonly DayUsage[];
  events: readonly ShownEvent[];
  /** Cursor of the events that follow, if some do. */
  next: string | null;
  /** What was sent and refused. */
  label?: string | undefined;
  faults?: readonly ErrorDetail[];
}

export function KeyPage(props: KeyPageProps) {
  const { apiKey: key, state, origin, catalogue, days, events, next, mayWrite, now } = props;
  const path = `/dashboard/keys/${key.id}`;
  return (
    <>
      <div class="bar">
        <h1>{key.label}</h1>
        <StateTag state={state} />
      </div>
      <Leaks leaks={props.leaks} mayWrite={mayWrite} now={now} />
      <Notice of={key} state={state} origin={origin} now={now} />
      <Facts apiKey={key} state={state} origin={origin} catalogue={catalogue} now={now} />
      <section>
        <h2>Last 30 days</h2>
        <Chart days={days} />
      </section>
      {mayWrite && key.revokedAt === null && <Actions {...props} path={path} />}
      <section>
        <h2>Audit log</h2>
        <Events events={events} next={next === null ? null : `${path}?cursor=${next}`} now={now} />
      </section>
    </>
  );
}

function Notice({
  of: key,
  state,
  origin,
  now,
}: {
  of: ApiKey;
  state: KeyState;
  origin: Origin;
  now: number;
}) {
  if (origin.replacedBy === null) return null;
  const successor = <a href={`/dashboard/keys/${origin.replacedBy}`}>its successor</a>;
  if (state !== "overlap" || key.expiresAt === null)
    return <p class="notice">It was replaced by {successor}.</p>;
  return (
    <p class="notice warn">
      It was replaced by {successor} and ends <Time at={key.expiresAt} now={now} />. Once its last use is
      before the rotation, nothing needs it any more: revoke it.
    </p>
  );
}

function Actions({
  apiKey: key,
  state,
  origin,
  path,
  label,
  faults = [],
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
      {isLive && origin.replacedBy === null && state !== "suspended" && (
        <article>
          <form method="post" action={`${path}/rotate`}>
            <RequestField />
            <h3>Rotate</h3>
            <p>Makes a new key of the same label, scopes and expiry, and lets this one end.</p>
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
              <button type="submit">Rotate</button>
            </div>
          </form>
        </article>
      )}
      {isLive && <Switch isSuspended={key.suspendedAt !== null} path={path} />}
      <article>
        <h3>Revoke</h3>
        <p>Ends the key within seconds, everywhere and for good.</p>
        <a class="button danger" href={`${path}/revoke`} data-dialog="revoke">
          Revoke…
        </a>
      </article>
      <dialog id="revoke" aria-labelledby="revoke-title">
        <article>
          <h2 id="revoke-title">Revoke “{key.label}”?</h2>
          <Revoke
            of={key}
            now={now}
            cancel={
              <button type="button" class="plain" data-close>
                Keep it
              </button>
            }
          />
        </article>
      </dialog>
    </section>
  );
}

/** Suspends the key, or turns that back. */
function Switch({ isSuspended, path }: { isSuspended: boolean; path: string }) {
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

/** What is asked before a key is revoked: which key, and whether something still uses it. */
function Revoke({ of: key, now, cancel }: { of: ApiKey; now: number; cancel: Child }) {
  return (
    <form method="post" action={`/dashboard/keys/${key.id}/revoke`}>
      <p>
        <code>{key.keyPrefix}…</code>{" "}
        {key.lastUsedAt === null ? (
          "was never used"
        ) : (
          <>
            was last used <Time at={key.lastUsedAt} now={now} />
          </>
        )}
        . Whatever uses it will be refused within seconds. This cannot be undone.
      </p>
      <div class="row">
        {cancel}
        <button type="submit" class="danger">
          Revoke key
        </button>
      </div>
    </form>
  );
}

export function RevokePage({ of: key, now }: { of: ApiKey; now: number }) {
  return (
    <article>
      <h1>Revoke “{key.label}”?</h1>
      <Revoke of={key} now={now} cancel={<a href={`/dashboard/keys/${key.id}`}>Keep it</a>} />
    </article>
  );
}
