/** Expands a weekly template in wall-clock time, with exceptions for single dates, into windows. */
import { parseDate, twoDigits } from './calendar-date.js';
import { isoIn, requireZone } from './civil.js';
import { DAY, MINUTE } from './duration.js';
import { readTerms } from './insurance-terms.js';
import { InvalidScheduleError } from './invalid-schedule-error.js';
import { isRecord } from './is-record.js';
import { readServices } from './offers.js';
import { readRange } from './read-range.js';
import type { Insurance, ServiceInput, Window } from './types.js';
import type { Zone } from './zone.js';

/** A window of one day in wall-clock time. */
export interface WallWindow {
  /** `HH:MM`. */
  readonly start: string;
  /** `HH:MM`, after `start`. `24:00` is the end of the date. */
  readonly end: string;
  readonly services: readonly ServiceInput[];
  readonly insurance?: Insurance | undefined;
}

/** A window that repeats every week. */
export interface WeeklyWindow extends WallWindow {
  /** First valid date, `YYYY-MM-DD`. */
  readonly validFrom?: string | undefined;
  /** Last valid date, `YYYY-MM-DD`, inclusive. */
  readonly validTo?: string | undefined;
}

export const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
export type Weekday = (typeof weekdays)[number];

export interface WeeklyInput {
  /** An IANA name, or a fixed offset such as `UTC+2`. */
  readonly timeZone: string;
  /** First local date, `YYYY-MM-DD`. */
  readonly from: string;
  /** Last local date, `YYYY-MM-DD`, inclusive. The range has at most 366 dates. */
  readonly to: string;
  readonly weekly: { readonly [day in Weekday]?: readonly WeeklyWindow[] | undefined };
  /** Dates on which these windows replace the weekly windows. An empty list is a day off. */
  readonly exceptions?:
    | readonly { readonly date: string; readonly windows: readonly WallWindow[] }[]
    | undefined;
}

/** A parsed template: `start` and `end` are minutes of the day, `first` and `last` are day numbers. */
interface Template {
  readonly start: number;
  readonly end: number;
  readonly first: number;
  readonly last: number;
  readonly offer: Pick<Window, 'services' | 'insurance'>;
}

/**
 * Returns the windows of the local dates `from` to `to`, in order, for {@link computeSlotConfigs}.
 *
 * A wall-clock time that the clock skips moves forward by the length of the gap, and a window without remaining time is
 * omitted. A wall-clock time that occurs twice means its first occurrence. A date that the zone skipped has no windows.
 *
 * @throws InvalidScheduleError with the path of the invalid field, such as `weekly.mon[0].end`
 */
export function weeklyWindows(input: WeeklyInput): Window[] {
  if (!isRecord(input)) throw new InvalidScheduleError('input', 'must be an object');
  const { timeZone, from, to, weekly, exceptions = [] } = input;
  const zone = requireZone(timeZone);
  const first = parseDate(from, 'from');
  const last = parseDate(to, 'to');
  readRange({ from, to }, [], zone);
  const templates = readWeekly(weekly);
  const exceptionsByDay = readExceptions(exceptions);

  const windows: Window[] = [];
  for (let day = first; day <= last; day++) {
    if (zone.stretchAt(zone.startOfDay(day)).day !== day) continue;
    for (const template of exceptionsByDay.get(day) ?? templates[weekdayOf(day)] ?? []) {
      if (day < template.first || day > template.last) continue;
      const window = windowOn(day, template, zone);
      if (window !== undefined) windows.push(window);
    }
  }
  return windows;
}

/** Returns 0 for Monday to 6 for Sunday. Day 0, 1970-01-01, is a Thursday. */
const weekdayOf = (day: number) => (((day + 3) % 7) + 7) % 7;

function windowOn(day: number, { start, end, offer }: Template, zone: Zone): Window | undefined {
  const since = zone.instantAt(day * DAY + start * MINUTE);
  const till = zone.instantAt(day * DAY + end * MINUTE);
  if (till <= since) return undefined;
  return { start: isoIn(zone.stretchAt(since), since), end: isoIn(zone.stretchAt(till), till), ...offer };
}

function readWeekly(weekly: unknown): Template[][] {
  if (!isRecord(weekly)) throw new InvalidScheduleError('weekly', 'must be an object');
  for (const day of Object.keys(weekly)) {
    if (!weekdays.some((known) => known === day)) {
      throw new InvalidScheduleError('weekly', `must have no days but ${weekdays.join(', ')}`);
    }
  }
  return weekdays.map((day) => readTemplates(weekly[day] ?? [], `weekly.${day}`));
}

function readExceptions(exceptions: unknown): Map<number, Template[]> {
  if (!Array.isArray(exceptions)) throw new InvalidScheduleError('exceptions', 'must be a list');
  const exceptionsByDay = new Map<number, Template[]>();
  for (let i = 0; i < exceptions.length; i++) {
    const exception: unknown = exceptions[i];
    const path = `exceptions[${i}]`;
    if (!isRecord(exception)) throw new InvalidScheduleError(path, 'must be an object');
    const day = parseDate(exception.date, `${path}.date`);
    if (exceptionsByDay.has(day)) throw new InvalidScheduleError(`${path}.date`, 'has an exception already');
    exceptionsByDay.set(day, readTemplates(exception.windows, `${path}.windows`));
  }
  return exceptionsByDay;
}

function readTemplates(windows: unknown, path: string): Template[] {
  if (!Array.isArray(windows)) throw new InvalidScheduleError(path, 'must be a list');
  return windows
    .map((window: unknown, i) => readTemplate(window, `${path}[${i}]`))
    .sort((a, b) => a.start - b.start || a.end - b.end);
}

function readTemplate(window: unknown, path: string): Template {
  if (!isRecord(window)) throw new InvalidScheduleError(path, 'must be an object');
  const start = readTime(window.start, 23, `${path}.start`);
  const end = readTime(window.end, 24, `${path}.end`);
  if (end <= start) throw new InvalidScheduleError(`${path}.end`, 'must be after the start');
  const { validFrom, validTo } = window;
  const first = validFrom === undefined ? -Infinity : parseDate(validFrom, `${path}.validFrom`);
  const last = validTo === undefined ? Infinity : parseDate(validTo, `${path}.validTo`);
  if (last < first) throw new InvalidScheduleError(`${path}.validTo`, 'must not be before validFrom');
  const services = readServices(window.services, `${path}.services`).map((service) => ({
    id: service.address_service_id,
    duration: service.duration,
  }));
  const terms = readTerms(window.insurance, `${path}.insurance`);
  const insurance: Insurance | undefined = terms && {
    accepted: terms.insurance_accepted,
    ...(terms.insurance_providers && { providers: terms.insurance_providers }),
    ...(terms.insurance_plans && { plans: terms.insurance_plans }),
  };
  return { start, end, first, last, offer: { services, ...(insurance && { insurance }) } };
}

/** Parses an `HH:MM` into minutes of the day. */
function readTime(time: unknown, lastHour: number, path: string): number {
  if (typeof time === 'string' && time.length === 5 && time[2] === ':') {
    const [hour, minute] = [twoDigits(time, 0), twoDigits(time, 3)];
    if (hour <= lastHour && minute < 60 && hour * 60 + minute <= 24 * 60) return hour * 60 + minute;
  }
  throw new InvalidScheduleError(
    path,
    `must be a time of the day, written HH:MM, ${lastHour}:${lastHour === 24 ? '00' : '59'} at the latest`,
  );
}
