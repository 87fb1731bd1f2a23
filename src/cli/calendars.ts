/** `slotkeeper calendars`: lists the calendars with their state, their pending, failed and held days, and when each was last published. */
import { Command } from 'commander';
import type { CalendarSummary } from '../monitoring/calendar-summaries.js';
import { aligned } from './aligned.js';
import { withEngine } from './connect.js';
import type { Io } from './io.js';
import { configOption } from './settings.js';

export function calendarsCommand(io: Io): Command {
  return new Command('calendars')
    .description('the calendars, with their pending, failed and held days')
    .option('--json', 'print JSON')
    .addOption(configOption())
    .action(async ({ json = false, config }: { json?: boolean; config?: string }) => {
      const calendars = await withEngine(io, { file: config }, (connected) =>
        connected.kind === 'engine' ? connected.engine.calendars() : connected.api.calendars(),
      );
      io.stdout.write(json ? `${JSON.stringify(calendars)}\n` : describeCalendars(calendars));
    });
}

const HEADER = ['calendar', 'account', 'strategy', 'state', 'pending', 'failed', 'held', 'last published'];

export function describeCalendars(calendars: readonly CalendarSummary[]): string {
  if (calendars.length === 0) return 'there are no calendars\n';
  const rows = calendars.map(({ id, account, strategy, state, failed, days, publishedAt }) => [
    id,
    account,
    strategy,
    failed === null || state === 'closing' ? state : 'failed',
    ...[days.pending, days.failed, days.held].map(String),
    publishedAt ?? 'never',
  ]);
  const reasons = calendars.flatMap(({ id, failed }) =>
    failed === null ? [] : [`${id} fails since ${failed.at}: ${failed.reason}`],
  );
  return `${[...aligned([HEADER, ...rows]), ...(reasons.length > 0 ? ['', ...reasons] : [])].join('\n')}\n`;
}
