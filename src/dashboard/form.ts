import type { Context } from "hono";
import { ApiError } from "../http/errors.ts";
import { DAY_MS } from "../lib/time.ts";

const FORM_TYPES = /^(application\/x-www-form-urlencoded|multipart\/form-data)\s*(;|$)/i;

/** How long a new key may be offered to live. */
export const EXPIRY_DAYS = [30, 90, 365];

/** The form that creates a key, as a browser sends it. */
export interface KeyForm {
  label: string;
  scopes: readonly string[];
  /** Days, `never`, or `date`: then `date` tells. */
  expiry: string;
  /** `YYYY-MM-DD`. */
  date: string;
}

export const EMPTY_FORM: KeyForm = { label: "", scopes: [], expiry: String(EXPIRY_DAYS[1]), date: "" };

/** @throws ApiError `UNSUPPORTED_MEDIA_TYPE`, `BAD_REQUEST` where the body is no form. */
export async function formOf(c: Context): Promise<FormData> {
  if (!FORM_TYPES.test(c.req.header("Content-Type") ?? "")) {
    throw new ApiError("UNSUPPORTED_MEDIA_TYPE", { message: "Content-Type must be that of a form" });
  }
  try {
    return await c.req.formData();
  } catch {
    throw new ApiError("BAD_REQUEST", { message: "Malformed form" });
  }
}

export function readKeyForm(data: FormData): KeyForm {
  return {
    label: textOf(data, "label"),
    scopes: data.getAll("scopes").filter((scope) => typeof scope === "string"),
    expiry: textOf(data, "expiry"),
    date: textOf(data, "date"),
  };
}

/** What the form asks for, as the body of `POST /settings/api-keys`: its rules hold here too. */
export function keyBody({ label, scopes, expiry, date }: KeyForm, now: number): Record<string, unknown> {
  if (expiry === "never") return { label, scopes };
  const days = /^[1-9]\d{0,4}$/.test(expiry) ? Number(expiry) : 0;
  const expiresAt = days > 0 ? new Date(now + days * DAY_MS).toISOString() : `${date}T23:59:59Z`;
  return { label, scopes, expiresAt };
}

export function textOf(data: FormData, name: string): string {
  const value = data.get(name);
  return typeof value === "string" ? value : "";
}
