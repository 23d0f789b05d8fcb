import type { Company } from "../../../companies/policy.ts";
import { Fault, faulty } from "../../../dashboard/pages/create.tsx";
import { useWords } from "../../../dashboard/words/words.ts";
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
  const words = useWords().text.policy;
  return (
    <form method="post" action={action} class="narrow">
      <Count field="maxLiveKeys" label={words.maxLiveKeysField} value={form.maxLiveKeys} faults={faults} />
      <Count
        field="maxKeyLifetimeDays"
        label={words.maxKeyLifetimeDaysField}
        value={form.maxKeyLifetimeDays}
        faults={faults}
      />
      <Scopes form={form} faults={faults} catalogue={options.catalogue} />
      <label>
        {words.allowedIpsField}
        <textarea name="allowedIps" rows={3} {...faulty(faults, "allowedIps")}>
          {form.allowedIps}
        </textarea>
      </label>
      <Fault faults={faults} field="allowedIps" />
      <label>
        {words.rateTierField}
        <select name="rateTier" {...faulty(faults, "rateTier")}>
          <option value="">{words.noTier}</option>
          {withOwn(options.rateTiers, [form.rateTier]).map((tier) => (
            <option value={tier} selected={tier === form.rateTier}>
              {tier}
            </option>
          ))}
        </select>
      </label>
      <Fault faults={faults} field="rateTier" />
      <button type="submit">{words.save}</button>
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
  const words = useWords().text.policy;
  return (
    <>
      <fieldset {...faulty(faults, "scopes")}>
        <legend>{words.scopes}</legend>
        <label>
          <input type="radio" name="hasAllScopes" value="yes" checked={form.hasAllScopes} />
          {words.allScopes}
        </label>
        <label>
          <input type="radio" name="hasAllScopes" value="no" checked={!form.hasAllScopes} />
          {words.onlyThese}
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
  const words = useWords().text.policy;
  const facts = [
    [words.maxLiveKeys, company.maxLiveKeys ?? words.maxLiveKeysUnset],
    [words.maxKeyLifetimeDays, company.maxKeyLifetimeDays ?? words.maxKeyLifetimeDaysUnset],
    [words.scopes, company.scopes?.join(", ") ?? words.allScopes],
    [words.allowedIps, company.allowedIps?.join(", ") ?? words.anywhere],
    [words.rateTier, company.rateTier ?? words.noTier],
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
