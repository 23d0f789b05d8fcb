import { zValidator } from "@hono/zod-validator";
import { Hono } from "hono";
import * as z from "zod";
import type { CompanyService } from "../../companies/service.ts";
import { done } from "../../dashboard/done.ts";
import { filled, formOf, textOf } from "../../dashboard/form.ts";
import { page } from "../../dashboard/pages.tsx";
import { listedKeys } from "../../dashboard/rows.ts";
import { wordsOf } from "../../dashboard/words/words.ts";
import type { Databases } from "../../db/databases.ts";
import type { ErrorDetail } from "../../http/errors.ts";
import { brokenFields, refuseUrl } from "../../http/validation.ts";
import type { KeyForm } from "../../keys/form.ts";
import { OPERATOR_WRITE_SCOPE } from "../../oauth/operator.ts";
import { mayUse } from "../../oauth/token.ts";
import { searchCompanies } from "../companies.ts";
import { searchKeysSchema } from "../key-schema.ts";
import type { OperatedKeys } from "../keys.ts";
import { type CompanyOptions, changeCompanySchema, companyIdSchema, listCompaniesSchema } from "../schema.ts";
import { showIdentified } from "./identify.tsx";
import { CompaniesPage } from "./pages/companies.tsx";
import { CompanyPage } from "./pages/company.tsx";
import { RevokeAllPage } from "./pages/revoke-all.tsx";
import { type PolicyForm, policyBody, policyForm, readPolicyForm, unclearScopes } from "./policy-form.ts";
import { type OperatorContext, type OperatorSession, reads, writes } from "./session.ts";
import { companyPath, HOME, KEYS } from "./site.ts";

const COMPANIES_ON_A_PAGE = 25;
const KEYS_ON_A_PAGE = 25;

export interface OperatorPageParts {
  databases: Databases;
  companies: CompanyService;
  keys: OperatedKeys;
  form: KeyForm;
  options: CompanyOptions;
  /** Milliseconds since the epoch. */
  now: () => number;
}

const id = zValidator("param", companyIdSchema, refuseUrl);

/** Companies, and what is done with one. Wants `requireOperator` before it. */
export function companyPages(parts: OperatorPageParts) {
  const { form, keys, now } = parts;
  const listQuery = z.preprocess(filled, listCompaniesSchema.omit({ limit: true }));
  const keysQuery = z.preprocess(filled, searchKeysSchema({ form }).pick({ cursor: true }));
  const showCompany = companyPage(parts);

  return (
    new Hono<{ Variables: OperatorSession }>()
      .get("/", reads, zValidator("query", listQuery, refuseUrl), async (c) => {
        const query = c.req.valid("query");
        const { rows, next } = await searchCompanies(parts, { ...query, limit: COMPANIES_ON_A_PAGE });
        const filter = { q: query.q ?? "", sort: query.sort ?? "" };
        const body = (
          <CompaniesPage
            companies={rows}
            filter={filter}
            next={next && `${HOME}?${new URLSearchParams({ ...filter, cursor: JSON.stringify(next) })}`}
            isFirst={query.cursor === undefined}
            now={now()}
          />
        );
        return page(c, wordsOf(c).text.companies.title, body);
      })

      // It comes as a form, so that a key that was pasted into it is in no URL.
      .post("/search", reads, async (c) => {
        const search = await formOf(c);
        const [q, sort] = [textOf(search, "q").trim(), textOf(search, "sort")];
        if (form.isIn(q)) return showIdentified(c, q, parts);
        return c.redirect(`${HOME}?${new URLSearchParams({ q, sort })}`, 303);
      })

      .get("/companies/:id", reads, id, zValidator("query", keysQuery, refuseUrl), (c) =>
        showCompany(c, c.req.valid("param").id, { after: c.req.valid("query").cursor }),
      )

      .get("/companies/:id/revoke-all", reads, writes, id, async (c) => {
        const { id } = c.req.valid("param");
        const [company, { left }] = await Promise.all([
          parts.companies.get(id),
          keys.revokeAll(id, c.var.operator, true),
        ]);
        const { title } = wordsOf(c).text.revokeAll;
        return page(c, title(id), <RevokeAllPage company={company} left={left} />);
      })

      .post("/companies/:id/revoke-all", writes, id, async (c) => {
        const { id } = c.req.valid("param");
        const { revoked, left } = await keys.revokeAll(id, c.var.operator, false);
        // One call revokes so many at most.
        return done(c, "revoked", left > 0 ? `${companyPath(id)}/revoke-all` : companyPath(id), revoked);
      })

      .route("/", changes(parts, showCompany))
  );
}

/** What sets something for a company. */
function changes({ companies, options }: OperatorPageParts, showCompany: ShowCompany) {
  const schema = changeCompanySchema(options);
  return new Hono<{ Variables: OperatorSession }>()
    .post("/companies/:id/suspend", writes, id, async (c) => {
      const { id } = c.req.valid("param");
      const reason = textOf(await formOf(c), "reason").trim();
      const input = schema.safeParse({ suspended: true, ...(reason !== "" && { reason }) });
      if (!input.success) return showCompany(c, id, { reason, faults: brokenFields(input.error) });
      await companies.change(id, c.var.operator, input.data);
      return done(c, "companySuspended", companyPath(id));
    })

    .post("/companies/:id/resume", writes, id, async (c) => {
      const { id } = c.req.valid("param");
      await companies.change(id, c.var.operator, { suspended: false });
      return done(c, "companyResumed", companyPath(id));
    })

    .post("/companies/:id/policy", writes, id, async (c) => {
      const { id } = c.req.valid("param");
      const policy = readPolicyForm(await formOf(c));
      const company = await companies.get(id);
      const unclear = unclearScopes(policy, company);
      if (unclear.length > 0) return showCompany(c, id, { policy, faults: unclear });
      const input = schema.safeParse(policyBody(policy, company));
      if (!input.success) return showCompany(c, id, { policy, faults: brokenFields(input.error) });
      await companies.change(id, c.var.operator, input.data);
      return done(c, "policySaved", companyPath(id));
    });
}

/** Shows a company with a page of its keys, and what was wrong with a form. */
type ShowCompany = (
  c: OperatorContext,
  id: string,
  shown: {
    after?: Parameters<OperatedKeys["search"]>[0]["after"];
    policy?: PolicyForm;
    reason?: string;
    faults?: ErrorDetail[];
  },
) => Promise<Response>;

function companyPage({ databases, companies, keys: service, options, now }: OperatorPageParts): ShowCompany {
  return async function showCompany(c, id, { after, policy, reason = "", faults }) {
    const [company, { keys, next }, { left }, { d1 }] = await Promise.all([
      companies.get(id),
      service.search({ company: id, after, limit: KEYS_ON_A_PAGE }),
      service.revokeAll(id, c.var.operator, true),
      databases.of(id),
    ]);
    const body = (
      <CompanyPage
        company={company}
        form={policy ?? policyForm(company)}
        reason={reason}
        faults={faults ?? []}
        options={options}
        unrevoked={left}
        keys={await listedKeys(d1, id, keys, now())}
        keysPath={KEYS}
        next={next && `${companyPath(id)}?${new URLSearchParams({ cursor: JSON.stringify(next) })}`}
        isFirst={after === undefined}
        mayWrite={mayUse(c.var.token, OPERATOR_WRITE_SCOPE)}
        now={now()}
      />
    );
    return page(c, id, body, { status: faults === undefined ? 200 : 422 });
  };
}
