import type { Context } from "hono";
import * as z from "zod";
import { ApiError, type ErrorDetail } from "../http/errors.ts";
import { brokenFields } from "../http/validation.ts";
import type { KeyForm as KeyFormat } from "../keys/form.ts";
import { type IdempotentRequest, idempotentRequest } from "../keys/idempotency.ts";
import { DAY_MS } from "../lib/time.ts";
import { dayIn, endOf } from "./zone.ts";

const FORM_TYPES = /^(application\/x-www-form-urlencoded|multipart\/form-data)\s*(;|$)/i;
const DAY = /^\d{4}-\d\d-\d\d$/;
const DAYS = /^[1-9]\d{0,4}$/;

/** How long a new key may be offered to live. */
const EXPIRY_DAYS = [30, 90, 365];
const USUAL_DAYS = 90;

/** The form that creates a key, as a browser sends it. */
export interface KeyForm {
  label: string;
  scopes: readonly string[];
  /** Days, `never`, or `date`. */
  expiry: string;
  /** `YYYY-MM-DD`, or empty. Where there is one it counts, whatever `expiry` is. */
  date: string;
  /** Addresses and blocks, apart by spaces, commas or lines; empty: anywhere. */
  allowedIps: string;
  /** `name=text`, a line each. */
  metadata: string;
}

/** When and where a form is filled in, and what it may ask for. */
export interface FormRules {
  /** Milliseconds since the epoch. */
  now: number;
  /** 0: none. */
  maxLifetimeDays: number;
  /** Name of the IANA's database. */
  zone: string;
}

/** The days that the form offers, the fewest first. @param maxLifetimeDays - 0: none. */
export function offeredDays(maxLifetimeDays: number): number[] {
  if (maxLifetimeDays === 0) return EXPIRY_DAYS;
  return [...EXPIRY_DAYS.filter((days) => days < maxLifetimeDays), maxLifetimeDays];
}

/** The form that nobody has filled in yet. */
export function emptyForm(maxLifetimeDays: number): KeyForm {
  const offered = offeredDays(maxLifetimeDays);
  const usual = Math.max(...offered.filter((days) => days <= USUAL_DAYS));
  return { label: "", scopes: [], expiry: String(usual), date: "", allowedIps: "", metadata: "" };
}

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

/** The field by which a form that is sent twice is known: its value is made with the page. */
export const REQUEST_FIELD = "request";
/** That of a UUID. */
const REQUEST = /^[0-9a-f-]{36}$/;

/**
 * The request that a form is: sent twice it is one, and once something in it was changed it is another. `undefined` for
 * a form without the field.
 *
 * @param peppers - Generation character to pepper.
 */
export async function requestOf(
  peppers: ReadonlyMap<string, string>,
  parts: { companyId: string; path: string },
  data: FormData,
): Promise<IdempotentRequest | undefined> {
  if (!REQUEST.test(textOf(data, REQUEST_FIELD))) return undefined;
  const value = JSON.stringify([...data].filter(([, entry]) => typeof entry === "string"));
  return idempotentRequest(peppers, { ...parts, value, body: new Uint8Array() });
}

export function readKeyForm(data: FormData): KeyForm {
  const date = textOf(data, "date");
  return {
    label: textOf(data, "label"),
    scopes: data.getAll("scopes").filter((scope) => typeof scope === "string"),
    expiry: date === "" ? textOf(data, "expiry") : "date",
    date,
    allowedIps: textOf(data, "allowedIps"),
    metadata: textOf(data, "metadata"),
  };
}

/** What the form asks for, as the body of `POST /settings/api-keys`: its rules hold here too. */
export function keyBody(
  { label, scopes, expiry, date, allowedIps, metadata }: KeyForm,
  rules: FormRules,
): Record<string, unknown> {
  const addresses = allowedIps.split(SEPARATORS).filter((entry) => entry !== "");
  return {
    label,
    scopes,
    ...(expiry !== "never" && { expiresAt: endOfDay(date || lastDay(expiry, rules), rules) }),
    ...(addresses.length > 0 && { allowedIps: addresses }),
    ...(metadata.trim() !== "" && { metadata: metadataOf(metadata) }),
  };
}

const SEPARATORS = /[\s,;]+/;

/** What cannot be read is a name without a text, which the rules refuse. */
function metadataOf(text: string): Record<string, unknown> {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  return Object.fromEntries(
    lines.map((line): [string, unknown] => {
      const at = line.indexOf("=");
      return at < 0 ? [line.trim(), null] : [line.slice(0, at).trim(), line.slice(at + 1).trim()];
    }),
  );
}

/** The day on which a key of so many days ends; empty where `days` is no number of them. */
export function lastDay(days: string, { now, zone }: Pick<FormRules, "now" | "zone">): string {
  return DAYS.test(days) ? dayIn(now + Number(days) * DAY_MS, zone) : "";
}

/** Of the calendar: there is no 30th of February. */
function isDay(text: string): boolean {
  return z.iso.date().safeParse(text).success;
}

/** RFC 3339, where `day` is one. The last day that the rules let a key live is one to choose: it ends in its course. */
export function endOfDay(day: string, { now, maxLifetimeDays, zone }: FormRules): string {
  if (!isDay(day)) return day;
  const latest = now + maxLifetimeDays * DAY_MS;
  const isLastDay = maxLifetimeDays > 0 && day === dayIn(latest, zone);
  const end = endOf(day, zone);
  return new Date(isLastDay ? Math.min(latest, end) : end).toISOString();
}

/** RFC 3339; `null` where `days` is no number of days. @param now - Milliseconds since the epoch. */
export function endAfter(days: string, now: number): string | null {
  return DAYS.test(days) ? new Date(now + Number(days) * DAY_MS).toISOString() : null;
}

/** What is wrong with the form, in the words of its fields. */
export function formFaults(error: z.core.$ZodError, { date }: KeyForm): ErrorDetail[] {
  return brokenFields(error).map((fault) =>
    fault.field === "expiresAt" && !DAY.test(date) ? { ...fault, message: "must be chosen" } : fault,
  );
}

/** A form sends also the fields that were left empty. */
export function filled(query: unknown): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(query as Record<string, unknown>).filter(([, value]) => value !== ""),
  );
}

/** The key that somebody pasted, with whatever stands around it: a header, a command. */
export function keyIn(text: string, form: KeyFormat): string {
  return text.split(/[^\w-]+/).find((part) => form.isIn(part)) ?? text;
}

export function textOf(data: FormData, name: string): string {
  const value = data.get(name);
  return typeof value === "string" ? value : "";
}
