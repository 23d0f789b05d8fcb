import type { DayUsage } from "../../usage/schema.ts";
import { whole } from "./number.ts";

const SPARK = { width: 120, height: 30 };
/** Of the drawing alone: words and numbers stand beside it, so that they stay readable however narrow it becomes. */
const CHART = { width: 900, height: 160 };

const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });

/** The kinds of answers, each with what it is called. */
const KINDS = { allowed: "Accepted", denied: "Refused" } as const;

function sumOf(days: readonly DayUsage[], kind: keyof typeof KINDS): number {
  return days.reduce((sum, one) => sum + one[kind], 0);
}

/** The most uses of a day. */
export function highest(days: readonly DayUsage[]): number {
  return Math.max(...days.map(({ allowed, denied }) => allowed + denied), 0);
}

function summary(days: readonly DayUsage[]): string {
  const [allowed, denied] = [sumOf(days, "allowed"), sumOf(days, "denied")].map((sum) => whole.format(sum));
  return `${allowed} accepted, ${denied} refused in ${days.length} days`;
}

/** How many of the refusals had which reason. */
function reasons(days: readonly DayUsage[]): string {
  const sums = new Map<string, number>();
  for (const { denials } of days)
    for (const [reason, count] of Object.entries(denials)) sums.set(reason, (sums.get(reason) ?? 0) + count);
  return [...sums]
    .filter(([, count]) => count > 0)
    .map(([reason, count]) => `${reason} ${whole.format(count)}`)
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
  const { width, height } = SPARK;
  const step = width / days.length;
  const scale = (height - 2) / Math.max(1, most);
  return (
    <div class="use">
      <svg viewBox={`0 0 ${width} ${height}`} role="img" aria-label={summary(days)}>
        <line class="line" x1="0" x2={width} y1={height - 0.5} y2={height - 0.5} />
        {days.map((day, i) => (
          <Bar day={day} x={i * step} width={step - 1} floor={height - 1} scale={scale} />
        ))}
      </svg>
      <span aria-hidden="true">{whole.format(sumOf(days, "allowed") + sumOf(days, "denied"))}</span>
    </div>
  );
}

/** The same with its numbers, totals and what the colours are. */
export function Chart({ days }: { days: readonly DayUsage[] }) {
  const { width, height } = CHART;
  const most = Math.max(1, highest(days));
  const step = width / days.length;
  const marked = [days[0], days[Math.floor((days.length - 1) / 2)], days.at(-1)];
  const why = reasons(days);
  return (
    <>
      <figure class="chart">
        <figcaption>
          {(["allowed", "denied"] as const).map((kind) => (
            <span class={`legend ${kind}`}>
              {KINDS[kind]} <b>{whole.format(sumOf(days, kind))}</b>
              {kind === "denied" && why !== "" && <small> {why}</small>}
            </span>
          ))}
        </figcaption>
        <div class="plot">
          <div class="scale" aria-hidden="true">
            <span>{whole.format(most)}</span>
            <span>0</span>
          </div>
          <svg
            viewBox={`0 0 ${width} ${height}`}
            preserveAspectRatio="none"
            role="img"
            aria-label={summary(days)}
          >
            {days.map((day, i) => (
              <g>
                <title>{`${day.day}: ${whole.format(day.allowed)} accepted, ${whole.format(day.denied)} refused`}</title>
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
              <span>{one && day.format(new Date(one.day))}</span>
            ))}
          </div>
        </div>
      </figure>
      <details>
        <summary>As a table</summary>
        <section class="scroll" tabindex={0} aria-label="Use by day">
          <table>
            <thead>
              <tr>
                <th scope="col">Day (UTC)</th>
                <th scope="col">Accepted</th>
                <th scope="col">Refused</th>
              </tr>
            </thead>
            <tbody>
              {days.toReversed().map((day) => (
                <tr>
                  <th scope="row">{day.day}</th>
                  <td>{whole.format(day.allowed)}</td>
                  <td>
                    {whole.format(day.denied)}
                    <small>{reasons([day])}</small>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      </details>
    </>
  );
}
