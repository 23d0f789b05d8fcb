import { zValidator } from "@hono/zod-validator";
import { Hono, type MiddlewareHandler } from "hono";
import type { Actor } from "../audit/event.ts";
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
  /** What the headers say of the signature. */
  signature: { key: CryptoKey; raw: Uint8Array<ArrayBuffer> };
}

type Reporter = MiddlewareHandler<{ Variables: ReporterVariables }>;

const MAX_REPORT_BYTES = 1024 * KIB;
/** Reports that an isolate reads at once: more would take the memory that verification lives in. */
const MAX_REPORTS = 32;

/** Takes reports of leaked keys that `reporter` has signed. */
export function leakRoutes(parts: LeakServiceParts, reporter: ReporterSignatureOptions) {
  return new Hono<{ Variables: ReporterVariables }>().post(
    "/",
    signatureHeaders(reporter),
    atMost(MAX_REPORTS),
    wholeBody(MAX_REPORT_BYTES),
    signatureOfBody,
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
 * Hono middleware: lets a request pass only with the headers of a signature under one of the reporter's keys, as
 * GitHub's secret-scanning partner program has them. Nothing of the body is read before that.
 */
function signatureHeaders({ url, keys }: ReporterSignatureOptions): Reporter {
  return async function signatureHeaders(c, next) {
    const identifier = c.req.header("Github-Public-Key-Identifier");
    const signature = c.req.header("Github-Public-Key-Signature");
    if (!identifier || !signature) throw refused("missing");
    const raw = rawSignature(fromBase64(signature));
    if (raw === null) throw refused("malformed");
    const key = await keys(identifier);
    if (key === undefined) throw refused("unknown_key");
    c.set("signature", { key, raw });
    c.set("reporter", { issuer: url, subject: identifier });
    return next();
  };
}

/** Hono middleware: lets a request pass only with that signature over its raw body. Wants `signatureHeaders` before it. */
const signatureOfBody: Reporter = async function signatureOfBody(c, next) {
  const { key, raw } = c.var.signature;
  if (!(await crypto.subtle.verify(ES256, key, raw, await c.req.arrayBuffer()))) throw refused("signature");
  return next();
};

/** Hono middleware: refuses a request while `limit` others are under way. */
function atMost(limit: number): MiddlewareHandler {
  let underWay = 0;
  return async function atMost(_, next) {
    if (underWay >= limit) throw new ApiError("UNAVAILABLE", { reason: "too_many_reports" });
    underWay++;
    try {
      await next();
    } finally {
      underWay--;
    }
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
