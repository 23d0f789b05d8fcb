import type { Company } from "../../../companies/policy.ts";
import { Fault, faulty } from "../../../dashboard/pages/create.tsx";
import type { ErrorDetail } from "../../../http/errors.ts";
import type { CompanyOptions } from "../../schema.ts";
import type { PolicyForm } from "../policy-form.ts";

interface PolicyProps {
  action: string;
  form: PolicyForm;
  faults: readonly ErrorDetail[];
  options: CompanyOptions;
}

/** What is set for the company alone, to be changed. */
export function Policy({ action, form, faults, options }: PolicyProps) {
  return (
    <form method="post" action={action} class="narrow">
      <Count
        field="maxLiveKeys"
        label="Live keys at most. Empty: as MAX_LIVE_KEYS has it"
        value={form.maxLiveKeys}
        faults={faults}
      />
      <Count
        field="maxKeyLifetimeDays"
        label="Days that a new key lives at most; 0: no maximum. Empty: as MAX_KEY_LIFETIME_DAYS has it"
        value={form.maxKeyLifetimeDays}
        faults={faults}
      />
      <Scopes form={form} faults={faults} catalogue={options.catalogue} />
      <label>
        Addresses that its keys may be used from, one a line. Empty: anywhere
        <textarea name="allowedIps" rows={3} {...faulty(faults, "allowedIps")}>
          {form.allowedIps}
        </textarea>
      </label>
      <Fault faults={faults} field="allowedIps" />
      <label>
        Rate tier: the limit of all its keys together
        <select name="rateTier" {...faulty(faults, "rateTier")}>
          <option value="">None</option>
          {withOwn(options.rateTiers, [form.rateTier]).map((tier) => (
            <option value={tier} selected={tier === form.rateTier}>
              {tier}
            </option>
          ))}
        </select>
      </label>
      <Fault faults={faults} field="rateTier" />
      <button type="submit">Save</button>
    </form>
  );
}

/** What there is to choose, and what is chosen though it is there no longer. */
function withOwn(choices: Iterable<string>, own: readonly string[]): string[] {
  return [...new Set([...choices, ...own])].filter(Boolean);
}

interface CountProps {
  field: string;
  label: string;
  value: string;
  faults: readonly ErrorDetail[];
}

function Count({ field, label, value, faults }: CountProps) {
  return (
    <>
      <label>
        {label}
        <input name={field} value={value} inputmode="numeric" autocomplete="off" {...faulty(faults, field)} />
      </label>
      <Fault faults={faults} field={field} />
    </>
  );
}

function Scopes({
  form,
  faults,
  catalogue,
}: Pick<PolicyProps, "form" | "faults"> & Pick<CompanyOptions, "catalogue">) {
  return (
    <>
      <fieldset {...faulty(faults, "scopes")}>
        <legend>Scopes that new keys may have</legend>
        <label>
          <input type="radio" name="hasAllScopes" value="yes" checked={form.hasAllScopes} />
          All of the catalogue
        </label>
        <label>
          <input type="radio" name="hasAllScopes" value="no" checked={!form.hasAllScopes} />
          Only these:
        </label>
        {withOwn(catalogue.keys(), form.scopes).map((scope) => (
          <label>
            <input type="checkbox" name="scopes" value={scope} checked={form.scopes.includes(scope)} />
            {catalogue.get(scope)} <code>{scope}</code>
          </label>
        ))}
      </fieldset>
      <Fault faults={faults} field="scopes" />
    </>
  );
}

/** The same for who may only read. */
export function PolicyFacts({ company }: { company: Company }) {
  const facts = [
    ["Live keys at most", company.maxLiveKeys ?? "As MAX_LIVE_KEYS has it"],
    ["Days that a new key lives at most", company.maxKeyLifetimeDays ?? "As MAX_KEY_LIFETIME_DAYS has it"],
    ["Scopes that new keys may have", company.scopes?.join(", ") ?? "All of the catalogue"],
    ["Addresses that its keys may be used from", company.allowedIps?.join(", ") ?? "Anywhere"],
    ["Rate tier", company.rateTier ?? "None"],
  ];
  return (
    <dl class="facts">
      {facts.map(([name, fact]) => (
        <>
          <dt>{name}</dt>
          <dd>{fact}</dd>
        </>
      ))}
    </dl>
  );
}
