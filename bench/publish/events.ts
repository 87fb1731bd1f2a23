/** The events that the measurements send. */
import { DateTime } from 'luxon';
import type { OccupancyEvent } from 'slotkeeper';

const ZONE = 'Europe/Warsaw';
let count = 0;
function id(): string {
  count += 1;
  return `bench-${count}`;
}

/** The local date so many days from today. */
export const dayAhead = (days: number): string =>
  DateTime.now().setZone(ZONE).plus({ days }).toISODate() ?? '';

export const windows = (calendar: number, date: string): OccupancyEvent => ({
  id: id(),
  type: 'available',
  calendar: `c${calendar}`,
  from: date,
  to: date,
  windows: [{ start: `${date}T07:00`, end: `${date}T21:00`, services: [{ id: '1', duration: 5 }] }],
});

/** Five minutes of the day, a different five for each `index` up to 168. */
export const taken = (calendar: number, date: string, index: number): OccupancyEvent => {
  const start = DateTime.fromISO(`${date}T07:00`, { zone: ZONE }).plus({ minutes: (index % 168) * 5 });
  return {
    id: id(),
    type: 'occupied',
    calendar: `c${calendar}`,
    ref: `apt-${calendar}-${date}-${index}`,
    start: start.toISO() ?? '',
    end: start.plus({ minutes: 5 }).toISO() ?? '',
  };
};
