import { raw } from "hono/html";
import type { Child } from "hono/jsx";
import { type Brand, brandStyle } from "../brand.ts";
import type { Site } from "../site.ts";
import { LANGUAGES, messagesIn, useWords } from "../words/words.ts";
import { iconOf, Mark } from "./mark.tsx";
import { SignOut } from "./message.tsx";
import { SCRIPT } from "./script.ts";
import { STYLE } from "./style.ts";

export interface LayoutProps {
  site: Site;
  brand: Brand;
  /** Of the page. */
  path: string;
  /** Where the page is there again, in another language; left out where it is not. */
  again: string | undefined;
  title: string;
  nonce: string | undefined;
  /** Who is signed in, and for whom; left out where nobody needs to be. */
  visitor?: { name: string; of: string; choice?: string | undefined } | undefined;
  /** Of the company, where it is suspended. */
  suspension?: { reason: string | null } | null | undefined;
  /** What was done just now. */
  done?: string | undefined;
  /** Where the browser goes by itself, at once. */
  refresh?: string | undefined;
  children: Child;
}

export function Layout({ site, brand, path, again, title, nonce, children, ...props }: LayoutProps) {
  const { visitor, suspension, done, refresh } = props;
  const { language, text } = useWords();
  const [current] = site.pages
    .map((page) => page.path)
    .filter((above) => path === above || path.startsWith(`${above}/`))
    .sort((a, b) => b.length - a.length);
  return (
    <>
      {raw("<!DOCTYPE html>")}
      <html lang={language}>
        <head>
          <meta charset="utf-8" />
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <meta name="color-scheme" content="light dark" />
          <meta name="description" content={text.sites[site.words].description} />
          {refresh && <meta http-equiv="refresh" content={`0; url=${refresh}`} />}
          <title>{`${title} · ${brand.name}`}</title>
          <link rel="icon" href={iconOf(brand)} />
          <style nonce={nonce}>{raw(STYLE + brandStyle(brand))}</style>
        </head>
        <body>
          <a class="skip" href="#content">
            {text.layout.skip}
          </a>
          <header>
            <a href={site.home}>
              <Mark brand={brand} /> {brand.name}
            </a>
            {visitor && (
              <>
                <nav aria-label={text.layout.pages}>
                  <ul>
                    {site.pages.map(({ name, path }) => (
                      <li>
                        <a href={path} aria-current={path === current ? "page" : undefined}>
                          {text.navigation[name]}
                        </a>
                      </li>
                    ))}
                  </ul>
                </nav>
                <small>
                  {visitor.choice === undefined ? (
                    <a href={`${site.home}/sessions`}>{`${visitor.name} · ${visitor.of}`}</a>
                  ) : (
                    <>
                      <a href={`${site.home}/sessions`}>{visitor.name}</a> ·{" "}
                      <a href={visitor.choice}>{visitor.of}</a>
                    </>
                  )}
                </small>
                <SignOut site={site} />
              </>
            )}
          </header>
          <main id="content">
            {suspension && <Suspension {...suspension} />}
            {done !== undefined && (
              <p class="notice" role="status">
                {done}
              </p>
            )}
            {children}
          </main>
          <Footer site={site} again={again} />
          <div id="said" role="status" class="visually-hidden"></div>
          <script nonce={nonce}>{raw(SCRIPT)}</script>
        </body>
      </html>
    </>
  );
}

function Suspension({ reason }: { reason: string | null }) {
  const { suspended, suspendedFor } = useWords().text.layout;
  return (
    <p class="notice bad">
      {suspended}
      {reason !== null && ` ${suspendedFor(reason)}`}
    </p>
  );
}

/** In which zone times are, and the languages to choose from. */
function Footer({ site, again }: Pick<LayoutProps, "site" | "again">) {
  const { language, text, zone } = useWords();
  return (
    <footer>
      <span>{text.layout.zone(zone)}</span>
      {again !== undefined && (
        <form method="post" action={`${site.home}/language`} aria-label={text.layout.language}>
          <input type="hidden" name="to" value={again} />
          {LANGUAGES.map((one) => (
            <button
              type="submit"
              class="plain"
              name="language"
              value={one}
              lang={one}
              aria-current={one === language ? "true" : undefined}
            >
              {messagesIn(one).name}
            </button>
          ))}
        </form>
      )}
    </footer>
  );
}
