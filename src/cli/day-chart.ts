/** The day as a chart for a terminal: busy, free and published time, and what was last read from the marketplace. */
import { styleText } from 'node:util';
import type { DayReport } from '../publishing/day-report.js';

const CELL_MINUTES = 10;
const CELLS_PER_HOUR = 60 / CELL_MINUTES;
const DAY_MINUTES = 24 * 60;

export interface ChartDay {
  readonly name: string;
  readonly day: Pick<DayReport, 'date' | 'windows' | 'busy' | 'published' | 'shown'>;
}

export interface ChartFormat {
  /** Whether the terminal shows colours. */
  readonly colour: boolean;
  /** Whether a third line shows what was last read from the marketplace. */
  readonly shown?: boolean;
}

/** Wall-clock minutes of the chart's day, half-open. */
interface Minutes {
  readonly from: number;
  readonly to: number;
}

type Instants = readonly { readonly start: string; readonly end: string }[];

/**
 * Two lines per calendar: the clinic's own view, and what is published to the marketplace; with `shown` a third one. Empty text
 * where there is nothing to draw.
 */
export function drawDayChart(
  days: readonly ChartDay[],
  { colour, shown: hasShown = false }: ChartFormat,
): string {
  const paint = (format: Parameters<typeof styleText>[0], text: string): string =>
    colour ? styleText(format, text, { validateStream: false }) : text;
  const rows = days.map(({ name, day }) => ({ name, ...minutesOf(day) }));
  const drawn = rows.flatMap(({ windows, busy, published, shown }) => [
    ...(windows.length > 0 ? windows : busy),
    ...published,
    ...(hasShown ? shown : []),
  ]);
  if (drawn.length === 0) return '';
  const first = Math.floor(Math.min(...drawn.map(({ from }) => from)) / 60);
  const last = Math.ceil(Math.max(...drawn.map(({ to }) => to)) / 60);
  const cells = Array.from(
    { length: (last - first) * CELLS_PER_HOUR },
    (_, i) => first * 60 + i * CELL_MINUTES,
  );

  const longest = Math.max(...rows.map(({ name }) => name.length));
  const label = (name: string, view = ''): string => `${name.padEnd(longest)}  ${view.padEnd(8)}`;
  const row = (name: string, view: string, cell: (minute: number) => string): string =>
    label(name, view) +
    cells
      .map((minute) => (minute % 60 === 0 ? `│${cell(minute)}` : cell(minute)))
      .join('')
      .concat('│');
  const hours = Array.from({ length: last - first + 1 }, (_, i) =>
    `${String(first + i).padStart(2, '0')}:00`.padEnd(CELLS_PER_HOUR + 1),
  );

  const taken = paint('red', '█');
  const free = paint('green', '░');
  const onSale = paint('cyan', '▓');
  const read = paint('blue', '▒');
  const lines = [label('') + hours.join('').trimEnd()];
  for (const { name, windows, busy, published, shown } of rows) {
    lines.push(
      row(name, 'clinic', (minute) => {
        if (!covers(windows, minute)) return ' ';
        return covers(busy, minute) ? taken : free;
      }),
      row('', 'online', (minute) => (covers(published, minute) ? onSale : ' ')),
      ...(hasShown ? [row('', 'shown', (minute) => (covers(shown, minute) ? read : ' '))] : []),
    );
  }
  const legend = `${taken} busy   ${free} free   ${onSale} published: what a patient can book online`;
  lines.push('', `${label('')}${legend}${hasShown ? `   ${read} shown when it was last read` : ''}`);
  return `${lines.join('\n')}\n`;
}

const covers = (spans: readonly Minutes[], minute: number): boolean =>
  spans.some(({ from, to }) => from <= minute && minute < to);

function minutesOf({ date, windows, busy, published, shown }: ChartDay['day']) {
  const spansOf = (instants: Instants): Minutes[] =>
    instants.map(({ start, end }) => ({ from: minuteOn(date, start), to: minuteOn(date, end) }));
  const durations = new Map(windows.flatMap(({ services }) => services.map((one) => [one.id, one.duration])));
  const shortest = Math.min(...durations.values());
  return {
    windows: spansOf(windows),
    busy: spansOf(busy),
    published: spansOf(published ?? []),
    shown: (shown ?? []).map(({ start, services }) => {
      const from = minuteOn(date, start);
      const lengths = (services ?? []).flatMap((id) => durations.get(id) ?? []);
      const length = lengths.length > 0 ? Math.max(...lengths) : shortest;
      return { from, to: from + (Number.isFinite(length) ? length : CELL_MINUTES) };
    }),
  };
}

/** The wall-clock minute of an instant, as ISO 8601 in the zone of the date; 0 before the date, 24 hours after it. */
function minuteOn(date: string, instant: string): number {
  const on = instant.slice(0, 10);
  if (on !== date) return on < date ? 0 : DAY_MINUTES;
  return Number(instant.slice(11, 13)) * 60 + Number(instant.slice(14, 16));
}
