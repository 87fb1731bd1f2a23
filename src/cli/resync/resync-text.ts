/** The result of a resync as text, by day and in sum, with or without colours. */
import { styleText } from 'node:util';
import { MAX_DAYS, type ResyncReport } from '../../api/resyncs-api.js';
import { MAX_STARTS } from '../../resync/diff.js';
import { plural } from '../plural.js';

type Day = ResyncReport['days'][number];

type Paint = (colour: 'red' | 'green' | 'yellow' | 'cyan' | 'bold', text: string) => string;

export function describeDays({ days, differences }: ResyncReport, { colour }: { colour: boolean }): string {
  const paint: Paint = (format, text) => (colour ? styleText(format, text, { validateStream: false }) : text);
  const all = differences.missing + differences.extra + differences.stale + differences.foreign;
  if (all === 0) return '';
  const lines: string[] = [];
  let calendar: string | undefined;
  for (const day of days) {
    if (day.calendar !== calendar) lines.push(paint('bold', day.calendar));
    calendar = day.calendar;
    lines.push(...describeDay(day, paint));
  }
  if (days.length >= MAX_DAYS) lines.push(`… and more: only the first ${MAX_DAYS} days are listed`);
  return `${lines.join('\n')}\n`;
}

function describeDay({ date, missing, extra, stale, foreign }: Day, paint: Paint): string[] {
  return [
    `  ${date}`,
    ...missing.map((start) => paint('green', `    + ${timeOf(start)} is missing`)),
    ...andMore(missing),
    ...extra.map((start) => paint('red', `    - ${timeOf(start)} should not be shown`)),
    ...andMore(extra),
    ...(stale === 0
      ? []
      : [
          paint(
            'yellow',
            `    ~ ${plural(stale, 'break or placeholder', 'breaks or placeholders')} of slotkeeper ${stale === 1 ? 'blocks' : 'block'} nothing`,
          ),
        ]),
    ...(foreign ? [paint('cyan', '    ! bookings or breaks that the database does not have')] : []),
  ];
}

/** A list of the maximum length is probably truncated. */
const andMore = (starts: readonly string[]): string[] =>
  starts.length < MAX_STARTS ? [] : [`    … the first ${MAX_STARTS} of them`];

/** `2026-11-16T10:30:00+01:00 (123)` → `10:30 (123)`. */
const timeOf = (start: string): string => start.replace(/^\S{11}(\d\d:\d\d)\S*/, '$1');

export function describeReport(report: ResyncReport): string {
  const { calendars, daysCompared, differences, reads, writes, durationMs, failures, sources, dryRun } =
    report;
  const { missing, extra, stale, foreign } = differences;
  return [
    `${plural(calendars, 'calendar')}, ${plural(daysCompared, 'day')} compared: `,
    `${missing} missing, ${extra} extra, ${stale} stale, ${foreign} foreign; `,
    `${plural(reads, 'read')}, ${dryRun ? 'nothing written' : plural(writes, 'write')}, `,
    `${(durationMs / 1_000).toFixed(1)} s\n`,
    ...describeFailures(failures),
    ...sources.flatMap(describeSource),
  ].join('');
}

const MAX_NAMED = 5;

/** One line for each reason. */
function describeFailures(failures: ResyncReport['failures']): string[] {
  const byReason = new Map<string, string[]>();
  for (const { calendar, account, reason } of failures) {
    byReason.set(reason, [...(byReason.get(reason) ?? []), calendar ?? account ?? '']);
  }
  return [...byReason].map(([reason, names]) => {
    const more = names.length > MAX_NAMED ? ` and ${names.length - MAX_NAMED} more` : '';
    return `failed: ${names.slice(0, MAX_NAMED).join(', ')}${more}: ${reason}\n`;
  });
}

function describeSource({ account, unknown, omitted }: ResyncReport['sources'][number]): string[] {
  return [
    ...(unknown.length === 0
      ? []
      : [`${account}: the source has unknown calendars: ${unknown.join(', ')}\n`]),
    ...(omitted.length === 0
      ? []
      : [`${account}: the source does not contain ${omitted.join(', ')}; they are unchanged\n`]),
  ];
}
