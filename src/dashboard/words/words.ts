import type { Context, MiddlewareHandler } from "hono";
import { getCookie } from "hono/cookie";
import { createContext, useContext } from "hono/jsx";
import { type LanguageVariables, languageDetector } from "hono/language";
import { de } from "./de.ts";
import { en, type Messages } from "./en.ts";

const MESSAGES = { en, de };

export type Language = keyof typeof MESSAGES;

export const LANGUAGES = Object.keys(MESSAGES) as Language[];

/** How each language writes dates: English with the day before the month. */
const LOCALES: Record<Language, string> = { en: "en-GB", de: "de-DE" };

export const LANGUAGE_COOKIE = "latchkey-language";
/** The script of the pages sets it: no header names the zone. */
export const ZONE_COOKIE = "latchkey-zone";
/** Of a browser that does not tell. */
const NO_ZONE = "UTC";
/** A name of the IANA's database. The longest has 32 characters. */
const ZONE = /^[A-Za-z][\w+/-]{0,63}$/;

const UNITS = [
  { unit: "year", seconds: 365 * 86_400 },
  { unit: "month", seconds: 30 * 86_400 },
  { unit: "day", seconds: 86_400 },
  { unit: "hour", seconds: 3_600 },
  { unit: "minute", seconds: 60 },
  { unit: "second", seconds: 1 },
] as const;

/** What a page says, and how it writes numbers and times: in the visitor's language and time zone. */
export interface Words {
  language: Language;
  /** Name of the IANA's database. */
  zone: string;
  /** For `Intl`. */
  locale: string;
  text: Messages;
  /** Whole or not: `1,042`. */
  number(value: number): string;
  /** `3 minutes ago`, `in 2 days`: whole units, rounded towards `now`, in milliseconds since the epoch. */
  relative(at: Date, now: number): string;
  /** `27 Nov 2026` */
  day(at: Date): string;
  /** `27 Nov 2026, 11:56` */
  moment(at: Date): string;
  /** With the seconds and the zone. */
  exact(at: Date): string;
}

export function messagesIn(language: Language): Messages {
  return MESSAGES[language];
}

/** @param zone - What `Intl` knows. */
export function wordsIn(language: Language, zone: string): Words {
  const locale = LOCALES[language];
  const text = MESSAGES[language];
  const format = (options: Intl.DateTimeFormatOptions) => (at: Date) =>
    new Intl.DateTimeFormat(locale, { ...options, timeZone: zone }).format(at);
  const numbers = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 });
  return {
    language,
    zone,
    locale,
    text,
    number: (value) => numbers.format(value),
    relative(at, now) {
      const seconds = Math.trunc((at.getTime() - now) / 1000);
      const fits = UNITS.find((one) => Math.abs(seconds) >= one.seconds);
      if (fits === undefined) return text.time.justNow;
      const units = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });
      return units.format(Math.trunc(seconds / fits.seconds), fits.unit);
    },
    day: format({ dateStyle: "medium" }),
    moment: format({ dateStyle: "medium", timeStyle: "short" }),
    exact: format({ dateStyle: "long", timeStyle: "long" }),
  };
}

/** Hono middleware: finds the language that a visitor chose, or that their browser asks for. */
export const detectLanguage: MiddlewareHandler<{ Variables: LanguageVariables }> = languageDetector({
  order: ["cookie", "header"],
  lookupCookie: LANGUAGE_COOKIE,
  caches: false,
  supportedLanguages: LANGUAGES,
  fallbackLanguage: "en",
});

/** Of a request. Wants `detectLanguage` before it. */
export function wordsOf(c: Context): Words {
  const known = made.get(c.req.raw);
  if (known !== undefined) return known;
  const language = LANGUAGES.find((one) => one === c.var.language) ?? "en";
  const words = wordsIn(language, zoneOf(getCookie(c, ZONE_COOKIE)));
  made.set(c.req.raw, words);
  return words;
}

const made = new WeakMap<Request, Words>();

function zoneOf(name = ""): string {
  if (!ZONE.test(name)) return NO_ZONE;
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone;
  } catch {
    return NO_ZONE;
  }
}

const WordsContext = createContext(wordsIn("en", NO_ZONE));

/** What is in it is in these words. */
export const InWords = WordsContext.Provider;

/** Of the page that a component is of. */
export function useWords(): Words {
  return useContext(WordsContext);
}
