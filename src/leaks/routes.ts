import { zValidator } from "@hono/zod-validator";
import { Hono, type MiddlewareHandler } from "hono";
import type { Actor } from "../audit/store.ts";
import { jsonBody, KIB, wholeBody } from "../http/body.ts";
import { ApiError } from "../http/errors.ts";
import { refuseBody } from "../http/validation.ts";
import type { ReporterKeys } from "./keys.ts";
import { reportSchema } from "./schema.ts";
import { handleReport, type LeakServiceParts } from "./service.ts";
import { rawSignature } from "./signature.ts";

const ES256 = { name: "ECDSA", hash: "SHA-256" };

export interface ReporterVariables {
  reporter: Actor;
}

const MAX_REPORT_BYTES = 1024 * KIB;

/** Takes reports of leaked keys that `reporter` has signed. */
export function leakRoutes(parts: LeakServiceParts, reporter: ReporterSignatureOptions) {
  return new Hono<{ Variables: ReporterVariables }>().post(
    "/",
    wholeBody(MAX_REPORT_BYTES),
    reporterSignature(reporter),
    jsonBody,
    zValidator("json", reportSchema, refuseBody),
    async (c) => c.json(await handleReport(parts, c.var.reporter, c.req.valid("json"))),
  );
}

export interface ReporterSignatureOptions {
  /** Where the reporter's keys come from: names it in the audit log. */
  url: string;
  keys: ReporterKeys;
}

/**
 * Hono middleware: lets a request pass only with a signature of the reporter over its raw body, as
 * GitHub's secret-scanning partner program has it, and sets `c.var.reporter`.
 */
function reporterSignature({
  url,
  keys,
}: ReporterSignatureOptions): MiddlewareHandler<{ Variables: ReporterVariables }> {
  return async function reporterSignature(c, next) {
    const identifier = c.req.header("Github-Public-Key-Identifier");
    const signature = c.req.header("Github-Public-Key-Signature");
    if (!identifier || !signature) throw refused("missing");
    const raw = rawSignature(fromBase64(signature));
    if (raw === null) throw refused("malformed");
    const key = await keys(identifier);
    if (key === undefined) throw refused("unknown_key");
    if (!(await crypto.subtle.verify(ES256, key, raw, await c.req.arrayBuffer()))) throw refused("signature");
    c.set("reporter", { issuer: url, subject: identifier });
    return next();
  };
}

/** Empty where it is no base64. */
function fromBase64(text: string): Uint8Array {
  try {
    return Uint8Array.fromBase64(text);
  } catch {
    return new Uint8Array();
  }
}

/** `reason` is for the log; the answer does not tell which check failed. */
function refused(reason: string): ApiError {
  return new ApiError("UNAUTHORIZED", {
    message: "Invalid or missing signature",
    // RFC 9110 §15.5.2 wants a challenge with every 401; there is no registered scheme for this one.
    headers: { "WWW-Authenticate": 'GitHub-Signature realm="latchkey"' },
    reason,
  });
}
