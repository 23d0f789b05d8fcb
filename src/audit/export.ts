import { describeFault } from "../lib/fault.ts";
import type { LoggedEvent, LogPage } from "./log.ts";

const COLUMNS = ["at", "action", "key", "label", "issuer", "subject", "detail", "id"];

/** A program that opens the file would take it for a formula (OWASP, CSV Injection). */
const FORMULA = /^[=+\-@\t\r]/;
/** RFC 4180 §2. */
const QUOTED = /[",\r\n]/;
/** Without it Excel takes UTF-8 for another encoding. */
const BYTE_ORDER_MARK = "\uFEFF";

interface Format {
  type: string;
  begin: string;
  between: string;
  end: string;
  entry(event: LoggedEvent): string;
}

/** The files that the audit log can be had as, by the end of their names. */
export const FORMATS: Record<"csv" | "json", Format> = {
  csv: {
    type: "text/csv; charset=utf-8",
    begin: `${BYTE_ORDER_MARK}${COLUMNS.join(",")}\r\n`,
    between: "",
    end: "",
    entry({ at, action, keyId, label, actor, detail, id }) {
      const cells = [
        at,
        action,
        keyId,
        label,
        actor?.issuer,
        actor?.subject,
        detail && JSON.stringify(detail),
        id,
      ];
      return `${cells.map((cell) => cellOf(cell ?? "")).join(",")}\r\n`;
    },
  },
  json: {
    type: "application/json",
    begin: "[\n",
    between: ",\n",
    end: "\n]\n",
    entry: (event) => JSON.stringify(event),
  },
};

function cellOf(text: string): string {
  const harmless = FORMULA.test(text) ? `'${text}` : text;
  return QUOTED.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

/**
 * One part of the log as a file, of which one page at a time is in memory. It breaks off where a page cannot be read.
 *
 * @param first - Its first page.
 * @param following - The page of the same part at a cursor.
 */
export function logFile(
  { begin, between, end, entry }: Format,
  first: LogPage,
  following: (cursor: string) => Promise<LogPage>,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let page: LogPage | null = null;
  let isEmpty = true;

  return new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(encoder.encode(begin)),

    async pull(controller) {
      for (let text = ""; text === ""; ) {
        page = page === null ? first : await following(page.next ?? "").catch(broken);
        const { events, next, nextPart } = page;
        const isLast = next === nextPart;
        const entries = events.map(entry).join(between);
        text = `${isEmpty || entries === "" ? "" : between}${entries}${isLast ? end : ""}`;
        isEmpty &&= entries === "";
        if (text !== "") controller.enqueue(encoder.encode(text));
        if (isLast) return controller.close();
      }
    },
  });
}

function broken(fault: unknown): never {
  console.error(JSON.stringify({ event: "export_failed", reason: describeFault(fault) }));
  throw fault;
}
