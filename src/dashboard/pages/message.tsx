import type { ErrorCode, ErrorEnvelope } from "../../http/errors.ts";

export interface SignInProps {
  /** The page to go to afterwards. */
  returnTo: string;
  /** Whether there was a session. */
  ended: boolean;
}

export function SignInPage({ returnTo, ended }: SignInProps) {
  return (
    <>
      <h1>Your company’s API keys</h1>
      {ended && <p class="notice warn">Your session has ended. Nothing was changed since then.</p>}
      <a class="button" href={`/dashboard/sign-in/issuer?${new URLSearchParams({ to: returnTo })}`}>
        Sign in
      </a>
    </>
  );
}

/** Stands between two sites, where the browser would take a redirect for one of the other site. */
export function ContinuePage({ to, title }: { to: string; title: string }) {
  return (
    <>
      <h1>{title}</h1>
      <a href={to}>Continue</a>
    </>
  );
}

const ADVICE: Partial<Record<ErrorCode, string>> = {
  UNAUTHORIZED: "Try to sign in again.",
  FORBIDDEN: "Ask whoever gives out the rights in your company, or sign in with another account.",
  NOT_FOUND: "It may be another company’s, or the address is wrong.",
  CONFLICT: "Go back, look at the key as it is now, and decide again.",
  RATE_LIMITED: "Wait a little and try again.",
  UNAVAILABLE: "Nothing was changed. Wait a little and try again.",
  INTERNAL_ERROR: "Nothing can be done here. Whoever runs this service finds the reason in its log.",
};

/** At the issuer too, so that another account can be chosen there. */
export function SignOut() {
  return (
    <form method="post" action="/dashboard/sign-out">
      <button type="submit">Sign out</button>
    </form>
  );
}

/** An error, for people: what happened and what to do. */
export function ErrorPage({ error }: { error: ErrorEnvelope }) {
  return (
    <>
      <h1>{error.message}</h1>
      {error.details?.map(({ field, message }) => (
        <p>
          <code>{field}</code> {message}
        </p>
      ))}
      <p class="notice bad">{ADVICE[error.error] ?? "Go back and try again."}</p>
      <div class="row">
        <a href="/dashboard">All keys</a>
        {error.error === "FORBIDDEN" ? <SignOut /> : <a href="/dashboard/sign-in">Sign in</a>}
      </div>
    </>
  );
}
