/** Puts the clock of this process, or of this isolate, forward. @returns what puts it back. */
export function putForward(ms: number): () => void {
  const before = Date;
  const now = () => before.now() + ms;
  globalThis.Date = new Proxy(before, {
    construct: (target, args, newTarget) =>
      Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
    get: (target, name, receiver) => (name === "now" ? now : Reflect.get(target, name, receiver)),
  });
  return () => {
    globalThis.Date = before;
  };
}
