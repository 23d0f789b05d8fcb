/** What was waited for did not come in time. */
export class DeadlineError extends Error {
  override readonly name = "DeadlineError";
}

/**
 * The promise's outcome, if it comes within `milliseconds`. The work itself is not stopped.
 *
 * @throws DeadlineError when it does not.
 */
export function withDeadline<T>(promise: Promise<T>, milliseconds: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new DeadlineError(`No answer within ${milliseconds} ms`)),
      milliseconds,
    );
    promise.then(
      (outcome) => {
        clearTimeout(timer);
        resolve(outcome);
      },
      (fault) => {
        clearTimeout(timer);
        reject(fault);
      },
    );
  });
}
