/** Keeps work going after the answer, as `waitUntil` of the platform does. */
export type Background = (work: Promise<unknown>) => void;
