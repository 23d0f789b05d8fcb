const TIMEOUT_MS = 10_000;

/** Where to look further. */
export const LOG = "The log names it: `npx wrangler tail`.";

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  /** Of the body, where that is an object as JSON. */
  json: Record<string, unknown>;
}

/** Asks without following: `undefined` where nobody answers in time. */
export async function ask(
  url: string | URL,
  headers: Record<string, string> = {},
): Promise<Answer | undefined> {
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const response = await fetch(url, { headers, redirect: "manual", signal });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, json: objectOf(text) };
  } catch {
    return undefined;
  }
}

function objectOf(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}
