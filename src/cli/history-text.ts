/** Entries of the history as text: one line each. */
import type { HistoryItem } from '../monitoring/history.js';

/** Columns: instant, kind, calendar or account, date, appointment or booking, facts, actor. */
export function describeEntry({
  at,
  kind,
  account,
  calendar,
  date,
  ref,
  booking,
  actor,
  detail,
}: HistoryItem): string {
  const subject = [ref, booking === null ? null : `booking ${booking}`].filter((part) => part !== null);
  const columns = [
    at.replace('T', ' ').replace(/\.\d+Z$/, 'Z'),
    kind.padEnd(10),
    (calendar ?? account ?? '-').padEnd(12),
    date ?? '-'.padEnd(10),
    [...subject, describeDetail(detail)].filter((part) => part !== '').join(' '),
    actor === null ? '' : `(${actor})`,
  ];
  return `${columns.join('  ').trimEnd()}\n`;
}

/** `name value` pairs; a true flag is its name. */
const describeDetail = (detail: HistoryItem['detail']): string =>
  Object.entries(detail)
    .flatMap(([name, value]) => {
      if (value === null || value === false) return [];
      return [
        value === true
          ? name
          : `${name} ${typeof value === 'object' ? JSON.stringify(value) : String(value)}`,
      ];
    })
    .join(', ');
