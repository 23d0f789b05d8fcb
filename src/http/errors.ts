/** One broken field of a request body. */
export interface ErrorDetail {
  /** The member's name, as sent. */
  field: string;
  message: string;
}

/** Every error code of the wire, with its status and the message used where nothing more precise is known. */
export const ERRORS = {
  BAD_REQUEST: { status: 400, message: "Bad request" },
  UNAUTHORIZED: { status: 401, message: "Invalid or missing credential" },
  TOKEN_EXPIRED: { status: 401, message: "The credential has expired" },
  KEY_REVOKED: { status: 401, message: "The API key has been revoked" },
  FORBIDDEN: { status: 403, message: "Not allowed" },
  KEY_SUSPENDED: { status: 403, message: "The API key is suspended" },
  NOT_FOUND: { status: 404, message: "Not found" },
  METHOD_NOT_ALLOWED: { status: 405, message: "Method not allowed" },
  CONFLICT: { status: 409, message: "Conflict" },
  PAYLOAD_TOO_LARGE: { status: 413, message: "Request body is too large" },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, message: "Content-Type must be application/json" },
  VALIDATION_ERROR: { status: 422, message: "Request validation failed" },
  RATE_LIMITED: { status: 429, message: "Too many requests" },
  INTERNAL_ERROR: { status: 500, message: "Internal error" },
  UNAVAILABLE: { status: 503, message: "Temporarily unavailable" },
} as const;

export type ErrorCode = keyof typeof ERRORS;

/** Seconds a caller is asked to wait: of a limit, the longest window that a limiter has, after which there is room. */
const RETRY_AFTER_SECONDS: Partial<Record<ErrorCode, number>> = { RATE_LIMITED: 60, UNAVAILABLE: 5 };

export interface ErrorOptions {
  message?: string;
  details?: ErrorDetail[];
  /** Headers that belong to this error: `WWW-Authenticate`, `Allow`. */
  headers?: Record<string, string>;
  /** Why, for the log; never sent. Holds no credential. */
  reason?: string;
}

/** An outcome that has a code on the wire. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly code: ErrorCode;
  readonly details: ErrorDetail[] | undefined;
  /** What belongs to this error: `WWW-Authenticate`, `Allow`, `Retry-After`. */
  readonly headers: Record<string, string>;
  readonly reason: string | undefined;

  constructor(code: ErrorCode, options: ErrorOptions = {}) {
    super(options.message ?? ERRORS[code].message);
    this.code = code;
    this.details = options.details;
    const retryAfter = RETRY_AFTER_SECONDS[code];
    this.headers = {
      ...(retryAfter !== undefined && { "Retry-After": String(retryAfter) }),
      ...options.headers,
    };
    this.reason = options.reason;
  }

  get status() {
    return ERRORS[this.code].status;
  }
}

/** The JSON of every answer that is not 2xx. */
export interface ErrorEnvelope {
  status: number;
  error: ErrorCode;
  message: string;
  /** RFC 3339, UTC. */
  timestamp: string;
  /** The request's path, without its query. */
  path: string;
  details?: ErrorDetail[];
}

/** @param path - Of the request, as it may be shown. */
export function envelopeOf(error: ApiError, path: string): ErrorEnvelope {
  return {
    status: error.status,
    error: error.code,
    message: error.message,
    timestamp: new Date().toISOString(),
    path,
    ...(error.details && { details: error.details }),
  };
}

/** The answer to a failed request: the envelope and the headers that go with it. */
export function errorResponse(error: ApiError, url: string): Response {
  return Response.json(envelopeOf(error, shownPath(url)), {
    status: error.status,
    headers: {
      "Content-Type": "application/json; charset=utf-8",
      "Cache-Control": "no-store",
      ...error.headers,
    },
  });
}

/** The path of `url`, without what could be a key or a token that somebody put there. */
export function shownPath(url: string): string {
  return masked(new URL(url).pathname);
}

/** `text` without what is long enough to be a key or a token. */
export function masked(text: string): string {
  return text.replace(/[\w-]{40,}/g, "***");
}

export function malformedBody(): ApiError {
  return new ApiError("BAD_REQUEST", { message: "Malformed JSON body" });
}
