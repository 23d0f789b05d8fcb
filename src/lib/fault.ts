/**
 * A fault for the log: the innermost cause. What wraps it may quote a statement's parameters, which
 * hold digests.
 */
export function describeFault(fault: unknown): string {
  const cause = rootCause(fault);
  return cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
}

/** The innermost cause of a fault: what went wrong first. */
export function rootCause(fault: unknown): unknown {
  let cause = fault;
  while (cause instanceof Error && cause.cause instanceof Error) cause = cause.cause;
  return cause;
}
