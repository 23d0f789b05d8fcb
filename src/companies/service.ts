import type { Actor, AuditEvent } from "../audit/store.ts";
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
  const at = (action: AuditEvent["action"], actor: Actor, detail: Record<string, string> = {}) => ({
    id: crypto.randomUUID(),
    action,
    actor,
    at: now(),
    ...(Object.keys(detail).length > 0 && { detail }),
  });

  return {
    get: async (id) => findCompany((await databases.of(id)).d1, id),

    async change(id, actor, { suspended, reason, ...policy }) {
      const { d1 } = await databases.place(id);
      const given = Object.keys(policy).length > 0;
      return changeCompany(d1, id, {
        ...(suspended === true && {
          suspend: {
            event: at("suspend_company", actor, reason === undefined ? {} : { reason }),
            reason: reason ?? null,
          },
        }),
        ...(suspended === false && { resume: { event: at("resume_company", actor) } }),
        ...(given && { update: { event: at("update_company", actor, policyDetail(policy)), policy } }),
      });
    },
  };
}
