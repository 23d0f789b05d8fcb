import type { Context, MiddlewareHandler } from "hono";
import { every } from "hono/combine";
import { ApiError } from "../http/errors.ts";
import { once } from "../lib/settings.ts";
import { type ResourceSettings, resources } from "../oauth/metadata.ts";
import type { Brand } from "./brand.ts";
import { onSite } from "./guard.ts";
import { FrontPage, type Place } from "./pages/front.tsx";
import { asksForPages, page, pageHeaders } from "./pages.tsx";
import type { Site } from "./site.ts";
import { detectLanguage, wordsOf } from "./words/words.ts";

const SITE: Site = { home: "/", words: "front", pages: [], cookies: "", audienceSetting: "" };

export interface FrontOptions extends ResourceSettings {
  brand: Brand;
  OAUTH_CLIENT_ID: string;
  OPERATOR_AUDIENCE: string;
  OPERATOR_CLIENT_ID: string;
  SECURITY_CONTACT: string;
}

/** What a person may want to open, of what is there. */
function placesOf(settings: FrontOptions, origin: string): Place[] {
  const client = settings.OAUTH_CLIENT_ID;
  const hasOperator = settings.OPERATOR_AUDIENCE !== "" && client + settings.OPERATOR_CLIENT_ID !== "";
  const here = resources(settings).filter(({ url }) => url.origin === origin);
  return [
    ...(client === "" ? [] : [{ name: "dashboard", path: "/dashboard" } as const]),
    ...(hasOperator ? [{ name: "operator", path: "/operator/dashboard" } as const] : []),
    { name: "docs", path: "/docs" },
    { name: "openapi", path: "/openapi.json" },
    ...here.map(({ path }) => ({ name: "discovery", path }) as const),
    ...(settings.SECURITY_CONTACT === ""
      ? []
      : [{ name: "security", path: "/.well-known/security.txt" } as const]),
  ];
}

/** Hono middleware, at `/`: a page that shows a person where to go. For everybody else there is nothing. */
export function frontPage(make: () => FrontOptions): MiddlewareHandler {
  const show = once(() => {
    const options = make();
    const { brand } = options;
    return every(onSite(SITE, brand), detectLanguage, pageHeaders(brand), async (c: Context) => {
      const places = placesOf(options, new URL(c.req.url).origin);
      return page(c, wordsOf(c).text.front.title, <FrontPage places={places} />, { once: true });
    });
  });
  return async function frontPage(c, next) {
    if (asksForPages(c)) return show()(c, next);
    throw new ApiError("NOT_FOUND", { message: "No such route", headers: { Vary: "Accept" } });
  };
}
