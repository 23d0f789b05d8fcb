import type { MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { DeadlineError, withDeadline } from "../lib/deadline.ts";
import { ApiError, malformedBody } from "./errors.ts";

export const KIB = 1024;
/** Of every request, but for those that say otherwise. */
export const MAX_BODY_BYTES = 16 * KIB;

const JSON_TYPE = /^application\/json\s*(;\s*charset\s*=\s*"?utf-8"?\s*)?$/i;
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });

/** A body that takes longer is not waited for: what came of it would only take memory. */
export const BODY_DEADLINE_MS = 10_000;

/** Hono middleware: reads the whole body, of at most `maxBytes`, before the next handler runs. */
export function wholeBody(maxBytes: number): MiddlewareHandler {
  const limitBody = bodyLimit({
    maxSize: maxBytes,
    onError: () => {
      throw new ApiError("PAYLOAD_TOO_LARGE", {
        message: `Request body is larger than ${maxBytes / KIB} KiB`,
      });
    },
  });
  return async function wholeBody(c, next) {
    const read = limitBody(c, async () => {
      await c.req.arrayBuffer();
    });
    try {
      await withDeadline(read, BODY_DEADLINE_MS);
    } catch (fault) {
      if (fault instanceof DeadlineError)
        throw new ApiError("BAD_REQUEST", { message: "The request body came too slowly" });
      throw fault instanceof ApiError ? fault : malformedBody();
    }
    return next();
  };
}

/** Hono middleware: a body is JSON by its media type, and UTF-8 (RFC 8259 §8.1). */
export const jsonBody: MiddlewareHandler = async function jsonBody(c, next) {
  if (c.req.raw.body === null || c.req.header("Content-Length") === "0") return next();
  if (!JSON_TYPE.test(c.req.header("Content-Type") ?? "")) throw new ApiError("UNSUPPORTED_MEDIA_TYPE");
  try {
    utf8.decode(await c.req.arrayBuffer());
  } catch {
    throw malformedBody();
  }
  return next();
};
