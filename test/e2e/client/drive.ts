/** Leads a key through its life with a client that is generated from the document: its types are checked, and its calls. */
import { deepEqual, equal, ok } from "node:assert/strict";
import createClient from "openapi-fetch";
import type { components, paths } from "./generated/api.d.ts";

const [baseUrl = "", token = ""] = process.argv.slice(2);
const manager = createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${token}` } });

const created = await manager.POST("/settings/api-keys", {
  body: { label: "Generated", scopes: ["jobs:read"] },
});
ok(created.data);
const { id, rawKey } = created.data;
const params = { path: { id } };

const list = await manager.GET("/settings/api-keys", { params: { query: { limit: 10 } } });
deepEqual(
  list.data?.map((key) => key.id),
  [id],
);
const renamed = await manager.PATCH("/settings/api-keys/{id}", { params, body: { label: "Renamed" } });
equal(renamed.data?.label, "Renamed");
equal((await manager.GET("/settings/api-keys/{id}", { params })).data?.active, true);
ok((await manager.GET("/settings/scopes")).data?.some(({ scope }) => scope === "jobs:read"));

const rotated = await manager.POST("/settings/api-keys/{id}/rotate", {
  params,
  body: { overlapSeconds: 60 },
});
equal(rotated.data?.replaces, id);
const holder = createClient<paths>({ baseUrl, headers: { "X-API-Key": rotated.data?.rawKey ?? "" } });
const verified = await holder.GET("/public/v1/verify", { params: { query: { scope: ["jobs:read"] } } });
deepEqual(verified.data?.scopes, ["jobs:read"]);
equal(verified.response.headers.get("X-Key-Id"), rotated.data?.id);

equal((await manager.GET("/settings/api-keys/{id}/usage", { params })).data?.length, 30);
const events = await manager.GET("/settings/events", { params: { query: { key: id } } });
deepEqual(
  events.data?.map(({ action }) => action),
  ["rotate", "rename", "create"],
);

equal((await manager.DELETE("/settings/api-keys/{id}", { params })).response.status, 204);
const refused = await createClient<paths>({ baseUrl, headers: { "X-API-Key": rawKey } }).GET(
  "/public/v1/key",
);
const envelope: components["schemas"]["Error"] | undefined = refused.error;
equal(envelope?.error, "KEY_REVOKED");

const invalid = await manager.POST("/settings/api-keys", { body: { label: "", scopes: ["jobs:read"] } });
deepEqual(
  invalid.error?.details?.map(({ field }) => field),
  ["label"],
);
