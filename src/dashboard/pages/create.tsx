import type { ErrorDetail } from "../../http/errors.ts";
import type { Scope } from "../../keys/schema.ts";
import { DAY_MS } from "../../lib/time.ts";
import { endOfDay, type FormRules, type KeyForm, lastDay, offeredDays, REQUEST_FIELD } from "../form.ts";
import { faultIn } from "../words/wire.ts";
import { useWords } from "../words/words.ts";
import { dayIn } from "../zone.ts";
import { Scopes } from "./scopes.tsx";

export interface CreateProps {
  catalogue: readonly Scope[];
  /** What the company’s keys may be used from; `null`: anywhere. */
  companyIps: readonly string[] | null;
  form: KeyForm;
  /** Whether it was kept while somebody signed in again. */
  isKept?: boolean;
  faults: readonly ErrorDetail[];
  rules: FormRules;
}

export function CreatePage({ catalogue, companyIps, form, faults, rules, isKept }: CreateProps) {
  const { text } = useWords();
  const { create: words } = text;
  return (
    <>
      <h1>{words.heading}</h1>
      {isKept && <p class="notice">{words.kept}</p>}
      <form method="post" action="/dashboard/keys" class="narrow" data-create>
        <RequestField />
        <label>
          {words.label}
          <input
            name="label"
            dir="auto"
            value={form.label}
            required
            autofocus={form.label === ""}
            autocomplete="off"
            placeholder={words.labelHint}
            {...faulty(faults, "label")}
          />
        </label>
        <Fault faults={faults} field="label" />
        <Scopes catalogue={catalogue} chosen={form.scopes} faulty={faulty(faults, "scopes")} />
        <Fault faults={faults} field="scopes" />
        <Expiry form={form} faults={faults} rules={rules} />
        <Fault faults={faults} field="expiresAt" />
        <Restrictions companyIps={companyIps} form={form} faults={faults} />
        <Summary />
        <div class="row">
          <button type="submit">{words.submit}</button>
          <a href="/dashboard">{words.cancel}</a>
        </div>
      </form>
    </>
  );
}

/** Choices and a day: each sets the other with script; without it a day that is given counts. */
function Expiry({ form, faults, rules }: Pick<CreateProps, "form" | "faults" | "rules">) {
  const { text, locale, day, exact } = useWords();
  const { create: words } = text;
  const { now, maxLifetimeDays, zone } = rules;
  const chosen = form.date || lastDay(form.expiry, rules);
  const end = Date.parse(endOfDay(chosen, rules));
  const presets = offeredDays(maxLifetimeDays).map((days) => {
    const last = lastDay(String(days), rules);
    const isChosen = form.date === "" ? form.expiry === String(days) : form.date === last;
    return { days, last, end: endOfDay(last, rules), isChosen };
  });
  const isOther = form.expiry === "date" && !presets.some(({ isChosen }) => isChosen);
  return (
    <fieldset {...faulty(faults, "expiresAt")}>
      <legend>{words.expires}</legend>
      <div class="choices">
        {presets.map(({ days, last, end, isChosen }) => (
          <label>
            <input
              type="radio"
              name="expiry"
              value={days}
              data-day={last}
              data-end={end}
              checked={isChosen}
            />
            {words.days(days)} <small>{day(new Date(end))}</small>
          </label>
        ))}
        {maxLifetimeDays === 0 && (
          <label>
            <input type="radio" name="expiry" value="never" checked={form.expiry === "never"} />
            {words.never}
          </label>
        )}
        <label>
          <input type="radio" name="expiry" value="date" checked={isOther} />
          {words.date}
        </label>
      </div>
      <label>
        {words.lastDay}
        <input
          type="date"
          name="date"
          value={form.date}
          min={dayIn(now, zone)}
          max={maxLifetimeDays === 0 ? undefined : dayIn(now + maxLifetimeDays * DAY_MS, zone)}
        />
      </label>
      <p class="hint" id="ends" data-at={words.ends("{}")} data-never={words.endsNever} data-locale={locale}>
        {form.expiry === "never"
          ? words.endsNever
          : Number.isNaN(end)
            ? words.endsAt(zone)
            : words.ends(exact(new Date(end)))}
      </p>
    </fieldset>
  );
}

/** From where the key may be used, and what is written down with it. */
function Restrictions({ companyIps, form, faults }: Pick<CreateProps, "companyIps" | "form" | "faults">) {
  const { text } = useWords();
  const { create: words } = text;
  const isOpen = (field: "allowedIps" | "metadata") =>
    form[field] !== "" || faults.some((fault) => fault.field === field);
  return (
    <>
      <details class="more" open={isOpen("allowedIps")}>
        <summary>{words.addresses}</summary>
        <label>
          {words.addressesLabel}
          <textarea
            name="allowedIps"
            rows={3}
            spellcheck={false}
            autocomplete="off"
            placeholder={"203.0.113.7\n2001:db8::/32"}
            {...faulty(faults, "allowedIps")}
          >
            {form.allowedIps}
          </textarea>
        </label>
        <Fault faults={faults} field="allowedIps" />
        <p class="hint">
          {companyIps === null ? words.addressesHint : words.companyAddresses(companyIps.join(", "))}
        </p>
      </details>
      <details class="more" open={isOpen("metadata")}>
        <summary>{words.metadata}</summary>
        <label>
          {words.metadataLabel}
          <textarea
            name="metadata"
            rows={3}
            spellcheck={false}
            autocomplete="off"
            placeholder={"team=careers\nrepository=website"}
            {...faulty(faults, "metadata")}
          >
            {form.metadata}
          </textarea>
        </label>
        <Fault faults={faults} field="metadata" />
        <p class="hint">{words.metadataHint}</p>
      </details>
    </>
  );
}

/** What the form says, as it is filled in: by script alone. */
function Summary() {
  const { text } = useWords();
  const { create: words } = text;
  return (
    <section class="summary with-script" aria-label={words.summary}>
      <dl class="facts">
        <dt>{words.label}</dt>
        <dd>
          <bdi data-sum="label" data-none={words.noLabel} />
        </dd>
        <dt>{words.may}</dt>
        <dd data-sum="scopes" data-none={words.nothing} />
        <dt>{words.from}</dt>
        <dd data-sum="allowedIps" data-none={words.anywhere} />
        <dt>{words.until}</dt>
        <dd data-sum="date" data-none={words.noEnd} />
      </dl>
    </section>
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
}

export function Fault({ faults, field }: FaultProps) {
  const fault = faults.find((one) => one.field === field);
  return fault === undefined ? null : (
    <small class="fault" id={`${field}-fault`}>
      {faultIn(useWords().text, fault)}
    </small>
  );
}
