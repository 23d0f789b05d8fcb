/** Keeps work going after the answer: `ctx.waitUntil`. */
export type WaitUntil = (work: Promise<unknown>) => void;
