/** What was looked at: `good`, a `note` that may be meant so, or a `fault`, with what mends it. */
export interface Finding {
  is: "good" | "note" | "fault";
  says: string;
  mend?: string | undefined;
}

export const good = (says: string): Finding => ({ is: "good", says });
export const note = (says: string, mend?: string): Finding => ({ is: "note", says, mend });
export const fault = (says: string, mend?: string): Finding => ({ is: "fault", says, mend });

/** Whether it is of this machine. */
export function isLoopback(url: string): boolean {
  return URL.canParse(url) && /^(localhost|127\.[\d.]+|\[::1\])$/.test(new URL(url).hostname);
}
