import type { ErrorCode, ErrorEnvelope } from "../../http/errors.ts";
import type { Site } from "../site.ts";
import { faultIn, refusalIn } from "../words/wire.ts";
import { useWords } from "../words/words.ts";

interface OfSite {
  site: Site;
}

export interface SignInProps extends OfSite {
  /** The page to go to afterwards. */
  returnTo: string;
  /** Whether there was a session. */
  ended: boolean;
  /** Whether a form waits. */
  kept: boolean;
}

export function SignInPage({ site, returnTo, ended, kept }: SignInProps) {
  const { signIn, sites } = useWords().text;
  return (
    <article class="door">
      <h1>{sites[site.words].heading}</h1>
      {ended && <p class="notice warn">{signIn.ended}</p>}
      {kept && <p class="notice">{signIn.kept}</p>}
      <a class="button" href={`${site.home}/sign-in/issuer?${new URLSearchParams({ to: returnTo })}`}>
        {signIn.signIn}
      </a>
    </article>
  );
}

/** Stands between two sites, where the browser would take a redirect for one of the other site. */
export function ContinuePage({ to, title }: { to: string; title: string }) {
  return (
    <>
      <h1>{title}</h1>
      <a href={to}>{useWords().text.signIn.proceed}</a>
    </>
  );
}

/** At the issuer too, so that another account can be chosen there. */
export function SignOut({ site }: OfSite) {
  return (
    <form method="post" action={`${site.home}/sign-out`}>
      <button type="submit">{useWords().text.layout.signOut}</button>
    </form>
  );
}

/** An error, for people: what happened and what to do. */
export function ErrorPage({ site, error }: OfSite & { error: ErrorEnvelope }) {
  const { text } = useWords();
  const { signIn, sites } = text;
  const advice: Partial<Record<ErrorCode, string>> = text.advice;
  return (
    <>
      <h1>{refusalIn(text, error)}</h1>
      {error.details?.map((detail) => (
        <p>{faultIn(text, detail)}</p>
      ))}
      <p class="notice bad">{advice[error.error] ?? text.advice.others}</p>
      <div class="row">
        <a href={site.home}>{sites[site.words].home}</a>
        {error.error === "FORBIDDEN" ? (
          <SignOut site={site} />
        ) : (
          <a href={`${site.home}/sign-in`}>{signIn.signIn}</a>
        )}
      </div>
    </>
  );
}
