/** Civil time by zone name: local dates (`YYYY-MM-DD`), their first instants, and instants as text. */
import { addDays, dateText, isDate, parseDate } from './calendar-date.js';
import { MINUTE } from './duration.js';
import { FIRST_INSTANT, LAST_INSTANT, readInstant, whyUnreadable } from './instant.js';
import { InvalidScheduleError } from './invalid-schedule-error.js';
import type { Span } from './span.js';
import type { Instant } from './types.js';
import { findZone, type Stretch, type Zone } from './zone.js';

export { addDays, isDate };

/** Whether it is an IANA name, or a fixed offset such as `UTC+2`. */
export function isTimeZone(name: unknown): name is string {
  return findZone(name) !== undefined;
}

/** @throws InvalidScheduleError at `path` where there is no such zone */
export function requireZone(name: unknown, path = 'timeZone'): Zone {
  const zone = findZone(name);
  if (zone === undefined) {
    throw new InvalidScheduleError(path, 'must be an IANA time zone, or a fixed offset such as UTC+2');
  }
  return zone;
}

/**
 * Epoch ms of an instant; a wall-clock time is read in `timeZone`.
 * @throws InvalidScheduleError at `path` where it cannot be read, at `timeZone` where there is no such zone
 */
export function parseInstant(value: Instant, timeZone: string, path: string): number {
  return requireInstant(value, requireZone(timeZone), path);
}

/** @throws InvalidScheduleError at `path` where it cannot be read */
export function requireInstant(value: unknown, zone: Zone | undefined, path: string): number {
  const ms = readInstant(value, zone);
  if (Number.isNaN(ms)) throw new InvalidScheduleError(path, whyUnreadable(value));
  return ms;
}

/**
 * The local date at an instant (epoch ms), `YYYY-MM-DD`.
 * @throws InvalidScheduleError for an instant outside the years 1970 to 9999, or an unknown zone
 */
export function localDate(ms: number, timeZone: string): string {
  return stretchOf(ms, timeZone).date;
}

/**
 * Epoch ms of the first instant of a local date, which is not 00:00 where the clock skips it. Of a date that the zone
 * skipped as a whole, the first instant after it.
 * @throws InvalidScheduleError for what is no date, or an unknown zone
 */
export function startOfDate(date: string, timeZone: string): number {
  return requireZone(timeZone).startOfDay(parseDate(date, 'date'));
}

/**
 * The local dates that a half-open interval (epoch ms) touches, in order. One that ends at midnight does not touch
 * the date that begins there; a date that the zone skipped is never touched.
 * @throws InvalidScheduleError for an instant outside the years 1970 to 9999, or an unknown zone
 */
export function datesOf(interval: Span, timeZone: string): string[] {
  const zone = requireZone(timeZone);
  const end = requireMs(interval.end, 'end');
  const days = new Set<number>();
  for (let ms = requireMs(interval.start, 'start'); ms < end; ms = zone.stretchAt(ms).end) {
    days.add(zone.stretchAt(ms).day);
  }
  return [...days].sort((a, b) => a - b).map(dateText);
}

/**
 * ISO 8601 with seconds and the zone's offset at that instant, with a colon and never `Z`:
 * `2026-11-16T10:30:00+01:00`. Fractions of a second are cut off.
 * @throws InvalidScheduleError for an instant outside the years 1970 to 9999, or an unknown zone
 */
export function toIso(ms: number, timeZone: string): string {
  return isoIn(stretchOf(ms, timeZone), ms);
}

/** The text of an instant that lies in a stretch. */
export function isoIn(stretch: Stretch, ms: number): string {
  const second = Math.floor((ms - stretch.midnight) / 1000) % 60;
  const minute = isoOfMinute(stretch, Math.floor(ms / MINUTE) * MINUTE);
  return second === 0
    ? minute
    : `${minute.slice(0, 17)}${String(second).padStart(2, '0')}${minute.slice(19)}`;
}

/** The text of a whole minute that lies in a stretch. */
export function isoOfMinute(stretch: Stretch, ms: number): string {
  return stretch.date + stretch.times[(ms - stretch.midnight) / MINUTE];
}

function stretchOf(ms: number, timeZone: string): Stretch {
  return requireZone(timeZone).stretchAt(requireMs(ms, 'ms'));
}

function requireMs(ms: number, path: string): number {
  if (ms >= FIRST_INSTANT && ms <= LAST_INSTANT) return ms;
  throw new InvalidScheduleError(path, 'must be epoch milliseconds of the years 1970 to 9999');
}
