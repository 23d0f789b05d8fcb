import { Hono } from "hono";
import { ApiError } from "../http/errors.ts";
import type { DashboardCookies } from "./cookies.ts";
import { formOf, textOf } from "./form.ts";
import { ORGANIZATIONS, type VisitorVariables } from "./guard.ts";
import { OrganizationsPage } from "./pages/organizations.tsx";
import { page } from "./pages.tsx";
import { companiesFor } from "./session.ts";
import { wordsOf } from "./words/words.ts";

/** The choice of somebody whose access token names several companies, below `/dashboard`. Wants `requireSession` before it. */
export function organizationRoutes({ cookies }: { cookies: Pick<DashboardCookies, "company"> }) {
  return new Hono<{ Variables: VisitorVariables }>()
    .get("/organizations", async (c) => {
      const companies = companiesFor(c.var.token);
      const chosen = (await cookies.company.read(c))?.id;
      const body = <OrganizationsPage path={ORGANIZATIONS} companies={companies} chosen={chosen} />;
      return page(c, wordsOf(c).text.organizations.title, body);
    })

    .post("/organizations", async (c) => {
      const asked = textOf(await formOf(c), "company");
      const id = companiesFor(c.var.token).find((one) => one === asked);
      if (id === undefined)
        throw new ApiError("FORBIDDEN", { message: "Your account belongs to no company" });
      await cookies.company.write(c, { id });
      return c.redirect("/dashboard", 303);
    });
}
