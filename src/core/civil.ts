/**
 * Converts between instants and civil time of a named zone: local dates (`YYYY-MM-DD`), their first instants, and ISO
 * text.
 */
import { addDays, dateText, isDate, parseDate } from './calendar-date.js';
import { MINUTE } from './duration.js';
import { FIRST_INSTANT, LAST_INSTANT, readInstant, whyUnreadable } from './instant.js';
import { InvalidScheduleError } from './invalid-schedule-error.js';
import type { Span } from './span.js';
import type { Instant } from './types.js';
import { findZone, type Stretch, type Zone } from './zone.js';

export { addDays, isDate };

/** Whether a name is an IANA zone or a fixed offset such as `UTC+2`. */
export function isTimeZone(name: unknown): name is string {
  return findZone(name) !== undefined;
}

/** @throws InvalidScheduleError at `path` if the zone does not exist */
export function requireZone(name: unknown, path = 'timeZone'): Zone {
  const zone = findZone(name);
  if (zone === undefined) {
    throw new InvalidScheduleError(path, 'must be an IANA time zone, or a fixed offset such as UTC+2');
  }
  return zone;
}

/**
 * Returns the epoch ms of an instant. A wall-clock time is interpreted in `timeZone`.
 * @throws InvalidScheduleError at `path` if the value cannot be parsed, at `timeZone` if the zone does not exist
 */
export function parseInstant(value: Instant, timeZone: string, path: string): number {
  return requireInstant(value, requireZone(timeZone), path);
}

/** Whether the value is a wall-clock time that the clock of the zone skips; as an instant it is moved forward. */
export function isSkippedTime(value: Instant, timeZone: string): boolean {
  const zone = requireZone(timeZone);
  const ms = readInstant(value, zone);
  const isWallClock = Number.isNaN(readInstant(value, undefined));
  return isWallClock && ms + zone.stretchAt(ms).offset !== readInstant(value, requireZone('UTC'));
}

/** @throws InvalidScheduleError at `path` if the value cannot be parsed */
export function requireInstant(value: unknown, zone: Zone | undefined, path: string): number {
  const ms = readInstant(value, zone);
  if (Number.isNaN(ms)) throw new InvalidScheduleError(path, whyUnreadable(value));
  return ms;
}

/**
 * Returns the local date at an instant (epoch ms) as `YYYY-MM-DD`.
 * @throws InvalidScheduleError for an instant outside the years 1970 to 9999, or an unknown zone
 */
export function localDate(ms: number, timeZone: string): string {
  return stretchOf(ms, timeZone).date;
}

/**
 * Returns the epoch ms of the first instant of a local date, which is later than 00:00 if the clock skips midnight. For a
 * date that the zone skipped entirely, it returns the first instant after that date.
 * @throws InvalidScheduleError for an invalid date or an unknown zone
 */
export function startOfDate(date: string, timeZone: string): number {
  return requireZone(timeZone).startOfDay(parseDate(date, 'date'));
}

/**
 * Returns the local dates that a half-open interval (epoch ms) touches, in order. An interval that ends at midnight does not
 * touch the date that begins then. A date that the zone skipped is never included.
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
 * `2026-11-16T10:30:00+01:00`. Fractions of a second are truncated.
 * @throws InvalidScheduleError for an instant outside the years 1970 to 9999, or an unknown zone
 */
export function toIso(ms: number, timeZone: string): string {
  return isoIn(stretchOf(ms, timeZone), ms);
}

/** Returns the ISO text of an instant within `stretch`. */
export function isoIn(stretch: Stretch, ms: number): string {
  const second = Math.floor((ms - stretch.midnight) / 1000) % 60;
  const minute = isoOfMinute(stretch, Math.floor(ms / MINUTE) * MINUTE);
  return second === 0
    ? minute
    : `${minute.slice(0, 17)}${String(second).padStart(2, '0')}${minute.slice(19)}`;
}

/** Returns the ISO text of a whole minute within `stretch`. */
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
