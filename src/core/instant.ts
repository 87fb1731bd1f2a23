/**
 * Reading instants. The usual ISO 8601 forms are read by hand, because that is most of the work of a computation;
 * luxon reads the others (week dates, ordinal dates, basic format, fractions).
 */
import { DateTime } from 'luxon';
import { readDayNumber, twoDigits } from './calendar-date.js';
import { MINUTE } from './duration.js';
import type { Zone } from './zone.js';

/** 1970-01-01T00:00Z. */
export const FIRST_INSTANT = 0;
/** 9999-12-31T00:00Z: no zone's clock shows a fifth digit of the year before it. */
export const LAST_INSTANT = 253_402_214_400_000;

/** A smaller number is taken for epoch seconds, which it would be until the year 5138. */
const MIN_NUMBER = 100_000_000_000;

const UNREADABLE =
  'must be an instant of the years 1970 to 9999: an ISO 8601 date and time, a Date, or epoch milliseconds';
const SECONDS = 'looks like seconds: send milliseconds or ISO 8601';

/** Epoch ms of an {@link Instant}, or NaN where it is none. Without a zone, a wall-clock time is none. */
export function readInstant(value: unknown, zone: Zone | undefined): number {
  let ms = Number.NaN;
  if (typeof value === 'string') ms = readIso(value, zone);
  else if (typeof value === 'number') ms = value >= MIN_NUMBER ? value : Number.NaN;
  else if (value instanceof Date) ms = value.getTime();
  return ms >= FIRST_INSTANT && ms <= LAST_INSTANT ? ms : Number.NaN;
}

/** Why a value is no instant, as the rest of a sentence that begins with its path. */
export const whyUnreadable = (value: unknown): string =>
  typeof value === 'number' && value >= 0 && value < MIN_NUMBER ? SECONDS : UNREADABLE;

const SPACE = 32;
const DASH = 45;
const PLUS = 43;
const DOT = 46;
const COLON = 58;
const T = 84;
const Z = 90;

/** `2026-11-16T10:30`, or a space for the T, then `:00`, `.000`, and `Z`, `+01:00`, `+0100` or `+01`, each of them optional. */
function readIso(text: string, zone: Zone | undefined): number {
  const between = text.charCodeAt(10);
  if ((between !== T && between !== SPACE) || text.charCodeAt(13) !== COLON) return readOtherIso(text, zone);
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

/** A time without a date is not let through: luxon would take today's, and the core has no clock. */
const dated = /^\d{4}-?(?:\d\d(?:-?\d\d)?|W\d\d(?:-?\d)?|\d{3})?(?:T.+)?$/;

/** SQL writes a space for the T, and some write one before the offset. */
const spaced = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d(?::\d\d(?:\.\d+)?)?) ?(?=Z|[+-]|$)/;

function readOtherIso(given: string, zone: Zone | undefined): number {
  if (given.length > 64) return Number.NaN;
  const text = given.replace(spaced, '$1T$2');
  if (!dated.test(text)) return Number.NaN;
  const wall = DateTime.fromISO(text, { zone: 'UTC' }).toMillis();
  if (wall === DateTime.fromISO(text, { zone: 'UTC+1' }).toMillis()) return wall;
  // The two readings differ, so the text has no offset. luxon's own choice in a repeated hour hangs on the time at
  // which it is asked; the zone's does not.
  return zone === undefined || Number.isNaN(wall) ? Number.NaN : zone.instantAt(wall);
}
