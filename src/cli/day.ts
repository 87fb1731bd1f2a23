/** `slotkeeper day`: draws one day of a calendar: busy, free and published time, and what the marketplace showed. */
import { Command } from 'commander';
import { isDate } from '../core/index.js';
import type { DayReport } from '../publishing/day-report.js';
import { showsColours } from './colours.js';
import { withEngine } from './connect.js';
import { type ChartFormat, drawDayChart } from './day-chart.js';
import { ReportedError, UsageError } from './exit.js';
import type { Io } from './io.js';
import { configOption } from './settings.js';

export function dayCommand(io: Io): Command {
  return new Command('day')
    .description('one day of a calendar: busy, free, published and shown')
    .argument('<calendar>', "the calendar's id")
    .argument('[date]', "YYYY-MM-DD; default: today, in the account's zone")
    .option('--json', 'print JSON')
    .addOption(configOption())
    .action(
      async (
        calendar: string,
        date: string | undefined,
        { json = false, config }: { json?: boolean; config?: string },
      ) => {
        if (date !== undefined && !isDate(date))
          throw new UsageError(`day: "${date}" is not a date (YYYY-MM-DD)`);
        const day = await readDay(io, config, calendar, date);
        if (day === undefined) {
          io.stderr.write(`slotkeeper: there is no calendar "${calendar}"\n`);
          throw new ReportedError();
        }
        const format = { colour: showsColours(io), shown: true };
        io.stdout.write(json ? `${JSON.stringify(day)}\n` : describeDay(calendar, day, format));
      },
    );
}

/** @returns undefined for an unknown calendar */
async function readDay(
  io: Io,
  file: string | undefined,
  calendar: string,
  date: string | undefined,
): Promise<DayReport | undefined> {
  return await withEngine(io, { file }, async (connected) => {
    if (connected.kind === 'http') return await connected.api.day(calendar, date);
    const { engine } = connected;
    const on = date ?? (await engine.today(calendar));
    return on === undefined ? undefined : (await engine.days(calendar, on, on))?.[0];
  });
}

export function describeDay(name: string, day: DayReport, format: ChartFormat): string {
  const { date, state, windows, publishedAt, shownAt, error } = day;
  const chart = drawDayChart([{ name, day }], format);
  const nothing = windows.length === 0 ? 'there are no windows on this date' : '';
  return [
    `${name}  ${date}  ${state}`,
    '',
    ...[chart, nothing].filter((text) => text !== ''),
    `published: ${publishedAt ?? 'never'}   read: ${shownAt ?? 'never'}`,
    ...(error === null ? [] : [`error: ${error.reason}`]),
    '',
  ].join('\n');
}
