import { raw } from "hono/html";
import type { Child } from "hono/jsx";
import type { Site } from "../site.ts";
import { ICON, Mark } from "./mark.tsx";
import { SignOut } from "./message.tsx";
import { SCRIPT } from "./script.ts";
import { STYLE } from "./style.ts";

export interface LayoutProps {
  site: Site;
  /** Of the page. */
  path: string;
  title: string;
  nonce: string | undefined;
  /** Who is signed in, and for whom; left out where nobody needs to be. */
  visitor?: { name: string; of: string } | undefined;
  /** Of the company, where it is suspended. */
  suspension?: { reason: string | null } | null | undefined;
  /** Where the browser goes by itself, at once. */
  refresh?: string | undefined;
  children: Child;
}

export function Layout({ site, path, title, nonce, visitor, suspension, refresh, children }: LayoutProps) {
  const [current] = site.pages
    .map((page) => page.path)
    .filter((above) => path === above || path.startsWith(`${above}/`))
    .sort((a, b) => b.length - a.length);
  return (
    <>
      {raw("<!DOCTYPE html>")}
      <html lang="en">
        <head>
          <meta charset="utf-8" />
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <meta name="color-scheme" content="light dark" />
          <meta name="description" content={site.description} />
          {refresh && <meta http-equiv="refresh" content={`0; url=${refresh}`} />}
          <title>{`${title} · Latchkey`}</title>
          <link rel="icon" href={ICON} />
          <style nonce={nonce}>{raw(STYLE)}</style>
        </head>
        <body>
          <header>
            <a href={site.home}>
              <Mark /> Latchkey
            </a>
            {visitor && (
              <>
                <nav aria-label="Pages">
                  <ul>
                    {site.pages.map(({ name, path }) => (
                      <li>
                        <a href={path} aria-current={path === current ? "page" : undefined}>
                          {name}
                        </a>
                      </li>
                    ))}
                  </ul>
                </nav>
                <small>
                  {visitor.name} · {visitor.of}
                </small>
                <SignOut site={site} />
              </>
            )}
          </header>
          <main>
            {suspension && <Suspension {...suspension} />}
            {children}
          </main>
          <div id="said" role="status" class="visually-hidden"></div>
          <script nonce={nonce}>{raw(SCRIPT)}</script>
        </body>
      </html>
    </>
  );
}

function Suspension({ reason }: { reason: string | null }) {
  return (
    <p class="notice bad">
      Your company is suspended: its keys are refused everywhere, and it can create none. Ask whoever runs
      this service.{reason !== null && ` The reason they give: ${reason}`}
    </p>
  );
}
