import * as z from "zod";
import type { KeyForm } from "../keys/form.ts";
import { listKeysSchema } from "../keys/listing.ts";
import { KEY_GROUPS, KEY_SORTS, type KeySort, type KeyView } from "../keys/overview.ts";
import { filled } from "./form.ts";

const ONCE = "must be given once";
const FROM_PAGE = z.guid("must be taken from a link of the page").toLowerCase().optional();

/** After how many days without use a key may count as unused. */
export const UNUSED_DAYS = ["30", "90", "180", "365"] as const;
const USUAL_DAYS = "30";

/** What people want to see first. */
const FIRST: Record<KeySort, "asc" | "desc"> = {
  created: "desc",
  label: "asc",
  expires: "asc",
  used: "desc",
};
const USUAL_SORT = "created";

/** The query of the list. */
export function viewSchema(form: KeyForm) {
  return z.preprocess(
    filled,
    z.strictObject({
      q: listKeysSchema({ form }).shape.q,
      state: z.enum(KEY_GROUPS, ONCE).optional(),
      days: z.enum(UNUSED_DAYS, `must be one of ${UNUSED_DAYS.join(", ")}`).default(USUAL_DAYS),
      sort: z.enum(KEY_SORTS, `must be one of ${KEY_SORTS.join(", ")}`).default(USUAL_SORT),
      order: z.enum(["asc", "desc"], "must be asc or desc").optional(),
      after: FROM_PAGE,
      before: FROM_PAGE,
    }),
  );
}

export type ListView = z.output<ReturnType<typeof viewSchema>>;

export const orderOf = ({ sort, order }: Pick<ListView, "sort" | "order">) => order ?? FIRST[sort];

/** The other way round, where the list is sorted by it already. */
export function sorted(view: ListView, sort: KeySort): Partial<ListView> {
  const order = view.sort === sort && orderOf(view) === FIRST[sort] ? reverse(FIRST[sort]) : undefined;
  return { sort, order };
}

function reverse(order: "asc" | "desc"): "asc" | "desc" {
  return order === "asc" ? "desc" : "asc";
}

/** Path of the list as it is now, but for `changes`: from its first page on. */
export function listPath(view: Partial<ListView>, changes: Partial<ListView> = {}): string {
  const { q, state, days, sort, order, after, before } = {
    ...view,
    after: undefined,
    before: undefined,
    ...changes,
  };
  const said = {
    q,
    state,
    days: days === USUAL_DAYS ? "" : days,
    sort: sort === USUAL_SORT ? "" : sort,
    order: order === FIRST[sort ?? USUAL_SORT] ? "" : order,
    after,
    before,
  };
  const query = new URLSearchParams(
    Object.entries(said).flatMap(([name, value]) => (value ? [[name, value]] : [])),
  );
  return query.size === 0 ? "/dashboard" : `/dashboard?${query}`;
}

/** What the keys are asked for by. */
export function keyView(view: ListView, limit: number): KeyView {
  const { q, state, days, sort, after, before } = view;
  const id = after ?? before;
  return {
    q,
    group: state,
    unusedDays: Number(days),
    sort,
    isDescending: orderOf(view) === "desc",
    from: id === undefined ? undefined : { id, isBackward: after === undefined },
    limit,
  };
}
