import { useWords } from "../words/words.ts";

/** A moment as people say it; the exact one on hover. */
export function Time({ at, now, as = "relative" }: { at: string; now: number; as?: "relative" | "day" }) {
  const words = useWords();
  const date = new Date(at);
  return (
    <time datetime={at} title={words.exact(date)}>
      {as === "day" ? words.day(date) : words.relative(date, now)}
    </time>
  );
}
