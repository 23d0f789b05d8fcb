import { useWords } from "../words/words.ts";

interface OrganizationsProps {
  path: string;
  companies: readonly string[];
  chosen: string | undefined;
}

export function OrganizationsPage({ path, companies, chosen }: OrganizationsProps) {
  const { text } = useWords();
  const { organizations: words } = text;
  return (
    <>
      <h1>{words.title}</h1>
      <form method="post" action={path}>
        <ol class="log">
          {companies.map((company) => (
            <li>
              <b>{company}</b>
              <button
                type="submit"
                class="plain"
                name="company"
                value={company}
                aria-label={words.openOf(company)}
              >
                {company === chosen ? words.goOn : words.open}
              </button>
            </li>
          ))}
        </ol>
      </form>
      <p class="hint">
        {words.hint} <a href="/dashboard/sign-in/issuer?another=1">{text.sessions.another}</a>
      </p>
    </>
  );
}
