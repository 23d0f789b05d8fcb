import { Hono } from "hono";
import { html, raw } from "hono/html";
import { anyOrigin } from "../http/cors.ts";
import { openApi } from "./document.ts";
import type { DocumentSettings } from "./paths.ts";

/** Scalar's browser bundle of this version (MIT), as it is in `@scalar/api-reference`. */
const SCALAR = "/static/scalar-1.46.4.js";

/** Nothing of Scalar's own servers: no fonts, proxy, telemetry or assistant. */
const SCALAR_OPTIONS = {
  agent: { disabled: true },
  hideClientButton: true,
  hideTestRequestButton: true,
  mcp: { disabled: true },
  showDeveloperTools: "never",
  telemetry: false,
  withDefaultFonts: false,
};

/** What Scalar keeps in the browser, which a sandbox refuses with an error: kept until the page is left. */
const STORAGE = `for (const name of ["localStorage", "sessionStorage"]) {
  const kept = new Map();
  Object.defineProperty(window, name, {
    value: {
      getItem: (key) => kept.get(key) ?? null,
      setItem: (key, value) => void kept.set(key, String(value)),
      removeItem: (key) => void kept.delete(key),
    },
  });
}`;

/**
 * Scalar writes its styles into the page. The sandbox makes the page an origin of its own: a script there has no
 * cookies of this one, so it cannot act in the dashboard's session.
 */
const scalarPolicy = (nonce: string) =>
  `sandbox allow-scripts allow-downloads; default-src 'none'; script-src 'self' 'nonce-${nonce}'; style-src 'unsafe-inline'; connect-src 'self'; img-src 'self' data:; font-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

/** The document that describes the API, at `/openapi.json`. It is made when it is first asked for. */
export function documentRoutes(config: DocumentSettings) {
  let document: ReturnType<typeof openApi> | undefined;

  // Anybody may read it, and the page at /docs is another origin.
  return new Hono().use(anyOrigin).get("/", (c) => {
    const { origin } = new URL(c.req.url);
    document ??= openApi(config, origin);
    return c.json({ ...document, servers: [{ url: origin }] });
  });
}

/** A page that shows the document, at `/docs`. */
export function docsRoutes() {
  return new Hono().get("/", (c) => {
    const nonce = crypto.randomUUID();
    c.header("Content-Security-Policy", scalarPolicy(nonce));
    return c.html(html`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Latchkey API</title>
<link rel="icon" href="data:,">
<body>
<script nonce="${nonce}">${raw(STORAGE)}</script>
<script id="api-reference" data-url="/openapi.json" data-configuration="${JSON.stringify(SCALAR_OPTIONS)}"></script>
<script src="${SCALAR}"></script>
</html>`);
  });
}
