import { ApiError, type ErrorEnvelope, envelopeOf, masked } from "../http/errors.ts";
import type { Acceptance, KeyVerifier, VerifiedKey } from "../verify/contract.ts";
import { refusal } from "../verify/refusal.ts";
import { expectVerifier } from "./binding.ts";
import { type QuestionOptions, questionOf, verdictOn } from "./question.ts";

export { httpVerifier } from "./http.ts";
export type { QuestionOptions } from "./question.ts";

/** What is read of a request of Express and of Fastify. */
export interface NodeRequest {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The caller's address. Both read it of a proxy's header only where they are told to trust the proxy. */
  readonly ip?: string | undefined;
  readonly originalUrl: string;
}

/** What is used of a response of Express. */
export interface ExpressResponse {
  locals: { apiKey: VerifiedKey; apiKeyVerdict: Acceptance };
  status(code: number): ExpressResponse;
  set(headers: Record<string, string>): ExpressResponse;
  json(body: unknown): unknown;
}

/** What is used of a reply of Fastify. */
export interface FastifyReply {
  code(code: number): FastifyReply;
  headers(headers: Record<string, string>): FastifyReply;
  send(body: ErrorEnvelope): FastifyReply;
}

/**
 * Express middleware: lets a request pass only with a good key, which is then in `response.locals.apiKey`, and the whole
 * verdict in `response.locals.apiKeyVerdict`. Everything else is answered in Latchkey's error envelope.
 *
 * @example
 * ```ts
 * const latchkey = httpVerifier("https://latchkey.example.com");
 * app.get("/jobs", expressApiKey(latchkey, { scopes: ["jobs:read"] }), (request, response) => {
 *   response.json(jobsOf(response.locals.apiKey.companyId));
 * });
 * ```
 * @throws TypeError where the middleware is made, for a name that is no option and for a wrong value.
 */
export function expressApiKey(verifier: KeyVerifier, options: QuestionOptions = {}) {
  const check = checkOf(verifier, options);

  return async function apiKey(
    request: NodeRequest,
    response: ExpressResponse,
    next: () => void,
  ): Promise<void> {
    const verdict = await check(request);
    if (verdict instanceof ApiError) {
      response.status(verdict.status).set(headersOf(verdict)).json(bodyOf(verdict, request));
      return;
    }
    response.locals.apiKey = verdict.key;
    response.locals.apiKeyVerdict = verdict;
    next();
  };
}

/**
 * Fastify hook, for `preHandler` or `onRequest`: lets a request pass only with a good key, which is then in
 * `request.apiKey`, and the whole verdict in `request.apiKeyVerdict`. Everything else is answered in Latchkey's error envelope.
 *
 * @example
 * ```ts
 * const latchkey = httpVerifier("https://latchkey.example.com");
 * app.decorateRequest("apiKey");
 * app.decorateRequest("apiKeyVerdict");
 * app.get("/jobs", { onRequest: fastifyApiKey(latchkey, { scopes: ["jobs:read"] }) }, (request) => jobsOf(request.apiKey));
 * ```
 * @throws TypeError where the hook is made, for a name that is no option and for a wrong value.
 */
export function fastifyApiKey(verifier: KeyVerifier, options: QuestionOptions = {}) {
  const check = checkOf(verifier, options);

  return async function apiKey(
    request: NodeRequest & { apiKey?: VerifiedKey; apiKeyVerdict?: Acceptance },
    reply: FastifyReply,
  ): Promise<unknown> {
    const verdict = await check(request);
    if (verdict instanceof ApiError)
      return reply.code(verdict.status).headers(headersOf(verdict)).send(bodyOf(verdict, request));
    request.apiKey = verdict.key;
    request.apiKeyVerdict = verdict;
    return undefined;
  };
}

function checkOf(verifier: KeyVerifier, options: QuestionOptions) {
  const question = questionOf(options);
  expectVerifier(verifier, "the verifier");

  return async function check({ headers, ip }: NodeRequest): Promise<Acceptance | ApiError> {
    const get = (name: string) => {
      const value = headers[name.toLowerCase()];
      return value === undefined ? null : String(value);
    };
    const verdict = await verdictOn({ get }, ip, verifier, question);
    return verdict.valid ? verdict : refusal(verdict, question.bearer);
  };
}

function headersOf(error: ApiError): Record<string, string> {
  return { "Cache-Control": "no-store", ...error.headers };
}

function bodyOf(error: ApiError, { originalUrl }: NodeRequest): ErrorEnvelope {
  return envelopeOf(error, masked(originalUrl.replace(/\?.*$/s, "")));
}
