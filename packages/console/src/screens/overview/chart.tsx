import { count, shortTime } from '../../texts/forms.ts';
import { t } from '../../texts/index.ts';

export type Interval = { at: string; opened: number; ended: number; refused: number; exact: boolean };

const kinds = ['opened', 'ended', 'refused'] as const;

/** Units of the drawing: an interval is ten wide, the highest bar a hundred high. */
const [step, bar, top] = [10, 2.4, 100];

/** Bars for each interval; for whoever cannot see them, and for exact numbers, the same as a table. */
export function Chart({ intervals }: { intervals: readonly Interval[] }) {
  const most = Math.max(1, ...intervals.flatMap((interval) => kinds.map((kind) => interval[kind])));
  const sum = (kind: (typeof kinds)[number]) => intervals.reduce((total, interval) => total + interval[kind], 0);
  const texts = t.overview;
  const width = intervals.length * step;
  return (
    <figure class="chart">
      <ul class="legend" aria-hidden="true">
        {kinds.map((kind) => (
          <li class={kind} key={kind}>
            {texts[kind]} <strong>{count(sum(kind))}</strong>
          </li>
        ))}
      </ul>
      <div class="plot" dir="ltr">
        <svg
          viewBox={`0 0 ${width} ${top}`}
          preserveAspectRatio="none"
          role="img"
          aria-label={texts.summary(sum('opened'), sum('ended'), sum('refused'))}
        >
          {[0.25, 0.5, 0.75].map((part) => (
            <line class="grid" key={part} x1="0" x2={width} y1={top * part} y2={top * part} />
          ))}
          {intervals.flatMap((interval, i) =>
            kinds.map((kind, k) => {
              const height = (interval[kind] / most) * top;
              if (height === 0) return null;
              return (
                <rect
                  class={kind}
                  key={`${interval.at} ${kind}`}
                  x={i * step + 1 + k * (bar + 0.3)}
                  y={top - height}
                  width={bar}
                  height={height}
                />
              );
            }),
          )}
        </svg>
        <p class="most" aria-hidden="true">
          {count(most)}
        </p>
      </div>
      <p class="axis dim" dir="ltr" aria-hidden="true">
        {[0, 1, 2, 3].map((quarter) => {
          const at = intervals[Math.floor((quarter * (intervals.length - 1)) / 3)]?.at;
          return <span key={quarter}>{at && shortTime(at)}</span>;
        })}
      </p>
      <details>
        <summary>{texts.asTable}</summary>
        <div class="table">
          <table>
            <caption class="unseen">{texts.lastDay}</caption>
            <thead>
              <tr>
                <th scope="col">{texts.from}</th>
                {kinds.map((kind) => (
                  <th scope="col" key={kind}>
                    {texts[kind]}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {intervals.toReversed().map((interval) => (
                <tr key={interval.at}>
                  <th scope="row">
                    <time dateTime={interval.at}>{shortTime(interval.at)}</time>
                  </th>
                  {kinds.map((kind) => (
                    <td data-label={texts[kind]} key={kind}>
                      {count(interval[kind])}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </figure>
  );
}
