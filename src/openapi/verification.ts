import { type Json, ref } from "./json.ts";
import { empty, json, operation } from "./operation.ts";
import type { AnswerHeaders, Failure } from "./responses.ts";

const METHODS = ["get", "post", "put", "patch", "delete", "options"];

const questionParameters: Json[] = [
  {
    name: "scope",
    in: "query",
    required: false,
    description:
      "Scopes of the catalogue that the key must all have. One value may hold several, with spaces between.",
    schema: { type: "array", items: { type: "string" } },
  },
  {
    name: "ip",
    in: "query",
    required: false,
    description:
      "The address of the proxy's caller, IPv4 or IPv6. Without it, keys that may be used from certain addresses alone are refused.",
    schema: { type: "string" },
  },
];

const presented = {
  tags: ["The presented key"] as ["The presented key"],
  security: [{ apiKey: [] }, { bearerKey: [] }],
  failures: ["BadRequest", "KeyRefused", "Unavailable", "InternalError"] as Failure[],
};

const ofKey: AnswerHeaders = {
  "X-Key-Id": "KeyId",
  "X-Company-Id": "CompanyId",
  "X-Key-Scopes": "KeyScopes",
  "X-Key-Stale": "KeyStale",
};

function good(headers: AnswerHeaders) {
  return json(200, "The key is good.", ref("schemas", "VerifiedKey"), headers);
}

/** One operation for each method, as a proxy may keep that of its caller. */
function verify(method: string): Json {
  const name = method === "get" ? "" : `By${method.charAt(0).toUpperCase()}${method.slice(1)}`;
  return operation({
    ...presented,
    failures: [...presented.failures, "KeyForbidden", "RateLimited"],
    operationId: `verifyPresentedApiKey${name}`,
    summary: `Verify the key${name && `, by ${method.toUpperCase()}`}`,
    description:
      "For proxies that ask before they pass a request on. Any method, and any path below this one, is the same question; it never changes anything.",
    extra: questionParameters,
    success: good({ ...ofKey, "X-Key-Checked-At": "KeyCheckedAt" }),
  });
}

/** What a key can do with itself, and what proxies ask. */
export const verificationPaths: Json = {
  "/public/v1/key": {
    get: operation({
      ...presented,
      failures: [...presented.failures, "KeyForbidden", "RateLimited", "MethodNotAllowed"],
      operationId: "describePresentedApiKey",
      summary: "Describe the key",
      description: "What the presented key is, and what it may do. It takes no query.",
      success: good(ofKey),
    }),
    delete: operation({
      ...presented,
      failures: [...presented.failures, "MethodNotAllowed"],
      operationId: "revokePresentedApiKey",
      summary: "Revoke the key",
      description:
        "Whoever holds a key may revoke it, also one that is suspended, over a limit or used from elsewhere: for people who find one. With a query, or with X-Forwarded-Method or X-Original-Method, it is refused: then a proxy asks.",
      success: empty("The key is revoked."),
    }),
  },
  "/public/v1/verify": Object.fromEntries(METHODS.map((method) => [method, verify(method)])),
};
