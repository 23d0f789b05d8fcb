/**
 * A page of a list of which one more than `limit` was asked for.
 *
 * @returns The first `limit`, and the last of them where there are more: the next page goes on after it.
 */
export function pageOf<T>(found: readonly T[], limit: number): { page: T[]; last: T | undefined } {
  const page = found.slice(0, limit);
  return { page, last: found.length > limit ? page.at(-1) : undefined };
}
