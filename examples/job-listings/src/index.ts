import { zValidator } from "@hono/zod-validator";
import { type Context, Hono, type Next } from "hono";
import { bodyLimit } from "hono/body-limit";
import { HTTPException } from "hono/http-exception";
import { methodNotAllowed } from "hono/method-not-allowed";
import { secureHeaders } from "hono/secure-headers";
import { ApiError, type ApiKeyVariables, apiKey, errorResponse } from "latchkey/hono";
import { detailsOf, JobListingId, NewJobListing } from "./schema.ts";

const MAX_BODY_BYTES = 16 * 1024;
const MAX_LISTED = 100;
const COLUMNS = "id, title, location, employment_type AS employmentType, created_at AS createdAt";

const app = new Hono<{ Bindings: { DB: D1Database }; Variables: ApiKeyVariables }>();

app.use(secureHeaders());
app.use("/public/*", async (c, next) => {
  await next();
  c.header("Cache-Control", "no-store");
});
app.use(
  methodNotAllowed({
    app,
    onMethodNotAllowed: (c, methods) =>
      errorResponse(
        new ApiError("METHOD_NOT_ALLOWED", { headers: { Allow: methods.join(", ") } }),
        c.req.url,
      ),
  }),
);

app.get("/public/v1/job-listings", apiKey({ scopes: ["jobs:read"] }), async (c) => {
  const { results } = await stored(
    c.env.DB.prepare(
      `SELECT ${COLUMNS} FROM job_listing WHERE company_id = ? ORDER BY created_at DESC, id LIMIT ${MAX_LISTED}`,
    )
      .bind(c.var.apiKey.companyId)
      .all(),
  );
  return c.json(results);
});

app.get(
  "/public/v1/job-listings/:id",
  apiKey({ scopes: ["jobs:read"] }),
  zValidator("param", JobListingId, (result) => {
    if (!result.success) throw new ApiError("BAD_REQUEST", { message: "id must be a UUID" });
  }),
  async (c) => {
    const listing = await stored(
      c.env.DB.prepare(`SELECT ${COLUMNS} FROM job_listing WHERE company_id = ? AND id = ?`)
        .bind(c.var.apiKey.companyId, c.req.valid("param").id)
        .first(),
    );
    if (listing === null) throw new ApiError("NOT_FOUND", { message: "No such job listing" });
    return c.json(listing);
  },
);

app.post(
  "/public/v1/job-listings",
  apiKey({ scopes: ["jobs:write"] }),
  bodyLimit({ maxSize: MAX_BODY_BYTES, onError: tooLarge }),
  jsonOnly,
  zValidator("json", NewJobListing, (result) => {
    if (!result.success) throw new ApiError("VALIDATION_ERROR", { details: detailsOf(result.error) });
  }),
  async (c) => {
    const listing = { id: crypto.randomUUID(), ...c.req.valid("json"), createdAt: new Date().toISOString() };
    const { id, title, location, employmentType, createdAt } = listing;
    await stored(
      c.env.DB.prepare("INSERT INTO job_listing VALUES (?, ?, ?, ?, ?, ?)")
        .bind(id, c.var.apiKey.companyId, title, location, employmentType, createdAt)
        .run(),
    );
    return c.json(listing, 201, { Location: `${c.req.path}/${id}` });
  },
);

app.notFound((c) => errorResponse(new ApiError("NOT_FOUND"), c.req.url));
app.onError((error, c) => errorResponse(apiErrorOf(error), c.req.url));

export default app;

function tooLarge(): never {
  throw new ApiError("PAYLOAD_TOO_LARGE");
}

async function jsonOnly(c: Context, next: Next): Promise<void> {
  if (!/^application\/json\s*(;|$)/i.test(c.req.header("Content-Type") ?? "")) {
    throw new ApiError("UNSUPPORTED_MEDIA_TYPE");
  }
  await next();
}

/** A database that cannot be reached is nobody's mistake: 503, try again. */
async function stored<T>(query: Promise<T>): Promise<T> {
  try {
    return await query;
  } catch (error) {
    throw new ApiError("UNAVAILABLE", { reason: String(error) });
  }
}

function apiErrorOf(error: Error): ApiError {
  if (error instanceof HTTPException && error.status === 400) {
    return new ApiError("BAD_REQUEST", { message: "Malformed JSON body" });
  }
  const known = error instanceof ApiError ? error : new ApiError("INTERNAL_ERROR", { reason: String(error) });
  if (known.reason !== undefined) console.error(known.reason);
  return known;
}
