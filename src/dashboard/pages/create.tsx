import type { ErrorDetail } from "../../http/errors.ts";
import type { Scope } from "../../keys/schema.ts";
import { DAY_MS, dayOf } from "../../lib/time.ts";
import { type KeyForm, offeredDays, REQUEST_FIELD } from "../form.ts";

export interface CreateProps {
  catalogue: readonly Scope[];
  /** 0: none. */
  maxLifetimeDays: number;
  form: KeyForm;
  faults: readonly ErrorDetail[];
  now: number;
}

export function CreatePage({ catalogue, maxLifetimeDays, form, faults, now }: CreateProps) {
  const lastDay = maxLifetimeDays === 0 ? undefined : dayOf(now + maxLifetimeDays * DAY_MS);
  return (
    <>
      <h1>Create a key</h1>
      <form method="post" action="/dashboard/keys" class="narrow">
        <RequestField />
        <label>
          Label
          <input
            name="label"
            value={form.label}
            required
            autofocus={form.label === ""}
            autocomplete="off"
            placeholder="What uses it, for instance: Careers page"
            {...faulty(faults, "label")}
          />
        </label>
        <Fault faults={faults} field="label" />
        <fieldset {...faulty(faults, "scopes")}>
          <legend>Scopes: what it may do. They can never be changed.</legend>
          {catalogue.map(({ scope, description }) => (
            <label>
              <input type="checkbox" name="scopes" value={scope} checked={form.scopes.includes(scope)} />
              {description} <code>{scope}</code>
            </label>
          ))}
        </fieldset>
        <Fault faults={faults} field="scopes" />
        <fieldset {...faulty(faults, "expiresAt")}>
          <legend>Expires</legend>
          {offeredDays(maxLifetimeDays).map((days) => (
            <label>
              <input type="radio" name="expiry" value={days} checked={form.expiry === String(days)} />
              In {days} days
            </label>
          ))}
          {maxLifetimeDays === 0 && (
            <label>
              <input type="radio" name="expiry" value="never" checked={form.expiry === "never"} />
              Never
            </label>
          )}
          <label>
            <input type="radio" name="expiry" value="date" checked={form.expiry === "date"} />
            At the end of this day, in UTC
          </label>
          <input
            type="date"
            name="date"
            value={form.date}
            min={dayOf(now)}
            max={lastDay}
            aria-label="Last day"
          />
        </fieldset>
        <Fault faults={faults} field="expiresAt" />
        <div class="row">
          <button type="submit">Create key</button>
          <a href="/dashboard">Cancel</a>
        </div>
      </form>
    </>
  );
}

/** Makes a form that is sent twice one request. */
export function RequestField() {
  return <input type="hidden" name={REQUEST_FIELD} value={crypto.randomUUID()} />;
}

/** Ties a field to what is wrong with it, for people who cannot see where it stands. */
export function faulty(faults: readonly ErrorDetail[], field: string) {
  return faults.some((fault) => fault.field === field)
    ? { "aria-invalid": "true" as const, "aria-describedby": `${field}-fault` }
    : {};
}

interface FaultProps {
  faults: readonly ErrorDetail[];
  field: string;
  /** What it is that is wrong, where no field beside it says so. */
  what?: string;
}

export function Fault({ faults, field, what }: FaultProps) {
  const fault = faults.find((one) => one.field === field);
  return fault === undefined ? null : (
    <small class="fault" id={`${field}-fault`}>
      {what === undefined ? fault.message : `${what} ${fault.message}`}
    </small>
  );
}
