import type { DayUsage } from "../../usage/schema.ts";
import { useWords, type Words } from "../words/words.ts";

const SPARK = { width: 120, height: 30 };
/** Of the drawing alone: words and numbers stand beside it, so that they stay readable however narrow it becomes. */
const CHART = { width: 900, height: 160 };

const KINDS = ["allowed", "denied"] as const;
type Kind = (typeof KINDS)[number];

function sumOf(days: readonly DayUsage[], kind: Kind): number {
  return days.reduce((sum, one) => sum + one[kind], 0);
}

/** The most uses of a day. */
export function highest(days: readonly DayUsage[]): number {
  return Math.max(...days.map(({ allowed, denied }) => allowed + denied), 0);
}

function summary(days: readonly DayUsage[], { text, number }: Words): string {
  return text.chart.summary(number(sumOf(days, "allowed")), number(sumOf(days, "denied")), days.length);
}

/** How many of the refusals had which reason. */
function reasons(days: readonly DayUsage[], { text, number }: Words): string {
  const sums = new Map<keyof DayUsage["denials"], number>();
  for (const { denials } of days)
    for (const reason of Object.keys(text.chart.reasons) as (keyof DayUsage["denials"])[])
      sums.set(reason, (sums.get(reason) ?? 0) + denials[reason]);
  return [...sums]
    .filter(([, count]) => count > 0)
    .map(([reason, count]) => `${text.chart.reasons[reason]} ${number(count)}`)
    .join(", ");
}

interface BarProps {
  day: DayUsage;
  x: number;
  width: number;
  floor: number;
  scale: number;
}

/** A day's bar, the refused on top of the accepted. What there is can be seen, however little it is. */
function Bar({ day, x, width, floor, scale }: BarProps) {
  const height = (count: number) => (count === 0 ? 0 : Math.max(1, count * scale));
  const allowed = height(day.allowed);
  const denied = height(day.denied);
  return (
    <>
      {allowed > 0 && <rect class="allowed" x={x} y={floor - allowed} width={width} height={allowed} />}
      {denied > 0 && <rect class="denied" x={x} y={floor - allowed - denied} width={width} height={denied} />}
    </>
  );
}

/** The use of a key at a glance. @param most - The highest day of all keys beside it: they share one scale. */
export function Sparkline({ days, most }: { days: readonly DayUsage[]; most: number }) {
  const words = useWords();
  const { width, height } = SPARK;
  const step = width / days.length;
  const scale = (height - 2) / Math.max(1, most);
  return (
    <div class="use">
      <svg viewBox={`0 0 ${width} ${height}`} role="img" aria-label={summary(days, words)}>
        <line class="line" x1="0" x2={width} y1={height - 0.5} y2={height - 0.5} />
        {days.map((day, i) => (
          <Bar day={day} x={i * step} width={step - 1} floor={height - 1} scale={scale} />
        ))}
      </svg>
      <span aria-hidden="true">{words.number(sumOf(days, "allowed") + sumOf(days, "denied"))}</span>
    </div>
  );
}

/** The same with its numbers, totals and what the colours are; the numbers of a day where one points, and by arrow keys. */
export function Chart({ days }: { days: readonly DayUsage[] }) {
  const words = useWords();
  const { text, number } = words;
  const why = reasons(days, words);
  return (
    <>
      <figure class="chart">
        <figcaption>
          {KINDS.map((kind) => (
            <span class={`legend ${kind}`}>
              {text.chart[kind]} <b>{number(sumOf(days, kind))}</b>
              {kind === "denied" && why !== "" && <small> {why}</small>}
            </span>
          ))}
        </figcaption>
        <Plot days={days} />
        <p class="readout" aria-hidden="true"></p>
      </figure>
      <details>
        <summary>{text.chart.asTable}</summary>
        <DayTable days={days} />
      </details>
    </>
  );
}

function Plot({ days }: { days: readonly DayUsage[] }) {
  const words = useWords();
  const { text, number, language } = words;
  const { width, height } = CHART;
  const most = Math.max(1, highest(days));
  const step = width / days.length;
  const marked = [days[0], days[Math.floor((days.length - 1) / 2)], days.at(-1)];
  const format = new Intl.DateTimeFormat(language === "en" ? "en-GB" : language, {
    day: "numeric",
    month: "short",
    timeZone: "UTC",
  });
  const name = ({ day }: DayUsage) => format.format(new Date(day));
  return (
    <div class="plot">
      <div class="scale" aria-hidden="true">
        <span>{number(most)}</span>
        <span>0</span>
      </div>
      <svg
        viewBox={`0 0 ${width} ${height}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={summary(days, words)}
        data-days={text.chart.byDay}
      >
        {days.map((day, i) => (
          <g>
            <title>{text.chart.day(name(day), number(day.allowed), number(day.denied))}</title>
            <rect class="day" x={i * step} y={0} width={step} height={height} />
            <Bar
              day={day}
              x={i * step + step * 0.12}
              width={step * 0.76}
              floor={height}
              scale={height / most}
            />
          </g>
        ))}
      </svg>
      <div class="days" aria-hidden="true">
        {marked.map((one) => (
          <span>{one && name(one)}</span>
        ))}
      </div>
    </div>
  );
}

function DayTable({ days }: { days: readonly DayUsage[] }) {
  const words = useWords();
  const { text, number } = words;
  return (
    <section class="scroll" tabindex={0} aria-label={text.chart.byDay}>
      <table>
        <thead>
          <tr>
            <th scope="col">{text.chart.dayInUtc}</th>
            <th scope="col">{text.chart.allowed}</th>
            <th scope="col">{text.chart.denied}</th>
          </tr>
        </thead>
        <tbody>
          {days.toReversed().map((day) => (
            <tr>
              <th scope="row">{day.day}</th>
              <td>{number(day.allowed)}</td>
              <td>
                {number(day.denied)}
                <small>{reasons([day], words)}</small>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
