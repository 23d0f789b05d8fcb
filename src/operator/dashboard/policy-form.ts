import type { Policy } from "../../companies/policy.ts";
import { textOf } from "../../dashboard/form.ts";
import type { ErrorDetail } from "../../http/errors.ts";

/** A company's policy, as a browser sends it. What is empty is not set. */
export interface PolicyForm {
  maxLiveKeys: string;
  maxKeyLifetimeDays: string;
  hasAllScopes: boolean;
  scopes: readonly string[];
  /** With spaces or lines between. */
  allowedIps: string;
  rateTier: string;
}

export function policyForm(policy: Policy): PolicyForm {
  return {
    maxLiveKeys: String(policy.maxLiveKeys ?? ""),
    maxKeyLifetimeDays: String(policy.maxKeyLifetimeDays ?? ""),
    hasAllScopes: policy.scopes === null,
    scopes: policy.scopes ?? [],
    allowedIps: (policy.allowedIps ?? []).join("\n"),
    rateTier: policy.rateTier ?? "",
  };
}

export function readPolicyForm(data: FormData): PolicyForm {
  return {
    maxLiveKeys: textOf(data, "maxLiveKeys").trim(),
    maxKeyLifetimeDays: textOf(data, "maxKeyLifetimeDays").trim(),
    hasAllScopes: textOf(data, "hasAllScopes") === "yes",
    scopes: data.getAll("scopes").filter((scope) => typeof scope === "string"),
    allowedIps: textOf(data, "allowedIps"),
    rateTier: textOf(data, "rateTier"),
  };
}

/**
 * What the form changes of `policy`, as the body of `PATCH /operator/companies/{id}`: its rules hold here too. What stays
 * as it is need not keep the rules of today.
 */
export function policyBody(form: PolicyForm, policy: Policy): Record<string, unknown> {
  const allowedIps = form.allowedIps.split(/[\s,]+/).filter(Boolean);
  const wanted: Record<keyof Policy, unknown> = {
    maxLiveKeys: countOf(form.maxLiveKeys),
    maxKeyLifetimeDays: countOf(form.maxKeyLifetimeDays),
    scopes: form.hasAllScopes ? null : form.scopes,
    allowedIps: allowedIps.length === 0 ? null : allowedIps,
    rateTier: form.rateTier === "" ? null : form.rateTier,
  };
  const isOther = ([name, value]: [string, unknown]) => {
    return ordered(value) !== ordered(policy[name as keyof Policy]);
  };
  return Object.fromEntries(Object.entries(wanted).filter(isOther));
}

/** Scopes that were ticked beside "all" where none were before: whoever ticked them wants no others. */
export function unclearScopes(form: PolicyForm, policy: Policy): ErrorDetail[] {
  if (!form.hasAllScopes || form.scopes.length === 0 || policy.scopes !== null) return [];
  return [{ field: "scopes", message: "must be chosen, or none ticked" }];
}

function countOf(text: string): unknown {
  if (text === "") return null;
  return /^\d{1,9}$/.test(text) ? Number(text) : text;
}

function ordered(value: unknown): string {
  return JSON.stringify(Array.isArray(value) ? value.toSorted() : value);
}
