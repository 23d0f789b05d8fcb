/** What a scenario's URLs answer. */
export interface Answer {
  status?: number;
  body?: string;
  headers?: Record<string, string>;
  delayMs?: number;
  /** The body is begun and never ended. */
  endless?: boolean;
  /** What single paths answer instead. */
  paths?: Record<string, Answer>;
}
