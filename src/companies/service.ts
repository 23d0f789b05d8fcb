import { type Actor, newEvent } from "../audit/event.ts";
import type { Databases } from "../db/databases.ts";
import { type Company, type Policy, policyDetail } from "./policy.ts";
import { changeCompany, findCompany } from "./store.ts";

/** What is left out stays. */
export interface CompanyChange extends Partial<Policy> {
  suspended?: boolean | undefined;
  /** Of a suspension: the company is told. */
  reason?: string | undefined;
}

export interface CompanyServiceParts {
  databases: Pick<Databases, "of" | "place">;
  /** Milliseconds since the epoch. */
  now: () => number;
}

/** What is set for each company. All methods throw DatabaseError. */
export interface CompanyService {
  get(id: string): Promise<Company>;
  /** Once more changes nothing. The company afterwards. */
  change(id: string, actor: Actor, change: CompanyChange): Promise<Company>;
}

export function companyService({ databases, now }: CompanyServiceParts): CompanyService {
  return {
    get: async (id) => findCompany((await databases.of(id)).d1, id),

    async change(id, actor, { suspended, reason, ...policy }) {
      const { d1 } = await databases.place(id);
      const given = Object.keys(policy).length > 0;
      return changeCompany(d1, id, {
        ...(suspended === true && {
          suspend: {
            event: newEvent("suspend_company", actor, now(), reason === undefined ? undefined : { reason }),
            reason: reason ?? null,
          },
        }),
        ...(suspended === false && { resume: { event: newEvent("resume_company", actor, now()) } }),
        ...(given && {
          update: { event: newEvent("update_company", actor, now(), policyDetail(policy)), policy },
        }),
      });
    },
  };
}
