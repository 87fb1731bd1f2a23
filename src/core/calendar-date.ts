/** Converts local dates between text (`YYYY-MM-DD`) and day numbers (days since 1970-01-01). It uses no time zone. */
import { DAY } from './duration.js';
import { InvalidScheduleError } from './invalid-schedule-error.js';

const daysBefore = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];

/** Returns the day number of a date of the Gregorian calendar, or NaN if the date does not exist. */
export function dayNumberOf(year: number, month: number, day: number): number {
  const before = daysBefore[month - 1];
  if (before === undefined || !(day >= 1) || !(year >= 1000)) return Number.NaN;
  const leap = (year & 3) === 0 && (year % 100 !== 0 || year % 400 === 0);
  if (day > 28 && day > daysIn(month, leap)) return Number.NaN;
  const y = year - 1;
  const leapDays = (y >> 2) - Math.trunc(y / 100) + Math.trunc(y / 400);
  return y * 365 + leapDays + before + (leap && month > 2 ? 1 : 0) + day - 1 - 719_162;
}

function daysIn(month: number, leap: boolean): number {
  if (month === 2) return leap ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** Parses the two ASCII digits at index `at`. Returns NaN if they are not digits. */
export function twoDigits(text: string, at: number): number {
  const tens = text.charCodeAt(at) - 48;
  const ones = text.charCodeAt(at + 1) - 48;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : Number.NaN;
}

/** Returns the day number of the `YYYY-MM-DD` at the start of a text, or NaN. */
export function readDayNumber(text: string): number {
  if (text.charCodeAt(4) !== 45 || text.charCodeAt(7) !== 45) return Number.NaN;
  const year = twoDigits(text, 0) * 100 + twoDigits(text, 2);
  return dayNumberOf(year, twoDigits(text, 5), twoDigits(text, 8));
}

const dateTexts = new Map<number, string>();
const MAX_TEXTS = 4096;

/**
 * Returns `YYYY-MM-DD` for a day number. A bounded cache holds the dateTexts, because every slot of a day contains its
 * date.
 */
export function dateText(dayNumber: number): string {
  const cached = dateTexts.get(dayNumber);
  if (cached !== undefined) return cached;
  const text = new Date(dayNumber * DAY).toISOString().slice(0, 10);
  if (dateTexts.size >= MAX_TEXTS) dateTexts.clear();
  dateTexts.set(dayNumber, text);
  return text;
}

/** Whether a value is an existing date in the form `YYYY-MM-DD`. */
export function isDate(value: unknown): value is string {
  return !Number.isNaN(dayOf(value));
}

/**
 * Returns the day number of a date.
 * @throws InvalidScheduleError at `path` if the value is not a date
 */
export function parseDate(value: unknown, path: string): number {
  const day = dayOf(value);
  if (Number.isNaN(day)) {
    throw new InvalidScheduleError(path, 'must be a date of the calendar, written YYYY-MM-DD');
  }
  return day;
}

function dayOf(value: unknown): number {
  return typeof value === 'string' && value.length === 10 ? readDayNumber(value) : Number.NaN;
}

/** Returns the calendar date `n` days later, independent of clock changes. `n` may be negative. */
export function addDays(date: string, n: number): string {
  return dateText(parseDate(date, 'date') + n);
}

/** Lists the dates from `from` to `to`, both included. */
export function datesBetween(from: string, to: string): string[] {
  const dates: string[] = [];
  for (let date = from; date <= to; date = addDays(date, 1)) dates.push(date);
  return dates;
}
