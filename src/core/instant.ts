/**
 * Parses instants. A hand-written parser reads the common ISO 8601 formats, because parsing is most of the cost of a
 * computation. luxon parses the other formats (week dates, ordinal dates, basic format, other fractions).
 */
import { DateTime } from 'luxon';
import { readDayNumber, twoDigits } from './calendar-date.js';
import { MINUTE } from './duration.js';
import type { Zone } from './zone.js';

/** 1970-01-01T00:00Z. */
export const FIRST_INSTANT = 0;
/** 9999-12-31T00:00Z. Until this instant, the local year has four digits in every zone. */
export const LAST_INSTANT = 253_402_214_400_000;

/**
 * The smallest number accepted as epoch milliseconds. A smaller number is rejected as epoch seconds, which stay below it
 * until the year 5138.
 */
const MIN_NUMBER = 100_000_000_000;

const UNREADABLE =
  'must be an instant of the years 1970 to 9999: an ISO 8601 date and time, a Date, or epoch milliseconds';
const SECONDS = 'looks like seconds: send milliseconds or ISO 8601';

/**
 * Returns the epoch ms of an {@link Instant}, or NaN if the value is not an instant. Without a zone, a wall-clock time
 * returns NaN.
 */
export function readInstant(value: unknown, zone: Zone | undefined): number {
  let ms = Number.NaN;
  if (typeof value === 'string') ms = readIso(value, zone);
  else if (typeof value === 'number') ms = value >= MIN_NUMBER ? value : Number.NaN;
  else if (value instanceof Date) ms = value.getTime();
  return ms >= FIRST_INSTANT && ms <= LAST_INSTANT ? ms : Number.NaN;
}

/** Returns the reason why a value is not an instant. The reason continues a sentence that begins with the path. */
export const whyUnreadable = (value: unknown): string =>
  typeof value === 'number' && value >= 0 && value < MIN_NUMBER ? SECONDS : UNREADABLE;

const SPACE = 32;
const DASH = 45;
const PLUS = 43;
const DOT = 46;
const COLON = 58;
const T = 84;
const Z = 90;

/**
 * Parses `2026-11-16T10:30` (or a space instead of the T), followed by optional `:00`, optional `.000`, and an optional
 * `Z`, `+01:00`, `+0100` or `+01`.
 */
function readIso(text: string, zone: Zone | undefined): number {
  const separator = text.charCodeAt(10);
  if ((separator !== T && separator !== SPACE) || text.charCodeAt(13) !== COLON)
    return readOtherIso(text, zone);
  const day = readDayNumber(text);
  const hour = twoDigits(text, 11);
  const minute = twoDigits(text, 14);
  let at = 16;
  let ms = 0;
  if (text.charCodeAt(at) === COLON) {
    ms = twoDigits(text, at + 1) * 1000;
    at += 3;
    if (text.charCodeAt(at) === DOT) {
      ms += twoDigits(text, at + 1) * 10 + (twoDigits(text, at + 2) % 10);
      at += 4;
    }
  }
  const wall = (day * 1440 + hour * 60 + minute) * MINUTE + ms;
  if (Number.isNaN(wall) || !(hour < 24 && minute < 60 && ms < MINUTE)) return readOtherIso(text, zone);
  if (at === text.length) return zone === undefined ? Number.NaN : zone.instantAt(wall);
  const sign = text.charCodeAt(at);
  if (sign === Z && text.length === at + 1) return wall;
  if (sign !== PLUS && sign !== DASH) return readOtherIso(text, zone);
  const hours = twoDigits(text, at + 1);
  const colon = text.charCodeAt(at + 3) === COLON ? 1 : 0;
  const isWhole = text.length === at + 3;
  if (!isWhole && text.length !== at + 5 + colon) return readOtherIso(text, zone);
  const minutes = isWhole ? 0 : twoDigits(text, at + 3 + colon);
  if (!(hours < 24 && minutes < 60)) return Number.NaN;
  const offset = (hours * 60 + minutes) * MINUTE;
  return sign === PLUS ? wall - offset : wall + offset;
}

/** Rejects a time without a date: luxon would use today's date, and the core reads no clock. */
const isoWithDate = /^\d{4}-?(?:\d\d(?:-?\d\d)?|W\d\d(?:-?\d)?|\d{3})?(?:T.+)?$/;

/** Matches SQL formats, which have a space instead of the T and sometimes a space before the offset. */
const sqlDateTime = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d(?::\d\d(?:\.\d+)?)?) ?(?=Z|[+-]|$)/;

function readOtherIso(original: string, zone: Zone | undefined): number {
  if (original.length > 64) return Number.NaN;
  const text = original.replace(sqlDateTime, '$1T$2');
  if (!isoWithDate.test(text)) return Number.NaN;
  const wall = DateTime.fromISO(text, { zone: 'UTC' }).toMillis();
  if (wall === DateTime.fromISO(text, { zone: 'UTC+1' }).toMillis()) return wall;
  // The two results differ, so the text has no offset. The zone resolves it, because luxon's result in a repeated hour
  // depends on the current time.
  return zone === undefined || Number.isNaN(wall) ? Number.NaN : zone.instantAt(wall);
}
