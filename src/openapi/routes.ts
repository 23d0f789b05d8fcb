import { Hono } from "hono";
import { html } from "hono/html";
import { openApi } from "./document.ts";
import type { DocumentSettings } from "./paths.ts";

/** Scalar's browser bundle of this version (MIT), as it is in `@scalar/api-reference`. */
const SCALAR = "/static/scalar-1.46.4.js";

/** Nothing of Scalar's own servers: no fonts, proxy, telemetry or assistant. */
const SCALAR_OPTIONS = {
  agent: { disabled: true },
  hideClientButton: true,
  mcp: { disabled: true },
  showDeveloperTools: "never",
  telemetry: false,
  withDefaultFonts: false,
};

/** Scalar writes its styles into the page. */
const SCALAR_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; connect-src 'self'; img-src 'self' data:; font-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** The document that describes the API, at `/openapi.json`. It is made when it is first asked for. */
export function documentRoutes(config: DocumentSettings) {
  let document: ReturnType<typeof openApi> | undefined;

  return new Hono().get("/", (c) => {
    const { origin } = new URL(c.req.url);
    document ??= openApi(config, origin);
    return c.json({ ...document, servers: [{ url: origin }] });
  });
}

/** A page that shows the document, at `/docs`. */
export function docsRoutes() {
  return new Hono().get("/", (c) => {
    c.header("Content-Security-Policy", SCALAR_POLICY);
    return c.html(html`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Latchkey API</title>
<link rel="icon" href="data:,">
<body>
<script id="api-reference" data-url="/openapi.json" data-configuration="${JSON.stringify(SCALAR_OPTIONS)}"></script>
<script src="${SCALAR}"></script>
</html>`);
  });
}
