import type { DayUsage } from "../../usage/schema.ts";

const SPARK = { width: 120, height: 28 };
const CHART = { width: 720, height: 180, left: 44, bottom: 20, top: 8 };

const whole = new Intl.NumberFormat("en");

function summary(days: readonly DayUsage[]): string {
  const sum = (of: "allowed" | "denied") => whole.format(days.reduce((total, day) => total + day[of], 0));
  return `${sum("allowed")} accepted, ${sum("denied")} refused in ${days.length} days`;
}

/** Of a day's refusals, how many had which reason. */
function reasons({ denials }: DayUsage): string {
  return Object.entries(denials)
    .filter(([, count]) => count > 0)
    .map(([reason, count]) => `${reason} ${whole.format(count)}`)
    .join(", ");
}

function highest(days: readonly DayUsage[]): number {
  return Math.max(...days.map(({ allowed, denied }) => allowed + denied), 0);
}

/** A day's bar, the refused on top of the accepted. What there is can be seen, however little it is. */
function Bar({
  day,
  x,
  width,
  floor,
  scale,
}: {
  day: DayUsage;
  x: number;
  width: number;
  floor: number;
  scale: number;
}) {
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

/** The use of a key at a glance. */
export function Sparkline({ days }: { days: readonly DayUsage[] }) {
  const { width, height } = SPARK;
  const step = width / days.length;
  const scale = (height - 2) / Math.max(1, highest(days));
  return (
    <svg class="spark" viewBox={`0 0 ${width} ${height}`} role="img" aria-label={summary(days)}>
      <line class="line" x1="0" x2={width} y1={height - 0.5} y2={height - 0.5} />
      {days.map((day, i) => (
        <Bar day={day} x={i * step} width={step - 1} floor={height - 1} scale={scale} />
      ))}
    </svg>
  );
}

/** The same with its numbers. */
export function Chart({ days }: { days: readonly DayUsage[] }) {
  const { width, height, left, bottom, top } = CHART;
  const floor = height - bottom;
  const most = Math.max(1, highest(days));
  const step = (width - left) / days.length;
  const labels = [0, Math.floor((days.length - 1) / 2), days.length - 1];
  return (
    <>
      <svg class="chart" viewBox={`0 0 ${width} ${height}`} role="img" aria-label={summary(days)}>
        {[most, 0].map((value) => {
          const y = floor - (value / most) * (floor - top);
          return (
            <>
              <line class="line" x1={left} x2={width} y1={y} y2={y} />
              <text x={left - 6} y={y + 4} text-anchor="end">
                {whole.format(value)}
              </text>
            </>
          );
        })}
        {days.map((day, i) => (
          <g>
            <title>{`${day.day}: ${whole.format(day.allowed)} accepted, ${whole.format(day.denied)} refused`}</title>
            <rect x={left + i * step} y={top} width={step} height={floor - top} fill="transparent" />
            <Bar
              day={day}
              x={left + i * step + 1}
              width={step - 2}
              floor={floor}
              scale={(floor - top) / most}
            />
          </g>
        ))}
        {labels.map((i) => (
          <text
            x={left + (i + 0.5) * step}
            y={height - 4}
            text-anchor={i === 0 ? "start" : i === days.length - 1 ? "end" : "middle"}
          >
            {days[i]?.day ?? ""}
          </text>
        ))}
      </svg>
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
                    <small>{reasons(day)}</small>
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
