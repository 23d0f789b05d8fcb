import type { ShownEvent } from "../../audit/schema.ts";
import { Time } from "./time.tsx";

const ACTIONS: Record<ShownEvent["action"], string> = {
  create: "Created",
  rename: "Renamed",
  update: "Changed",
  rotate: "Rotated",
  suspend: "Suspended",
  resume: "Resumed",
  revoke: "Revoked",
  expiring: "Expires soon",
  expired: "Expired",
  dismiss: "Leak dismissed",
  suspend_company: "Company suspended",
  resume_company: "Company resumed",
  update_company: "Policy changed",
};

/** What nobody does. */
const OF_TIME: ReadonlySet<ShownEvent["action"]> = new Set(["expiring", "expired"]);

export interface EventsProps {
  events: readonly ShownEvent[];
  /** Path of the events that follow, if some do. */
  next: string | null;
  /** Path of the pages of keys, where the events are of several. */
  keys?: string;
  now: number;
}

export function EventsPage(props: EventsProps) {
  return (
    <>
      <h1>Audit log</h1>
      <Events {...props} keys="/dashboard/keys" />
    </>
  );
}

export function Events({ events, next, keys, now }: EventsProps) {
  return (
    <>
      <section class="scroll" tabindex={0} aria-label="Events">
        <table>
          <thead>
            <tr>
              <th scope="col">When</th>
              <th scope="col">What</th>
              {keys !== undefined && <th scope="col">Key</th>}
              <th scope="col">Who</th>
            </tr>
          </thead>
          <tbody>
            {events.map((event) => (
              <tr>
                <td>
                  <Time at={event.at} now={now} />
                </td>
                <td>
                  {ACTIONS[event.action]}
                  <small>{explain(event)}</small>
                </td>
                {keys !== undefined && (
                  <td>
                    {event.keyId !== null && (
                      <a href={`${keys}/${event.keyId}`}>
                        <code>{event.keyId}</code>
                      </a>
                    )}
                  </td>
                )}
                <td>
                  {event.actor?.subject ?? (OF_TIME.has(event.action) ? "" : "Holder of the key")}
                  {event.actor !== null && <small>{event.actor.issuer}</small>}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      {next !== null && (
        <p>
          <a rel="next" href={next}>
            Older events
          </a>
        </p>
      )}
    </>
  );
}

function explain({ action, detail }: ShownEvent): string {
  if (detail === null) return "";
  if (action === "update_company")
    return Object.entries(detail)
      .map((entry) => entry.join(": "))
      .join(", ");
  const { label, allowedIps, metadata, replaces, replacedBy, reason, url, days } = detail;
  if (label !== undefined) return `to “${label}”`;
  if (allowedIps !== undefined) return `may be used from ${allowedIps}`;
  if (metadata !== undefined) return `metadata to ${metadata}`;
  if (replaces !== undefined) return `in place of ${replaces}`;
  if (replacedBy !== undefined) return `replaced by ${replacedBy}`;
  if (days !== undefined) return `in ${days} ${days === "1" ? "day" : "days"}`;
  if (reason === "leaked") return `found in public: ${url}`;
  return reason ?? "";
}
