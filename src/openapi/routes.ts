import { Hono } from "hono";
import type { Config } from "../lib/config.ts";
import { openApi } from "./document.ts";

/** The document that describes the API. It is made when it is first asked for. */
export function openApiRoutes(config: Config) {
  let document: ReturnType<typeof openApi> | undefined;

  return new Hono().get("/openapi.json", (c) => {
    const { origin } = new URL(c.req.url);
    document ??= openApi(config, origin);
    return c.json({ ...document, servers: [{ url: origin }] });
  });
}
