/** How the package is used elsewhere. Never run, only compiled: a line marked `@ts-expect-error` must not compile. */
import { Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import {
  type KeyVerifier,
  type ProtectOptions,
  protect,
  type UntypedService,
  type VerifiedKey,
  type VerifyResult,
  type WithVerifier,
} from "latchkey";
import { ApiError, type ApiKeyVariables, apiKey, errorResponse } from "latchkey/hono";

interface Bindings {
  LATCHKEY: KeyVerifier;
}

// Handlers of the same route know the variables by themselves.
const app = new Hono<{ Bindings: Bindings }>()
  .get("/jobs", apiKey({ scopes: ["jobs:read"] }), (c) => {
    const { id, companyId, scopes, expiresAt, metadata }: VerifiedKey = c.var.apiKey;
    const { checkedAt, stale } = c.var.apiKeyVerdict;
    return c.json({ id, companyId, scopes, expiresAt, metadata, checkedAt, stale });
  })
  // @ts-expect-error an open route has no key
  .get("/open", (c) => c.text(c.var.apiKey.id))
  // @ts-expect-error the variable is named apiKey
  .get("/wrong", apiKey(), (c) => c.text(c.var.key.id))
  .post(
    "/jobs",
    apiKey({
      scopes: ["jobs:write"],
      consistency: "strong",
      headerName: "X-Job-Key",
      bearer: true,
      stale: "refuse",
      verifier: (c) => c.env.LATCHKEY,
      onRefusal: ({ code, status, headers }, c) => c.json({ code }, status, headers),
    }),
    async (c) => {
      const result = await c.env.LATCHKEY.verify("key", { consistency: "strong", clientIp: "192.0.2.1" });
      // @ts-expect-error a verdict is looked at before its key is
      result.key;
      return c.text(nameOf(result));
    },
  );

// An app that adds the middleware for many routes names its variables once.
const behind = new Hono<{ Variables: ApiKeyVariables }>();
behind.use(
  "/jobs/*",
  apiKey({
    onRefusal: ({ status, message }) => {
      throw new HTTPException(status, { message });
    },
  }),
);
behind.get("/jobs/:id", (c) => c.text(c.var.apiKey.companyId));
behind.onError((error, c) =>
  errorResponse(error instanceof ApiError ? error : new ApiError("INTERNAL_ERROR"), c.req.url),
);

async function plain(request: Request, service: UntypedService, options: ProtectOptions): Promise<Response> {
  const caller = await protect(request, service, options);
  // @ts-expect-error it may be a refusal
  caller.key;
  if (caller instanceof Response) return caller;
  return new Response(caller.key.companyId + caller.checkedAt + String(caller.stale));
}

/** What `wrangler types` generates. */
interface GeneratedEnv {
  LATCHKEY: UntypedService;
  KEYS: UntypedService;
  OTHER: string;
}

async function direct(
  env: WithVerifier<GeneratedEnv>,
  other: WithVerifier<GeneratedEnv, "KEYS">,
): Promise<string> {
  await other.KEYS.verify("key");
  // @ts-expect-error the raw key comes first
  await env.LATCHKEY.verify({ scopes: ["jobs:read"] });
  return env.OTHER + nameOf(await env.LATCHKEY.verify("key", { scopes: ["jobs:read"] }));
}

// @ts-expect-error a binding that is not there
const none: WithVerifier<GeneratedEnv, "NONE"> | undefined = undefined;

function nameOf(result: VerifyResult): string {
  if (result.valid) {
    // @ts-expect-error a good key has no error
    result.error;
    return result.key.companyId + result.checkedAt + String(result.stale);
  }
  // @ts-expect-error a bad key names no company
  result.key;
  switch (result.error) {
    case "UNAUTHORIZED":
    case "TOKEN_EXPIRED":
    case "KEY_REVOKED":
    case "KEY_SUSPENDED":
    case "FORBIDDEN":
    case "RATE_LIMITED":
    case "UNAVAILABLE":
      return result.message;
    default:
      return result.error satisfies never;
  }
}

// @ts-expect-error scopes are a list
apiKey({ scopes: "jobs:read" });
// @ts-expect-error there is no such option
apiKey({ scope: ["jobs:read"] });
// @ts-expect-error there is no such consistency
apiKey({ consistency: "weak" });
// @ts-expect-error a verifier verifies
apiKey({ verifier: () => ({}) });
// @ts-expect-error a namespace is no service
protect(new Request("https://api.example"), { get: () => null });

export default { app, behind, plain, direct, none };
