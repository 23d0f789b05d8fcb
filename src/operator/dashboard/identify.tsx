import { keyIn } from "../../dashboard/form.ts";
import { page } from "../../dashboard/pages.tsx";
import { wordsOf } from "../../dashboard/words/words.ts";
import { ApiError } from "../../http/errors.ts";
import type { KeyForm } from "../../keys/form.ts";
import type { OperatedKeys } from "../keys.ts";
import { NoSuchKeyPage } from "./pages/keys.tsx";
import type { OperatorContext } from "./session.ts";
import { KEYS } from "./site.ts";

/** Leads to the page of the key that somebody pasted. It is not said again. */
export async function showIdentified(
  c: OperatorContext,
  text: string,
  { keys, form }: { keys: OperatedKeys; form: KeyForm },
): Promise<Response> {
  try {
    const { id } = await keys.identify(keyIn(text, form));
    return c.redirect(`${KEYS}/${id}`, 303);
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== "NOT_FOUND") throw error;
    return page(c, wordsOf(c).text.findKey.noSuchTitle, <NoSuchKeyPage />, { status: 404 });
  }
}
