/** What was waited for did not come in time. */
export class DeadlineError extends Error {
  override readonly name = "DeadlineError";
}

/**
 * The promise's outcome, if it comes within `milliseconds`. The work itself is not stopped.
 *
 * @throws DeadlineError when it does not.
 */
export async function withDeadline<T>(promise: Promise<T>, milliseconds: number): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | null = null;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new DeadlineError(`No answer within ${milliseconds} ms`)), milliseconds);
  });
  try {
    return await Promise.race([promise, deadline]);
  } finally {
    clearTimeout(timer);
  }
}
