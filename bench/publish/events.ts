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
export const taken = (calendar: number, date: string, index: number): OccupancyEvent => ({
  id: id(),
  type: 'occupied',
  calendar: `c${calendar}`,
  ref: `apt-${calendar}-${date}-${index}`,
  start: instantOf(date, index % 168),
  end: instantOf(date, (index % 168) + 1),
});

const instants = new Map<string, string>();

/** Made once: what is measured is not luxon. */
function instantOf(date: string, index: number): string {
  const key = `${date} ${index}`;
  const made =
    instants.get(key) ??
    DateTime.fromISO(`${date}T07:00`, { zone: ZONE })
      .plus({ minutes: index * 5 })
      .toISO() ??
    '';
  instants.set(key, made);
  return made;
}
