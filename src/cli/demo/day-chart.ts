/** The day as a chart for a terminal: busy, free and published time. */
import { styleText } from 'node:util';
import type { DoctorsDay } from './run-scenario.js';

const CELL_MINUTES = 10;
const CELLS_PER_HOUR = 60 / CELL_MINUTES;

export interface ChartFormat {
  /** Whether the terminal shows colours. */
  readonly colour: boolean;
}

const minutesOf = (instant: string): number =>
  Number(instant.slice(11, 13)) * 60 + Number(instant.slice(14, 16));

const covers = (spans: readonly { start: string; end: string }[], minute: number): boolean =>
  spans.some((span) => minutesOf(span.start) <= minute && minute < minutesOf(span.end));

/** Two lines per doctor: the clinic's own view, and what is published to the marketplace. */
export function drawDayChart(days: readonly DoctorsDay[], { colour }: ChartFormat): string {
  const paint = (format: Parameters<typeof styleText>[0], text: string): string =>
    colour ? styleText(format, text, { validateStream: false }) : text;
  const windows = days.flatMap(({ day }) => day.windows);
  const first = Math.floor(Math.min(...windows.map(({ start }) => minutesOf(start))) / 60);
  const last = Math.ceil(Math.max(...windows.map(({ end }) => minutesOf(end))) / 60);
  const cells = Array.from(
    { length: (last - first) * CELLS_PER_HOUR },
    (_, i) => first * 60 + i * CELL_MINUTES,
  );

  const longest = Math.max(...days.map(({ doctor }) => doctor.name.length));
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

  const busy = paint('red', '█');
  const free = paint('green', '░');
  const published = paint('cyan', '▓');
  const lines = [label('') + hours.join('').trimEnd()];
  for (const { doctor, day } of days) {
    lines.push(
      row(doctor.name, 'clinic', (minute) => {
        if (!covers(day.windows, minute)) return ' ';
        return covers(day.busy, minute) ? busy : free;
      }),
      row('', 'online', (minute) => (covers(day.published ?? [], minute) ? published : ' ')),
    );
  }
  lines.push(
    '',
    `${label('')}${busy} busy   ${free} free   ${published} published: what a patient can book online`,
  );
  return `${lines.join('\n')}\n`;
}
